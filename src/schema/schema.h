/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table per component (a builder, a provisioner, the communicator
 * options, …) drives decoding, defaults, validation, inspection and reference
 * docs. A table is data: no callbacks, so a plugin can send one too.
 *
 *   struct file { char *target; int64_t mode; bool force; };
 *   static const struct attr file_attrs[] = {
 *           ATTR_STRING(struct file, target, ATTR_REQUIRED, "Where the file is written."),
 *           ATTR_INT(struct file, mode, 0, "Permission bits.", .def = "420"),
 *           ATTR_BOOL(struct file, force, 0, "Overwrite."),
 *           ATTR_END,
 *   };
 *   const struct schema file_schema = SCHEMA(struct file, file_attrs);
 *
 * The row macros check the C type of the member at compile time. All memory of
 * a filled struct belongs to the arena it was filled in. Rules across
 * attributes belong in the component's prepare().
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "eval/scope.h"
#include "lang/body.h"
#include "lang/diag.h"
#include "value/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Arena-owned, immutable. */
struct text_list {
	const char *const *v; /* v[len] is NULL */
	size_t len;
};
struct text_pair {
	const char *key, *value;
};
struct text_map {
	const struct text_pair *v; /* sorted by key */
	size_t len;
};
struct int_list {
	const int64_t *v;
	size_t len;
};
struct text_table { /* list of lists */
	const struct text_list *v;
	size_t len;
};
/* Structs of a nested schema: items[i] is at (char *)v + i * schema->size. */
struct block_list {
	const void *v;
	size_t len;
};
enum tribool { TRIBOOL_UNSET, TRIBOOL_FALSE, TRIBOOL_TRUE };

enum attr_kind {
	ATTR_KIND_STRING,   /* const char *, NULL when unset and without default */
	ATTR_KIND_INT,      /* int64_t */
	ATTR_KIND_BOOL,     /* bool */
	ATTR_KIND_TRIBOOL,  /* enum tribool */
	ATTR_KIND_DURATION, /* int64_t, ns; text in Go's syntax */
	ATTR_KIND_STRINGS,  /* struct text_list; legacy JSON: a single value, too */
	ATTR_KIND_INTS,     /* struct int_list */
	ATTR_KIND_MAP,      /* struct text_map */
	ATTR_KIND_TABLE,    /* struct text_table */
	ATTR_KIND_VALUE,    /* struct value *, any type, NULL when unset */
	ATTR_KIND_BLOCK,    /* const void *: one nested block, NULL when absent */
	ATTR_KIND_BLOCKS,   /* struct block_list: any number of nested blocks */
	ATTR_KIND_INCLUDE,  /* the rows of another schema, struct embedded */
	ATTR_KIND_END,
};

enum {
	ATTR_REQUIRED = 1 << 0,
	ATTR_SENSITIVE = 1 << 1,  /* its value is registered with the redactor */
	ATTR_DEPRECATED = 1 << 2, /* warns; `replacement` says what to use */
	ATTR_LATE = 1 << 3,    /* a `{{ }}` template rendered when the step runs, not at prepare */
	ATTR_IGNORED = 1 << 4, /* accepted for compatibility, without effect: warns with doc */
	ATTR_LOCAL_FILE =
		1 << 5, /* names a local file whose content decides the step (step keys) */
	ATTR_OUTSIDE =
		1
		<< 6, /* acts on this host only: no state of a machine or artifact depends on it */
};

struct schema;

struct attr {
	const char *name;
	enum attr_kind kind;
	size_t offset;
	unsigned flags;
	const char *doc;
	const char *def;            /* default as text, or NULL; lists: separated by commas */
	int64_t min, max;           /* for INT and DURATION when min != max */
	const char *const *choices; /* NULL-terminated; STRING and STRINGS */
	const char *conflicts;      /* name of an attribute that must not be set too */
	const char *requires_;      /* name of an attribute that must be set too */
	const char *replacement;
	const char *label;        /* BLOCKS: member name of the label's text, see below */
	const struct schema *sub; /* BLOCK, BLOCKS, INCLUDE */
};

