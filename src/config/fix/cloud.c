/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for clouds and containers. */
#include "base/encode.h"
#include "base/str.h"
#include "config/fix/rows.h"
#include "value/valuevec.h"

#include <string.h>

/* The spellings that Go's ParseBool knows. */
static bool read_flag(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		*ret = !strcmp(s, yes[i]);
		if (*ret || !strcmp(s, no[i]))
			return true;
	}
	return false;
}

int fix_amazon_private_ip(struct map *o, struct error **err)
{
	const struct value *flag = option_flag(o, "ssh_private_ip");
	const char *text = option_text(o, "ssh_private_ip");
	bool is_private;

	if (map_has(o, "ssh_interface") || (!flag && !text))
		return 0;
	if (flag) {
		is_private = value_as_bool(flag);
	} else if (!read_flag(text, &is_private)) {
		AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

		encode_go_quoted(&quoted, text, strlen(text));
		return error_set(err, ERROR_INVALID,
				 "ssh_private_ip is not a boolean, strconv.ParseBool: parsing %s: "
				 "invalid syntax",
				 quoted.buf);
	}
	map_remove(o, "ssh_private_ip");
	option_put_text(o, "ssh_interface", is_private ? "private_ip" : "public_ip");
	return 0;
}

int fix_amazon_source_cidrs(struct map *o, struct error **err)
{
	static const char from[] = "temporary_security_group_source_cidr";
	struct value *item;

	if (!option_text(o, from))
		return 0;
	item = value_ref(map_get(o, from));
	map_remove(o, from);
	value_map_put(o, "temporary_security_group_source_cidrs", value_tuple_take(&item, 1));
	return 0;
}

int fix_azure_latest(struct map *o, struct error **err)
{
	static const char destination[] = "shared_image_destination";
	AUTO(map) struct map members = { 0 };
	const struct value *object = option_object(o, destination);

	if (!object || !value_get(object, "exlude_from_latest"))
		return 0;
	object_open(&members, object);
	option_rename(&members, "exlude_from_latest", "exclude_from_latest");
	option_put_object(o, destination, &members);
	return 0;
}

static void add_tag(struct map *tags, struct str tag)
{
	AUTO_FREE char *name = str_dup(tag);

	if (!map_has(tags, name))
		map_set(tags, name, value_string_as_is(tag.p, tag.len));
}

/* A list of texts, or one text with commas. */
static void add_tags(struct map *tags, const struct map *o, const char *name)
{
	const struct value *list = option_array(o, name);
	struct str rest = str_of(option_text(o, name));

	for (size_t i = 0; list && i < value_len(list); i++) {
		const struct value *v = value_at(list, i);

		if (!value_is_null(v) && type_kind(value_type(v)) == TYPE_STRING)
			add_tag(tags, (struct str){ value_as_string(v), value_string_size(v) });
	}
	for (bool more = option_text(o, name) != NULL; more;) {
		more = memchr(rest.p, ',', rest.len) != NULL;
		add_tag(tags, str_trim(str_split(rest, ',', &rest)));
	}
}

int fix_docker_tags(struct map *o, struct error **err)
{
	AUTO(map) struct map tags = { 0 };
	AUTO(value_vec) struct value_vec items = { 0 };

	value_map_init(&tags);
	add_tags(&tags, o, "tag");
	add_tags(&tags, o, "tags");
	for (size_t i = 0; i < tags.len; i++)
		*vec_push(&items) = value_ref(tags.entries[i].value);
	map_remove(o, "tag");
	value_map_put(o, "tags", value_vec_tuple(&items));
	return 0;
}
