/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value and its type as JSON (plugin-protocol.md 8.2). The type in the second
 * half is the value's own: what is unknown keeps its type, and only what is
 * unknown altogether carries one beside it, being of type "dynamic" there.
 */
#include "plugin/codec/cty.h"

#include "value/jsontext.h"

#include <string.h>

static void write_value(struct strbuf *sb, const struct value *v);

/* JSON has no infinity; readers take numbers from text. */
static void write_number(struct strbuf *sb, const struct number *n)
{
	const char *quote = number_is_infinite(n) ? "\"" : "";

	strbuf_addstr(sb, quote);
	number_format(sb, n);
	strbuf_addstr(sb, quote);
}

/* What 9.2 puts where nothing is known yet. An object without its attributes is one whose
 * attributes are null; a tuple must have all its elements. */
static void write_placeholder(struct strbuf *sb, const struct type *t)
{
	switch (type_kind(t)) {
	case TYPE_DYNAMIC:
		strbuf_addstr(sb, "{\"value\":\"\\u003cunknown\\u003e\",\"type\":\"string\"}");
		return;
	case TYPE_STRING:
		strbuf_addstr(sb, "\"\\u003cunknown\\u003e\"");
		return;
	case TYPE_NUMBER:
		strbuf_addch(sb, '0');
		return;
	case TYPE_BOOL:
		strbuf_addstr(sb, "false");
		return;
	case TYPE_LIST:
	case TYPE_SET:
		strbuf_addstr(sb, "[]");
		return;
	case TYPE_MAP:
	case TYPE_OBJECT:
		strbuf_addstr(sb, "{}");
		return;
	case TYPE_TUPLE:
		break;
	}
	strbuf_addch(sb, '[');
	for (size_t i = 0; i < type_len(t); i++) {
		if (i)
			strbuf_addch(sb, ',');
		write_placeholder(sb, type_at(t, i));
	}
	strbuf_addch(sb, ']');
}

static void write_sequence(struct strbuf *sb, const struct value *v)
{
	strbuf_addch(sb, '[');
	for (size_t i = 0; i < value_len(v); i++) {
		if (i)
			strbuf_addch(sb, ',');
		write_value(sb, value_at(v, i));
	}
	strbuf_addch(sb, ']');
}

static void write_mapping(struct strbuf *sb, const struct value *v)
{
	strbuf_addch(sb, '{');
	for (size_t i = 0; i < value_len(v); i++) {
		const char *key = value_key_at(v, i);

		if (i)
			strbuf_addch(sb, ',');
		jsontext_quote(sb, key, strlen(key));
		strbuf_addch(sb, ':');
		write_value(sb, value_at(v, i));
	}
	strbuf_addch(sb, '}');
}

static void write_value(struct strbuf *sb, const struct value *v)
{
	if (!value_is_known(v)) {
		write_placeholder(sb, value_type(v));
		return;
	}
	if (value_is_null(v)) {
		strbuf_addstr(sb, "null");
		return;
	}
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		jsontext_quote(sb, value_as_string(v), value_string_size(v));
		break;
	case TYPE_NUMBER:
		write_number(sb, value_as_number(v));
		break;
	case TYPE_BOOL:
		strbuf_addstr(sb, value_as_bool(v) ? "true" : "false");
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		write_sequence(sb, v);
		break;
	case TYPE_MAP:
	case TYPE_OBJECT:
		write_mapping(sb, v);
		break;
	case TYPE_DYNAMIC:
		break;
	}
}

void cty_json(struct strbuf *sb, const struct value *v)
{
	/* A type that is not known at all has no half of its own. */
	if (type_kind(value_type(v)) == TYPE_DYNAMIC) {
		write_value(sb, v);
		return;
	}
	strbuf_addstr(sb, "{\"value\":");
	write_value(sb, v);
	strbuf_addstr(sb, ",\"type\":");
	type_json(sb, value_type(v));
	strbuf_addch(sb, '}');
}
