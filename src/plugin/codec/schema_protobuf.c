/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas as protobuf (plugin-protocol.md 7.2). Few messages, so the fields of
 * each are picked by hand. As everywhere in protobuf the last field of a number
 * counts, one of an unexpected wire type is passed over like an unknown one,
 * and what is absent is empty or false.
 */
#include "plugin/codec/schema.h"

#include "base/str.h"
#include "plugin/codec/schema_tree.h"

#include <stdint.h>

enum wire { WIRE_VARINT, WIRE_FIXED64, WIRE_LEN, WIRE_GROUP, WIRE_GROUP_END, WIRE_FIXED32 };

struct field {
	uint64_t number;
	enum wire wire;
	uint64_t varint;
	struct str body; /* WIRE_LEN */
};

static int ends_early(struct error **err)
{
	return error_set(err, ERROR_INVALID, "its bytes end in the middle of a field");
}

static int read_varint(struct str *in, uint64_t *ret, struct error **err)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (in->len == 0)
			return ends_early(err);

		uint64_t b = (unsigned char)*in->p;

		in->p++;
		in->len--;
		v |= (b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret = v;
			return 0;
		}
	}
	return error_set(err, ERROR_INVALID, "a number of more than ten bytes");
}

static int skip(struct str *in, uint64_t n, struct str *ret, struct error **err)
{
	if (n > in->len)
		return ends_early(err);
	*ret = (struct str){ in->p, (size_t)n };
	in->p += n;
	in->len -= (size_t)n;
	return 0;
}

static int read_field(struct str *in, struct field *ret, struct error **err)
{
	uint64_t tag, n;

	*ret = (struct field){ 0 };
	if (read_varint(in, &tag, err) < 0)
		return -1;
	ret->number = tag >> 3;
	ret->wire = (enum wire)(tag & 7);
	switch (ret->wire) {
	case WIRE_VARINT:
		return read_varint(in, &ret->varint, err);
	case WIRE_FIXED64:
		return skip(in, 8, &ret->body, err);
	case WIRE_FIXED32:
		return skip(in, 4, &ret->body, err);
	case WIRE_LEN:
		if (read_varint(in, &n, err) < 0)
			return -1;
		return skip(in, n, &ret->body, err);
	case WIRE_GROUP:
	case WIRE_GROUP_END:
		break;
	}
	return error_set(err, ERROR_INVALID, "a field of wire type %d", (int)ret->wire);
}

/* The fields 1 to 4 of a message, by their number. */
struct message {
	struct field fields[5];
	uint64_t last; /* number of the last one with a body: the one that counts in a oneof */
};

static int read_message(struct str in, struct message *ret, struct error **err)
{
	struct field f;

	*ret = (struct message){ 0 };
	while (in.len > 0) {
		if (read_field(&in, &f, err) < 0)
			return -1;
		if (f.number < 1 || f.number >= ARRAY_LEN(ret->fields))
			continue;
		if (f.wire == WIRE_LEN)
			ret->last = f.number;
		if (f.wire == WIRE_LEN || f.wire == WIRE_VARINT)
			ret->fields[f.number] = f;
	}
	return 0;
}

static struct str body_of(const struct message *m, size_t number)
{
	const struct field *f = &m->fields[number];

	return f->wire == WIRE_LEN ? f->body : (struct str){ "", 0 };
}

static bool bool_of(const struct message *m, size_t number)
{
	const struct field *f = &m->fields[number];

	return f->wire == WIRE_VARINT && f->varint != 0;
}

/* ---- types ----------------------------------------------------------------- */

static struct type *read_primitive(struct str in, struct error **err)
{
	struct message m;
	struct str name;

	if (read_message(in, &m, err) < 0)
		return NULL;
	name = body_of(&m, 1);
	if (str_is(name, "cty.String"))
		return type_ref(type_string);
	if (str_is(name, "cty.Number"))
		return type_ref(type_number);
	if (str_is(name, "cty.Bool"))
		return type_ref(type_bool);
	error_set(err, ERROR_INVALID, "a type that is none of string, number and bool");
	return NULL;
}

static struct type *read_type(struct str in, size_t depth, struct error **err)
{
	enum { PRIMITIVE = 1, LIST, MAP };
	struct message m, inner;

