/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the parser only: parse.c reads actions and lists of them, parse_pipe.c what is in one. */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "tmpl/lexer.h"
#include "tmpl/node.h"

/* A variable that a declaration hides. */
struct hidden_name {
	const char *name;
	void *before; /* what the map had */
};

/* What belongs to one template: variables and the places in it. */
struct parse_scope {
	struct map slots; /* name with its `$` -> slot + 2, as a pointer; 1: no declaration ran */
	VEC_DECLARE(, struct hidden_name) hidden;
	int slot_count, slot_max;
	int action_line; /* of the action being read; 0: none */
	int range_depth;
};

struct parser {
	struct word_reader reader;
	struct word ahead[2]; /* read but not used */
	int ahead_count;
	int last_line; /* of the word that was read last */
	const struct tmpl_names *names;
	struct arena *arena;
	struct parse_scope *scope;
	struct tmpl_tree *tree;
	int depth;
	struct error **err; /* the first mistake ends it */
};

enum { PARSE_DEPTH_MAX = 300 };

struct word *parse_peek(struct parser *p, int n); /* n: 0 or 1 */
struct word parse_take(struct parser *p);
/* Both return -1. */
PRINTF(2, 3) int parse_fail(struct parser *p, const char *fmt, ...);
int parse_unexpected(struct parser *p, const struct word *w, const char *context);
bool parse_deeper(struct parser *p); /* false after complaining */

struct scope_mark {
	size_t hidden;
	int slot_count;
};
struct scope_mark parse_scope_mark(const struct parser *p);
void parse_scope_reset(struct parser *p, struct scope_mark mark);

/* A pipeline and the word that ends it; NULL after complaining. */
struct pipe *parse_pipe(struct parser *p, const char *context, enum word_kind end);
/* The text of a string constant; false after complaining. */
bool parse_string(struct parser *p, const struct word *w, struct str *ret);
