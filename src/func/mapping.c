/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on maps and objects. */
#include "func/args.h"
#include "func/rows.h"
#include "value/convert.h"

#include <string.h>

static struct value *call_keys(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec keys = { 0 };
	struct type *t = value_type(call->args[0]);

	if (!is_mapping(t))
		return fail_arg(call, 0, err, "must have map or object type");
	if (type_kind(t) == TYPE_OBJECT) {
		for (size_t i = 0; i < type_len(t); i++)
			*vec_push(&keys) = value_string(type_field_at(t, i)->name);
		return value_vec_tuple(&keys);
	}
	if (!value_is_known(call->args[0]))
		return value_unknown(type_list_string);
	for (size_t i = 0; i < value_len(call->args[0]); i++)
		*vec_push(&keys) = value_string(value_key_at(call->args[0], i));
	return value_vec_list(&keys, type_string);
}

static struct value *unknown_values(struct type *t)
{
	AUTO(type) struct type *seq = NULL;

	if (type_kind(t) == TYPE_MAP) {
		seq = type_list(type_element(t));
	} else {
		AUTO_FREE struct type **types = xcalloc(type_len(t), sizeof(*types));

		for (size_t i = 0; i < type_len(t); i++)
			types[i] = type_at(t, i);
		seq = type_tuple(types, type_len(t));
	}
	return value_unknown(seq);
}

static struct value *call_values(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	struct type *t = value_type(call->args[0]);

	if (!is_mapping(t))
		return fail(err, "values() requires a map as the first argument");
	if (!value_is_known(call->args[0]))
		return unknown_values(t);
	for (size_t i = 0; i < value_len(call->args[0]); i++)
		*vec_push(&items) = value_ref(value_at(call->args[0], i));
	return type_kind(t) == TYPE_MAP ? value_vec_list(&items, type_element(t))
					: value_vec_tuple(&items);
}

static struct value *lookup_attribute(const struct func_call *call)
{
	struct value *object = call->args[0], *found;

	if (!value_is_known(call->args[1]))
		return value_unknown(type_dynamic);

	const struct type_field *f = type_field(value_type(object), arg_text(call, 1));

	if (!f)
		return value_ref(call->args[2]);
	found = value_is_known(object) ? value_get(object, f->name) : NULL;
	return found ? value_ref(found) : value_unknown(f->type);
}

static struct value *call_lookup(const struct func_call *call, struct error **err)
{
	struct value *map = call->args[0], *found;
	struct type *t = value_type(map);

	if (type_kind(t) == TYPE_OBJECT)
		return lookup_attribute(call);
	if (type_kind(t) != TYPE_MAP)
		return fail_arg(call, 0, err, "lookup() requires a map as the first argument");

	AUTO(error) struct error *why = NULL;
	AUTO(value) struct value *fallback = value_convert(call->args[2], type_element(t), &why);

	if (!fallback)
		return fail_arg(call, 2, err,
				"the default value must have the same type as the map elements");
	if (!args_wholly_known(call))
		return value_unknown(type_element(t));
	found = value_get(map, arg_text(call, 1));
	return found ? value_ref(found) : TAKE(fallback);
}

/* The map type that all arguments have, or NULL. */
static struct type *shared_map_type(const struct func_call *call)
{
	struct type *t = call->argc ? value_type(call->args[0]) : NULL;

	if (!t || type_kind(t) != TYPE_MAP)
		return NULL;
	for (size_t i = 1; i < call->argc; i++)
		if (!type_equal(t, value_type(call->args[i])))
			return NULL;
	return t;
}

static bool merge_args_fit(const struct func_call *call, bool *ret_unknown, struct error **err)
{
	*ret_unknown = false;
	for (size_t i = 0; i < call->argc; i++) {
		struct type *t = value_type(call->args[i]);

		if (!value_is_known(call->args[i]))
			*ret_unknown = true;
		if (t == type_dynamic || is_mapping(t))
			continue;

		AUTO(strbuf) struct strbuf name = STRBUF_INIT;

		type_name(&name, t);
		fail(err, "arguments must be maps or objects, got \"%s\"", name.buf);
		return false;
	}
	return true;
}

static struct value *call_merge(const struct func_call *call, struct error **err)
{
	struct type *shared = shared_map_type(call);
	AUTO(map) struct map items = { 0 };
	bool unknown;

