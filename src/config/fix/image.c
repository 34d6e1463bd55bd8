/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for all builders: checksums, sizes, functions in names; and for texts of PowerShell. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "config/fix/rows.h"
#include "value/valuevec.h"

#include <stdint.h>
#include <string.h>

int fix_iso_md5(struct map *o, struct error **err)
{
	const char *md5 = option_text(o, "iso_md5");

	if (!md5)
		return 0;
	option_rename(o, "iso_md5", "iso_checksum");
	option_put_text(o, "iso_checksum_type", "md5");
	return 0;
}

int fix_iso_checksum(struct map *o, struct error **err)
{
	const char *sum = option_text(o, "iso_checksum");
	const char *url = option_text(o, "iso_checksum_url");
	const char *type = option_text(o, "iso_checksum_type");
	AUTO_FREE char *text = NULL;

	if (!text_is_empty(url))
		text = xasprintf("file:%s", url);
	else if (!text_is_empty(type) && !text_is_empty(sum))
		text = xasprintf("%s:%s", type, sum);
	if (text)
		option_put_text(o, "iso_checksum", text);
	map_remove(o, "iso_checksum_url");
	map_remove(o, "iso_checksum_type");
	return 0;
}

int fix_qemu_disk_size(struct map *o, struct error **err)
{
	const struct value *size = map_get(o, "disk_size");

	if (!size || value_is_null(size) || type_kind(value_type(size)) != TYPE_NUMBER)
		return 0;

	AUTO_FREE char *text = NULL;
	double d = number_to_double(value_as_number(size));

	/* What does not fit is what the processor makes of it, the smallest of all numbers. */
	text = xasprintf("%lldM", d >= -0x1p63 && d < 0x1p63 ? (long long)d : (long long)INT64_MIN);
	option_put_text(o, "disk_size", text);
	return 0;
}

/* `{{ .CreateTime }}` at `s`: its length, or 0. */
static size_t create_time_at(const char *s)
{
	static const char name[] = ".CreateTime", spaces[] = " \t\n\f\r";
	const char *p = s;

	if (strncmp(p, "{{", 2) != 0)
		return 0;
	p += 2;
	p += strspn(p, spaces);
	if (strncmp(p, name, sizeof(name) - 1) != 0)
		return 0;
	p += sizeof(name) - 1;
	p += strspn(p, spaces);
	return strncmp(p, "}}", 2) == 0 ? (size_t)(p + 2 - s) : 0;
}

static void put_timestamps(struct map *o, const char *name)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	const char *p = option_text(o, name);

	if (!p)
		return;
	for (const char *end = p + value_string_size(map_get(o, name)); p < end;) {
		size_t n = create_time_at(p);

		if (n)
			strbuf_addstr(&sb, "{{timestamp}}");
		else
			strbuf_addch(&sb, *p);
		p += MAX(n, (size_t)1);
	}
	value_map_put(o, name, value_string_as_is(sb.buf, sb.len));
}

int fix_create_time(struct map *o, struct error **err)
{
	put_timestamps(o, "ami_name");
	put_timestamps(o, "bundle_prefix");
	put_timestamps(o, "snapshot_name");
	return 0;
}

/* NULL if there is nothing to do. */
static struct value *clean_name(const struct value *v)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	if (value_is_null(v) || type_kind(value_type(v)) != TYPE_STRING)
		return NULL;
	strbuf_add(&sb, value_as_string(v), value_string_size(v));
	strbuf_replace(&sb, "clean_image_name", "clean_resource_name");
	strbuf_replace(&sb, "clean_ami_name", "clean_resource_name");
	return value_string_as_is(sb.buf, sb.len);
}

static struct value *clean_names_in(const struct value *object)
{
	AUTO(map) struct map members = { 0 };
	bool any = false;

	object_open(&members, object);
	for (size_t i = 0; i < value_len(object); i++) {
		struct value *clean = clean_name(value_at(object, i));

		any |= clean != NULL;
		if (clean)
			value_map_put(&members, value_key_at(object, i), clean);
	}
	return any ? value_object_take(&members) : NULL;
}

int fix_clean_image_name(struct map *o, struct error **err)
{
	for (size_t i = 0; i < o->len; i++) {
		const char *name = o->entries[i].key;
		const struct value *object = option_object(o, name);
		struct value *clean =
			object ? clean_names_in(object) : clean_name(o->entries[i].value);

		if (clean)
			value_map_put(o, name, clean);
	}
	return 0;
}

/* A back-quote before one of these is an escape of PowerShell. */
static struct value *unescaped(const struct value *v)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	const char *s = value_as_string(v);

	for (size_t i = 0; i < value_string_size(v); i++) {
		if (s[i] == '`' && s[i + 1] && strchr("$\"`'", s[i + 1]))
			i++;
		strbuf_addch(&sb, s[i]);
	}
	return value_string_as_is(sb.buf, sb.len);
}

static void unescape_variables(struct map *o, const char *name)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	const struct value *list = option_array(o, name);

	if (!list)
		return;
	for (size_t i = 0; i < value_len(list); i++) {
		struct value *v = value_at(list, i);
		bool is_text = !value_is_null(v) && type_kind(value_type(v)) == TYPE_STRING;

		*vec_push(&items) = is_text ? unescaped(v) : value_ref(v);
	}
	value_map_put(o, name, value_vec_tuple(&items));
}

int fix_powershell_escapes(struct map *o, struct error **err)
{
	if (option_text(o, "elevated_user"))
		value_map_put(o, "elevated_user", unescaped(map_get(o, "elevated_user")));
	if (option_text(o, "elevated_password"))
		value_map_put(o, "elevated_password", unescaped(map_get(o, "elevated_password")));
	unescape_variables(o, "environment_vars");
	return 0;
}
