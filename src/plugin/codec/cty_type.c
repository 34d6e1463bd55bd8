/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two forms of the same tree. What is common to them is that the parts of an
 * object come with names and some of them may be optional, as in constraints.
 */
#include "plugin/codec/cty_type.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"
#include "plugin/codec/gob.h"

#include <jansson.h>
#include <string.h>

static void *refuse(struct error **err, const char *what)
{
	error_set(err, ERROR_INVALID, "no type: %s", what);
	return NULL;
}

/* ---- parts ----------------------------------------------------------------- */

/* Types being collected: of a tuple by position, of an object by name. */
struct parts {
	struct map names; /* to the fields */
	struct type_field *fields;
	size_t len; /* that have a type */
};

static void parts_init(struct parts *p, size_t n)
{
	*p = (struct parts){ .fields = xcalloc(n + 1, sizeof(*p->fields)) };
}

static void auto_parts(struct parts *p)
{
	for (size_t i = 0; i < p->len; i++)
		type_unref(p->fields[i].type);
	free(p->fields);
	map_release(&p->names);
}

/* Takes the type; NULL is the failure that it was. */
static int add_type(struct parts *p, struct type *t)
{
	if (!t)
		return -1;
	p->fields[p->len++].type = t;
	return 0;
}

/* Names of attributes are texts of the language: in its normal form. The type is added next. */
static int add_name(struct parts *p, struct str name, struct error **err)
{
	AUTO(strbuf) struct strbuf nfc = STRBUF_INIT;
	struct type_field *f = &p->fields[p->len];

	utf8_nfc(&nfc, name.p, name.len);
	if (strlen(nfc.buf) != nfc.len || map_has(&p->names, nfc.buf)) {
		refuse(err, "the name of an attribute is no text, or there twice");
		return -1;
	}
	map_set(&p->names, nfc.buf, f);
	f->name = p->names.entries[p->names.len - 1].key;
	return 0;
}

static void mark_optional(struct parts *p, struct str name)
{
	AUTO(strbuf) struct strbuf nfc = STRBUF_INIT;
	struct type_field *f;

	utf8_nfc(&nfc, name.p, name.len);
	f = map_get(&p->names, nfc.buf);
	if (f)
		f->optional = true;
}

static struct type *make_tuple(const struct parts *p)
{
	AUTO_FREE struct type **types = xcalloc(p->len + 1, sizeof(*types));

	for (size_t i = 0; i < p->len; i++)
		types[i] = p->fields[i].type;
	return type_tuple(types, p->len);
}

static struct type *make_collection(struct str kind, struct type *element)
{
	if (str_is(kind, "list"))
		return type_list(element);
	return str_is(kind, "set") ? type_set(element) : type_map(element);
}

/* ---- JSON ------------------------------------------------------------------ */

static struct type *from_json(const json_t *j, size_t depth, struct error **err);

static struct str json_str(const json_t *j)
{
	return json_is_string(j) ? (struct str){ json_string_value(j), json_string_length(j) }
				 : (struct str){ "", 0 };
}

static struct type *json_tuple(const json_t *list, size_t depth, struct error **err)
{
	AUTO(parts) struct parts p = { 0 };

	if (!json_is_array(list))
		return refuse(err, "a tuple without a list of types");
	parts_init(&p, json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (add_type(&p, from_json(json_array_get(list, i), depth, err)) < 0)
			return NULL;
	}
	return make_tuple(&p);
}

static struct type *json_object_type(json_t *attrs, const json_t *optional, size_t depth,
				     struct error **err)
{
	AUTO(parts) struct parts p = { 0 };
	const char *name;
	json_t *value;

	if (!json_is_object(attrs) || (optional && !json_is_array(optional)))
		return refuse(err, "an object without attributes");
	parts_init(&p, json_object_size(attrs));
	json_object_foreach (attrs, name, value) {
		if (add_name(&p, str_of(name), err) < 0)
			return NULL;
		if (add_type(&p, from_json(value, depth, err)) < 0)
			return NULL;
	}
	for (size_t i = 0; i < json_array_size(optional); i++)
		mark_optional(&p, json_str(json_array_get(optional, i)));
	return type_object(p.fields, p.len);
}

static struct type *json_compound(const json_t *j, size_t depth, struct error **err)
{
	struct str kind = json_str(json_array_get(j, 0));
	json_t *of = json_array_get(j, 1);
	size_t n = json_array_size(j);

	if (depth == CTY_TYPE_DEPTH_MAX)
		return refuse(err, "too many levels");
	if (str_is(kind, "object") && (n == 2 || n == 3))
		return json_object_type(of, json_array_get(j, 2), depth + 1, err);
	if (str_is(kind, "tuple") && n == 2)
		return json_tuple(of, depth + 1, err);
	if (n != 2 || !(str_is(kind, "list") || str_is(kind, "set") || str_is(kind, "map")))
		return refuse(err, "a kind of type that is not known");

	AUTO(type) struct type *element = from_json(of, depth + 1, err);

	return element ? make_collection(kind, element) : NULL;
}

static struct type *from_json(const json_t *j, size_t depth, struct error **err)
{
	struct str name = json_str(j);

	if (json_is_array(j))
		return json_compound(j, depth, err);
	if (str_is(name, "string"))
		return type_ref(type_string);
	if (str_is(name, "number"))
		return type_ref(type_number);
	if (str_is(name, "bool"))
		return type_ref(type_bool);
	if (str_is(name, "dynamic"))
		return type_ref(type_dynamic);
	return refuse(err, "a kind of type that is not known");
}

