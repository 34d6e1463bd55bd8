/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on lists and tuples (and on sets, where order does not matter). */
#include "base/utf8.h"
#include "func/args.h"
#include "func/rows.h"
#include "value/convert.h"

#include <string.h>

enum { RANGE_MAX = 1024 };

static struct value *call_alltrue(const struct func_call *call, struct error **err)
{
	for (size_t i = 0; i < value_len(call->args[0]); i++) {
		struct value *v = value_at(call->args[0], i);

		if (!value_is_known(v))
			return value_unknown(type_bool);
		if (value_is_null(v) || !value_as_bool(v))
			return value_bool(false);
	}
	return value_bool(true);
}

static struct value *call_anytrue(const struct func_call *call, struct error **err)
{
	bool unknown = false;

	for (size_t i = 0; i < value_len(call->args[0]); i++) {
		struct value *v = value_at(call->args[0], i);

		if (!value_is_known(v))
			unknown = true;
		else if (!value_is_null(v) && value_as_bool(v))
			return value_bool(true);
	}
	return unknown ? value_unknown(type_bool) : value_bool(false);
}

/* Items [from, to) of a sequence as a list of the same element type. */
static struct value *sub_list(const struct value *list, size_t from, size_t to)
{
	AUTO(value_vec) struct value_vec items = { 0 };

	for (size_t i = from; i < to; i++)
		*vec_push(&items) = value_ref(value_at(list, i));
	return value_vec_list(&items, type_element(value_type(list)));
}

static struct value *call_chunklist(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec chunks = { 0 };
	const struct value *list = call->args[0];
	int64_t size;

	if (!value_is_known(list)) {
		AUTO(type) struct type *t = type_list(value_type(list));

		return value_unknown(t);
	}

	size_t len = value_len(list);

	if (!arg_int(call, 1, &size, err)) {
		error_prefix(err, "invalid size");
		return NULL;
	}
	if (size < 0)
		return fail(err, "the size argument must be positive");
	if (!size)
		size = MAX((int64_t)len, 1);
	for (size_t at = 0; at < len; at += (size_t)size)
		*vec_push(&chunks) = sub_list(
			list, at, (size_t)MIN((int64_t)len, (int64_t)at + MIN(size, INT32_MAX)));
	return value_vec_list(&chunks, value_type(list));
}

static struct type *common_type(const struct func_call *call)
{
	AUTO_FREE struct type **types = xcalloc(call->argc, sizeof(*types));

	for (size_t i = 0; i < call->argc; i++)
		types[i] = value_type(call->args[i]);
	return type_unify(types, call->argc, true);
}

static struct value *call_coalesce(const struct func_call *call, struct error **err)
{
	AUTO(type) struct type *common = common_type(call);

	if (!common)
		return fail(err, "all arguments must have the same type");
	for (size_t i = 0; i < call->argc; i++) {
		if (value_is_null(call->args[i]))
			continue;
		if (!value_is_known(call->args[i]))
			return value_unknown(common);

		AUTO(value) struct value *v = value_convert(call->args[i], common, err);

		if (!v)
			return NULL;
		if (common != type_string || value_string_size(v))
			return TAKE(v);
	}
	return fail(err, "no non-null, non-empty-string arguments");
}

static struct value *call_coalescelist(const struct func_call *call, struct error **err)
{
	if (!call->argc)
		return fail(err, "at least one argument is required");
	for (size_t i = 0; i < call->argc; i++)
		if (value_is_known(call->args[i]) && !is_list_or_tuple(value_type(call->args[i])))
			return fail(err, "coalescelist arguments must be lists or tuples");
	for (size_t i = 0; i < call->argc; i++) {
		if (!value_is_known(call->args[i]))
			return value_unknown(type_dynamic);
		if (!value_is_null(call->args[i]) && value_len(call->args[i]))
			return value_ref(call->args[i]);
	}
	return fail(err, "no non-null arguments");
}

static struct value *call_compact(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec kept = { 0 };

	if (!args_wholly_known(call))
		return value_unknown(type_list_string);
	for (size_t i = 0; i < value_len(call->args[0]); i++) {
		struct value *v = value_at(call->args[0], i);

		if (!value_is_null(v) && value_string_size(v))
			*vec_push(&kept) = value_ref(v);
	}
	return value_vec_list(&kept, type_string);
}

