/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step into a value. The result of a step carries the mark of what it was
 * taken from; messages never show a key, which may be a secret itself.
 */
#include "eval/access.h"

#include "base/alloc.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "value/convert.h"

#include <string.h>

static const char no_element[] =
	"The given key does not identify an element in this collection value";

PRINTF(4, 5)
static struct value *refuse(const struct evaluator *ev, const struct access *a, const char *summary,
			    const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&detail, fmt, ap);
	va_end(ap);
	complain(ev, &(struct complaint){ summary, &a->range, NULL, a->about }, "%s", detail.buf);
	return value_unknown(type_dynamic);
}

/* --- .name --- */

static const char unsupported_attr[] = "Unsupported attribute";

static struct value *refuse_on_list(const struct evaluator *ev, const struct type *t,
				    const char *name, const struct access *a)
{
	if (type_kind(t) == TYPE_SET)
		return refuse(ev, a, unsupported_attr,
			      "Can't access attributes on a set of objects. Did you mean to access "
			      "an attribute across all elements of the set?");
	if (!type_field(type_element(t), name))
		return refuse(ev, a, unsupported_attr,
			      "Can't access attributes on a list of objects. Did you mean to "
			      "access an attribute for a specific element of the list, or across "
			      "all elements of the list?");

	AUTO_FREE char *quoted = go_quoted(name, strlen(name));
	return refuse(ev, a, unsupported_attr,
		      "Can't access attributes on a list of objects. Did you mean to access "
		      "attribute %s for a specific element of the list, or across all elements of "
		      "the list?",
		      quoted);
}

static struct value *refuse_unknown(const struct evaluator *ev, const struct type *t,
				    const char *name, const struct access *a)
{
	AUTO_FREE char *quoted = go_quoted(name, strlen(name));
	AUTO(strv) struct strv names = STRV_INIT;

	for (size_t i = 0; i < type_len(t); i++)
		strv_push(&names, type_field_at(t, i)->name);

	const char *near = suggest(name, (const char *const *)names.v);

	/* within a distance of 2 is half of a short name */
	if (!near || 2 * levenshtein(name, near) >= strlen(name))
		return refuse(ev, a, unsupported_attr,
			      "This object does not have an attribute named %s.", quoted);
	return refuse(ev, a, unsupported_attr,
		      "This object does not have an attribute named %s. Did you mean \"%s\"?",
		      quoted, near);
}

static struct value *object_attr(const struct evaluator *ev, struct value *object, const char *name,
				 const struct access *a)
{
	const struct type_field *field = type_field(value_type(object), name);

	if (!field)
		return refuse_unknown(ev, value_type(object), name, a);
	if (!value_is_known(object))
		return value_unknown(field->type);
	return value_ref(value_get(object, name));
}

static struct value *map_attr(const struct evaluator *ev, struct value *object, const char *name,
			      const struct access *a)
{
	if (!value_is_known(object))
		return value_unknown(type_element(value_type(object)));

	struct value *v = value_get(object, name);
	if (v)
		return value_ref(v);
	AUTO_FREE char *quoted = go_quoted(name, strlen(name));
	return refuse(ev, a, "Missing map element",
		      "This map does not have an element with the key %s.", quoted);
}

static struct value *attr_of(const struct evaluator *ev, struct value *object, const char *name,
			     const struct access *a)
{
	const struct type *t = value_type(object);

	if (value_is_null(object))
		return refuse(ev, a, "Attempt to get attribute from null value",
			      "This value is null, so it does not have any attributes.");
	switch (type_kind(t)) {
	case TYPE_OBJECT:
		return object_attr(ev, object, name, a);
	case TYPE_MAP:
		return map_attr(ev, object, name, a);
	case TYPE_DYNAMIC:
		return value_unknown(type_dynamic);
	case TYPE_LIST:
	case TYPE_SET:
		if (type_kind(type_element(t)) == TYPE_OBJECT)
			return refuse_on_list(ev, t, name, a);
		break;
	case TYPE_STRING:
	case TYPE_NUMBER:
	case TYPE_BOOL: {
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

		type_name(&sb, t);
		return refuse(ev, a, unsupported_attr,
			      "Can't access attributes on a primitive-typed value (%s).", sb.buf);
	}
	case TYPE_TUPLE:
		break;
	}
	return refuse(ev, a, unsupported_attr, "This value does not have any attributes.");
}

struct value *access_attr(const struct evaluator *ev, struct value *object, const char *name,
			  const struct access *a)
{
	return value_marked_take(attr_of(ev, object, name, a), value_is_sensitive(object));
}

/* --- [key] --- */

static const char invalid_index[] = "Invalid index";

