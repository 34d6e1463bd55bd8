/* SPDX-License-Identifier: Apache-2.0 */
/* Members of legacy objects as C types, with the complaints of the reference's decoder. */
#include "base/alloc.h"
#include "base/duration.h"
#include "config/legacy/legacy.h"
#include "eval/eval.h"
#include "value/gotext.h"

struct value *legacy_value(struct legacy_loader *ll, const struct json_node *n)
{
	struct loader *l = ll->l;

	return value_keep(l->arena, eval_expr(json_expr(n, l->arena), NULL, l->diags));
}

static const char *keep_text(struct legacy_loader *ll, struct str s)
{
	return arena_strndup(ll->l->arena, s.p, s.len);
}

const char *legacy_strict_text(struct legacy_loader *ll, const char *name,
			       const struct json_node *n, struct strbuf *why)
{
	if (n->kind == JSON_STRING)
		return keep_text(ll, n->text);
	if (n->kind == JSON_NULL)
		return "";
	value_go_mismatch(why, name, "string", legacy_value(ll, n));
	return NULL;
}

const char *legacy_weak_text(struct legacy_loader *ll, const char *name, const struct json_node *n,
			     struct strbuf *why)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (n->kind == JSON_BOOL)
		return n->boolean ? "1" : "0";
	if (n->kind != JSON_NUMBER)
		return legacy_strict_text(ll, name, n, why);
	number_format(&text, value_as_number(legacy_value(ll, n)));
	return arena_strdup(ll->l->arena, text.buf);
}

bool legacy_texts(struct legacy_loader *ll, const char *name, const struct json_node *n, bool weak,
		  struct text_list *ret, struct strbuf *why)
{
	bool is_array = n->kind == JSON_ARRAY;
	size_t len = is_array ? n->array.len : 1;

	if (n->kind == JSON_NULL)
		return true;
	if (!is_array && !weak) {
		strbuf_addf(why, "'%s': source data must be an array or slice, got %s", name,
			    value_go_kind(legacy_value(ll, n)));
		return false;
	}

	const char **texts = ARENA_ARRAY(ll->l->arena, const char *, len + 1);

	for (size_t i = 0; i < len; i++) {
		const struct json_node *item = is_array ? n->array.items[i] : n;
		AUTO_FREE char *path = xasprintf("%s[%zu]", name, i);

		texts[i] = weak ? legacy_weak_text(ll, path, item, why)
				: legacy_strict_text(ll, path, item, why);
		if (!texts[i])
			return false;
	}
	*ret = (struct text_list){ .v = texts, .len = len };
	return true;
}

bool legacy_duration(struct legacy_loader *ll, const char *name, const struct json_node *n,
		     int64_t *ret, struct strbuf *why)
{
	AUTO(error) struct error *e = NULL;
	const struct value *v = legacy_value(ll, n);

	if (n->kind == JSON_STRING) {
		if (duration_parse(value_as_string(v), ret, &e) == 0)
			return true;
		strbuf_addf(why, "error decoding '%s': %s", name, e->message);
		return false;
	}
	if (n->kind == JSON_NULL)
		return true;
	if (n->kind == JSON_BOOL)
		*ret = n->boolean;
	if (n->kind == JSON_BOOL ||
	    (n->kind == JSON_NUMBER && number_to_int(value_as_number(v), ret)))
		return true;
	value_go_mismatch(why, name, "time.Duration", v);
	return false;
}