/* The list type all arguments can be converted to, or NULL. */
static struct type *concat_type(const struct func_call *call)
{
	AUTO_FREE struct type **elements = xcalloc(call->argc, sizeof(*elements));

	for (size_t i = 0; i < call->argc; i++) {
		struct type *t = value_type(call->args[i]);

		if (type_kind(t) != TYPE_LIST)
			return NULL;
		elements[i] = type_element(t);
	}

	AUTO(type) struct type *common = type_unify(elements, call->argc, true);

	return common ? type_list(common) : NULL;
}

/* What tuples make, not all of them known; a list among them hides how many elements. */
static struct value *unknown_concat(const struct func_call *call)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < call->argc; i++) {
		if (type_kind(value_type(call->args[i])) == TYPE_LIST)
			return value_unknown(type_dynamic);
		n += type_len(value_type(call->args[i]));
	}

	AUTO_FREE struct type **elements = xcalloc(n + 1, sizeof(struct type *));

	for (size_t i = 0; i < call->argc; i++)
		for (size_t k = 0; k < type_len(value_type(call->args[i])); k++)
			elements[at++] = type_at(value_type(call->args[i]), k);
	AUTO(type) struct type *tuple = type_tuple(elements, n);
	return value_unknown(tuple);
}

static struct value *call_concat(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };

	if (!call->argc)
		return fail(err, "at least one argument is required");
	for (size_t i = 0; i < call->argc; i++) {
		AUTO(strbuf) struct strbuf name = STRBUF_INIT;

		type_name(&name, value_type(call->args[i]));
		if (!is_list_or_tuple(value_type(call->args[i])))
			return fail_arg(call, i, err,
					"all arguments must be lists or tuples; got %s", name.buf);
	}

	AUTO(type) struct type *list = concat_type(call);

	for (size_t i = 0; i < call->argc; i++)
		if (!value_is_known(call->args[i]))
			return list ? value_unknown(list) : unknown_concat(call);
	for (size_t i = 0; i < call->argc; i++) {
		AUTO(value)
		struct value *part =
			list ? value_convert(call->args[i], list, err) : value_ref(call->args[i]);

		if (!part)
			return NULL;
		for (size_t k = 0; k < value_len(part); k++)
			*vec_push(&items) = value_ref(value_at(part, k));
	}
	return list ? value_vec_list(&items, type_element(list)) : value_vec_tuple(&items);
}

/* Of the elements equal to `wanted` (types too), the first: its index, or -1;
 * *ret_unknown if an element that is not known may be one. */
static int64_t find(const struct value *seq, const struct value *wanted, bool *ret_unknown)
{
	bool known = value_is_wholly_known(wanted);

	*ret_unknown = false;
	for (size_t i = 0; i < value_len(seq); i++) {
		const struct value *v = value_at(seq, i);

		if (!known || !value_is_wholly_known(v))
			*ret_unknown = true;
		else if (value_equal(v, wanted))
			return (int64_t)i;
	}
	return -1;
}

static struct value *call_contains(const struct func_call *call, struct error **err)
{
	bool unknown;

	if (!is_sequence(value_type(call->args[0])))
		return fail(err, "argument must be list, tuple, or set");
	if (find(call->args[0], call->args[1], &unknown) >= 0)
		return value_bool(true);
	return unknown ? value_unknown(type_bool) : value_bool(false);
}

static struct value *call_index(const struct func_call *call, struct error **err)
{
	bool unknown;
	int64_t at;

	if (!is_list_or_tuple(value_type(call->args[0])))
		return fail(err, "argument must be a list or tuple");
	if (!args_wholly_known(call))
		return value_unknown(type_number);
	if (!value_len(call->args[0]))
		return fail(err, "cannot search an empty list");
	at = find(call->args[0], call->args[1], &unknown);
	return at < 0 ? fail(err, "item not found") : value_int(at);
}

static struct value *call_distinct(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec kept = { 0 };
	struct type *list = value_type(call->args[0]);

	if (!args_wholly_known(call))
		return value_unknown(list);
	for (size_t i = 0; i < value_len(call->args[0]); i++) {
		struct value *v = value_at(call->args[0], i);
		bool seen = false;

		for (size_t k = 0; k < kept.len && !seen; k++)
			seen = value_equal(kept.items[k], v);
		if (!seen)
			*vec_push(&kept) = value_ref(v);
	}
	return value_vec_list(&kept, type_element(list));
}

