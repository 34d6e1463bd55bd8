/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax tree of HCL native syntax. Everything lives in the arena of the
 * load; nothing is freed by itself. Immutable after parsing, so build threads
 * may evaluate the same tree. Names and literals are NUL-terminated besides.
 * Trees are at most EXPR_HEIGHT_MAX high, so walking them may recurse.
 */
#pragma once

#include "base/str.h"
#include "lang/source.h"

#include <stdbool.h>
#include <stddef.h>

enum { EXPR_HEIGHT_MAX = 1024 };

enum expr_kind {
	EXPR_NUMBER, /* literal text in `text` */
	EXPR_BOOL,   /* boolean */
	EXPR_NULL,
	EXPR_TEMPLATE,    /* template: parts */
	EXPR_VARIABLE,    /* name: the root of a traversal */
	EXPR_ATTR,        /* object.name */
	EXPR_INDEX,       /* object[key]; legacy `.0` too */
	EXPR_SPLAT,       /* source, each: applied to EXPR_SPLAT_ITEM; full: [*] or .* */
	EXPR_SPLAT_ITEM,  /* the element inside a splat's `each` */
	EXPR_CALL,        /* name (with :: for namespaces), args, expand_last */
	EXPR_TUPLE,       /* items */
	EXPR_OBJECT,      /* object_items */
	EXPR_FOR,         /* for_ */
	EXPR_CONDITIONAL, /* condition, yes, no */
	EXPR_UNARY,       /* op, operand */
	EXPR_BINARY,      /* op, left, right */
	EXPR_PARENS,      /* operand */
	EXPR_INVALID,     /* a syntax error was reported here */
	EXPR_JSON,        /* a JSON value; see lang/json.h */
	EXPR_BOUND,       /* bound: an expression below a `dynamic` block; made by eval/ only */
};

struct expr;
struct value;

/* Called with the EXPR_VARIABLE/ATTR/INDEX chain of a reference; borrowed for the call. */
typedef void (*expr_reference_fn)(void *data, const struct expr *traversal);

enum expr_op {
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_MOD,
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_AND,
	OP_OR,
	OP_NOT,
	OP_NEGATE,
	OP_COUNT,
};

struct object_item {
	struct expr *key; /* a bare identifier is an EXPR_TEMPLATE literal with key_is_bare */
	struct expr *value;
	bool key_is_bare;
	bool key_is_ambiguous; /* `a.b = 1`: reported at evaluation (language.md 3) */
};

struct for_expr {
	struct str key_name; /* len 0: none */
	struct str value_name;
	struct expr *collection;
	struct expr *key; /* NULL when building a tuple */
	struct expr *value;
	struct expr *condition; /* NULL: none */
	bool is_object;
	bool group;
	struct range open; /* for messages */
};

enum template_part_kind { PART_LITERAL, PART_INTERPOLATION, PART_IF, PART_FOR };

struct template_part {
	enum template_part_kind kind;
	struct range range;
	struct str literal;              /* escapes resolved, strip markers and flush applied */
	struct expr *expr;               /* interpolation; condition of if; collection of for */
	struct str key_name, value_name; /* for */
	struct template *body;           /* of if and for */
	struct template *otherwise;      /* of else; NULL: none */
};

struct template
{
	struct template_part *parts;
	size_t len;
	bool is_quoted; /* "…" (so a lone literal is a plain string), else heredoc */
	struct range range;
};

struct expr {
	enum expr_kind kind;
	int height; /* of the tree below; a leaf is 0 */
	struct range range;
	union {
		struct str text; /* number literal */
		bool boolean;
		struct template *template;
		struct {
			struct str name;
			struct range name_range;
		} variable;
		struct {
			struct expr *object;
			struct str name;
			struct range name_range; /* with the dot: the subject of messages */
		} attr;
		struct {
			struct expr *object, *key;
			struct range bracket; /* from `[` to `]`, or `.0` */
			bool is_legacy;
		} index;
		struct {
			struct expr *source, *each;
			struct range marker;
			bool is_full;
		} splat;
		struct {
			struct str name;
			struct range name_range, open, close;
			struct expr **args;
			size_t len;
			bool expand_last;
		} call;
		struct {
			struct expr **items;
			size_t len;
		} tuple;
		struct {
			struct object_item *items;
			size_t len;
			struct range open;
		} object;
		struct for_expr *for_;
		struct {
			struct expr *condition, *yes, *no;
		} conditional;
		struct {
			enum expr_op op;
			struct expr *left, *right; /* unary: operand in left */
			struct range symbol;
		} op;
		struct expr *operand; /* parens */
		const struct json_node *json;
		/* What `inner` sees in addition to its scope. Readers of static
		 * constructs look at `inner`; references to `names` are none. */
		struct {
			struct expr *inner;
			const char *const *names;    /* NULL-terminated */
			struct value *const *values; /* as many */
			bool is_unknown;             /* below an unknown for_each: all is unknown */
		} bound;
	};
};

struct attribute {
	struct str name;
	struct range name_range, equals_range, range;
	struct expr *expr;
};

struct block {
	struct str type;
	struct range type_range;
	struct str *labels; /* processed strings */
	struct range *label_ranges;
	size_t label_count;
	struct range open_brace, close_brace;
	struct range header; /* type .. last label: the subject of most messages */
	struct range range;  /* type .. closing brace */
	struct body *body;
};

/* Items of a body in source order. */
struct body_item {
	bool is_block;
	struct attribute *attribute;
	struct block *block;
};
