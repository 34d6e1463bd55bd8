/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unary and binary operators (language.md 7.3 to 7.5). `&&` and `||` look at
 * both sides before they decide, and drop the mistakes of the side that did
 * not matter; so each side keeps its own list of diagnostics until then.
 */
#include "eval/evaluator.h"
#include "value/convert.h"

#include <string.h>

struct operand {
	struct value *value; /* owned */
	struct diags diags;
};

static struct type *operand_type(enum expr_op op)
{
	switch (op) {
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_DIV:
	case OP_MOD:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
	case OP_NEGATE:
		return type_number;
	case OP_AND:
	case OP_OR:
	case OP_NOT:
		return type_bool;
	case OP_EQ:
	case OP_NE:
	case OP_COUNT:
		break;
	}
	return type_dynamic;
}

static struct type *result_type(enum expr_op op)
{
	switch (op) {
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_DIV:
	case OP_MOD:
	case OP_NEGATE:
		return type_number;
	case OP_AND:
	case OP_OR:
	case OP_NOT:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
	case OP_EQ:
	case OP_NE:
	case OP_COUNT:
		break;
	}
	return type_bool;
}

/* Replaces *v by its conversion; an unknown of the type after a report. */
static void convert_operand(const struct evaluator *ev, const struct expr *e,
			    const struct expr *operand, const char *side, struct value **v)
{
	AUTO(error) struct error *err = NULL;
	struct type *want = operand_type(e->op.op);

	if (want == type_dynamic)
		return;
	struct value *converted = value_convert(*v, want, &err);
	if (!converted) {
		complain(ev,
			 &(struct complaint){ "Invalid operand", &operand->range, &e->range,
					      operand },
			 "Unsuitable value for %s operand: %s.", side, err->message);
		converted = value_unknown(want);
	}
	value_unref(*v);
	*v = converted;
}

static void report_failure(const struct evaluator *ev, const struct expr *e, const char *why)
{
	complain(ev, &(struct complaint){ "Operation failed", &e->range, NULL, e },
		 "Error during operation: %s.", why);
}

static enum truth truth_not(enum truth t)
{
	if (t == TRUTH_UNKNOWN)
		return t;
	return t == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
}

/* Is the type of the content settled, whatever the unknown parts turn out to be? */
static bool has_known_type(const struct value *v)
{
	if (value_is_null(v))
		return true;
	if (!value_is_known(v))
		return !type_has_dynamic(value_type(v));
	if (type_is_primitive(value_type(v)))
		return true;
	for (size_t i = 0; i < value_len(v); i++) {
		if (!has_known_type(value_at(v, i)))
			return false;
	}
	return true;
}

static bool types_may_agree(const struct type *a, const struct type *b);

static bool parts_may_agree(const struct type *a, const struct type *b)
{
	if (type_len(a) != type_len(b))
		return false;
	for (size_t i = 0; i < type_len(a); i++) {
		if (type_kind(a) == TYPE_OBJECT &&
		    strcmp(type_field_at(a, i)->name, type_field_at(b, i)->name) != 0)
			return false;
		if (!types_may_agree(type_at(a, i), type_at(b, i)))
			return false;
	}
	return true;
}

static bool types_may_agree(const struct type *a, const struct type *b)
{
	if (type_kind(a) == TYPE_DYNAMIC || type_kind(b) == TYPE_DYNAMIC)
		return true;
	if (type_kind(a) != type_kind(b))
		return false;
	if (type_is_primitive(a))
		return true;
	if (type_is_collection(a))
		return types_may_agree(type_element(a), type_element(b));
	return parts_may_agree(a, b);
}

static enum truth values_equal(const struct value *a, const struct value *b);

