/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of the evaluator. A report made inside a loop is about one round of
 * it, so the values of the variables involved are written down at once: later
 * the scope is gone.
 */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/strv.h"
#include "eval/evaluator.h"
#include "lang/parser.h"

struct value_list {
	const struct evaluator *ev;
	struct strv items;
};

char *go_quoted(const char *text, size_t len)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	encode_go_quoted(&sb, text, len);
	return strbuf_detach(&sb);
}

bool expr_is_literal(const struct expr *e)
{
	switch (e->kind) {
	case EXPR_NUMBER:
	case EXPR_BOOL:
	case EXPR_NULL:
		return true;
	case EXPR_TEMPLATE:
		return e->template->len == 0 ||
		       (e->template->len == 1 && e->template->parts[0].kind == PART_LITERAL);
	case EXPR_VARIABLE:
	case EXPR_ATTR:
	case EXPR_INDEX:
	case EXPR_SPLAT:
	case EXPR_SPLAT_ITEM:
	case EXPR_CALL:
	case EXPR_TUPLE:
	case EXPR_OBJECT:
	case EXPR_FOR:
	case EXPR_CONDITIONAL:
	case EXPR_UNARY:
	case EXPR_BINARY:
	case EXPR_PARENS:
	case EXPR_INVALID:
	case EXPR_JSON:
	case EXPR_BOUND:
		return false;
	}
	return false;
}

static struct range template_start(const struct template *t)
{
	const struct template_part *first = &t->parts[0];

	if (t->len == 0)
		return t->range;
	switch (first->kind) {
	case PART_LITERAL:
	case PART_FOR:
		return first->range;
	case PART_INTERPOLATION:
		return t->len == 1 ? t->range : expr_start(first->expr);
	case PART_IF:
		return expr_start(first->expr);
	}
	return t->range;
}

static struct range first_byte(struct range r)
{
	r.end = r.start;
	r.end.byte++;
	r.end.column++;
	return r;
}

struct range expr_start(const struct expr *e)
{
	for (;;) {
		switch (e->kind) {
		case EXPR_TEMPLATE:
			return template_start(e->template);
		case EXPR_CALL:
			return range_between(e->call.name_range, e->call.open);
		case EXPR_INDEX:
			return expr_is_literal(e->index.key) ? e->range
							     : first_byte(e->index.bracket);
		case EXPR_SPLAT:
			return e->splat.marker;
		case EXPR_TUPLE:
			return first_byte(e->range);
		case EXPR_OBJECT:
			return e->object.open;
		case EXPR_FOR:
			return e->for_->open;
		case EXPR_UNARY:
			return e->op.symbol;
		case EXPR_CONDITIONAL:
			e = e->conditional.condition;
			break;
		case EXPR_BINARY:
			e = e->op.left;
			break;
		case EXPR_BOUND:
			e = e->bound.inner;
			break;
		case EXPR_NUMBER:
		case EXPR_BOOL:
		case EXPR_NULL:
		case EXPR_VARIABLE:
		case EXPR_ATTR:
		case EXPR_SPLAT_ITEM:
		case EXPR_PARENS:
		case EXPR_INVALID:
			return e->range;
		case EXPR_JSON:
			return json_open(e->json);
		}
	}
}

static void add_index_key(struct strbuf *sb, const struct evaluator *probe, const struct expr *key)
{
	AUTO(value) struct value *v = evaluate(probe, key);

	if (type_is_primitive(value_type(v)) && value_is_known(v))
		value_format_summary(sb, v);
	else
		strbuf_addstr(sb, "...");
}

/* `var.list[0].name` as written, whatever the spacing. */
static void add_path(struct strbuf *sb, const struct evaluator *probe, const struct expr *e)
{
	VEC_DECLARE(steps, const struct expr *) steps = { 0 };

	while (e->kind == EXPR_ATTR || e->kind == EXPR_INDEX) {
		*vec_push(&steps) = e;
		e = e->kind == EXPR_ATTR ? e->attr.object : e->index.object;
	}
	if (e->kind == EXPR_VARIABLE)
		strbuf_add(sb, e->variable.name.p, e->variable.name.len);
	for (size_t i = steps.len; i-- > 0;) {
		const struct expr *step = steps.items[i];

		if (step->kind == EXPR_ATTR) {
			strbuf_addf(sb, ".%.*s", STR_FMT(step->attr.name));
		} else {
			strbuf_addch(sb, '[');
			add_index_key(sb, probe, step->index.key);
			strbuf_addch(sb, ']');
		}
	}
	vec_release(&steps);
}

static void add_content(struct strbuf *sb, const struct value *v)
{
	if (value_is_null(v)) {
		strbuf_addstr(sb, " set to null");
		return;
	}
	strbuf_addstr(sb, " as ");
	if (!value_is_sensitive(v))
		value_format_summary(sb, v);
	else if (type_kind(value_type(v)) == TYPE_STRING)
		strbuf_addstr(sb, "\"<sensitive>\"");
	else
		strbuf_addstr(sb, "<sensitive>");
}

static void list_value(void *data, const struct expr *traversal)
{
	struct value_list *list = data;
	AUTO(diags) struct diags dropped = DIAGS_INIT;
	struct evaluator probe = *list->ev;

	probe.diags = &dropped;
	probe.is_probe = true;
	probe.item = NULL;
	AUTO(value) struct value *v = evaluate(&probe, traversal);
	if (diags_has_errors(&dropped) || !value_is_known(v))
		return;

	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	add_path(&sb, &probe, traversal);
	add_content(&sb, v);
	if (!strv_contains(&list->items, sb.buf))
		strv_push(&list->items, sb.buf);
}

/* The `with …` list of language.md 9.1, or NULL. */
static char *list_values(const struct evaluator *ev, const struct expr *e)
{
	struct value_list list = { .ev = ev, .items = STRV_INIT };
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	expr_walk_references(e, list_value, &list);
	strv_sort(&list.items);
	for (size_t i = 0; i < list.items.len; i++)
		strbuf_addf(&sb, "%s%s", i == 0 ? "with " : ",\n     ", list.items.v[i]);
	if (list.items.len > 0)
		strbuf_addch(&sb, '.');
	strv_release(&list.items);
	return sb.len > 0 ? strbuf_detach(&sb) : NULL;
}

void complain(const struct evaluator *ev, const struct complaint *c, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&detail, fmt, ap);
	va_end(ap);

	AUTO_FREE char *values =
		c->about && ev->scope && !ev->is_probe ? list_values(ev, c->about) : NULL;
	struct diag *d = diags_error(ev->diags, c->subject, c->summary, "%s", detail.buf);
	if (c->context)
		d->context = *c->context;
	d->values = TAKE(values);
}
