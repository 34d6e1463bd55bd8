/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptions of types are values of types that are known in advance, so they
 * are read with the same code as everything else. Lengths of messages are
 * passed over: the buffer is whole.
 */
#include "plugin/codec/gob.h"

#include "base/macro.h"
#include "base/vec.h"

#include <string.h>

enum shape {
	SHAPE_BOOL,
	SHAPE_INT,
	SHAPE_UINT,
	SHAPE_FLOAT,
	SHAPE_BYTES,
	SHAPE_TEXT,
	SHAPE_INTERFACE,
	SHAPE_OPAQUE,
	SHAPE_LIST,
	SHAPE_MAP,
	SHAPE_STRUCT,
};

struct wire_field {
	struct str name;
	int64_t type;
};

struct wire_type {
	int64_t id;
	enum shape shape;
	int64_t key, element;
	const struct wire_field *fields;
	size_t len;
};

VEC_DECLARE(wire_type_list, const struct wire_type *);

struct reader {
	const unsigned char *p, *end;
	struct arena *arena;
	struct error **err;
	struct wire_type_list types; /* defined so far */
	size_t nodes, depth;
};

enum {
	ID_INT = 2,
	ID_TEXT = 6,
	ID_WIRE = 16,
	ID_ARRAY,
	ID_COMMON,
	ID_SLICE,
	ID_STRUCT,
	ID_FIELD,
	ID_FIELDS,
	ID_MAP,
	ID_OWN, /* not Go's number, which never travels: a struct of Common alone */
};

#define FIELD(name, type)                                                                          \
	{                                                                                          \
		{ (name), sizeof(name) - 1 }, (type)                                               \
	}

static const struct wire_field wire_fields[] = {
	FIELD("ArrayT", ID_ARRAY),       FIELD("SliceT", ID_SLICE),
	FIELD("StructT", ID_STRUCT),     FIELD("MapT", ID_MAP),
	FIELD("GobEncoderT", ID_OWN),    FIELD("BinaryMarshalerT", ID_OWN),
	FIELD("TextMarshalerT", ID_OWN),
};
static const struct wire_field common_fields[] = { FIELD("Name", ID_TEXT), FIELD("Id", ID_INT) };
static const struct wire_field array_fields[] = { FIELD("Common", ID_COMMON), FIELD("Elem", ID_INT),
						  FIELD("Len", ID_INT) };
static const struct wire_field slice_fields[] = { FIELD("Common", ID_COMMON),
						  FIELD("Elem", ID_INT) };
static const struct wire_field struct_fields[] = { FIELD("Common", ID_COMMON),
						   FIELD("Field", ID_FIELDS) };
static const struct wire_field map_fields[] = { FIELD("Common", ID_COMMON), FIELD("Key", ID_INT),
						FIELD("Elem", ID_INT) };
static const struct wire_field own_fields[] = { FIELD("Common", ID_COMMON) };

#define STRUCT(id, fields)                                                                         \
	{                                                                                          \
		(id), SHAPE_STRUCT, 0, 0, (fields), ARRAY_LEN(fields)                              \
	}

/* Types that need no definition. 7, complex numbers, nobody sends. */
static const struct wire_type known_types[] = {
	{ 1, SHAPE_BOOL, 0, 0, NULL, 0 },
	{ ID_INT, SHAPE_INT, 0, 0, NULL, 0 },
	{ 3, SHAPE_UINT, 0, 0, NULL, 0 },
	{ 4, SHAPE_FLOAT, 0, 0, NULL, 0 },
	{ 5, SHAPE_BYTES, 0, 0, NULL, 0 },
	{ ID_TEXT, SHAPE_TEXT, 0, 0, NULL, 0 },
	{ 8, SHAPE_INTERFACE, 0, 0, NULL, 0 },
	STRUCT(ID_WIRE, wire_fields),
	STRUCT(ID_ARRAY, array_fields),
	STRUCT(ID_COMMON, common_fields),
	STRUCT(ID_SLICE, slice_fields),
	STRUCT(ID_STRUCT, struct_fields),
	STRUCT(ID_FIELD, common_fields),
	{ ID_FIELDS, SHAPE_LIST, 0, ID_FIELD, NULL, 0 },
	STRUCT(ID_MAP, map_fields),
	STRUCT(ID_OWN, own_fields),
};

