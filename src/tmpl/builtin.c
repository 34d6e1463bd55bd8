/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that the template language itself has: logic, comparison, lists, escapes. */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/utf8.h"
#include "tmpl/func.h"

#include <string.h>

#define FUNC(fn) static bool fn(const struct tmpl_call *call, struct tmpl_value *ret)

static bool give_bool(struct tmpl_value *ret, bool b)
{
	*ret = tmpl_bool(b);
	return true;
}

/* ---- printing ------------------------------------------------------------------------ */

/* A space between two values when neither is a text. */
static void print_all(struct strbuf *sb, const struct tmpl_call *call, bool as_result)
{
	for (size_t i = 0; i < call->n; i++) {
		const struct tmpl_value *v = &call->args[i];

		if (i && v->kind != TMPL_STRING && v[-1].kind != TMPL_STRING)
			strbuf_addch(sb, ' ');
		if (as_result)
			tmpl_print_result(sb, *v);
		else
			tmpl_print(sb, *v);
	}
}

FUNC(f_print)
{
	struct strbuf sb = STRBUF_INIT;

	print_all(&sb, call, false);
	return tmpl_return_text(call, &sb, ret);
}

FUNC(f_println)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < call->n; i++) {
		strbuf_addstr(&sb, i ? " " : "");
		tmpl_print(&sb, call->args[i]);
	}
	strbuf_addch(&sb, '\n');
	return tmpl_return_text(call, &sb, ret);
}

FUNC(f_printf)
{
	struct strbuf sb = STRBUF_INIT_MAX(64 * 1024 * 1024);

	tmpl_printf(&sb, call->args[0].text, call->args + 1, call->n - 1);
	return tmpl_return_text(call, &sb, ret);
}

FUNC(f_html)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct strbuf sb = STRBUF_INIT;

	print_all(&text, call, true);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.buf[i];

		if (c == '\0')
			strbuf_addstr(&sb, "\xef\xbf\xbd");
		else if (c == '"')
			strbuf_addstr(&sb, "&#34;");
		else if (c == '\'')
			strbuf_addstr(&sb, "&#39;");
		else if (c == '&')
			strbuf_addstr(&sb, "&amp;");
		else if (c == '<')
			strbuf_addstr(&sb, "&lt;");
		else if (c == '>')
			strbuf_addstr(&sb, "&gt;");
		else
			strbuf_addch(&sb, c);
	}
	return tmpl_return_text(call, &sb, ret);
}

static void add_js(struct strbuf *sb, uint32_t cp, const char *bytes, size_t n)
{
	if (cp == '\\' || cp == '\'' || cp == '"')
		strbuf_addf(sb, "\\%c", (char)cp);
	else if (cp < 0x80 && (cp < ' ' || strchr("<>&=", (int)cp)))
		strbuf_addf(sb, "\\u%04X", cp);
	else if (cp >= 0x80 && !utf8_is_printable(cp))
		strbuf_addf(sb, "\\u%04X", cp);
	else
		strbuf_add(sb, bytes, n);
}

FUNC(f_js)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct strbuf sb = STRBUF_INIT;
	uint32_t cp;

	print_all(&text, call, true);
	for (size_t i = 0, n; i < text.len; i += n) {
		n = utf8_decode(text.buf + i, text.len - i, &cp);
		if (n)
			add_js(&sb, cp, text.buf + i, n);
		else
			strbuf_add(&sb, text.buf + i, n = 1);
	}
	return tmpl_return_text(call, &sb, ret);
}

FUNC(f_urlquery)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct strbuf sb = STRBUF_INIT;

	print_all(&text, call, true);
	encode_url_query(&sb, text.buf, text.len);
	return tmpl_return_text(call, &sb, ret);
}

/* ---- logic ----------------------------------------------------------------------------- */

FUNC(f_not)
{
	return give_bool(ret, !tmpl_is_true(call->args[0]));
}

/* `and` and `or` are computed where their arguments are (eval.c). */
FUNC(f_lazy)
{
	*ret = call->args[call->n - 1];
	return true;
}

FUNC(f_call)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	(void)ret;
	if (call->args[0].kind == TMPL_NIL)
		return tmpl_complain(call, "call of nil");
	tmpl_print(&text, call->args[0]);
	return tmpl_complain(call, "non-function %s of type %s", text.buf,
			     tmpl_type_name(call->args[0]));
}

/* ---- texts, lists and maps ----------------------------------------------------------------- */