static struct value *refuse_element(const struct evaluator *ev, const struct access *a,
				    const char *why)
{
	if (!why)
		return refuse(ev, a, invalid_index, "%s.", no_element);
	return refuse(ev, a, invalid_index, "%s: %s.", no_element, why);
}

static struct value *refuse_position(const struct evaluator *ev, const struct value *sequence,
				     const struct number *position, const struct access *a)
{
	const struct type *t = value_type(sequence);
	size_t len = type_kind(t) == TYPE_TUPLE ? type_len(t) : value_len(sequence);
	int64_t at;

	if (!number_is_integer(position))
		return refuse_element(ev, a,
				      "indexing a sequence requires a whole number, but the given "
				      "index has a fractional part");
	if (number_sign(position) < 0)
		return refuse_element(ev, a,
				      "a negative number is not a valid index for a sequence");
	if (value_is_sensitive(sequence) || !number_to_int(position, &at) || (size_t)at != len)
		return refuse_element(ev, a, NULL);
	return refuse_element(ev, a,
			      len == 0 ? "the collection has no elements"
				       : "the given index is greater than or equal to the length "
					 "of the collection");
}

static struct value *sequence_index(const struct evaluator *ev, struct value *sequence,
				    const struct value *key, const struct access *a)
{
	struct type *t = value_type(sequence);
	bool is_tuple = type_kind(t) == TYPE_TUPLE;
	int64_t at;

	if (!value_is_known(key) || (!value_is_known(sequence) && !is_tuple))
		return value_unknown(is_tuple ? type_dynamic : type_element(t));

	const struct number *position = value_as_number(key);
	size_t len = is_tuple ? type_len(t) : value_len(sequence);
	if (!number_to_int(position, &at) || at < 0 || (size_t)at >= len)
		return refuse_position(ev, sequence, position, a);
	if (!value_is_known(sequence))
		return value_unknown(type_at(t, (size_t)at));
	return value_ref(value_at(sequence, (size_t)at));
}

static struct value *map_index(const struct evaluator *ev, struct value *map,
			       const struct value *key, const struct access *a)
{
	if (!value_is_known(key) || !value_is_known(map))
		return value_unknown(type_element(value_type(map)));

	struct value *v = value_get(map, value_as_string(key));
	return v ? value_ref(v) : refuse_element(ev, a, NULL);
}

static struct value *object_index(const struct evaluator *ev, struct value *object,
				  const struct value *key, bool by_number, const struct access *a)
{
	if (!value_is_known(key))
		return value_unknown(type_dynamic);

	const struct type_field *field = type_field(value_type(object), value_as_string(key));

	if (field)
		return value_is_known(object) ? value_ref(value_get(object, field->name))
					      : value_unknown(field->type);
	return refuse(ev, a, invalid_index, "%s.%s", no_element,
		      by_number ? " An object only supports looking up attributes by name, not by "
				  "numeric index."
				: "");
}

static struct value *index_of(const struct evaluator *ev, struct value *collection,
			      struct value *key, const struct access *a)
{
	enum type_kind kind = type_kind(value_type(collection));
	bool is_sequence = kind == TYPE_LIST || kind == TYPE_TUPLE;
	AUTO(error) struct error *err = NULL;

	if (value_is_null(collection))
		return refuse(ev, a, "Attempt to index null value",
			      "This value is null, so it does not have any indices.");
	if (value_is_null(key))
		return refuse(ev, a, invalid_index, "Can't use a null value as an indexing key.");
	if (type_kind(value_type(key)) == TYPE_DYNAMIC || kind == TYPE_DYNAMIC)
		return value_unknown(type_dynamic);
	if (kind == TYPE_SET)
		return refuse(ev, a, invalid_index,
			      "Elements of a set are identified only by their value and don't have "
			      "any separate index or key to select with, so it's only possible to "
			      "perform operations across all elements of the set.");
	if (!is_sequence && kind != TYPE_MAP && kind != TYPE_OBJECT)
		return refuse(ev, a, invalid_index, "This value does not have any indices.");

	AUTO(value)
	struct value *k = value_convert(key, is_sequence ? type_number : type_string, &err);
	if (!k)
		return refuse_element(ev, a, err->message);
	if (is_sequence)
		return sequence_index(ev, collection, k, a);
	if (kind == TYPE_MAP)
		return map_index(ev, collection, k, a);
	return object_index(ev, collection, k, type_kind(value_type(key)) == TYPE_NUMBER, a);
}

struct value *access_index(const struct evaluator *ev, struct value *collection, struct value *key,
			   const struct access *a)
{
	return value_marked_take(index_of(ev, collection, key, a),
				 value_is_sensitive(collection) || value_is_sensitive(key));
}
