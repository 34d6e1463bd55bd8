/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads any buffer of Go's gob encoding (plugin-protocol.md 7.4) without knowing
 * the types: they are described in the buffer itself. What a type has encoded
 * on its own stays bytes here; that of cty is a gob buffer again.
 *
 * Limits: GOB_DEPTH_MAX levels, GOB_NODES_MAX values, GOB_TYPES_MAX types; counts and lengths are
 * held against what is left of the buffer.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { GOB_DEPTH_MAX = 256, GOB_NODES_MAX = 1 << 20, GOB_TYPES_MAX = 256 };

enum gob_kind {
	GOB_NIL, /* an interface with nothing in it */
	GOB_BOOL,
	GOB_INT,
	GOB_UINT,
	GOB_FLOAT,
	GOB_BYTES,
	GOB_TEXT,
	GOB_OPAQUE, /* as GOB_BYTES: the type's own encoding */
	GOB_LIST,   /* slices and arrays */
	GOB_MAP,
	GOB_STRUCT, /* fields that are not zero */
};

/* Lives in an arena; texts, names and bytes point into the buffer. */
struct gob {
	enum gob_kind kind;
	struct str type; /* name of the concrete type, of what is in an interface; else empty */
	union {
		bool boolean;
		int64_t integer;
		uint64_t uinteger;
		double number;
		struct str bytes; /* texts, too */
		struct {
			const struct gob *items; /* maps: key, value, key, value, … */
			const struct str *names; /* of the items of a struct */
			size_t len;              /* list, struct: items; map: pairs */
		} many;
	};
};

/* The first value of the buffer. NULL: it is no gob, or breaks a limit. */
MUST_CHECK const struct gob *gob_read(struct str bytes, struct arena *arena, struct error **err);

/* A field of a struct; NULL: absent, which means zero. ERROR_INVALID is for callers to set. */
const struct gob *gob_field(const struct gob *g, const char *name);
/* The zero value where the field is absent; false: it is of another kind. */
bool gob_field_text(const struct gob *g, const char *name, struct str *ret);
bool gob_field_bool(const struct gob *g, const char *name, bool *ret);
bool gob_field_int(const struct gob *g, const char *name, int64_t *ret);
bool gob_field_opaque(const struct gob *g, const char *name, struct str *ret);
/* The name of its type, without the package's path and a pointer's star: "hcldec.AttrSpec". */
struct str gob_type_name(const struct gob *g);
