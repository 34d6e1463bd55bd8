/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that treat their arguments as sets. */
#include "func/args.h"
#include "func/rows.h"
#include "value/convert.h"

#include <string.h>

/* Nothing is in it and nothing is said about what could be. */
static bool says_nothing(const struct value *v)
{
	return value_is_known(v) && type_element(value_type(v)) == type_dynamic && !value_len(v);
}

/* The set type all arguments are converted to, or NULL. */
static struct type *common_set(const struct func_call *call)
{
	AUTO_FREE struct type **elements = xcalloc(call->argc, sizeof(*elements));
	size_t n = 0;

	for (size_t i = 0; i < call->argc; i++)
		if (!says_nothing(call->args[i]))
			elements[n++] = type_element(value_type(call->args[i]));
	if (!n)
		return type_ref(type_set_any);

	AUTO(type) struct type *element = type_unify(elements, n, true);

	return element ? type_set(element) : NULL;
}

static const char incompatible[] = "given sets must all have compatible element types";

static struct value *call_setunion(const struct func_call *call, struct error **err)
{
	AUTO(type) struct type *set = common_set(call);
	AUTO(value_vec) struct value_vec items = { 0 };

	if (!set)
		return fail(err, "%s", incompatible);
	for (size_t i = 0; i < call->argc; i++) {
		if (!value_is_known(call->args[i]))
			return value_unknown(set);

		AUTO(value) struct value *v = value_convert(call->args[i], set, err);

		if (!v)
			return NULL;
		for (size_t k = 0; k < value_len(v); k++)
			*vec_push(&items) = value_ref(value_at(v, k));
	}
	return value_vec_set(&items, type_element(set));
}

static bool has(const struct value *set, const struct value *v)
{
	for (size_t i = 0; i < value_len(set); i++)
		if (value_equal(value_at(set, i), v))
			return true;
	return false;
}

static struct value *call_setintersection(const struct func_call *call, struct error **err)
{
	AUTO(type) struct type *set = common_set(call);
	AUTO(value_vec) struct value_vec kept = { 0 };

	if (!set)
		return fail(err, "%s", incompatible);
	if (!args_wholly_known(call))
		return value_unknown(set);
	for (size_t i = 0; i < call->argc; i++) {
		AUTO(value) struct value *v = value_convert(call->args[i], set, err);
		size_t n = 0;

		if (!v)
			return NULL;
		for (size_t k = 0; !i && k < value_len(v); k++)
			*vec_push(&kept) = value_ref(value_at(v, k));
		for (size_t k = 0; k < kept.len; k++) {
			if (has(v, kept.items[k]))
				kept.items[n++] = kept.items[k];
			else
				value_unref(kept.items[k]);
		}
		kept.len = n;
	}
	return value_vec_set(&kept, type_element(set));
}

/* What each tuple of a product has from one argument; NULL after failing. */
static struct type *product_element(const struct func_call *call, size_t i, struct error **err)
{
	struct type *t = value_type(call->args[i]);

	if (type_kind(t) == TYPE_LIST || type_kind(t) == TYPE_SET)
		return type_ref(type_element(t));
	if (type_kind(t) != TYPE_TUPLE) {
		fail_arg(call, i, err, "a set or a list is required");
		return NULL;
	}
	if (!type_len(t))
		return type_ref(type_dynamic);

	AUTO_FREE struct type **types = xcalloc(type_len(t), sizeof(*types));

	for (size_t k = 0; k < type_len(t); k++)
		types[k] = type_at(t, k);

	struct type *common = type_unify(types, type_len(t), true);

	if (!common)
		fail_arg(call, i, err, "all elements must be of the same type");
	return common;
}

struct product {
	struct type **elements; /* per argument */
	bool set, empty, unknown;
};

