/* SPDX-License-Identifier: Apache-2.0 */
/* Why one type is not another, for people (language.md 6.4). */
#include "base/encode.h"
#include "value/convert.h"

#include <string.h>

static void add_quoted(struct strbuf *sb, const char *s)
{
	encode_go_quoted(sb, s, strlen(s));
}

static bool is_missing(const struct type *got, const struct type *want, size_t i)
{
	const struct type_field *f = type_field_at(want, i);

	return !f->optional && !type_field(got, f->name);
}

/* False if nothing is missing. */
static bool add_missing(struct strbuf *sb, const struct type *got, const struct type *want)
{
	size_t count = 0, seen = 0;

	for (size_t i = 0; i < type_len(want); i++)
		count += is_missing(got, want, i);
	if (!count)
		return false;
	strbuf_addstr(sb, count == 1 ? "attribute " : "attributes ");
	for (size_t i = 0; i < type_len(want); i++) {
		if (!is_missing(got, want, i))
			continue;
		if (seen)
			strbuf_addstr(sb, count > 2 ? ", " : " ");
		if (seen && seen == count - 1)
			strbuf_addstr(sb, "and ");
		add_quoted(sb, type_field_at(want, i)->name);
		seen++;
	}
	strbuf_addstr(sb, count == 1 ? " is required" : " are required");
	return true;
}

static void object_mismatch(struct strbuf *sb, const struct type *got, const struct type *want)
{
	if (add_missing(sb, got, want))
		return;
	for (size_t i = 0; i < type_len(want); i++) {
		const struct type_field *f = type_field_at(want, i);
		const struct type_field *have = type_field(got, f->name);

		if (!have || type_can_convert(have->type, f->type, true))
			continue;
		strbuf_addstr(sb, "attribute ");
		add_quoted(sb, f->name);
		strbuf_addstr(sb, ": ");
		type_mismatch(sb, have->type, f->type);
		return;
	}
	strbuf_addstr(sb, "incorrect object attributes");
}

static const char *collection_word(const struct type *t)
{
	return type_kind(t) == TYPE_LIST ? "list" : type_kind(t) == TYPE_SET ? "set" : "map";
}

/* A tuple or an object that is no collection of one type. */
static void members_mismatch(struct strbuf *sb, const struct type *got, const struct type *want)
{
	struct type *element = type_element(want);

	if (type_kind(element) == TYPE_DYNAMIC) {
		strbuf_addf(sb, "all %s elements must have the same type", collection_word(want));
		return;
	}
	for (size_t i = 0; i < type_len(got); i++) {
		if (type_can_convert(type_at(got, i), element, true))
			continue;
		strbuf_addstr(sb, "element ");
		if (type_kind(got) == TYPE_OBJECT)
			add_quoted(sb, type_field_at(got, i)->name);
		else
			strbuf_addf(sb, "%zu", i);
		strbuf_addstr(sb, ": ");
		type_mismatch(sb, type_at(got, i), element);
		return;
	}
	strbuf_addstr(sb, "all elements must be ");
	type_constraint_name(sb, element);
}

static bool is_sequence(const struct type *t)
{
	return type_kind(t) == TYPE_LIST || type_kind(t) == TYPE_SET;
}

void type_mismatch(struct strbuf *sb, const struct type *got, const struct type *want)
{
	enum type_kind g = type_kind(got), w = type_kind(want);

	if (g == TYPE_OBJECT && w == TYPE_OBJECT) {
		object_mismatch(sb, got, want);
	} else if ((g == TYPE_TUPLE && is_sequence(want)) || (g == TYPE_OBJECT && w == TYPE_MAP)) {
		members_mismatch(sb, got, want);
	} else if ((is_sequence(got) && is_sequence(want)) || (g == TYPE_MAP && w == TYPE_MAP)) {
		strbuf_addf(sb, "incorrect %s element type: ", collection_word(want));
		type_mismatch(sb, type_element(got), type_element(want));
	} else {
		type_constraint_name(sb, want);
		strbuf_addstr(sb, " required");
	}
}