/* An element of a list or tuple that is not known. */
static struct value *unknown_element(struct type *seq, size_t i)
{
	return value_unknown(type_kind(seq) == TYPE_LIST ? type_element(seq) : type_at(seq, i));
}

static struct value *call_element(const struct func_call *call, struct error **err)
{
	struct value *list = call->args[0];
	struct type *t = value_type(list);
	AUTO(strbuf) struct strbuf name = STRBUF_INIT;
	bool tuple = type_kind(t) == TYPE_TUPLE;
	size_t len;
	int64_t i;

	type_name(&name, t);
	if (!is_list_or_tuple(t))
		return fail(err, "cannot read elements from %s", name.buf);
	if (!value_is_known(call->args[1]))
		return tuple ? value_unknown(type_dynamic) : unknown_element(t, 0);
	if (number_sign(value_as_number(call->args[1])) < 0)
		return fail(err, "cannot use element function with a negative index");
	if (!arg_int(call, 1, &i, err)) {
		error_prefix(err, "invalid index");
		return NULL;
	}
	if (!tuple && !value_is_known(list))
		return unknown_element(t, 0);
	len = tuple ? type_len(t) : value_len(list);
	if (!len)
		return fail(err, "cannot use element function with an empty list");
	i %= (int64_t)len;
	return value_is_known(list) ? value_ref(value_at(list, (size_t)i))
				    : unknown_element(t, (size_t)i);
}

/* False: what is inside is not known well enough. */
static bool flatten_into(struct value_vec *out, const struct value *seq)
{
	for (size_t i = 0; i < value_len(seq); i++) {
		struct value *v = value_at(seq, i);
		struct type *t = value_type(v);

		if (!value_is_known(v) && (is_sequence(t) || t == type_dynamic))
			return false;
		if (value_is_null(v) || !is_sequence(t)) {
			*vec_push(out) = value_ref(v);
			continue;
		}
		if (type_kind(t) == TYPE_SET && !value_is_wholly_known(v))
			return false;
		if (!flatten_into(out, v))
			return false;
	}
	return true;
}

static struct value *call_flatten(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };

	if (!is_sequence(value_type(call->args[0])))
		return fail(err, "can only flatten lists, sets and tuples");
	if (!flatten_into(&items, call->args[0]))
		return value_unknown(type_dynamic);
	return value_vec_tuple(&items);
}

static struct value *call_length(const struct func_call *call, struct error **err)
{
	struct value *v = call->args[0];
	struct type *t = value_type(v);

	if (type_kind(t) == TYPE_TUPLE || type_kind(t) == TYPE_OBJECT)
		return value_int((int64_t)type_len(t));
	if (t != type_dynamic && t != type_string && !type_is_collection(t))
		return fail(err,
			    "argument must be a string, a collection type, or a structural type");
	if (!value_is_known(v))
		return value_unknown(type_number);
	if (t == type_string)
		return value_int(
			(int64_t)utf8_grapheme_count(value_as_string(v), value_string_size(v)));
	if (type_kind(t) == TYPE_SET && value_len(v) > 1 && !value_is_wholly_known(v))
		return value_unknown(type_number);
	return value_int((int64_t)value_len(v));
}

/* start, limit and step; one or two arguments choose a step by direction. */
static bool range_bounds(const struct func_call *call, struct number *ret[3], struct error **err)
{
	const struct number *first = value_as_number(call->args[0]);

	ret[0] = call->argc > 1 ? number_ref((struct number *)first) : number_from_int(0);
	ret[1] = number_ref((struct number *)value_as_number(call->args[call->argc > 1]));
	if (call->argc > 2) {
		ret[2] = number_ref((struct number *)value_as_number(call->args[2]));
		return true;
	}
	ret[2] = number_from_int(number_compare(ret[1], ret[0]) < 0 ? -1 : 1);
	return true;
}

static struct value *range_items(const struct func_call *call, struct number *bounds[3],
				 struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	AUTO(number) struct number *at = number_ref(bounds[0]);
	int direction = number_sign(bounds[2]), d = number_compare(bounds[1], bounds[0]);

	if (direction < 0 && d > 0)
		return fail_arg(call, 1, err, "end must be less than start when step is negative");
	if (direction > 0 && d < 0)
		return fail_arg(call, 1, err,
				"end must be greater than start when step is positive");
	while (direction < 0 ? number_compare(at, bounds[1]) > 0
			     : number_compare(at, bounds[1]) < 0) {
		if (items.len == RANGE_MAX)
			return fail(err,
				    "more than %d values were generated; either decrease the "
				    "difference between start and end or use a smaller step",
				    RANGE_MAX);
		*vec_push(&items) = value_number(at);

		struct number *next = number_add(at, bounds[2], err);

		if (!next)
			return NULL;
		number_unref(at);
		at = next;
	}
	return value_vec_list(&items, type_number);
}