	if (read_message(in, &m, err) < 0)
		return NULL;
	if (m.last == PRIMITIVE)
		return read_primitive(body_of(&m, m.last), err);
	if (m.last != LIST && m.last != MAP) {
		error_set(err, ERROR_INVALID, "a type that is none of primitive, list and map");
		return NULL;
	}
	if (depth == SCHEMA_DEPTH_MAX) {
		error_set(err, ERROR_INVALID, "a type of more than %d levels", SCHEMA_DEPTH_MAX);
		return NULL;
	}
	if (read_message(body_of(&m, m.last), &inner, err) < 0)
		return NULL;

	AUTO(type) struct type *element = read_type(body_of(&inner, 1), depth + 1, err);

	if (!element)
		return NULL;
	return m.last == LIST ? type_list(element) : type_map(element);
}

/* ---- nodes ----------------------------------------------------------------- */

static int read_spec(struct schema_tree *t, struct str in, const struct spec **ret,
		     struct error **err);

static int read_entry(struct schema_tree *t, struct str in, struct map *fields, struct error **err)
{
	const struct spec *node = NULL;
	const char *name;
	struct message m;

	if (read_message(in, &m, err) < 0)
		return -1;
	name = schema_name(t, body_of(&m, 1).p, body_of(&m, 1).len, err);
	if (!name)
		return -1;
	if (read_spec(t, body_of(&m, 2), &node, err) < 0)
		return schema_inside(err, name);
	map_set(fields, name, (void *)node);
	return 0;
}

static int read_object(struct schema_tree *t, struct str in, struct spec *node, struct error **err)
{
	AUTO(map) struct map fields = MAP_INIT(NULL);
	struct field f;

	while (in.len > 0) {
		if (read_field(&in, &f, err) < 0)
			return -1;
		if (f.number != 1 || f.wire != WIRE_LEN)
			continue;
		if (read_entry(t, f.body, &fields, err) < 0)
			return -1;
	}
	schema_set_fields(t, node, &fields);
	return 0;
}

static int read_attr(struct schema_tree *t, const struct message *m, struct spec *node,
		     struct error **err)
{
	node->type = read_type(body_of(m, 2), 1, err);
	if (!node->type)
		return -1;
	schema_own_type(t, node->type);
	node->required = bool_of(m, 3);
	return 0;
}

enum { OBJECT = 1, ATTR, BLOCK, BLOCK_LIST }; /* of Spec */

/* The three that have a name in their first field. */
static int read_named(struct schema_tree *t, uint64_t kind, struct str in, struct spec *node,
		      struct error **err)
{
	struct message m;

	if (read_message(in, &m, err) < 0)
		return -1;
	node->name = schema_name(t, body_of(&m, 1).p, body_of(&m, 1).len, err);
	if (!node->name)
		return -1;
	if (kind == ATTR)
		return read_attr(t, &m, node, err);
	if (kind == BLOCK_LIST)
		return read_spec(t, body_of(&m, 2), &node->nested, err);
	node->required = bool_of(&m, 2);
	return read_spec(t, body_of(&m, 3), &node->nested, err);
}

static int read_spec(struct schema_tree *t, struct str in, const struct spec **ret,
		     struct error **err)
{
	static const enum spec_kind kinds[] = {
		[OBJECT] = SPEC_OBJECT,
		[ATTR] = SPEC_ATTR,
		[BLOCK] = SPEC_BLOCK,
		[BLOCK_LIST] = SPEC_BLOCK_LIST,
	};
	struct message m;
	struct spec *node = NULL;
	int r;

	if (read_message(in, &m, err) < 0)
		return -1;
	if (m.last < OBJECT || m.last > BLOCK_LIST)
		return error_set(err, ERROR_INVALID,
				 "a node that is none of object, attribute, block and block list");
	if (schema_enter(t, kinds[m.last], &node, err) < 0)
		return -1;
	if (m.last == OBJECT)
		r = read_object(t, body_of(&m, m.last), node, err);
	else
		r = read_named(t, m.last, body_of(&m, m.last), node, err);
	schema_leave(t);
	*ret = node;
	return r;
}

int schema_from_protobuf(const void *bytes, size_t len, struct arena *arena,
			 const struct spec **ret, struct error **err)
{
	struct schema_tree t = { .arena = arena };
	const struct spec *root = NULL;

	if (read_spec(&t, (struct str){ bytes, len }, &root, err) < 0)
		return error_prefix(err, "cannot read the schema");
	if (root->kind != SPEC_OBJECT)
		return error_set(err, ERROR_INVALID,
				 "cannot read the schema: what it starts with is no object");
	*ret = root;
	return 0;
}
