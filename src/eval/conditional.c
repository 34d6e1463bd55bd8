/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `c ? a : b` (language.md 7.2). Both arms are evaluated to learn the common
 * type; the mistakes of the arm not taken are dropped.
 */
#include "base/alloc.h"
#include "eval/evaluator.h"
#include "value/convert.h"

#include <string.h>

struct arm {
	const struct expr *e;
	struct value *value; /* owned */
	struct diags diags;
};

static const char inconsistent[] = "Inconsistent conditional result types";

static void describe(struct strbuf *sb, const struct type *yes, const struct type *no);

static void describe_attr(struct strbuf *sb, const char *fmt, const char *name)
{
	AUTO_FREE char *quoted = go_quoted(name, strlen(name));

	strbuf_addstr(sb, fmt);
	strbuf_replace(sb, "%q", quoted);
}

static bool describe_objects(struct strbuf *sb, const struct type *yes, const struct type *no)
{
	for (size_t i = 0; i < type_len(yes); i++) {
		const struct type_field *a = type_field_at(yes, i), *b = type_field(no, a->name);

		if (!b) {
			describe_attr(sb,
				      "The 'true' value includes object attribute %q, which is "
				      "absent in the 'false' value",
				      a->name);
			return true;
		}
		if (!type_equal(a->type, b->type)) {
			describe_attr(sb, "Type mismatch for object attribute %q: ", a->name);
			describe(sb, a->type, b->type);
			return true;
		}
	}
	for (size_t i = 0; i < type_len(no); i++) {
		const struct type_field *b = type_field_at(no, i);

		if (!type_field(yes, b->name)) {
			describe_attr(sb,
				      "The 'false' value includes object attribute %q, which is "
				      "absent in the 'true' value",
				      b->name);
			return true;
		}
	}
	return false;
}

static bool describe_tuples(struct strbuf *sb, const struct type *yes, const struct type *no)
{
	if (type_len(yes) != type_len(no)) {
		strbuf_addf(sb,
			    "The 'true' tuple has length %zu, but the 'false' tuple has length %zu",
			    type_len(yes), type_len(no));
		return true;
	}
	for (size_t i = 0; i < type_len(yes); i++) {
		if (!type_equal(type_at(yes, i), type_at(no, i))) {
			strbuf_addf(sb, "Type mismatch for tuple element %zu: ", i);
			describe(sb, type_at(yes, i), type_at(no, i));
			return true;
		}
	}
	return false;
}

/* Names of structural element types alone would read "list of object … list of object". */
static bool describe_collections(struct strbuf *sb, const struct type *yes, const struct type *no)
{
	enum type_kind a = type_kind(type_element(yes)), b = type_kind(type_element(no));
	const char *noun = type_kind(yes) == TYPE_LIST  ? "list"
			   : type_kind(yes) == TYPE_SET ? "set"
							: "map";

	if (a != b || (a != TYPE_OBJECT && a != TYPE_TUPLE))
		return false;
	strbuf_addf(sb, "Mismatched %s element types: ", noun);
	describe(sb, type_element(yes), type_element(no));
	return true;
}

static bool describe_parts(struct strbuf *sb, const struct type *yes, const struct type *no)
{
	if (type_kind(yes) != type_kind(no))
		return false;
	if (type_kind(yes) == TYPE_OBJECT)
		return describe_objects(sb, yes, no);
	if (type_kind(yes) == TYPE_TUPLE)
		return describe_tuples(sb, yes, no);
	return type_is_collection(yes) && describe_collections(sb, yes, no);
}

/* Why the two types do not go together. */
static void describe(struct strbuf *sb, const struct type *yes, const struct type *no)
{
	AUTO(strbuf) struct strbuf a = STRBUF_INIT;
	AUTO(strbuf) struct strbuf b = STRBUF_INIT;

	if (describe_parts(sb, yes, no))
		return;
	type_name(&a, yes);
	type_name(&b, no);
	if (strcmp(a.buf, b.buf) == 0)
		strbuf_addstr(sb, "At least one deeply-nested attribute or element is not "
				  "compatible across both the 'true' and the 'false' value");
	else
		strbuf_addf(sb, "The 'true' value is %s, but the 'false' value is %s", a.buf,
			    b.buf);
}

static bool is_bare_null(const struct value *v)
{
	return value_is_null(v) && type_kind(value_type(v)) == TYPE_DYNAMIC;
}

/* Owned, or NULL when there is no common type. */
static struct type *common_type(const struct value *yes, const struct value *no)
{
	struct type *types[] = { value_type(yes), value_type(no) };

	if (is_bare_null(yes))
		return type_ref(types[1]);
	if (is_bare_null(no))
		return type_ref(types[0]);
	if (type_kind(types[0]) == TYPE_DYNAMIC || type_kind(types[1]) == TYPE_DYNAMIC)
		return type_ref(type_dynamic);
	return type_unify(types, 2, true);
}

