/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of both schema encodings build with: nodes, names and types
 * in an arena, all of them counted. Whatever is refused sets ERROR_INVALID.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "schema/spec.h"

enum {
	SCHEMA_DEPTH_MAX = 64, /* of nodes, and of types */
	SCHEMA_NODES_MAX = 64 * 1024,
	SCHEMA_NAME_MAX = 256,
};

struct schema_tree {
	struct arena *arena;
	size_t depth; /* nodes above the one that is read */
	size_t nodes;
};

/* A node of its own depth: call schema_leave() once its contents are read. */
MUST_CHECK int schema_enter(struct schema_tree *t, enum spec_kind kind, struct spec **ret,
			    struct error **err);
void schema_leave(struct schema_tree *t);
/* Text that can be shown: not empty, not endless, no control characters. */
bool schema_is_name(const char *p, size_t len);
/* A copy, when it is a name. NULL on failure. */
MUST_CHECK const char *schema_name(const struct schema_tree *t, const char *p, size_t len,
				   struct error **err);
/* The type lives as long as the arena. */
void schema_own_type(const struct schema_tree *t, struct type *type);
/* Moves what the map has (names to nodes) into the node, sorted. */
void schema_set_fields(const struct schema_tree *t, struct spec *node, struct map *fields);
/* Says where a failure is: below `name`. Returns -1. */
int schema_inside(struct error **err, const char *name);
