/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/encode.h"
#include "schema/schema.h"
#include "schema/weak.h"
#include "value/gotext.h"

static bool is_known(const struct value *v)
{
	return v && value_is_known(v) && !value_is_null(v);
}

static bool is_text(const struct value *v)
{
	return is_known(v) && type_kind(value_type(v)) == TYPE_STRING;
}

static bool has_elements(const struct value *v)
{
	return is_known(v) && !type_is_primitive(value_type(v));
}

static void explain_parsed(struct strbuf *sb, const char *path, const char *type,
			   const char *parser, const struct value *v)
{
	if (!is_text(v)) {
		value_go_mismatch(sb, path, type, v);
		return;
	}
	strbuf_addf(sb, "cannot parse '%s' as %s: strconv.%s: parsing ", path, type, parser);
	encode_go_quoted(sb, value_as_string(v), value_string_size(v));
	strbuf_addstr(sb, ": invalid syntax");
}

static void explain_duration(struct strbuf *sb, const char *path, const struct value *v)
{
	AUTO(error) struct error *e = NULL;
	int64_t ns;

	if (is_text(v) && duration_parse(value_as_string(v), &ns, &e) < 0)
		strbuf_addf(sb, "error decoding '%s': %s", path, e->message);
	else
		value_go_mismatch(sb, path, "time.Duration", v);
}

static void explain_item(struct strbuf *sb, bool is_int, const char *path, const struct value *v)
{
	if (is_int)
		explain_parsed(sb, path, "int", "ParseInt", v);
	else
		value_go_mismatch(sb, path, "string", v);
}

static bool fits(bool is_int, const struct value *v)
{
	AUTO(arena) struct arena *arena = arena_new();
	bool truncated;
	const char *text;
	int64_t n;

	if (!is_known(v))
		return true;
	return is_int ? !weak_int(v, &n, &truncated) : !weak_string(v, arena, &text);
}

/* The first element that is to blame; a single value stands for a list of one. */
static void explain_list(struct strbuf *sb, bool is_int, const char *path, const struct value *v)
{
	bool is_map = has_elements(v) && text_eq(value_go_kind(v), "map");

	for (size_t i = 0; has_elements(v) && !is_map && i < value_len(v); i++) {
		AUTO_FREE char *inner = xasprintf("%s[%zu]", path, i);

		if (fits(is_int, value_at(v, i)))
			continue;
		explain_item(sb, is_int, inner, value_at(v, i));
		return;
	}

	AUTO_FREE char *first = xasprintf("%s[0]", path);

	explain_item(sb, is_int, first, v);
}

static void explain_map(struct strbuf *sb, const char *path, const struct value *v)
{
	bool is_map = text_eq(value_go_kind(v), "map");

	for (size_t i = 0; is_map && i < value_len(v); i++) {
		AUTO_FREE char *inner = xasprintf("%s[%s]", path, value_key_at(v, i));

		if (fits(false, value_at(v, i)))
			continue;
		value_go_mismatch(sb, inner, "string", value_at(v, i));
		return;
	}
	strbuf_addf(sb, "'%s' expected a map, got '%s'", path, value_go_kind(v));
}

void explain_mismatch(struct strbuf *sb, const struct attr *a, const char *path,
		      const struct value *v)
{
	switch (a->kind) {
	case ATTR_KIND_INT:
		explain_parsed(sb, path, "int", "ParseInt", v);
		break;
	case ATTR_KIND_BOOL:
	case ATTR_KIND_TRIBOOL:
		explain_parsed(sb, path, "bool", "ParseBool", v);
		break;
	case ATTR_KIND_DURATION:
		explain_duration(sb, path, v);
		break;
	case ATTR_KIND_STRINGS:
	case ATTR_KIND_INTS:
		explain_list(sb, a->kind == ATTR_KIND_INTS, path, v);
		break;
	case ATTR_KIND_TABLE:
		strbuf_addf(sb, "'%s': source data must be an array or slice, got %s", path,
			    value_go_kind(v));
		break;
	case ATTR_KIND_MAP:
	case ATTR_KIND_BLOCK:
	case ATTR_KIND_BLOCKS:
		explain_map(sb, path, v);
		break;
	case ATTR_KIND_STRING:
	case ATTR_KIND_VALUE:
	case ATTR_KIND_INCLUDE:
	case ATTR_KIND_END:
		value_go_mismatch(sb, path, "string", v);
		break;
	}
}
