/* SPDX-License-Identifier: Apache-2.0 */
#include "config/upgrade/hcl.h"

#include "base/str.h"
#include "base/utf8.h"

#include <string.h>

static void quote_char(struct strbuf *sb, const char *s, size_t n, uint32_t cp)
{
	static const char escapes[] = "\n\r\t\"\\", letters[] = "nrt\"\\";
	const char *e = cp && cp < 0x80 ? strchr(escapes, (int)cp) : NULL;

	if (e)
		strbuf_addf(sb, "\\%c", letters[e - escapes]);
	else if (utf8_is_printable(cp))
		strbuf_add(sb, s, n);
	else
		strbuf_addf(sb, cp < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)cp);
}

void hcl_quote(struct strbuf *sb, const char *s, size_t len)
{
	AUTO(strbuf) struct strbuf nfc = STRBUF_INIT;

	utf8_nfc(&nfc, s, len);
	s = nfc.buf;
	len = nfc.len;
	strbuf_addch(sb, '"');
	while (len) {
		uint32_t cp = 0xfffd;
		size_t n = MAX(utf8_decode(s, len, &cp), (size_t)1);

		quote_char(sb, s, n, cp);
		if ((*s == '$' || *s == '%') && len > 1 && s[1] == '{')
			strbuf_addch(sb, *s);
		s += n;
		len -= n;
	}
	strbuf_addch(sb, '"');
}

static bool is_identifier(const char *s)
{
	size_t len = strlen(s);
	bool first = true;

	if (!len)
		return false;
	for (uint32_t cp; len; first = false) {
		size_t n = utf8_decode(s, len, &cp);

		if (!n || !(first ? cp == '_' || utf8_is_id_start(cp)
				  : cp == '-' || utf8_is_id_continue(cp)))
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static void add_value(struct strbuf *sb, const struct value *v);

static void add_object(struct strbuf *sb, const struct value *v)
{
	size_t n = value_len(v);

	strbuf_addstr(sb, n ? "{\n" : "{");
	for (size_t i = 0; i < n; i++) {
		const char *key = value_key_at(v, i);

		if (is_identifier(key))
			strbuf_addstr(sb, key);
		else
			hcl_quote(sb, key, strlen(key));
		strbuf_addstr(sb, " = ");
		add_value(sb, value_at(v, i));
		strbuf_addch(sb, '\n');
	}
	strbuf_addch(sb, '}');
}

static void add_array(struct strbuf *sb, const struct value *v)
{
	strbuf_addch(sb, '[');
	for (size_t i = 0; i < value_len(v); i++) {
		strbuf_addstr(sb, i ? ", " : "");
		add_value(sb, value_at(v, i));
	}
	strbuf_addch(sb, ']');
}

static void add_value(struct strbuf *sb, const struct value *v)
{
	if (value_is_null(v)) {
		strbuf_addstr(sb, "null");
		return;
	}
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		hcl_quote(sb, value_as_string(v), value_string_size(v));
		break;
	case TYPE_NUMBER:
		number_format_double(sb, value_as_number(v));
		break;
	case TYPE_BOOL:
		strbuf_addstr(sb, value_as_bool(v) ? "true" : "false");
		break;
	case TYPE_MAP:
	case TYPE_OBJECT:
		add_object(sb, v);
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		add_array(sb, v);
		break;
	case TYPE_DYNAMIC:
		break;
	}
}

void hcl_attribute(struct strbuf *sb, const char *name, const struct value *v)
{
	strbuf_addf(sb, "%s = ", name);
	add_value(sb, v);
	strbuf_addch(sb, '\n');
}

void hcl_text_attribute(struct strbuf *sb, const char *name, const char *text)
{
	strbuf_addf(sb, "%s = ", name);
	hcl_quote(sb, text, strlen(text));
	strbuf_addch(sb, '\n');
}

void hcl_open_block(struct strbuf *sb, const char *kind, const char *label, const char *label2)
{
	strbuf_addstr(sb, kind);
	for (int i = 0; i < 2; i++) {
		const char *one = i ? label2 : label;

		if (!one)
			continue;
		strbuf_addch(sb, ' ');
		hcl_quote(sb, one, strlen(one));
	}
	strbuf_addstr(sb, " {\n");
}

static bool is_kind(const struct value *v, enum type_kind kind)
{
	return !value_is_null(v) && type_kind(value_type(v)) == kind;
}

static bool is_scalar(const struct value *v)
{
	return !value_is_null(v) && type_is_primitive(value_type(v));
}

/* Objects of plain values are attributes, unless components read them as blocks. */
static bool is_block(const char *name, const struct value *object)
{
	static const char *const blocks[] = { "linux_options", "network_interface",
					      "shared_image_gallery" };

	for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
		if (!strcmp(name, blocks[i]))
			return true;
	for (size_t i = 0; i < value_len(object); i++)
		if (!is_scalar(value_at(object, i)))
			return true;
	return !value_len(object);
}

static bool has_object(const struct value *array)
{
	for (size_t i = 0; i < value_len(array); i++)
		if (is_kind(value_at(array, i), TYPE_OBJECT))
			return true;
	return false;
}

static void add_option(struct strbuf *sb, const char *name, const struct value *v);

static void add_block(struct strbuf *sb, const char *name, const struct value *object)
{
	strbuf_addf(sb, "%s {\n", name);
	for (size_t i = 0; i < value_len(object); i++)
		add_option(sb, value_key_at(object, i), value_at(object, i));
	strbuf_addstr(sb, "}\n");
}

/* Objects among other values cannot be blocks. */
static bool are_all_objects(const struct value *array)
{
	for (size_t i = 0; i < value_len(array); i++)
		if (!is_kind(value_at(array, i), TYPE_OBJECT))
			return false;
	return true;
}

static void add_option(struct strbuf *sb, const char *name, const struct value *v)
{
	if (is_kind(v, TYPE_OBJECT) && is_block(name, v)) {
		add_block(sb, name, v);
	} else if (is_kind(v, TYPE_TUPLE) && has_object(v) && are_all_objects(v)) {
		for (size_t i = 0; i < value_len(v); i++)
			add_block(sb, name, value_at(v, i));
	} else if (!is_kind(v, TYPE_TUPLE) || value_len(v)) {
		hcl_attribute(sb, name, v);
	}
}

void hcl_options(struct strbuf *sb, struct map *options, const struct hcl_expression *also)
{
	if (also)
		value_map_put(options, also->name, value_null(type_dynamic));
	map_sort(options);
	for (size_t i = 0; i < options->len; i++) {
		const char *name = options->entries[i].key;

		if (also && !strcmp(name, also->name))
			strbuf_addf(sb, "%s = %s\n", name, also->text);
		else
			add_option(sb, name, options->entries[i].value);
	}
}