	value_map_init(&items);
	if (!merge_args_fit(call, &unknown, err))
		return NULL;
	if (unknown)
		return value_unknown(shared ? shared : type_dynamic);
	for (size_t i = 0; i < call->argc; i++) {
		const struct value *m = call->args[i];

		for (size_t k = 0; !value_is_null(m) && k < value_len(m); k++)
			value_map_put(&items, value_key_at(m, k), value_ref(value_at(m, k)));
	}
	return shared ? value_map_take(type_element(shared), &items) : value_object_take(&items);
}

static struct value *unknown_zip(const struct func_call *call, struct type *t)
{
	if (type_kind(t) == TYPE_LIST) {
		AUTO(type) struct type *map = type_map(type_element(t));

		return value_unknown(map);
	}
	if (!value_is_wholly_known(call->args[0]) || value_len(call->args[0]) != type_len(t))
		return value_unknown(type_dynamic);

	AUTO_FREE struct type_field *fields = xcalloc(type_len(t), sizeof(*fields));

	for (size_t i = 0; i < type_len(t); i++)
		fields[i] = (struct type_field){ value_as_string(value_at(call->args[0], i)),
						 type_at(t, i), false, NULL };

	AUTO(type) struct type *object = type_object(fields, type_len(t));

	return value_unknown(object);
}

static struct value *call_zipmap(const struct func_call *call, struct error **err)
{
	const struct value *keys = call->args[0], *values = call->args[1];
	struct type *t = value_type(values);
	AUTO(map) struct map items = { 0 };

	value_map_init(&items);
	if (!is_list_or_tuple(t))
		return fail(err, "values argument must be a list or tuple value");
	if (!value_is_wholly_known(keys) || !value_is_known(values))
		return unknown_zip(call, t);
	if (value_len(keys) != value_len(values))
		return fail(err, "number of keys (%zu) does not match number of values (%zu)",
			    value_len(keys), value_len(values));
	for (size_t i = 0; i < value_len(keys); i++) {
		if (value_is_null(value_at(keys, i)))
			return fail(err, "keys list has null value at index %zu", i);
		value_map_put(&items, value_as_string(value_at(keys, i)),
			      value_ref(value_at(values, i)));
	}
	return type_kind(t) == TYPE_LIST ? value_map_take(type_element(t), &items)
					 : value_object_take(&items);
}

const struct func_def func_keys = {
	.name = "keys",
	.params = PARAMS({ "inputMap", NULL, PARAM_UNKNOWN }),
	.call = call_keys,
	.doc = "Gives the keys of a map, sorted.",
	.example = "keys({ b = 1, a = 2 })",
	.result = "[\"a\", \"b\"]",
};

const struct func_def func_lookup = {
	.name = "lookup",
	.params =
		PARAMS({ "inputMap", NULL, 0 }, { "key", &type_string, 0 }, { "default", NULL, 0 }),
	.call = call_lookup,
	.doc = "Gives the value under a key, or a default where there is none.",
	.example = "lookup({ a = 1 }, \"b\", 0)",
	.result = "0",
};

const struct func_def func_merge = {
	.name = "merge",
	.variadic = VARIADIC("maps", NULL, PARAM_NULL | PARAM_UNKNOWN | PARAM_DYNAMIC),
	.call = call_merge,
	.doc = "Joins maps; of equal keys the last wins.",
	.example = "merge({ a = 1 }, { a = 2, b = 3 })",
	.result = "{ a = 2, b = 3 }",
};

const struct func_def func_values = {
	.name = "values",
	.params = PARAMS({ "mapping", NULL, PARAM_UNKNOWN }),
	.call = call_values,
	.doc = "Gives the values of a map in the order of its keys.",
	.example = "values({ b = 1, a = 2 })",
	.result = "[2, 1]",
};

const struct func_def func_zipmap = {
	.name = "zipmap",
	.params = PARAMS({ "keys", &type_list_string, PARAM_UNKNOWN },
			 { "values", NULL, PARAM_UNKNOWN }),
	.call = call_zipmap,
	.doc = "Makes a map of a list of keys and a list of values.",
	.example = "zipmap([\"a\", \"b\"], [1, 2])",
	.result = "{ a = 1, b = 2 }",
};
