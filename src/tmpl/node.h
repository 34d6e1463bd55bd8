/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of one template; lives in an arena. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "value/value.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind {
	NODE_TEXT,   /* text */
	NODE_ACTION, /* pipe: print its value */
	NODE_IF,     /* pipe, body, otherwise */
	NODE_WITH,
	NODE_RANGE,
};

enum term_kind {
	TERM_DOT,     /* . */
	TERM_FIELD,   /* .A.B or $x.A or (…).A: base, fields */
	TERM_VAR,     /* $x; name "" is the root data */
	TERM_LITERAL, /* value */
	TERM_NIL,
	TERM_CALL, /* a function's name, as the first word of a command */
	TERM_PIPE, /* ( pipe ) */
};

struct term {
	enum term_kind kind;
	struct str text; /* as written, for messages */
	struct str name; /* variable, function */
	struct value *value;
	struct term *base; /* of fields; NULL: dot */
	struct str *fields;
	size_t field_count;
	struct pipe *pipe;
};

struct command_node {
	struct term **terms; /* the first may be a call, the rest its arguments */
	size_t len;
	struct str text;
};

struct pipe {
	struct str key, variable; /* `$k, $v := …`; len 0: none */
	bool is_assign;           /* `=` rather than `:=` */
	struct command_node *commands;
	size_t len;
	struct str text;
};

struct node {
	enum node_kind kind;
	struct node *next;
	struct str text;
	struct pipe *pipe;
	struct node *body, *otherwise;
};

struct node *tmpl_parse(const char *text, struct arena *arena, struct error **err);
/* `template: root:LINE:COL: executing "root" at <NODE>: …` with COL from 0. */
PRINTF(4, 5)
int tmpl_exec_error(struct error **err, const char *whole, struct str at, const char *fmt, ...);

/* func.c */
struct tmpl_ctx;
struct tmpl_func {
	const char *name;
	int min_args, max_args; /* max -1: any number */
	/* NULL with the bare text in *err. *ret_bad: argument that has the wrong type, else -1. */
	struct value *(*call)(const struct tmpl_ctx *ctx, struct value *const *args, size_t n,
			      struct error **err);
	const char *types; /* per argument: s string, i integer, any other letter: all */
};
const struct tmpl_func *tmpl_func_find(struct str name);
bool tmpl_is_true(const struct value *v);                  /* v NULL: nil */
void tmpl_print(struct strbuf *sb, const struct value *v); /* NULL: <no value> */