static bool study_product(const struct func_call *call, struct product *p, struct error **err)
{
	for (size_t i = 0; i < call->argc; i++) {
		struct value *arg = call->args[i];

		p->elements[i] = product_element(call, i, err);
		if (!p->elements[i])
			return false;
		p->set |= type_kind(value_type(arg)) == TYPE_SET;
		if (!value_is_known(arg))
			p->unknown = true;
		else if (!value_len(arg))
			p->empty = true;
		else if (type_kind(value_type(arg)) == TYPE_SET && !value_is_wholly_known(arg))
			p->unknown = true;
	}
	return true;
}

/* The tuple number `n`, counting so that the last argument varies fastest. */
static struct value *product_item(const struct func_call *call, const struct product *p, size_t n,
				  struct error **err)
{
	AUTO_FREE struct value **items = xcalloc(call->argc, sizeof(*items));
	bool ok = true;

	for (size_t i = call->argc; i > 0; i--) {
		const struct value *arg = call->args[i - 1];

		items[i - 1] =
			value_convert(value_at(arg, n % value_len(arg)), p->elements[i - 1], err);
		n /= value_len(arg);
		if (items[i - 1])
			continue;
		for (size_t k = i; k < call->argc; k++)
			value_unref(items[k]);
		ok = false;
		break;
	}
	return ok ? value_tuple_take(items, call->argc) : NULL;
}

enum { PRODUCT_MAX = 1 << 20 };

static struct value *make_product(const struct func_call *call, const struct product *p,
				  struct error **err)
{
	AUTO(type) struct type *tuple = type_tuple(p->elements, call->argc);
	AUTO(value_vec) struct value_vec items = { 0 };
	size_t count = p->empty ? 0 : 1;

	if (p->unknown && !p->empty) {
		AUTO(type) struct type *t = p->set ? type_set(tuple) : type_list(tuple);

		return value_unknown(t);
	}
	for (size_t i = 0; count && i < call->argc; i++) {
		count *= value_len(call->args[i]);
		if (count > PRODUCT_MAX)
			return fail(err, "the product has more than %d elements", PRODUCT_MAX);
	}
	for (size_t n = 0; n < count; n++) {
		struct value *item = product_item(call, p, n, err);

		if (!item)
			return NULL;
		*vec_push(&items) = item;
	}
	return p->set ? value_vec_set(&items, tuple) : value_vec_list(&items, tuple);
}

static struct value *call_setproduct(const struct func_call *call, struct error **err)
{
	struct product p = { 0 };
	struct value *v = NULL;

	if (call->argc < 2)
		return fail(err, "at least two arguments are required");
	p.elements = xcalloc(call->argc, sizeof(*p.elements));
	if (study_product(call, &p, err))
		v = make_product(call, &p, err);
	for (size_t i = 0; i < call->argc; i++)
		type_unref(p.elements[i]);
	free(p.elements);
	return v;
}

const struct func_def func_setintersection = {
	.name = "setintersection",
	.params = PARAMS({ "first_set", &type_set_any, PARAM_UNKNOWN }),
	.variadic = VARIADIC("other_sets", &type_set_any, PARAM_UNKNOWN),
	.call = call_setintersection,
	.doc = "Gives what all the sets have in common.",
	.example = "setintersection([\"a\", \"b\"], [\"b\", \"c\"])",
	.result = "[\"b\"]",
};

const struct func_def func_setproduct = {
	.name = "setproduct",
	.variadic = VARIADIC("sets", NULL, PARAM_UNKNOWN),
	.call = call_setproduct,
	.doc = "Gives all combinations of one element of each list.",
	.example = "setproduct([\"a\", \"b\"], [1, 2])",
	.result = "[[\"a\", 1], [\"a\", 2], [\"b\", 1], [\"b\", 2]]",
};

const struct func_def func_setunion = {
	.name = "setunion",
	.params = PARAMS({ "first_set", &type_set_any, PARAM_UNKNOWN }),
	.variadic = VARIADIC("other_sets", &type_set_any, PARAM_UNKNOWN),
	.call = call_setunion,
	.doc = "Gives what is in any of the sets.",
	.example = "setunion([\"a\"], [\"b\", \"a\"])",
	.result = "[\"a\", \"b\"]",
};
