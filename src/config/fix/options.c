/* SPDX-License-Identifier: Apache-2.0 */
/* What all rules do with options, and where they apply. */
#include "config/fix/rows.h"

#include "base/str.h"
#include "value/valuevec.h"

bool fix_matches(const char *types, const char *type)
{
	struct str rest = str_of(types), given = str_of(type);

	if (str_is(rest, "*"))
		return true;
	while (type && rest.len) {
		struct str one = str_split(rest, ' ', &rest);
		bool is_prefix = one.p[one.len - 1] == '*';

		if (is_prefix)
			one.len--;
		if (is_prefix ? str_starts_with(given, one) : str_eq(given, one))
			return true;
	}
	return false;
}

/* `pattern` with any number of stars; one star is gone back to at most. */
static bool glob_matches(struct str pattern, const char *text)
{
	size_t p = 0, star = pattern.len;
	const char *resume = text;

	while (*text) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			resume = text;
		} else if (p < pattern.len && pattern.p[p] == *text) {
			p++;
			text++;
		} else if (star < pattern.len) {
			p = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}

static bool lists_word(struct str words, const char *word)
{
	while (words.len)
		if (str_is(str_split(words, ' ', &words), word))
			return true;
	return false;
}

bool fix_is_deprecated(const char *component_id, const char *option)
{
	for (const struct fixer *f = fixers; f->name; f++) {
		struct str rest = str_of(f->deprecated);

		while (rest.len) {
			struct str words, group = str_split(rest, ';', &rest);
			struct str pattern = str_split(group, ':', &words);

			if (lists_word(str_trim(words), option) &&
			    glob_matches(str_trim(pattern), component_id))
				return true;
		}
	}
	return false;
}

const char *fix_kind_name(const struct value *v)
{
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		return "string";
	case TYPE_NUMBER:
		return "float64";
	case TYPE_BOOL:
		return "bool";
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		return "slice";
	case TYPE_MAP:
	case TYPE_OBJECT:
		return "map";
	case TYPE_DYNAMIC:
		break;
	}
	return "nil";
}

static struct value *option_of(const struct map *o, const char *name, enum type_kind kind)
{
	struct value *v = map_get(o, name);

	return v && !value_is_null(v) && type_kind(value_type(v)) == kind ? v : NULL;
}

const char *option_text(const struct map *o, const char *name)
{
	const struct value *v = option_of(o, name, TYPE_STRING);

	return v ? value_as_string(v) : NULL;
}

struct value *option_flag(const struct map *o, const char *name)
{
	return option_of(o, name, TYPE_BOOL);
}

struct value *option_object(const struct map *o, const char *name)
{
	return option_of(o, name, TYPE_OBJECT);
}

struct value *option_array(const struct map *o, const char *name)
{
	return option_of(o, name, TYPE_TUPLE);
}

void option_put_text(struct map *o, const char *name, const char *text)
{
	value_map_put(o, name, value_string_as_is(text, strlen(text)));
}

void option_rename(struct map *o, const char *from, const char *to)
{
	struct value *v = map_get(o, from);

	if (!v)
		return;
	value_map_put(o, to, value_ref(v));
	map_remove(o, from);
}

void object_open(struct map *ret, const struct value *object)
{
	value_map_init(ret);
	for (size_t i = 0; i < value_len(object); i++)
		map_set(ret, value_key_at(object, i), value_ref(value_at(object, i)));
}

void option_put_object(struct map *o, const char *name, struct map *members)
{
	value_map_put(o, name, value_object_take(members));
}

bool option_prepend(struct map *o, const char *name, struct map *members)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	const struct value *before = option_array(o, name);

	if (!before && map_has(o, name))
		return false;
	*vec_push(&items) = value_object_take(members);
	for (size_t i = 0; before && i < value_len(before); i++)
		*vec_push(&items) = value_ref(value_at(before, i));
	value_map_put(o, name, value_vec_tuple(&items));
	return true;
}