static struct value *call_range(const struct func_call *call, struct error **err)
{
	struct number *bounds[3];
	struct value *v;

	if (!call->argc || call->argc > 3)
		return fail(err, "must have one, two, or three arguments");
	range_bounds(call, bounds, err);
	v = range_items(call, bounds, err);
	for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
		number_unref(bounds[i]);
	return v;
}

static struct value *unknown_reverse(struct type *t)
{
	AUTO(type) struct type *list = NULL;

	if (type_kind(t) != TYPE_TUPLE) {
		list = type_list(type_element(t));
		return value_unknown(list);
	}

	size_t n = type_len(t);
	AUTO_FREE struct type **elements = xcalloc(n + 1, sizeof(struct type *));

	for (size_t i = 0; i < n; i++)
		elements[i] = type_at(t, n - 1 - i);
	AUTO(type) struct type *tuple = type_tuple(elements, n);
	return value_unknown(tuple);
}

static struct value *call_reverse(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	const struct value *seq = call->args[0];
	struct type *t = value_type(seq);
	AUTO(strbuf) struct strbuf name = STRBUF_INIT;

	type_name(&name, t);
	if (!is_sequence(t))
		return fail_arg(call, 0, err, "can only reverse list or tuple values, not %s",
				name.buf);
	if (!value_is_known(seq))
		return unknown_reverse(t);
	for (size_t i = value_len(seq); i > 0; i--)
		*vec_push(&items) = value_ref(value_at(seq, i - 1));
	return type_kind(t) == TYPE_TUPLE ? value_vec_tuple(&items)
					  : value_vec_list(&items, type_element(t));
}

/* A bound of slice(): argument i; -1: not known, as may be `len`. */
static bool slice_bound(const struct func_call *call, size_t i, const char *what, int64_t len,
			int64_t *ret, struct error **err)
{
	*ret = -1;
	if (!value_is_known(call->args[i]))
		return true;
	if (!arg_int(call, i, ret, err)) {
		error_prefix(err, "invalid %s index", what);
		*call->ret_bad_arg = (int)i;
		return false;
	}
	if (*ret < 0)
		fail_arg(call, i, err, "%s index must not be less than zero", what);
	else if (len >= 0 && *ret > len)
		fail_arg(call, i, err, "%s index must not be greater than the length of the list",
			 what);
	else
		return true;
	return false;
}

static bool slice_bounds(const struct func_call *call, int64_t len, int64_t *start, int64_t *end,
			 struct error **err)
{
	if (!slice_bound(call, 1, "start", len, start, err) ||
	    !slice_bound(call, 2, "end", len, end, err))
		return false;
	if (*end < 0 || *start <= *end)
		return true;
	fail_arg(call, 1, err, "start index must not be greater than end index");
	return false;
}

/* Of elements [start, end), -1: not known. */
static struct value *unknown_slice(struct type *t, int64_t start, int64_t end)
{
	if (type_kind(t) == TYPE_LIST)
		return value_unknown(t);
	if (start < 0 || end < 0)
		return value_unknown(type_dynamic);

	size_t n = (size_t)(end - start);
	AUTO_FREE struct type **elements = xcalloc(n + 1, sizeof(struct type *));

	for (size_t i = 0; i < n; i++)
		elements[i] = type_at(t, (size_t)start + i);
	AUTO(type) struct type *part = type_tuple(elements, n);
	return value_unknown(part);
}