/* Both known, of the same type, not primitive. */
static enum truth contents_equal(const struct value *a, const struct value *b)
{
	if (type_kind(value_type(a)) == TYPE_SET &&
	    (!value_is_wholly_known(a) || !value_is_wholly_known(b)))
		return TRUTH_UNKNOWN;
	if (value_len(a) != value_len(b))
		return TRUTH_NO;
	for (size_t i = 0; i < value_len(a); i++) {
		if (type_kind(value_type(a)) == TYPE_MAP &&
		    strcmp(value_key_at(a, i), value_key_at(b, i)) != 0)
			return TRUTH_NO;
		enum truth t = values_equal(value_at(a, i), value_at(b, i));
		if (t != TRUTH_YES)
			return t;
	}
	return TRUTH_YES;
}

static enum truth values_equal(const struct value *a, const struct value *b)
{
	bool a_null = value_is_null(a), b_null = value_is_null(b);

	if (a_null && b_null)
		return TRUTH_YES;
	if ((a_null && value_is_known(b)) || (b_null && value_is_known(a)))
		return TRUTH_NO;
	if (!has_known_type(a) || !has_known_type(b))
		return types_may_agree(value_type(a), value_type(b)) ? TRUTH_UNKNOWN : TRUTH_NO;
	if (a_null || b_null)
		return TRUTH_UNKNOWN;
	if (!type_equal(value_type(a), value_type(b)))
		return TRUTH_NO;
	if (!value_is_known(a) || !value_is_known(b))
		return TRUTH_UNKNOWN;
	if (type_is_primitive(value_type(a)))
		return value_equal(a, b) ? TRUTH_YES : TRUTH_NO;
	return contents_equal(a, b);
}

static struct value *truth_value(enum truth t)
{
	return t == TRUTH_UNKNOWN ? value_unknown(type_bool) : value_bool(t == TRUTH_YES);
}

static struct value *compare(enum expr_op op, const struct number *a, const struct number *b)
{
	int order = number_compare(a, b);

	switch (op) {
	case OP_LT:
		return value_bool(order < 0);
	case OP_LE:
		return value_bool(order <= 0);
	case OP_GT:
		return value_bool(order > 0);
	default:
		return value_bool(order >= 0);
	}
}

static struct value *calculate(const struct evaluator *ev, const struct expr *e,
			       const struct number *a, const struct number *b)
{
	static struct number *(*const functions[])(const struct number *, const struct number *,
						   struct error **) = {
		[OP_ADD] = number_add, [OP_SUB] = number_sub, [OP_MUL] = number_mul,
		[OP_DIV] = number_div, [OP_MOD] = number_mod,
	};
	AUTO(error) struct error *err = NULL;

	if (e->op.op >= ARRAY_LEN(functions))
		return compare(e->op.op, a, b);
	AUTO(number) struct number *n = functions[e->op.op](a, b, &err);
	if (n)
		return value_number(n);
	report_failure(ev, e, err->message);
	return value_unknown(type_number);
}

/* Both operands are converted and free of mistakes. */
static struct value *operate(const struct evaluator *ev, const struct expr *e,
			     const struct value *a, const struct value *b)
{
	enum expr_op op = e->op.op;

	if (op == OP_EQ)
		return truth_value(values_equal(a, b));
	if (op == OP_NE)
		return truth_value(truth_not(values_equal(a, b)));
	if (value_is_null(a) || value_is_null(b)) {
		report_failure(ev, e, "argument must not be null");
		return value_unknown(result_type(op));
	}
	if (!value_is_known(a) || !value_is_known(b))
		return value_unknown(result_type(op));
	if (op == OP_AND)
		return value_bool(value_as_bool(a) && value_as_bool(b));
	if (op == OP_OR)
		return value_bool(value_as_bool(a) || value_as_bool(b));
	return calculate(ev, e, value_as_number(a), value_as_number(b));
}

/* Null counts as false here, as in the language's own tables. */
static enum truth operand_truth(const struct value *v)
{
	if (!value_is_known(v))
		return TRUTH_UNKNOWN;
	return !value_is_null(v) && value_as_bool(v) ? TRUTH_YES : TRUTH_NO;
}

/* The side whose value is the result whatever the other is; NULL: none. */
static struct operand *deciding_side(enum expr_op op, struct operand *a, struct operand *b)
{
	enum truth decides = op == OP_OR ? TRUTH_YES : TRUTH_NO;
	enum truth left = operand_truth(a->value), right = operand_truth(b->value);