struct type *cty_type_from_json(struct str text, struct error **err)
{
	json_error_t e;
	json_t *j;
	struct type *ret;

	if (text.len > CTY_TYPE_BYTES_MAX)
		return refuse(err, "too many bytes");
	j = json_loadb(text.p, text.len, JSON_DECODE_ANY, &e);
	if (!j)
		return refuse(err, "its JSON is broken");
	ret = from_json(j, 1, err);
	json_decref(j);
	return ret;
}

/* ---- gob ------------------------------------------------------------------- */

static struct type *from_gob(struct str bytes, size_t depth, struct error **err);

static struct type *gob_primitive(const struct gob *impl, struct error **err)
{
	const struct gob *kind = gob_field(impl, "Kind");
	uint64_t letter = kind && kind->kind == GOB_UINT ? kind->uinteger : 0;

	if (kind && kind->kind == GOB_INT && kind->integer > 0)
		letter = (uint64_t)kind->integer;
	if (letter == 'S')
		return type_ref(type_string);
	if (letter == 'N')
		return type_ref(type_number);
	if (letter == 'B')
		return type_ref(type_bool);
	return refuse(err, "a primitive that is none of string, number and bool");
}

static struct type *gob_collection(const struct gob *impl, struct str kind, size_t depth,
				   struct error **err)
{
	struct str bytes;

	if (!gob_field_opaque(impl, "ElementTypeT", &bytes))
		return refuse(err, "a collection without the type of its elements");

	AUTO(type) struct type *element = from_gob(bytes, depth, err);

	return element ? make_collection(kind, element) : NULL;
}

static struct type *gob_tuple(const struct gob *impl, size_t depth, struct error **err)
{
	const struct gob *list = gob_field(impl, "ElemTypes");
	AUTO(parts) struct parts p = { 0 };

	if (!list)
		return type_tuple(NULL, 0);
	if (list->kind != GOB_LIST)
		return refuse(err, "a tuple without a list of types");
	parts_init(&p, list->many.len);
	for (size_t i = 0; i < list->many.len; i++) {
		if (list->many.items[i].kind != GOB_OPAQUE)
			return refuse(err, "a tuple without a list of types");
		if (add_type(&p, from_gob(list->many.items[i].bytes, depth, err)) < 0)
			return NULL;
	}
	return make_tuple(&p);
}

/* A map from names to empty structs. */
static void gob_optional(const struct gob *impl, struct parts *p)
{
	const struct gob *optional = gob_field(impl, "AttrOptional");

	if (!optional || optional->kind != GOB_MAP)
		return;
	for (size_t i = 0; i < optional->many.len; i++)
		if (optional->many.items[2 * i].kind == GOB_TEXT)
			mark_optional(p, optional->many.items[2 * i].bytes);
}

static struct type *gob_object(const struct gob *impl, size_t depth, struct error **err)
{
	const struct gob *attrs = gob_field(impl, "AttrTypes");
	AUTO(parts) struct parts p = { 0 };

	if (!attrs)
		return type_object(NULL, 0);
	if (attrs->kind != GOB_MAP)
		return refuse(err, "an object without attributes");
	parts_init(&p, attrs->many.len);
	for (size_t i = 0; i < attrs->many.len; i++) {
		const struct gob *key = &attrs->many.items[2 * i], *value = key + 1;

		if (key->kind != GOB_TEXT || value->kind != GOB_OPAQUE)
			return refuse(err, "an object without attributes");
		if (add_name(&p, key->bytes, err) < 0)
			return NULL;
		if (add_type(&p, from_gob(value->bytes, depth, err)) < 0)
			return NULL;
	}
	gob_optional(impl, &p);
	return type_object(p.fields, p.len);
}

static struct type *gob_impl(const struct gob *impl, size_t depth, struct error **err)
{
	struct str name = gob_type_name(impl);

	if (depth == CTY_TYPE_DEPTH_MAX)
		return refuse(err, "too many levels");
	if (impl->kind != GOB_STRUCT)
		return refuse(err, "nothing that describes one");
	if (str_is(name, "cty.primitiveType"))
		return gob_primitive(impl, err);
	if (str_is(name, "cty.typeList"))
		return gob_collection(impl, STR("list"), depth + 1, err);
	if (str_is(name, "cty.typeSet"))
		return gob_collection(impl, STR("set"), depth + 1, err);
	if (str_is(name, "cty.typeMap"))
		return gob_collection(impl, STR("map"), depth + 1, err);
	if (str_is(name, "cty.typeObject"))
		return gob_object(impl, depth + 1, err);
	if (str_is(name, "cty.typeTuple"))
		return gob_tuple(impl, depth + 1, err);
	return refuse(err, "a kind of type that is not known");
}

static struct type *from_gob(struct str bytes, size_t depth, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct gob *g = gob_read(bytes, arena, err), *impl;
	int64_t version;

	if (!g)
		return NULL;
	impl = gob_field(g, "Impl");
	if (!impl || !gob_field_int(g, "Version", &version))
		return refuse(err, "nothing that describes one");
	if (version != 0)
		return refuse(err, "a version of the encoding that is not known");
	return gob_impl(impl, depth, err);
}

struct type *cty_type_from_gob(struct str bytes, struct error **err)
{
	if (bytes.len > CTY_TYPE_BYTES_MAX)
		return refuse(err, "too many bytes");
	return from_gob(bytes, 1, err);
}
