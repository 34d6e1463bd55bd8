/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a parsed template, and its text form. Everything lives in the
 * arena that tmpl_parse() was given; pieces of text borrow the template. What
 * walks a tree (the engine itself, a converter to another syntax) sees what
 * was written: constants keep their spelling.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "tmpl/data.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind {
	NODE_TEXT,     /* text */
	NODE_ACTION,   /* pipe: print its value, unless it declares */
	NODE_IF,       /* pipe, body, otherwise */
	NODE_WITH,     /* the same */
	NODE_RANGE,    /* the same */
	NODE_TEMPLATE, /* call of `name` with the data `pipe` (NULL: none); `block` is one, too */
	NODE_BREAK,
	NODE_CONTINUE,
};

enum term_kind {
	TERM_DOT,
	TERM_NIL,
	TERM_BOOL,       /* value */
	TERM_NUMBER,     /* text, value: number or 'c' */
	TERM_STRING,     /* text with its quotes, value */
	TERM_FIELD,      /* .A.B: fields */
	TERM_VARIABLE,   /* $x.A: text "$x", fields */
	TERM_CHAIN,      /* (…).A: base, fields */
	TERM_IDENTIFIER, /* text: a function's name */
	TERM_PIPE,       /* ( pipe ) */
};

enum { SLOT_NONE = -1 }; /* a variable that no declaration reached */

struct term {
	enum term_kind kind;
	size_t pos; /* byte in the template */
	struct str text;
	struct tmpl_value value;
	bool is_int; /* numbers: also usable as an integer … */
	int64_t integer;
	bool is_real; /* … and printed as a float */
	const struct term *base;
	const struct str *fields; /* without the dots */
	size_t field_count;
	const struct pipe *pipe;
	int slot; /* variables: place in the frame of their template; `$` has 0 */
};

struct command {
	size_t pos;
	const struct term *const *args; /* at least one; a function is the first */
	size_t len;
};

struct pipe {
	size_t pos;
	const struct term *decls[2]; /* variables; NULL: none */
	size_t decl_count;
	bool is_assign; /* `=` rather than `:=` */
	const struct command *commands;
	size_t len;
};

struct node {
	enum node_kind kind;
	size_t pos;
	const struct node *next;
	struct str text;
	struct str name;
	const struct pipe *pipe;
	const struct node *body, *otherwise;
	bool has_else;
};

struct template_def {
	struct str name;
	const struct node *body;
	int slot_count; /* size of its frame of variables */
};

struct tmpl_tree {
	const char *text;
	size_t len;
	struct template_def main;
	struct map *defs; /* name -> struct template_def * */
};

/* Which identifiers are functions. */
struct tmpl_names {
	bool (*is_function)(const void *data, struct str name);
	const void *data;
};

/* NULL with `template: root:LINE: …` in *err. */
struct tmpl_tree *tmpl_parse(const char *text, const struct tmpl_names *names, struct arena *arena,
			     struct error **err);

/* The text form: one space between words, ` | ` between commands. */
void term_print(struct strbuf *sb, const struct term *t);
void command_print(struct strbuf *sb, const struct command *c);
void pipe_print(struct strbuf *sb, const struct pipe *p);
void node_print(struct strbuf *sb, const struct node *n); /* this one, not what follows it */
/* `if`, `range`, …: for messages; "" for texts and actions. */
const char *node_keyword(enum node_kind kind);