static struct value *call_slice(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	struct value *list = call->args[0];
	struct type *t = value_type(list);
	bool tuple = type_kind(t) == TYPE_TUPLE;
	int64_t len = -1, start, end;

	if (type_kind(t) == TYPE_SET)
		return fail_arg(call, 0, err,
				"cannot slice a set, because its elements do not have indices; "
				"explicitly convert to a list if the ordering of the result is "
				"not important");
	if (!is_list_or_tuple(t))
		return fail_arg(call, 0, err, "must be a list or tuple value");
	if (tuple)
		len = (int64_t)type_len(t);
	else if (value_is_known(list))
		len = (int64_t)value_len(list);
	if (!slice_bounds(call, len, &start, &end, err))
		return NULL;
	if (!value_is_known(list) || start < 0 || end < 0)
		return unknown_slice(t, start, end);
	for (int64_t i = start; i < end; i++)
		*vec_push(&items) = value_ref(value_at(list, (size_t)i));
	return tuple ? value_vec_tuple(&items) : value_vec_list(&items, type_element(t));
}

static int compare_text(const void *a, const void *b)
{
	return value_compare_set_order(*(struct value *const *)a, *(struct value *const *)b);
}

static struct value *call_sort(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	const struct value *list = call->args[0];
	bool known = value_is_wholly_known(list);

	for (size_t i = 0; i < value_len(list); i++) {
		struct value *v = value_at(list, i);

		if (value_is_null(v))
			return fail(
				err,
				"given list element %zu is null; a null string cannot be sorted",
				i);
		*vec_push(&items) = known ? value_ref(v) : value_unknown(type_string);
	}
	if (known && items.len)
		qsort(items.items, items.len, sizeof(*items.items), compare_text);
	return value_vec_list(&items, type_string);
}

static struct value *call_sum(const struct func_call *call, struct error **err)
{
	struct value *list = call->args[0];
	struct type *t = value_type(list);
	AUTO(strbuf) struct strbuf name = STRBUF_INIT;
	AUTO(number) struct number *sum = NULL;

	type_name(&name, t);
	if (type_is_primitive(t))
		return fail_arg(call, 0, err, "cannot sum noniterable");
	if (!value_len(list))
		return fail_arg(call, 0, err, "cannot sum an empty list");
	if (!is_sequence(t))
		return fail_arg(call, 0, err, "argument must be list, set, or tuple. Received %s",
				name.buf);
	if (!value_is_wholly_known(list))
		return value_unknown(type_number);
	for (size_t i = 0; i < value_len(list); i++) {
		AUTO(error) struct error *why = NULL;
		AUTO(value) struct value *v = value_convert(value_at(list, i), type_number, &why);

		if (!v || value_is_null(v))
			return fail_arg(call, 0, err,
					"argument must be list, set, or tuple of number values");

		struct number *next = sum ? number_add(sum, value_as_number(v), err)
					  : number_ref((struct number *)value_as_number(v));

		if (!next) {
			*call->ret_bad_arg = 0;
			return NULL;
		}
		number_unref(sum);
		sum = next;
	}
	return value_number(sum);
}

static const struct param bools_params[] = { { "list", &type_list_bool, 0 }, { 0 } };
static const struct param list_params[] = { { "list", NULL, 0 }, { 0 } };

const struct func_def func_alltrue = {
	.name = "alltrue",
	.params = bools_params,
	.call = call_alltrue,
	.returns = &type_bool,
	.doc = "Tells whether all elements are true.",
	.example = "alltrue([true, true])",
	.result = "true",
};

const struct func_def func_anytrue = {
	.name = "anytrue",
	.params = bools_params,
	.call = call_anytrue,
	.returns = &type_bool,
	.doc = "Tells whether any element is true.",
	.example = "anytrue([false, true])",
	.result = "true",
};

const struct func_def func_chunklist = {
	.name = "chunklist",
	.params = PARAMS({ "list", &type_list_any, PARAM_UNKNOWN }, { "size", &type_number, 0 }),
	.call = call_chunklist,
	.doc = "Cuts a list into lists of at most the given size.",
	.example = "chunklist([1, 2, 3], 2)",
	.result = "[[1, 2], [3]]",
};

const struct func_def func_coalesce = {
	.name = "coalesce",
	.variadic = VARIADIC("vals", NULL, PARAM_NULL | PARAM_UNKNOWN | PARAM_DYNAMIC),
	.call = call_coalesce,
	.doc = "Gives the first argument that is neither null nor an empty text.",
	.example = "coalesce(\"\", \"b\")",
	.result = "\"b\"",
};

const struct func_def func_coalescelist = {
	.name = "coalescelist",
	.variadic = VARIADIC("vals", NULL, PARAM_NULL | PARAM_UNKNOWN | PARAM_DYNAMIC),
	.call = call_coalescelist,
	.doc = "Gives the first list that is not empty.",
	.example = "coalescelist([], [1])",
	.result = "[1]",
};

