/* SPDX-License-Identifier: Apache-2.0 */
/* Text forms of values: the console's, JSON, and the short one of diagnostics. */
#include "base/encode.h"
#include "value/jsontext.h"
#include "value/value.h"

#include <string.h>

static void add_indent(struct strbuf *sb, unsigned depth)
{
	strbuf_addchars(sb, ' ', (size_t)depth * 2);
}

static void console_value(struct strbuf *sb, const struct value *v, unsigned depth);

static void console_sequence(struct strbuf *sb, const struct value *v, unsigned depth)
{
	if (!value_len(v)) {
		strbuf_addstr(sb, "[]");
		return;
	}
	strbuf_addstr(sb, "[\n");
	for (size_t i = 0; i < value_len(v); i++) {
		add_indent(sb, depth + 1);
		console_value(sb, value_at(v, i), depth + 1);
		strbuf_addstr(sb, ",\n");
	}
	add_indent(sb, depth);
	strbuf_addch(sb, ']');
}

static void console_mapping(struct strbuf *sb, const struct value *v, unsigned depth)
{
	bool any = false;

	for (size_t i = 0; i < value_len(v); i++) {
		const char *key = value_key_at(v, i);

		if (value_is_null(value_at(v, i)))
			continue;
		if (!any)
			strbuf_addstr(sb, "{\n");
		any = true;
		add_indent(sb, depth + 1);
		encode_go_quoted(sb, key, strlen(key));
		strbuf_addstr(sb, " = ");
		console_value(sb, value_at(v, i), depth + 1);
		strbuf_addch(sb, '\n');
	}
	if (!any) {
		strbuf_addstr(sb, "{}");
		return;
	}
	add_indent(sb, depth);
	strbuf_addch(sb, '}');
}

static void console_number(struct strbuf *sb, const struct number *n)
{
	int64_t i;

	if (number_to_int(n, &i))
		strbuf_addf(sb, "%lld", (long long)i);
	else
		number_format_g(sb, n, -1);
}

static void console_value(struct strbuf *sb, const struct value *v, unsigned depth)
{
	if (value_is_null(v)) {
		strbuf_addstr(sb, "null");
		return;
	}
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		encode_go_quoted(sb, value_as_string(v), value_string_size(v));
		break;
	case TYPE_NUMBER:
		console_number(sb, value_as_number(v));
		break;
	case TYPE_BOOL:
		strbuf_addstr(sb, value_as_bool(v) ? "true" : "false");
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		console_sequence(sb, v, depth);
		break;
	case TYPE_MAP:
	case TYPE_OBJECT:
		console_mapping(sb, v, depth);
		break;
	case TYPE_DYNAMIC:
		break;
	}
}

void value_format_console(struct strbuf *sb, const struct value *v)
{
	if (!value_is_wholly_known(v))
		strbuf_addstr(sb, "<unknown>");
	else if (!value_is_null(v) && value_type(v) == type_string)
		strbuf_add(sb, value_as_string(v), value_string_size(v));
	else
		console_value(sb, v, 0);
}

static void json_items(struct strbuf *sb, const struct value *v, bool keys)
{
	for (size_t i = 0; i < value_len(v); i++) {
		if (i)
			strbuf_addch(sb, ',');
		if (keys) {
			const char *key = value_key_at(v, i);

			jsontext_quote(sb, key, strlen(key));
			strbuf_addch(sb, ':');
		}
		value_format_json(sb, value_at(v, i));
	}
}

void value_format_json(struct strbuf *sb, const struct value *v)
{
	/* Unknown only where elements of a set are put in order. */
	if (value_is_null(v) || !value_is_known(v)) {
		strbuf_addstr(sb, "null");
		return;
	}
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		jsontext_quote(sb, value_as_string(v), value_string_size(v));
		break;
	case TYPE_NUMBER:
		number_format(sb, value_as_number(v));
		break;
	case TYPE_BOOL:
		strbuf_addstr(sb, value_as_bool(v) ? "true" : "false");
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		strbuf_addch(sb, '[');
		json_items(sb, v, false);
		strbuf_addch(sb, ']');
		break;
	case TYPE_MAP:
	case TYPE_OBJECT:
		strbuf_addch(sb, '{');
		json_items(sb, v, true);
		strbuf_addch(sb, '}');
		break;
	case TYPE_DYNAMIC:
		break;
	}
}

static void object_summary(struct strbuf *sb, const struct value *v)
{
	if (!value_len(v)) {
		strbuf_addstr(sb, "object with no attributes");
	} else if (value_len(v) == 1) {
		strbuf_addstr(sb, "object with 1 attribute ");
		encode_go_quoted(sb, value_key_at(v, 0), strlen(value_key_at(v, 0)));
	} else {
		strbuf_addf(sb, "object with %zu attributes", value_len(v));
	}
}

static void sequence_summary(struct strbuf *sb, const struct value *v)
{
	if (!value_len(v))
		strbuf_addstr(sb, "empty ");
	type_name(sb, value_type(v));
	if (value_len(v))
		strbuf_addf(sb, " with %zu element%s", value_len(v), value_len(v) == 1 ? "" : "s");
}

void value_format_summary(struct strbuf *sb, const struct value *v)
{
	if (!value_is_known(v)) {
		type_name(sb, value_type(v));
		return;
	}
	if (value_is_null(v)) {
		strbuf_addstr(sb, "null");
		return;
	}
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		encode_go_quoted(sb, value_as_string(v), value_string_size(v));
		break;
	case TYPE_NUMBER:
		number_format_float(sb, value_as_number(v), 'g', 10);
		break;
	case TYPE_BOOL:
		strbuf_addstr(sb, value_as_bool(v) ? "true" : "false");
		break;
	case TYPE_OBJECT:
		object_summary(sb, v);
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
		sequence_summary(sb, v);
		break;
	case TYPE_DYNAMIC:
		break;
	}
}
