/* SPDX-License-Identifier: Apache-2.0 */
#include "value/gotext.h"

enum shape { SHAPE_NIL, SHAPE_TEXT, SHAPE_NUMBER, SHAPE_BOOL, SHAPE_LIST, SHAPE_MAP };

static enum shape shape_of(const struct value *v)
{
	if (!v || value_is_null(v) || !value_is_known(v))
		return SHAPE_NIL;
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		return SHAPE_TEXT;
	case TYPE_NUMBER:
		return SHAPE_NUMBER;
	case TYPE_BOOL:
		return SHAPE_BOOL;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		return SHAPE_LIST;
	case TYPE_MAP:
	case TYPE_OBJECT:
		return SHAPE_MAP;
	case TYPE_DYNAMIC:
		break;
	}
	return SHAPE_NIL;
}

const char *value_go_type(const struct value *v)
{
	static const char *const names[] = {
		"<nil>", "string", "float64", "bool", "[]interface {}", "map[string]interface {}",
	};

	return names[shape_of(v)];
}

const char *value_go_kind(const struct value *v)
{
	static const char *const names[] = {
		"invalid", "string", "float64", "bool", "slice", "map"
	};

	return names[shape_of(v)];
}

static void print_elements(struct strbuf *sb, const struct value *v, bool is_map)
{
	strbuf_addstr(sb, is_map ? "map[" : "[");
	for (size_t i = 0; i < value_len(v); i++) {
		if (i)
			strbuf_addch(sb, ' ');
		if (is_map)
			strbuf_addf(sb, "%s:", value_key_at(v, i));
		value_go_print(sb, value_at(v, i));
	}
	strbuf_addch(sb, ']');
}

void value_go_print(struct strbuf *sb, const struct value *v)
{
	switch (shape_of(v)) {
	case SHAPE_NIL:
		strbuf_addstr(sb, "<nil>");
		break;
	case SHAPE_TEXT:
		strbuf_add(sb, value_as_string(v), value_string_size(v));
		break;
	case SHAPE_NUMBER:
		number_format_g(sb, value_as_number(v), -1);
		break;
	case SHAPE_BOOL:
		strbuf_addstr(sb, value_as_bool(v) ? "true" : "false");
		break;
	case SHAPE_LIST:
		print_elements(sb, v, false);
		break;
	case SHAPE_MAP:
		print_elements(sb, v, true);
		break;
	}
}

void value_go_mismatch(struct strbuf *sb, const char *name, const char *want, const struct value *v)
{
	strbuf_addf(sb, "'%s' expected type '%s', got unconvertible type '%s', value: '", name,
		    want, value_go_type(v));
	value_go_print(sb, v);
	strbuf_addch(sb, '\'');
}