const struct func_def func_compact = {
	.name = "compact",
	.params = PARAMS({ "list", &type_list_string, 0 }),
	.call = call_compact,
	.returns = &type_list_string,
	.doc = "Drops null and empty texts from a list.",
	.example = "compact([\"a\", \"\", \"b\"])",
	.result = "[\"a\", \"b\"]",
};

const struct func_def func_concat = {
	.name = "concat",
	.variadic = VARIADIC("seqs", NULL, PARAM_UNKNOWN),
	.call = call_concat,
	.doc = "Appends lists to each other.",
	.example = "concat([1], [2, 3])",
	.result = "[1, 2, 3]",
};

const struct func_def func_contains = {
	.name = "contains",
	.params = PARAMS({ "list", NULL, 0 }, { "value", NULL, 0 }),
	.call = call_contains,
	.returns = &type_bool,
	.doc = "Tells whether a list holds a value of the same type.",
	.example = "contains([\"a\", \"b\"], \"b\")",
	.result = "true",
};

const struct func_def func_distinct = {
	.name = "distinct",
	.params = PARAMS({ "list", &type_list_any, PARAM_UNKNOWN }),
	.call = call_distinct,
	.doc = "Keeps the first of equal elements.",
	.example = "distinct([1, 2, 1])",
	.result = "[1, 2]",
};

const struct func_def func_element = {
	.name = "element",
	.params = PARAMS({ "list", NULL, PARAM_UNKNOWN }, { "index", &type_number, PARAM_UNKNOWN }),
	.call = call_element,
	.doc = "Gives one element; an index beyond the end starts over.",
	.example = "element([1, 2, 3], 4)",
	.result = "2",
};

const struct func_def func_flatten = {
	.name = "flatten",
	.params = list_params,
	.call = call_flatten,
	.doc = "Replaces lists inside a list by their elements.",
	.example = "flatten([[1, 2], [3]])",
	.result = "[1, 2, 3]",
};

const struct func_def func_index = {
	.name = "index",
	.params = PARAMS({ "list", NULL, 0 }, { "value", NULL, 0 }),
	.call = call_index,
	.returns = &type_number,
	.doc = "Gives the position of the first element equal to a value.",
	.example = "index([\"a\", \"b\"], \"b\")",
	.result = "1",
};

const struct func_def func_length = {
	.name = "length",
	.params = PARAMS({ "value", NULL, PARAM_UNKNOWN | PARAM_DYNAMIC }),
	.call = call_length,
	.returns = &type_number,
	.doc = "Counts the elements of a collection or the characters of a text.",
	.example = "length(\"hello\")",
	.result = "5",
};

const struct func_def func_range = {
	.name = "range",
	.variadic = VARIADIC("params", &type_number, 0),
	.call = call_range,
	.returns = &type_list_number,
	.doc = "Counts from a start (0) up to, without, a limit by a step (1).",
	.example = "range(1, 4)",
	.result = "[1, 2, 3]",
};

const struct func_def func_reverse = {
	.name = "reverse",
	.params = PARAMS({ "list", NULL, PARAM_UNKNOWN }),
	.call = call_reverse,
	.doc = "Turns a list around.",
	.example = "reverse([1, 2, 3])",
	.result = "[3, 2, 1]",
};

const struct func_def func_slice = {
	.name = "slice",
	.params = PARAMS({ "list", NULL, PARAM_UNKNOWN },
			 { "start_index", &type_number, PARAM_UNKNOWN },
			 { "end_index", &type_number, PARAM_UNKNOWN }),
	.call = call_slice,
	.doc = "Cuts elements out of a list, from a start up to, without, an end.",
	.example = "slice([1, 2, 3, 4], 1, 3)",
	.result = "[2, 3]",
};

const struct func_def func_sort = {
	.name = "sort",
	.params = PARAMS({ "list", &type_list_string, 0 }),
	.call = call_sort,
	.returns = &type_list_string,
	.doc = "Sorts texts by their bytes.",
	.example = "sort([\"b\", \"a\"])",
	.result = "[\"a\", \"b\"]",
};

const struct func_def func_sum = {
	.name = "sum",
	.params = list_params,
	.call = call_sum,
	.returns = &type_number,
	.doc = "Adds up numbers.",
	.example = "sum([1, 2, 3.5])",
	.result = "6.5",
};
