/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body: what stands between braces, or a whole file. Readers ask for its
 * content by a schema and never look at the syntax, so native HCL, JSON
 * (where only the schema tells an argument from a block), bodies merged from
 * two places and bodies with `dynamic` blocks expanded look the same.
 */
#pragma once

#include "base/arena.h"
#include "lang/ast.h"
#include "lang/diag.h"

#include <stdbool.h>
#include <stddef.h>

struct body; /* native: items; others by their own makers */

struct body_schema;

struct attr_schema {
	const char *name;
	bool required;
	const char *type, *doc; /* for the manual */
};

struct block_schema {
	const char *type;
	const char *const *labels; /* names used in messages, NULL-terminated; NULL: none */
	const char *doc;
	const struct body_schema *body; /* what is inside; NULL: not said here */
};

struct body_schema {
	const struct attr_schema *attrs;   /* name NULL ends; NULL: none */
	const struct block_schema *blocks; /* type NULL ends; NULL: none */
};

struct content {
	struct attribute **attrs; /* in source order */
	size_t attr_count;
	struct block **blocks; /* in source order */
	size_t block_count;
	struct range missing_range; /* where a missing argument is reported */
};

/* Vtable for the kinds of bodies; lang/native.c is the first. */
struct body_ops {
	void (*content)(const struct body *b, const struct body_schema *schema, bool partial,
			struct arena *arena, struct content *ret, struct diags *diags);
	/* All arguments, no blocks expected (language.md 8). */
	void (*attributes)(const struct body *b, struct arena *arena, struct content *ret,
			   struct diags *diags);
	/* References of all arguments, those in nested blocks too. */
	void (*references)(const struct body *b, expr_reference_fn fn, void *data);
};

extern const struct body_ops native_body_ops;

struct body {
	const struct body_ops *ops;
	struct range range;   /* the whole body */
	struct range missing; /* subject for "missing required argument" */
	/* native only */
	struct body_item *items;
	size_t len;
};

/* Reports unknown, duplicate and missing things (language.md 8). Always fills *ret. */
void body_content(const struct body *b, const struct body_schema *schema, struct arena *arena,
		  struct content *ret, struct diags *diags);
/* Ignores what the schema does not name. */
void body_partial_content(const struct body *b, const struct body_schema *schema,
			  struct arena *arena, struct content *ret, struct diags *diags);
void body_attributes(const struct body *b, struct arena *arena, struct content *ret,
		     struct diags *diags);
void body_walk_references(const struct body *b, expr_reference_fn fn, void *data);
struct attribute *content_attr(const struct content *c, const char *name); /* NULL if absent */

/* Union of two bodies (a `source` block inside `build`): an argument in both is
 * an error, "Argument %q was already set at RANGE" (language.md 18.2). */
struct body *body_merge(struct arena *arena, const struct body *first, const struct body *second);