static int fail(struct reader *r, const char *what)
{
	return error_set(r->err, ERROR_INVALID, "no gob: %s", what);
}

static int ends_early(struct reader *r)
{
	return fail(r, "it ends in the middle of a value");
}

static size_t rest(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

/* ---- plain values ---------------------------------------------------------- */

static int read_uint(struct reader *r, uint64_t *ret)
{
	size_t n;
	uint64_t v = 0;

	if (r->p == r->end)
		return ends_early(r);
	if (*r->p < 0x80) {
		*ret = *r->p++;
		return 0;
	}
	n = 256U - *r->p++;
	if (n > sizeof(v))
		return fail(r, "a number of more than eight bytes");
	if (n > rest(r))
		return ends_early(r);
	for (; n > 0; n--)
		v = v << 8 | *r->p++;
	*ret = v;
	return 0;
}

static int64_t to_int(uint64_t u)
{
	return u & 1 ? ~(int64_t)(u >> 1) : (int64_t)(u >> 1);
}

static int read_int(struct reader *r, int64_t *ret)
{
	uint64_t u;

	if (read_uint(r, &u) < 0)
		return -1;
	*ret = to_int(u);
	return 0;
}

static int read_bytes(struct reader *r, struct str *ret)
{
	uint64_t n;

	if (read_uint(r, &n) < 0)
		return -1;
	if (n > rest(r))
		return ends_early(r);
	*ret = (struct str){ (const char *)r->p, (size_t)n };
	r->p += n;
	return 0;
}

/* The eight bytes of a double, the last first. */
static double to_double(uint64_t u)
{
	uint64_t bits = __builtin_bswap64(u);
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static int read_plain(struct reader *r, enum shape shape, struct gob *ret)
{
	static const enum gob_kind kinds[] = {
		[SHAPE_BOOL] = GOB_BOOL,     [SHAPE_INT] = GOB_INT,     [SHAPE_UINT] = GOB_UINT,
		[SHAPE_FLOAT] = GOB_FLOAT,   [SHAPE_BYTES] = GOB_BYTES, [SHAPE_TEXT] = GOB_TEXT,
		[SHAPE_OPAQUE] = GOB_OPAQUE,
	};
	uint64_t u;

	ret->kind = kinds[shape];
	if (shape == SHAPE_BYTES || shape == SHAPE_TEXT || shape == SHAPE_OPAQUE)
		return read_bytes(r, &ret->bytes);
	if (read_uint(r, &u) < 0)
		return -1;
	if (shape == SHAPE_BOOL)
		ret->boolean = u != 0;
	else if (shape == SHAPE_INT)
		ret->integer = to_int(u);
	else if (shape == SHAPE_FLOAT)
		ret->number = to_double(u);
	else
		ret->uinteger = u;
	return 0;
}

/* ---- values with parts ----------------------------------------------------- */

static int read_value(struct reader *r, int64_t id, struct gob *ret);

static const struct wire_type *find_type(const struct reader *r, int64_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(known_types); i++)
		if (known_types[i].id == id)
			return &known_types[i];
	for (size_t i = 0; i < r->types.len; i++)
		if (r->types.items[i]->id == id)
			return r->types.items[i];
	return NULL;
}

/* Room for n values, each of which takes at least a byte. */
static struct gob *make_room(struct reader *r, uint64_t n)
{
	if (n > rest(r)) {
		ends_early(r);
		return NULL;
	}
	if (n > GOB_NODES_MAX - r->nodes) {
		fail(r, "too many values");
		return NULL;
	}
	r->nodes += (size_t)n;
	return ARENA_ARRAY(r->arena, struct gob, (size_t)n + 1);
}

static int read_list(struct reader *r, const struct wire_type *t, struct gob *ret)
{
	struct gob *items;
	uint64_t n;

	ret->kind = GOB_LIST;
	if (read_uint(r, &n) < 0)
		return -1;
	items = make_room(r, n);
	if (!items)
		return -1;
	for (uint64_t i = 0; i < n; i++)
		if (read_value(r, t->element, &items[i]) < 0)
			return -1;
	ret->many.items = items;
	ret->many.len = (size_t)n;
	return 0;
}

static int read_map(struct reader *r, const struct wire_type *t, struct gob *ret)
{
	struct gob *items;
	uint64_t n;

	ret->kind = GOB_MAP;
	if (read_uint(r, &n) < 0)
		return -1;
	items = n > rest(r) / 2 ? NULL : make_room(r, 2 * n);
	if (!items)
		return *r->err ? -1 : ends_early(r);
	for (uint64_t i = 0; i < n; i++)
		if (read_value(r, t->key, &items[2 * i]) < 0 ||
		    read_value(r, t->element, &items[2 * i + 1]) < 0)
			return -1;
	ret->many.items = items;
	ret->many.len = (size_t)n;
	return 0;
}

static int read_struct(struct reader *r, const struct wire_type *t, struct gob *ret)
{
	struct gob *items = make_room(r, MIN(t->len, rest(r)));
	struct str *names;
	uint64_t delta;
	size_t next = 0, n = 0;

	ret->kind = GOB_STRUCT;
	if (!items)
		return -1;
	names = ARENA_ARRAY(r->arena, struct str, MIN(t->len, rest(r)) + 1);
	ret->many.items = items;
	ret->many.names = names;
	for (;;) {
		if (read_uint(r, &delta) < 0)
			return -1;
		if (delta == 0)
			break;
		if (delta > t->len - next)
			return fail(r, "a field that its type does not have");
		next += (size_t)delta;
		if (rest(r) == 0)
			return ends_early(r);
		names[n] = t->fields[next - 1].name;
		if (read_value(r, t->fields[next - 1].type, &items[n++]) < 0)
			return -1;
	}
	ret->many.len = n;
	return 0;
}

/* ---- definitions ----------------------------------------------------------- */

static int64_t type_number(const struct gob *g, const char *name)
{
	int64_t n = 0;

	return gob_field_int(g, name, &n) ? n : 0;
}

static void set_struct(struct reader *r, const struct gob *g, struct wire_type *t)
{
	const struct gob *list = gob_field(g, "Field");
	struct wire_field *fields;

	t->shape = SHAPE_STRUCT;
	if (!list)
		return;
	fields = ARENA_ARRAY(r->arena, struct wire_field, list->many.len + 1);
	for (size_t i = 0; i < list->many.len; i++) {
		const struct gob *f = &list->many.items[i];

		fields[i].type = type_number(f, "Id");
		(void)gob_field_text(f, "Name", &fields[i].name);
	}
	t->fields = fields;
	t->len = list->many.len;
}

static int set_type(struct reader *r, const struct gob *wire, struct wire_type *t)
{
	const struct gob *g;

	if ((g = gob_field(wire, "ArrayT")) || (g = gob_field(wire, "SliceT")))
		t->shape = SHAPE_LIST;
	else if ((g = gob_field(wire, "MapT")))
		t->shape = SHAPE_MAP;
	else if ((g = gob_field(wire, "StructT")))
		set_struct(r, g, t);
	else if (wire->many.len > 0)
		t->shape = SHAPE_OPAQUE;
	else
		return fail(r, "an empty definition of a type");
	if (g) {
		t->key = type_number(g, "Key");
		t->element = type_number(g, "Elem");
	}
	return 0;
}

static int define_type(struct reader *r, int64_t id)
{
	struct wire_type *t = ARENA_NEW(r->arena, struct wire_type);
	struct gob wire = { 0 };

	if (find_type(r, id))
		return fail(r, "a type that is defined twice");
	if (r->types.len == GOB_TYPES_MAX)
		return fail(r, "too many types");
	t->id = id;
	if (read_value(r, ID_WIRE, &wire) < 0 || set_type(r, &wire, t) < 0)
		return -1;
	*vec_push(&r->types) = t;
	return 0;
}

/*
 * Definitions, as many as there are, each followed by the length of what comes
 * then; then the number of a type, and where there is one, that type's value.
 * `has_length`: within interfaces one more length stands before the value.
 */
static int read_typed(struct reader *r, bool has_length, struct gob *ret)
{
	const struct wire_type *t;
	uint64_t skipped;
	int64_t id;

	for (;;) {
		if (read_int(r, &id) < 0)
			return -1;
		if (id >= 0)
			break;
		if (id < -INT32_MAX)
			return fail(r, "the number of a type is too large");
		if (define_type(r, -id) < 0 || read_uint(r, &skipped) < 0)
			return -1;
	}
	if (has_length && read_uint(r, &skipped) < 0)
		return -1;
	t = find_type(r, id);
	if (!t)
		return fail(r, "a type that is not defined");
	if (t->shape != SHAPE_STRUCT) {
		if (read_uint(r, &skipped) < 0)
			return -1;
		if (skipped != 0)
			return fail(r, "a value does not start where it should");
	}
	return read_value(r, id, ret);
}

static int read_interface(struct reader *r, struct gob *ret)
{
	struct str name;

	if (read_bytes(r, &name) < 0)
		return -1;
	ret->kind = GOB_NIL;
	if (name.len == 0)
		return 0;
	if (read_typed(r, true, ret) < 0)
		return -1;
	ret->type = name;
	return 0;
}

static int read_parts(struct reader *r, const struct wire_type *t, struct gob *ret)
{
	if (t->shape == SHAPE_INTERFACE)
		return read_interface(r, ret);
	if (t->shape == SHAPE_STRUCT)
		return read_struct(r, t, ret);
	return t->shape == SHAPE_MAP ? read_map(r, t, ret) : read_list(r, t, ret);
}

static int read_value(struct reader *r, int64_t id, struct gob *ret)
{
	const struct wire_type *t = find_type(r, id);
	int ok;

	if (!t)
		return fail(r, "a type that is not defined");
	if (t->shape < SHAPE_INTERFACE || t->shape == SHAPE_OPAQUE)
		return read_plain(r, t->shape, ret);
	if (r->depth == GOB_DEPTH_MAX)
		return fail(r, "too many levels");
	r->depth++;
	ok = read_parts(r, t, ret);
	r->depth--;
	return ok;
}

const struct gob *gob_read(struct str bytes, struct arena *arena, struct error **err)
{
	struct reader r = { .arena = arena, .err = err };
	struct gob *ret = ARENA_NEW(arena, struct gob);
	uint64_t length;
	int ok;

	r.p = (const unsigned char *)bytes.p;
	r.end = r.p + bytes.len;
	ok = read_uint(&r, &length);
	if (ok == 0)
		ok = read_typed(&r, false, ret);
	vec_release(&r.types);
	return ok == 0 ? ret : NULL;
}

/* ---- access ---------------------------------------------------------------- */

const struct gob *gob_field(const struct gob *g, const char *name)
{
	if (g->kind != GOB_STRUCT)
		return NULL;
	for (size_t i = 0; i < g->many.len; i++)
		if (str_is(g->many.names[i], name))
			return &g->many.items[i];
	return NULL;
}

/* The field if it is of the kind. `false`: of another. */
static bool find_kind(const struct gob *g, const char *name, enum gob_kind kind,
		      const struct gob **ret)
{
	*ret = gob_field(g, name);
	return !*ret || (*ret)->kind == kind;
}

bool gob_field_text(const struct gob *g, const char *name, struct str *ret)
{
	const struct gob *f;

	if (!find_kind(g, name, GOB_TEXT, &f))
		return false;
	*ret = f ? f->bytes : (struct str){ "", 0 };
	return true;
}

bool gob_field_bool(const struct gob *g, const char *name, bool *ret)
{
	const struct gob *f;

	if (!find_kind(g, name, GOB_BOOL, &f))
		return false;
	*ret = f && f->boolean;
	return true;
}

bool gob_field_int(const struct gob *g, const char *name, int64_t *ret)
{
	const struct gob *f;

	if (!find_kind(g, name, GOB_INT, &f))
		return false;
	*ret = f ? f->integer : 0;
	return true;
}

bool gob_field_opaque(const struct gob *g, const char *name, struct str *ret)
{
	const struct gob *f;

	if (!find_kind(g, name, GOB_OPAQUE, &f))
		return false;
	*ret = f ? f->bytes : (struct str){ "", 0 };
	return true;
}

struct str gob_type_name(const struct gob *g)
{
	struct str s = g->type, head;

	for (;;) {
		struct str tail;

		head = str_split(s, '/', &tail);
		if (tail.len == 0)
			break;
		s = tail;
	}
	if (head.len > 0 && head.p[0] == '*')
		head = (struct str){ head.p + 1, head.len - 1 };
	return head;
}