FUNC(f_len)
{
	const struct tmpl_value *v = &call->args[0];

	if (v->kind == TMPL_NIL)
		return tmpl_complain(call, "reflect: call of reflect.Value.Type on zero Value");
	if (v->kind != TMPL_STRING && v->kind != TMPL_LIST && v->kind != TMPL_MAP)
		return tmpl_complain(call, "len of type %s", tmpl_type_name(*v));
	*ret = tmpl_int((int64_t)(v->kind == TMPL_STRING ? v->text.len : tmpl_len(*v)));
	return true;
}

static size_t length_of(const struct tmpl_value *v)
{
	return v->kind == TMPL_STRING ? v->text.len : tmpl_len(*v);
}

static bool index_of(const struct tmpl_call *call, const struct tmpl_value *at, size_t max,
		     size_t *ret)
{
	if (at->kind == TMPL_NIL)
		return tmpl_complain(call, "cannot index slice/array with nil");
	if (at->kind != TMPL_INT && at->kind != TMPL_BYTE)
		return tmpl_complain(call, "cannot index slice/array with type %s",
				     tmpl_type_name(*at));
	if (at->integer < 0 || (uint64_t)at->integer > max)
		return tmpl_complain(call, "index out of range: %lld", (long long)at->integer);
	*ret = (size_t)at->integer;
	return true;
}

static bool index_map(const struct tmpl_call *call, const struct tmpl_value *key,
		      struct tmpl_value *v)
{
	if (key->kind == TMPL_NIL)
		return tmpl_complain(call, "value is nil; should be of type string");
	if (key->kind != TMPL_STRING)
		return tmpl_complain(call, "value has type %s; should be string",
				     tmpl_type_name(*key));

	AUTO_FREE char *name = str_dup(key->text);

	*v = tmpl_from(value_get(v->data, name));
	return true;
}

static bool index_list(const struct tmpl_call *call, const struct tmpl_value *at,
		       struct tmpl_value *v)
{
	size_t i;

	if (!index_of(call, at, length_of(v), &i))
		return false;
	if (i == length_of(v))
		return tmpl_complain(call, "reflect: %s index out of range",
				     v->kind == TMPL_STRING ? "string" : "slice");
	if (v->kind == TMPL_STRING)
		*v = (struct tmpl_value){ .kind = TMPL_BYTE,
					  .integer = (unsigned char)v->text.p[i] };
	else
		*v = tmpl_at(*v, i);
	return true;
}

FUNC(f_index)
{
	struct tmpl_value v = call->args[0];
	bool ok = true;

	if (v.kind == TMPL_NIL)
		return tmpl_complain(call, "index of untyped nil");
	for (size_t i = 1; i < call->n && ok; i++) {
		if (v.kind == TMPL_NIL)
			return tmpl_complain(call, "index of nil pointer");
		if (v.kind == TMPL_MAP)
			ok = index_map(call, &call->args[i], &v);
		else if (v.kind == TMPL_LIST || v.kind == TMPL_STRING)
			ok = index_list(call, &call->args[i], &v);
		else
			return tmpl_complain(call, "can't index item of type %s",
					     tmpl_type_name(v));
	}
	*ret = v;
	return ok;
}

static struct tmpl_value part_of(const struct tmpl_call *call, const struct tmpl_value *v,
				 size_t from, size_t to)
{
	if (v->kind == TMPL_STRING)
		return tmpl_string((struct str){ v->text.p + from, to - from });

	struct value **items = arena_alloc(call->arena, sizeof(*items) * (to - from + 1));

	for (size_t i = from; i < to; i++)
		items[i - from] = value_ref(value_at(v->data, i));

	struct value *part = value_tuple_take(items, to - from);

	arena_on_free(call->arena, (arena_destroy_fn)value_unref, part);
	return tmpl_from(part);
}

FUNC(f_slice)
{
	const struct tmpl_value *v = &call->args[0];
	size_t at[] = { 0, 0, 0 };

	if (v->kind == TMPL_NIL)
		return tmpl_complain(call, "slice of untyped nil");
	if (call->n > 4)
		return tmpl_complain(call, "too many slice indexes: %zu", call->n - 1);
	if (v->kind != TMPL_STRING && v->kind != TMPL_LIST)
		return tmpl_complain(call, "can't slice item of type %s", tmpl_type_name(*v));
	if (v->kind == TMPL_STRING && call->n == 4)
		return tmpl_complain(call, "cannot 3-index slice a string");
	at[1] = length_of(v);
	for (size_t i = 1; i < call->n; i++)
		if (!index_of(call, &call->args[i], length_of(v), &at[i - 1]))
			return false;
	if (at[0] > at[1])
		return tmpl_complain(call, "invalid slice index: %zu > %zu", at[0], at[1]);
	if (call->n == 4 && at[1] > at[2])
		return tmpl_complain(call, "invalid slice index: %zu > %zu", at[1], at[2]);
	*ret = part_of(call, v, at[0], at[1]);
	return true;
}

