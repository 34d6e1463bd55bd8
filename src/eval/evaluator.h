/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside eval/ only: what the parts of the evaluator share. An evaluator is
 * made on the stack and copied to change one thing for a part of the tree (a
 * child scope, another list of diagnostics). Everything returns owned values
 * that are never NULL; what could not be computed was reported and is unknown.
 *
 * The parser bounds nesting; chains that it builds in a loop (`a + b + …`,
 * `a.b.c…`) are not nested for it, so they are walked with a list here too.
 */
#pragma once

#include "base/vec.h"
#include "eval/eval.h"
#include "lang/json.h"

struct evaluator {
	const struct scope *scope; /* NULL: no names, no functions */
	struct value *item;        /* element of the innermost splat; NULL: none */
	struct diags *diags;
	bool is_probe; /* reports are thrown away, so they need not be complete */
};

struct value *evaluate(const struct evaluator *ev, const struct expr *e);

/* One per kind of expression. */
struct value *evaluate_chain(const struct evaluator *ev, const struct expr *e);
struct value *evaluate_binary(const struct evaluator *ev, const struct expr *e);
struct value *evaluate_unary(const struct evaluator *ev, const struct expr *e);
struct value *evaluate_template(const struct evaluator *ev, const struct template *t, bool unwrap);
struct value *evaluate_conditional(const struct evaluator *ev, const struct expr *e);
struct value *evaluate_for(const struct evaluator *ev, const struct expr *e);
struct value *evaluate_json(const struct evaluator *ev, const struct json_node *n);
struct value *evaluate_call(const struct evaluator *ev, const struct expr *e);

/* The head of a loop: the collection is evaluated and looked at. */
struct loop {
	const struct expr *collection;
	struct str key_name, value_name;
	struct range range; /* of the whole, as context */
};
/* The collection; NULL when there is nothing to iterate over (reported, or
 * unknown). *ret_sensitive is set in either case. */
struct value *loop_collection(const struct evaluator *ev, const struct loop *l,
			      bool *ret_sensitive);
/* Binds the names of the i-th element. */
void loop_bind(const struct loop *l, struct scope *s, const struct value *collection, size_t i);
/* Key and value of an element as `for`, splats and dynamic blocks see them;
 * owned. What is in a sensitive collection is sensitive. */
struct value *iteration_key(const struct value *collection, size_t i);
struct value *iteration_value(const struct value *collection, size_t i);
bool type_can_iterate(const struct type *t);

/* Condition of a conditional or an `if` directive. */
enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN, TRUTH_FAILED };
enum truth evaluate_condition(const struct evaluator *ev, const struct expr *condition,
			      const struct range *context, bool *ret_sensitive);

/* Marks an owned value when asked; consumes and returns it. */
struct value *value_marked_take(struct value *v, bool sensitive);

/* A mistake to report: what, where, and the expression whose variables are listed with it. */
struct complaint {
	const char *summary;
	const struct range *subject;
	const struct range *context; /* NULL: none */
	const struct expr *about;    /* NULL: none */
};
PRINTF(3, 4)
void complain(const struct evaluator *ev, const struct complaint *c, const char *fmt, ...);
/* Where the messages about an argument point: its first token or so. */
struct range expr_start(const struct expr *e);
char *go_quoted(const char *text, size_t len); /* heap; language.md 9.4 */
bool expr_is_literal(const struct expr *e);    /* number, bool, null, string without sequences */

bool scope_has_variables(const struct scope *s);
char *scope_suggest(const struct scope *s, const char *name); /* heap or NULL */
