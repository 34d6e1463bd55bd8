/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates (language.md 4). Text is collected until a part turns out to be
 * unknown; the rest is then evaluated for its mistakes only.
 */
#include "base/alloc.h"
#include "eval/evaluator.h"
#include "value/convert.h"

struct rendering {
	const struct evaluator *ev;
	const struct template *template;
	struct strbuf text;
	bool is_known;
	bool sensitive;
};

static void add_value(struct rendering *r, struct value *v)
{
	r->sensitive |= value_is_sensitive(v);
	if (!value_is_known(v)) {
		r->is_known = false;
		return;
	}
	if (r->is_known)
		strbuf_add(&r->text, value_as_string(v), value_string_size(v));
}

static void add_interpolation(struct rendering *r, const struct expr *e)
{
	AUTO(value) struct value *v = evaluate(r->ev, e);
	AUTO(error) struct error *err = NULL;
	struct complaint c = { "Invalid template interpolation value", &e->range,
			       &r->template->range, e };

	r->sensitive |= value_is_sensitive_deep(v);
	if (value_is_null(v)) {
		complain(r->ev, &c,
			 "The expression result is null. Cannot include a null value in a string "
			 "template.");
		return;
	}
	if (!value_is_known(v)) {
		r->is_known = false;
		return;
	}
	AUTO(value) struct value *text = value_convert(v, type_string, &err);
	if (text)
		add_value(r, text);
	else
		complain(r->ev, &c, "Cannot include the given value in a string template: %s.",
			 err->message);
}

static struct value *branch(const struct evaluator *ev, const struct template *t)
{
	return t ? evaluate_template(ev, t, false) : value_string("");
}

/* Both branches are evaluated; the mistakes of the one not taken are dropped. */
static void add_if(struct rendering *r, const struct template_part *p)
{
	struct diags yes_diags = DIAGS_INIT, no_diags = DIAGS_INIT;
	struct evaluator yes_ev = *r->ev, no_ev = *r->ev;

	yes_ev.diags = &yes_diags;
	no_ev.diags = &no_diags;
	AUTO(value) struct value *yes = branch(&yes_ev, p->body);
	AUTO(value) struct value *no = branch(&no_ev, p->otherwise);

	switch (evaluate_condition(r->ev, p->expr, &p->range, &r->sensitive)) {
	case TRUTH_YES:
		diags_move(r->ev->diags, &yes_diags);
		add_value(r, yes);
		break;
	case TRUTH_NO:
		diags_move(r->ev->diags, &no_diags);
		add_value(r, no);
		break;
	case TRUTH_UNKNOWN:
	case TRUTH_FAILED:
		r->is_known = false;
		break;
	}
	diags_release(&yes_diags);
	diags_release(&no_diags);
}

static void add_for(struct rendering *r, const struct template_part *p)
{
	struct loop l = { p->expr, p->key_name, p->value_name, p->range };
	bool sensitive;
	AUTO(value) struct value *collection = loop_collection(r->ev, &l, &sensitive);

	r->sensitive |= sensitive;
	if (!collection) {
		r->is_known = false;
		return;
	}

	AUTO(scope) struct scope *names = scope_new(r->ev->scope);
	struct evaluator inner = *r->ev;
	inner.scope = names;
	for (size_t i = 0; i < value_len(collection); i++) {
		loop_bind(&l, names, collection, i);
		AUTO(value) struct value *v = evaluate_template(&inner, p->body, false);

		add_value(r, v);
	}
}

static void add_part(struct rendering *r, const struct template_part *p)
{
	switch (p->kind) {
	case PART_LITERAL:
		if (r->is_known)
			strbuf_add(&r->text, p->literal.p, p->literal.len);
		break;
	case PART_INTERPOLATION:
		add_interpolation(r, p->expr);
		break;
	case PART_IF:
		add_if(r, p);
		break;
	case PART_FOR:
		add_for(r, p);
		break;
	}
}

struct value *evaluate_template(const struct evaluator *ev, const struct template *t, bool unwrap)
{
	struct rendering r = { .ev = ev, .template = t, .text = STRBUF_INIT, .is_known = true };

	if (unwrap && t->len == 1 && t->parts[0].kind == PART_INTERPOLATION)
		return evaluate(ev, t->parts[0].expr);
	for (size_t i = 0; i < t->len; i++)
		add_part(&r, &t->parts[i]);

	struct value *ret =
		r.is_known ? value_string_len(r.text.buf, r.text.len) : value_unknown(type_string);
	strbuf_release(&r.text);
	return value_marked_take(ret, r.sensitive);
}
