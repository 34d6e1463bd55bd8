/* SPDX-License-Identifier: Apache-2.0 */
/* Small readers that every stage of the load uses. */
#include "base/encode.h"
#include "base/utf8.h"
#include "config/loader.h"
#include "eval/eval.h"

const char bad_name_detail[] = "A name must start with a letter or underscore and may contain only "
			       "letters, digits, underscores, and dashes.";

static void drop_type(void *p)
{
	type_unref(p);
}

struct type *keep_type(struct arena *arena, struct type *t)
{
	if (t)
		arena_on_free(arena, drop_type, t);
	return t;
}

void *keep_array(struct arena *arena, const void *items, size_t size, size_t len)
{
	if (len == 0)
		return NULL;
	void *copy = arena_alloc(arena, size * len);
	memcpy(copy, items, size * len);
	return copy;
}

const char *text_of_label(const struct loader *l, const struct block *b, size_t i)
{
	if (i >= b->label_count)
		return "";
	return arena_strndup(l->arena, b->labels[i].p, b->labels[i].len);
}

const char *quote(struct arena *arena, const char *s)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	encode_go_quoted(&text, s, strlen(s));
	return arena_strndup(arena, text.buf, text.len);
}

bool is_identifier(const char *s)
{
	size_t len = strlen(s), at = 0;
	uint32_t cp = 0;
	while (at < len) {
		size_t n = utf8_decode(s + at, len - at, &cp);
		if (n == 0)
			return false;
		bool is_first = at == 0;
		bool ok = cp == '_' ||
			  (is_first ? utf8_is_id_start(cp) : cp == '-' || utf8_is_id_continue(cp));
		if (!ok)
			return false;
		at += n;
	}
	return len > 0;
}

static bool is_usable(const struct value *v)
{
	return value_is_known(v) && !value_is_null(v);
}

const char *read_text(struct loader *l, const struct attribute *a, const struct scope *scope)
{
	if (!a)
		return NULL;
	AUTO(value) struct value *v = eval_expr_as(a->expr, scope, type_string, l->diags);
	return is_usable(v) ? arena_strdup(l->arena, value_as_string(v)) : NULL;
}

bool read_bool(struct loader *l, const struct attribute *a, const struct scope *scope, bool *ret)
{
	if (!a)
		return false;
	AUTO(value) struct value *v = eval_expr_as(a->expr, scope, type_bool, l->diags);
	if (!is_usable(v))
		return false;
	*ret = value_as_bool(v);
	return true;
}

bool read_int(struct loader *l, const struct attribute *a, const struct scope *scope, int64_t *ret)
{
	if (!a)
		return false;
	AUTO(value) struct value *v = eval_expr_as(a->expr, scope, type_number, l->diags);
	if (!is_usable(v))
		return false;
	if (number_to_int(value_as_number(v), ret))
		return true;
	diags_error(l->diags, &a->expr->range, "Unsuitable value type",
		    "Unsuitable value: value must be a whole number, between "
		    "-9223372036854775808 and 9223372036854775807 inclusive");
	return false;
}

bool read_texts(struct loader *l, const struct attribute *a, const struct scope *scope,
		struct text_list *ret)
{
	if (!a)
		return false;
	AUTO(type) struct type *want = type_list(type_string);
	AUTO(value) struct value *v = eval_expr_as(a->expr, scope, want, l->diags);
	if (!is_usable(v))
		return false;
	size_t n = value_len(v), kept = 0;
	const char **texts = ARENA_ARRAY(l->arena, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		if (is_usable(value_at(v, i)))
			texts[kept++] = arena_strdup(l->arena, value_as_string(value_at(v, i)));
	*ret = (struct text_list){ .v = texts, .len = kept };
	return true;
}

/* Shorter ones would turn every digit of the output into `<sensitive>`. */
enum { SECRET_NUMBER_MIN = 4 };

static void register_number(struct redactor *r, const struct number *n)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	number_format(&text, n);
	if (text.len >= SECRET_NUMBER_MIN)
		redactor_add(r, text.buf, text.len);
}

void register_secrets(struct redactor *r, const struct value *v)
{
	if (!r || !v || !is_usable(v))
		return;
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		redactor_add(r, value_as_string(v), value_string_size(v));
		return;
	case TYPE_NUMBER:
		register_number(r, value_as_number(v));
		return;
	case TYPE_BOOL:
	case TYPE_DYNAMIC:
		return;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		break;
	}
	for (size_t i = 0; i < value_len(v); i++)
		register_secrets(r, value_at(v, i));
}
