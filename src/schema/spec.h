/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas made at run time: a tree that says how a body becomes one value.
 * What plugins send (plugin-protocol.md 7) has this shape, and so have
 * decoding specifications in files. The tables of our own components are in
 * schema/schema.h; they end in C structs, these in values.
 *
 *   object { name = attr "name" string, disks = list of block "disk" { … } }
 *
 * A tree borrows everything it points to, types and values too, and is not
 * changed by use.
 */
#pragma once

#include "base/arena.h"
#include "eval/scope.h"
#include "lang/body.h"
#include "lang/diag.h"
#include "value/value.h"

#include <stdbool.h>
#include <stddef.h>

enum spec_kind {
	SPEC_OBJECT,       /* fields */
	SPEC_TUPLE,        /* fields without names */
	SPEC_ATTR,         /* the argument `name` as `type`; null when absent */
	SPEC_LITERAL,      /* value */
	SPEC_DEFAULT,      /* nested, or fallback where that is null */
	SPEC_BLOCK,        /* the one block `name`; null when absent */
	SPEC_BLOCK_LIST,   /* blocks `name` of one type */
	SPEC_BLOCK_TUPLE,  /* of any types */
	SPEC_BLOCK_SET,    /* without order */
	SPEC_BLOCK_MAP,    /* by their first labels, `labels`; one type */
	SPEC_BLOCK_OBJECT, /* by their first labels; any types */
	SPEC_BLOCK_ATTRS,  /* all arguments of the one block `name` as a map of `type` */
	SPEC_LABEL,        /* label `index` of the block around, `name` in messages */
};

struct spec_field {
	const char *name;
	const struct spec *spec;
};

struct spec {
	enum spec_kind kind;
	const char *name;
	bool required;               /* attr, block, block attrs */
	struct type *type;           /* attr, block attrs */
	struct value *value;         /* literal */
	const struct spec *nested;   /* what is in a block; default: what comes first */
	const struct spec *fallback; /* default */
	const struct spec_field *fields;
	size_t len;                  /* of fields */
	const char *const *labels;   /* map, object: NULL-terminated names, at least one */
	size_t index;                /* label: counted after the labels that are keys */
	size_t items_min, items_max; /* list, tuple, set; 0: no limit */
};

/* The type of what decoding gives; owned. "Any" where the body decides. */
struct type *spec_type(const struct spec *s);
/* What a body must look like. */
const struct body_schema *spec_body_schema(const struct spec *s, struct arena *arena);
/* Reports what does not fit; what depends on it is unknown. Owned, never NULL. */
MUST_CHECK struct value *spec_decode(const struct spec *s, const struct body *b,
				     const struct scope *scope, struct arena *arena,
				     struct diags *diags);
/* The references in what decoding would evaluate. */
void spec_walk_references(const struct spec *s, const struct body *b, struct arena *arena,
			  expr_reference_fn fn, void *data);
