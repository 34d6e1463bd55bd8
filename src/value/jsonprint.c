/* SPDX-License-Identifier: Apache-2.0 */
/* Indented JSON text, for people and as the released tool's encoder has it. */
#include "value/jsontext.h"

#include <string.h>

static void print(struct strbuf *sb, const struct value *v, size_t depth);

static void start_line(struct strbuf *sb, size_t depth)
{
	strbuf_addch(sb, '\n');
	strbuf_addchars(sb, ' ', depth * 2);
}

static void print_many(struct strbuf *sb, const struct value *v, size_t depth, bool named)
{
	size_t n = value_len(v);

	strbuf_addch(sb, named ? '{' : '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			strbuf_addch(sb, ',');
		start_line(sb, depth + 1);
		if (named) {
			const char *key = value_key_at(v, i);

			jsontext_quote_readable(sb, key, strlen(key));
			strbuf_addstr(sb, ": ");
		}
		print(sb, value_at(v, i), depth + 1);
	}
	if (n)
		start_line(sb, depth);
	strbuf_addch(sb, named ? '}' : ']');
}

static void print(struct strbuf *sb, const struct value *v, size_t depth)
{
	if (value_is_null(v)) {
		strbuf_addstr(sb, "null");
		return;
	}
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		jsontext_quote_readable(sb, value_as_string(v), value_string_size(v));
		break;
	case TYPE_NUMBER:
		number_format_json(sb, value_as_number(v));
		break;
	case TYPE_BOOL:
		strbuf_addstr(sb, value_as_bool(v) ? "true" : "false");
		break;
	case TYPE_MAP:
	case TYPE_OBJECT:
		print_many(sb, v, depth, true);
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		print_many(sb, v, depth, false);
		break;
	case TYPE_DYNAMIC:
		break;
	}
}

void jsontext_print(struct strbuf *sb, const struct value *v)
{
	print(sb, v, 0);
}