struct schema {
	const struct attr *attrs; /* ends with ATTR_END */
	size_t size;              /* of the struct */
	/* A nested block with one label stores it in the `const char *` at this offset. */
	const char *label_name; /* used in messages; NULL: no label */
	size_t label_offset;
};

/* clang-format off */
#define ATTR_ROW_(type, member, want, kind_, flags_, doc_, ...)                                    \
	{ .name = #member, .kind = (kind_), .flags = (flags_), .doc = (doc_),                      \
	  .offset = _Generic(((type *)0)->member, want: offsetof(type, member)), __VA_ARGS__ }
#define ATTR_STRING(t, m, f, doc, ...)   ATTR_ROW_(t, m, const char *, ATTR_KIND_STRING, f, doc, __VA_ARGS__)
#define ATTR_INT(t, m, f, doc, ...)      ATTR_ROW_(t, m, int64_t, ATTR_KIND_INT, f, doc, __VA_ARGS__)
#define ATTR_BOOL(t, m, f, doc, ...)     ATTR_ROW_(t, m, bool, ATTR_KIND_BOOL, f, doc, __VA_ARGS__)
#define ATTR_TRIBOOL(t, m, f, doc, ...)  ATTR_ROW_(t, m, enum tribool, ATTR_KIND_TRIBOOL, f, doc, __VA_ARGS__)
#define ATTR_DURATION(t, m, f, doc, ...) ATTR_ROW_(t, m, int64_t, ATTR_KIND_DURATION, f, doc, __VA_ARGS__)
#define ATTR_STRINGS(t, m, f, doc, ...)  ATTR_ROW_(t, m, struct text_list, ATTR_KIND_STRINGS, f, doc, __VA_ARGS__)
#define ATTR_INTS(t, m, f, doc, ...)     ATTR_ROW_(t, m, struct int_list, ATTR_KIND_INTS, f, doc, __VA_ARGS__)
#define ATTR_MAP(t, m, f, doc, ...)      ATTR_ROW_(t, m, struct text_map, ATTR_KIND_MAP, f, doc, __VA_ARGS__)
#define ATTR_TABLE(t, m, f, doc, ...)    ATTR_ROW_(t, m, struct text_table, ATTR_KIND_TABLE, f, doc, __VA_ARGS__)
#define ATTR_VALUE(t, m, f, doc, ...)    ATTR_ROW_(t, m, struct value *, ATTR_KIND_VALUE, f, doc, __VA_ARGS__)
#define ATTR_BLOCK(t, m, f, sub_, doc, ...)  ATTR_ROW_(t, m, const void *, ATTR_KIND_BLOCK, f, doc, .sub = (sub_), __VA_ARGS__)
#define ATTR_BLOCKS(t, m, f, sub_, doc, ...) ATTR_ROW_(t, m, struct block_list, ATTR_KIND_BLOCKS, f, doc, .sub = (sub_), __VA_ARGS__)
/* The included struct is the member `m` of type `sub_type`. */
#define ATTR_INCLUDE(t, m, sub_type, sub_) ATTR_ROW_(t, m, sub_type, ATTR_KIND_INCLUDE, 0, "", .sub = (sub_))
#define ATTR_END { .kind = ATTR_KIND_END }
#define SCHEMA(type, rows) { .attrs = (rows), .size = sizeof(type) }
#define SCHEMA_LABELLED(type, rows, label_, member)                                                \
	{ .attrs = (rows), .size = sizeof(type), .label_name = (label_),                           \
	  .label_offset = _Generic(((type *)0)->member, const char *: offsetof(type, member)) }
/* clang-format on */

/*
 * A body read through a schema: an object value (absent attributes are null,
 * absent blocks empty) and where each came from. Lives in the arena; the value
 * is released with it.
 */