/* ---- comparison ------------------------------------------------------------------------------- */

static bool is_int(const struct tmpl_value *v)
{
	return v->kind == TMPL_INT || v->kind == TMPL_BYTE;
}

static bool same_kind(const struct tmpl_value *a, const struct tmpl_value *b)
{
	return a->kind == b->kind || (is_int(a) && is_int(b));
}

static int order(const struct tmpl_value *a, const struct tmpl_value *b)
{
	if (a->kind == TMPL_STRING) {
		int r = memcmp(a->text.p, b->text.p, MIN(a->text.len, b->text.len));

		return r ? r : (a->text.len > b->text.len) - (a->text.len < b->text.len);
	}
	if (a->kind == TMPL_FLOAT)
		return (a->real > b->real) - (a->real < b->real);
	if (a->kind == TMPL_BOOL)
		return (int)a->boolean - (int)b->boolean;
	return (a->integer > b->integer) - (a->integer < b->integer);
}

static bool equal(const struct tmpl_call *call, const struct tmpl_value *a,
		  const struct tmpl_value *b, bool *ret)
{
	bool has_nil = a->kind == TMPL_NIL || b->kind == TMPL_NIL;

	if (has_nil) {
		*ret = a->kind == b->kind;
		return true;
	}
	if (!same_kind(a, b))
		return tmpl_complain(call, "incompatible types for comparison");
	if (a->kind == TMPL_LIST || a->kind == TMPL_MAP) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(1000);

		tmpl_print(&text, *b);
		return tmpl_complain(call, "non-comparable type %s: %s", text.buf,
				     tmpl_type_name(*b));
	}
	*ret = order(a, b) == 0;
	return true;
}

FUNC(f_eq)
{
	bool found = false;

	if (call->n < 2)
		return tmpl_complain(call, "missing argument for comparison");
	for (size_t i = 1; i < call->n && !found; i++)
		if (!equal(call, &call->args[0], &call->args[i], &found))
			return false;
	return give_bool(ret, found);
}

FUNC(f_ne)
{
	bool same = false;

	return equal(call, &call->args[0], &call->args[1], &same) && give_bool(ret, !same);
}

static bool is_ordered(const struct tmpl_value *v)
{
	return is_int(v) || v->kind == TMPL_FLOAT || v->kind == TMPL_STRING;
}

static bool compare(const struct tmpl_call *call, int *ret)
{
	const struct tmpl_value *a = &call->args[0], *b = &call->args[1];
	bool is_basic = a->kind == TMPL_BOOL || is_ordered(a);

	if (!is_basic || (!is_ordered(b) && b->kind != TMPL_BOOL))
		return tmpl_complain(call, "invalid type for comparison");
	if (!same_kind(a, b))
		return tmpl_complain(call, "incompatible types for comparison");
	if (a->kind == TMPL_BOOL)
		return tmpl_complain(call, "invalid type for comparison");
	*ret = order(a, b);
	return true;
}

FUNC(f_lt)
{
	int r = 0;

	return compare(call, &r) && give_bool(ret, r < 0);
}

FUNC(f_le)
{
	int r = 0;

	return compare(call, &r) && give_bool(ret, r <= 0);
}

FUNC(f_gt)
{
	int r = 0;

	return compare(call, &r) && give_bool(ret, r > 0);
}

FUNC(f_ge)
{
	int r = 0;

	return compare(call, &r) && give_bool(ret, r >= 0);
}

/* Sorted by name. */
const struct tmpl_func tmpl_builtins[] = {
	{ "and", 1, -1, NULL, f_lazy },
	{ "call", 1, -1, NULL, f_call },
	{ "eq", 1, -1, NULL, f_eq },
	{ "ge", 2, 2, NULL, f_ge },
	{ "gt", 2, 2, NULL, f_gt },
	{ "html", 0, -1, NULL, f_html },
	{ "index", 1, -1, NULL, f_index },
	{ "js", 0, -1, NULL, f_js },
	{ "le", 2, 2, NULL, f_le },
	{ "len", 1, 1, NULL, f_len },
	{ "lt", 2, 2, NULL, f_lt },
	{ "ne", 2, 2, NULL, f_ne },
	{ "not", 1, 1, NULL, f_not },
	{ "or", 1, -1, NULL, f_lazy },
	{ "print", 0, -1, NULL, f_print },
	{ "printf", 1, -1, "sa", f_printf },
	{ "println", 0, -1, NULL, f_println },
	{ "slice", 1, -1, NULL, f_slice },
	{ "urlquery", 0, -1, NULL, f_urlquery },
	{ 0 },
};