enum truth evaluate_condition(const struct evaluator *ev, const struct expr *condition,
			      const struct range *context, bool *ret_sensitive)
{
	AUTO(value) struct value *v = evaluate(ev, condition);
	AUTO(error) struct error *err = NULL;
	struct complaint c = { "Null condition", &condition->range, context, condition };

	*ret_sensitive |= value_is_sensitive_deep(v);
	if (value_is_null(v)) {
		complain(ev, &c,
			 "The condition value is null. Conditions must either be true or false.");
		return TRUTH_FAILED;
	}
	if (!value_is_known(v))
		return TRUTH_UNKNOWN;
	AUTO(value) struct value *b = value_convert(v, type_bool, &err);
	if (!b) {
		c.summary = "Incorrect condition type";
		complain(ev, &c, "The condition expression must be of type bool.");
		return TRUTH_FAILED;
	}
	return value_as_bool(b) ? TRUTH_YES : TRUTH_NO;
}

/* The arm that was chosen, in the common type. */
static struct value *take_arm(const struct evaluator *ev, const struct expr *e, struct arm *arm,
			      struct type *type)
{
	AUTO(error) struct error *err = NULL;

	diags_move(ev->diags, &arm->diags);
	if (type_kind(type) == TYPE_DYNAMIC || type_equal(value_type(arm->value), type))
		return value_ref(arm->value);
	struct value *v = value_convert(arm->value, type, &err);
	if (v)
		return v;
	complain(ev, &(struct complaint){ inconsistent, &arm->e->range, &e->range, arm->e },
		 "The %s result value has the wrong type: %s.",
		 arm->e == e->conditional.yes ? "true" : "false", err->message);
	return value_unknown(type);
}

static struct value *list_of_unknowns(struct type *element, size_t n)
{
	AUTO_FREE struct value **items = xcalloc(n + 1, sizeof(struct value *));

	for (size_t i = 0; i < n; i++)
		items[i] = value_unknown(element);
	return value_list_take(element, items, n);
}

/* What both arms have in common, when that is more than the type; NULL: nothing. */
static struct value *common_ground(struct value *yes, struct value *no)
{
	enum type_kind kind = type_kind(value_type(yes));

	if (!value_is_known(yes) || !value_is_known(no) || value_is_null(yes) ||
	    value_is_null(no) || !type_equal(value_type(yes), value_type(no)))
		return NULL;
	if (kind == TYPE_NUMBER && number_equal(value_as_number(yes), value_as_number(no)))
		return value_ref(yes);
	if (!type_is_collection(value_type(yes)) || value_len(yes) != value_len(no))
		return NULL;
	if (value_len(yes) == 0)
		return value_ref(yes);
	return kind == TYPE_LIST ? list_of_unknowns(type_element(value_type(yes)), value_len(yes))
				 : NULL;
}

static struct value *unknown_choice(struct type *type, const struct arm *yes, const struct arm *no,
				    bool *sensitive)
{
	*sensitive |= value_is_sensitive(yes->value) || value_is_sensitive(no->value);
	if (value_is_null(yes->value) && value_is_null(no->value))
		return value_null(type);
	struct value *v = common_ground(yes->value, no->value);
	return v ? v : value_unknown(type);
}

static struct value *choose(const struct evaluator *ev, const struct expr *e, struct arm *yes,
			    struct arm *no)
{
	AUTO(type) struct type *type = common_type(yes->value, no->value);
	bool sensitive = false;

	if (!type) {
		AUTO(strbuf) struct strbuf why = STRBUF_INIT;
		struct range arms = range_between(yes->e->range, no->e->range);

		describe(&why, value_type(yes->value), value_type(no->value));
		complain(ev, &(struct complaint){ inconsistent, &arms, &e->range, e },
			 "The true and false result expressions must have consistent types. %s.",
			 why.buf);
		return value_unknown(type_dynamic);
	}

	struct value *ret = NULL;
	switch (evaluate_condition(ev, e->conditional.condition, &e->range, &sensitive)) {
	case TRUTH_YES:
		ret = take_arm(ev, e, yes, type);
		break;
	case TRUTH_NO:
		ret = take_arm(ev, e, no, type);
		break;
	case TRUTH_UNKNOWN:
		ret = unknown_choice(type, yes, no, &sensitive);
		break;
	case TRUTH_FAILED:
		ret = value_unknown(type);
		break;
	}
	return value_marked_take(ret, sensitive);
}

static void evaluate_arm(const struct evaluator *ev, struct arm *arm)
{
	struct evaluator own = *ev;

	own.diags = &arm->diags;
	arm->value = evaluate(&own, arm->e);
}

struct value *evaluate_conditional(const struct evaluator *ev, const struct expr *e)
{
	struct arm yes = { .e = e->conditional.yes }, no = { .e = e->conditional.no };

	evaluate_arm(ev, &yes);
	evaluate_arm(ev, &no);
	struct value *ret = choose(ev, e, &yes, &no);
	value_unref(yes.value);
	value_unref(no.value);
	diags_release(&yes.diags);
	diags_release(&no.diags);
	return ret;
}