struct decoded {
	const struct schema *schema;
	struct value *object;
	struct range range; /* the block's header: subject when no attribute fits */
	bool is_loose;      /* made by schema_decode_options() */
	/* attribute name -> struct range *; only what was set. Inside nested blocks the name is a
	 * path, "disk[1].size"; "disk[1]" is that block's header. */
	struct map *ranges;
};
/* Of the argument's value; if it was not set, of the nearest block around it. */
struct range decoded_range(const struct decoded *d, const char *attr);
bool decoded_is_set(const struct decoded *d, const char *attr); /* set and not null */

/* Body -> object. Reports unknown names with "did you mean", wrong types, missing ones. */
void schema_decode(const struct schema *s, const struct body *b, const struct scope *scope,
		   struct range header, struct arena *arena, struct decoded *ret,
		   struct diags *diags);
/* The same from a value (override, plugins): keys without a row are reported; nothing is
 * converted before schema_fill(). Names match in any case (legacy-json.md 8). */
void schema_decode_value(const struct schema *s, struct value *object, struct range header,
			 struct arena *arena, struct decoded *ret, struct diags *diags);
/* One option as it stands in JSON. */
struct raw_option {
	const char *name;
	struct value *value; /* borrowed */
	struct range range;
};
/* The same from options with places of their own; those without a row are left out. What cannot be
 * converted is told as the reference's decoder does it, by errors without a summary. */
void schema_decode_options(const struct schema *s, const struct raw_option *options, size_t n,
			   struct range header, struct arena *arena, struct decoded *ret,
			   struct diags *diags);
/* What `over` sets replaces what `d` has; maps are joined. */
void schema_merge(struct decoded *d, const struct decoded *over, struct arena *arena);
/* What to do with a text that contains "{{". */
struct schema_templates {
	char *(*render)(void *data, const char *text, struct error **err); /* heap or NULL */
	int (*check)(void *data, const char *text, struct error **err);    /* only its syntax */
	void *data;
};
/* Replaces such texts by what `render` makes of them; those of ATTR_LATE rows are only checked. */
void schema_render(struct decoded *d, const struct schema_templates *with, struct arena *arena,
		   struct diags *diags);
/* Object -> C struct (zeroed by the caller, s->size bytes): weak conversions, defaults, range,
 * choices, conflicts, requirements. An unknown part becomes "<unknown>", 0, false, empty. */
void schema_fill(const struct decoded *d, void *config, struct arena *arena, struct diags *diags);
/* Row by name, looking into included schemas; NULL if none. */
const struct attr *schema_attr(const struct schema *s, const char *name);
const struct attr *schema_attr_any_case(const struct schema *s, const char *name);
/* Calls back for each text of ATTR_SENSITIVE rows that is set. */
void schema_each_secret(const struct schema *s, const void *config,
			void (*fn)(void *data, const char *text), void *data);
/* "name = value" lines of the members that are not zero; secrets as `<sensitive>`. */
void schema_print(struct strbuf *sb, const struct schema *s, const void *config, int indent);
/*
 * The members of a filled struct that are set and have an effect, in table order, those of included
 * tables among them; nested blocks as one.
 */
typedef void (*schema_member_fn)(void *data, const struct attr *a, const void *member);
void schema_each_set(const struct schema *s, const void *config, schema_member_fn fn, void *data);
/* The member in bytes: two that differ never give the same. Attributes without effect are left out, also
 * in nested blocks. */
void schema_encode(struct strbuf *sb, const struct attr *a, const void *member);
/* Calls back for each text in a member of the kinds STRING, STRINGS and TABLE. */
void schema_each_text(const struct attr *a, const void *member,
		      void (*fn)(void *data, const char *text), void *data);
/* The text of a row of the kind STRING; NULL: there is none of that name, or it is not set. */
const char *schema_text(const struct schema *s, const void *config, const char *name);
/* Markdown reference, one row per attribute; nested blocks have a table of their own. */
void schema_document(struct strbuf *sb, const struct schema *s);
