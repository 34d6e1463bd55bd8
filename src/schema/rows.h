/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of schema/ only: a table with its included tables flattened, and the
 * small things that decode, fill, render and document share.
 */
#pragma once

#include "schema/schema.h"

/* A row and where its member is in the outermost struct. */
struct row {
	const struct attr *attr;
	size_t offset;
};

struct row_list {
	struct row *items;
	size_t len;
};

/* In table order; lives in the arena. */
struct row_list rows_of(const struct schema *s, struct arena *arena);
const struct row *rows_find(const struct row_list *rows, const char *name); /* any case */

/* The type lives as long as the arena; takes ownership of the reference. */
struct type *arena_keep_type(struct arena *arena, struct type *t);

/* The language's type of an attribute (language.md 8); owned. NULL for blocks. */
struct type *attr_type(const struct attr *a);
bool attr_is_block(const struct attr *a);

/* Paths in decoded.ranges: "name" or "outer[2].name"; arena. */
const char *path_of(struct arena *arena, const char *prefix, const char *name);
const char *path_of_item(struct arena *arena, const char *path, size_t index);
struct range *decoded_note_range(struct decoded *d, struct arena *arena, const char *path,
				 struct range r);

/* Of a filled struct: nothing is there, or false or zero. */
bool attr_is_zero(const struct attr *a, const char *member);

/* Null (or NULL), or a block list without elements. */
bool attr_is_absent(const struct attr *a, const struct value *v);
