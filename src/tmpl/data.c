/* SPDX-License-Identifier: Apache-2.0 */
#include "tmpl/data.h"

struct tmpl_value tmpl_bool(bool b)
{
	return (struct tmpl_value){ .kind = TMPL_BOOL, .boolean = b };
}

struct tmpl_value tmpl_int(int64_t n)
{
	return (struct tmpl_value){ .kind = TMPL_INT, .integer = n };
}

struct tmpl_value tmpl_string(struct str s)
{
	return (struct tmpl_value){ .kind = TMPL_STRING, .text = s };
}

static struct tmpl_value from_number(const struct number *n)
{
	int64_t i;

	if (number_to_int(n, &i))
		return tmpl_int(i);
	return (struct tmpl_value){ .kind = TMPL_FLOAT, .real = number_to_double(n) };
}

struct tmpl_value tmpl_from(const struct value *v)
{
	if (!v || value_is_null(v))
		return TMPL_NOTHING;
	if (!value_is_known(v))
		return tmpl_string(STR("<unknown>"));
	switch (type_kind(value_type(v))) {
	case TYPE_BOOL:
		return tmpl_bool(value_as_bool(v));
	case TYPE_NUMBER:
		return from_number(value_as_number(v));
	case TYPE_STRING:
		return tmpl_string((struct str){ value_as_string(v), value_string_size(v) });
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		return (struct tmpl_value){ .kind = TMPL_LIST, .data = v };
	case TYPE_MAP:
	case TYPE_OBJECT:
		return (struct tmpl_value){ .kind = TMPL_MAP, .data = v };
	case TYPE_DYNAMIC:
		break;
	}
	return TMPL_NOTHING;
}

size_t tmpl_len(struct tmpl_value v)
{
	return value_len(v.data);
}

struct tmpl_value tmpl_at(struct tmpl_value v, size_t i)
{
	return tmpl_from(value_at(v.data, i));
}

bool tmpl_is_true(struct tmpl_value v)
{
	switch (v.kind) {
	case TMPL_NIL:
		return false;
	case TMPL_BOOL:
		return v.boolean;
	case TMPL_INT:
	case TMPL_BYTE:
		return v.integer != 0;
	case TMPL_FLOAT:
		return v.real != 0;
	case TMPL_STRING:
		return v.text.len > 0;
	case TMPL_LIST:
	case TMPL_MAP:
		return tmpl_len(v) > 0;
	}
	return false;
}

const char *tmpl_type_name(struct tmpl_value v)
{
	switch (v.kind) {
	case TMPL_NIL:
		return "<nil>";
	case TMPL_BOOL:
		return "bool";
	case TMPL_INT:
		return "int";
	case TMPL_BYTE:
		return "uint8";
	case TMPL_FLOAT:
		return "float64";
	case TMPL_STRING:
		return "string";
	case TMPL_LIST:
		return "[]interface {}";
	case TMPL_MAP:
		return "map[string]interface {}";
	}
	return "";
}

static void print_elements(struct strbuf *sb, struct tmpl_value v)
{
	bool is_map = v.kind == TMPL_MAP;

	strbuf_addstr(sb, is_map ? "map[" : "[");
	for (size_t i = 0; i < tmpl_len(v) && !sb->overflow; i++) {
		if (i)
			strbuf_addch(sb, ' ');
		if (is_map)
			strbuf_addf(sb, "%s:", value_key_at(v.data, i));
		tmpl_print(sb, tmpl_at(v, i));
	}
	strbuf_addch(sb, ']');
}

static void print_real(struct strbuf *sb, double real)
{
	AUTO(number) struct number *n = number_from_double(real);

	number_format_g(sb, n, -1);
}

void tmpl_print(struct strbuf *sb, struct tmpl_value v)
{
	switch (v.kind) {
	case TMPL_NIL:
		strbuf_addstr(sb, "<nil>");
		break;
	case TMPL_BOOL:
		strbuf_addstr(sb, v.boolean ? "true" : "false");
		break;
	case TMPL_INT:
	case TMPL_BYTE:
		strbuf_addf(sb, "%lld", (long long)v.integer);
		break;
	case TMPL_FLOAT:
		print_real(sb, v.real);
		break;
	case TMPL_STRING:
		strbuf_add(sb, v.text.p, v.text.len);
		break;
	case TMPL_LIST:
	case TMPL_MAP:
		print_elements(sb, v);
		break;
	}
}

void tmpl_print_result(struct strbuf *sb, struct tmpl_value v)
{
	if (v.kind == TMPL_NIL)
		strbuf_addstr(sb, "<no value>");
	else
		tmpl_print(sb, v);
}