	if (left == TRUTH_UNKNOWN && right == TRUTH_UNKNOWN)
		return diags_has_errors(&a->diags) ? NULL : a;
	if (left == decides)
		return a;
	if (right == decides)
		return b;
	if (left == TRUTH_UNKNOWN)
		return a;
	return right == TRUTH_UNKNOWN ? b : NULL;
}

static void operand_release(struct operand *o)
{
	value_unref(o->value);
	diags_release(&o->diags);
}

/* Applies e to *left and `right`; the result and its diagnostics replace *left. */
static void apply_binary(const struct evaluator *ev, const struct expr *e, struct operand *left,
			 struct operand *right)
{
	struct operand ret = { 0 };
	struct operand *decides = NULL;
	struct evaluator own = *ev;

	own.diags = &ret.diags;
	convert_operand(&own, e, e->op.left, "left", &left->value);
	convert_operand(&own, e, e->op.right, "right", &right->value);
	bool converted = !diags_has_errors(&ret.diags);

	if (converted && (e->op.op == OP_AND || e->op.op == OP_OR))
		decides = deciding_side(e->op.op, left, right);
	if (decides) {
		ret.value = value_is_null(decides->value)
				    ? value_marked_take(value_bool(false),
							value_is_sensitive(decides->value))
				    : value_ref(decides->value);
		diags_move(&ret.diags, &decides->diags);
	} else {
		diags_move(&ret.diags, &left->diags);
		diags_move(&ret.diags, &right->diags);
		ret.value = diags_has_errors(&ret.diags)
				    ? value_unknown(result_type(e->op.op))
				    : operate(&own, e, left->value, right->value);
		ret.value =
			value_marked_take(ret.value, value_is_sensitive_deep(left->value) ||
							     value_is_sensitive_deep(right->value));
	}
	operand_release(left);
	operand_release(right);
	*left = ret;
}

static struct operand evaluate_operand(const struct evaluator *ev, const struct expr *e)
{
	struct operand o = { 0 };
	struct evaluator own = *ev;

	own.diags = &o.diags;
	o.value = evaluate(&own, e);
	return o;
}

struct value *evaluate_binary(const struct evaluator *ev, const struct expr *e)
{
	VEC_DECLARE(spine, const struct expr *) spine = { 0 };

	for (; e->kind == EXPR_BINARY; e = e->op.left)
		*vec_push(&spine) = e;

	struct operand left = evaluate_operand(ev, e);
	for (size_t i = spine.len; i-- > 0;) {
		struct operand right = evaluate_operand(ev, spine.items[i]->op.right);

		apply_binary(ev, spine.items[i], &left, &right);
	}
	vec_release(&spine);
	diags_move(ev->diags, &left.diags);
	diags_release(&left.diags);
	return left.value;
}

static struct value *operate_unary(const struct evaluator *ev, const struct expr *e,
				   const struct value *v)
{
	if (value_is_null(v)) {
		report_failure(ev, e, "argument must not be null");
		return value_unknown(result_type(e->op.op));
	}
	if (!value_is_known(v))
		return value_unknown(result_type(e->op.op));
	if (e->op.op == OP_NOT)
		return value_bool(!value_as_bool(v));

	AUTO(number) struct number *n = number_neg(value_as_number(v));
	return value_number(n);
}

struct value *evaluate_unary(const struct evaluator *ev, const struct expr *e)
{
	struct diags own_diags = DIAGS_INIT;
	struct evaluator own = *ev;

	own.diags = &own_diags;
	AUTO(value) struct value *v = evaluate(&own, e->op.left);
	convert_operand(&own, e, e->op.left, "unary", &v);

	struct value *ret = diags_has_errors(&own_diags) ? value_unknown(result_type(e->op.op))
							 : operate_unary(&own, e, v);
	diags_move(ev->diags, &own_diags);
	diags_release(&own_diags);
	return value_marked_take(ret, value_is_sensitive_deep(v));
}
