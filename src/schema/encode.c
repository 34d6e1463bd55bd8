/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filled struct as bytes, for digests. Every text is preceded by its length and every list by its
 * count, so that no two structs give the same bytes.
 */
#include "base/str.h"
#include "schema/rows.h"
#include "schema/schema.h"

static void add_count(struct strbuf *sb, size_t n)
{
	strbuf_addf(sb, "%zu:", n);
}

static void add_text(struct strbuf *sb, const char *text)
{
	if (!text) {
		strbuf_addstr(sb, "-:");
		return;
	}
	add_count(sb, strlen(text));
	strbuf_addf(sb, "%s\n", text); /* so that words end where texts do */
}

static void add_list(struct strbuf *sb, const struct text_list *l)
{
	add_count(sb, l->len);
	for (size_t i = 0; i < l->len; i++)
		add_text(sb, l->v[i]);
}

static void add_ints(struct strbuf *sb, const struct int_list *l)
{
	add_count(sb, l->len);
	for (size_t i = 0; i < l->len; i++)
		strbuf_addf(sb, "%lld,", (long long)l->v[i]);
}

static void add_map(struct strbuf *sb, const struct text_map *m)
{
	add_count(sb, m->len);
	for (size_t i = 0; i < m->len; i++) {
		add_text(sb, m->v[i].key);
		add_text(sb, m->v[i].value);
	}
}

static void add_table(struct strbuf *sb, const struct text_table *t)
{
	add_count(sb, t->len);
	for (size_t i = 0; i < t->len; i++)
		add_list(sb, &t->v[i]);
}

/* Keys of objects are sorted already. */
static void add_value(struct strbuf *sb, const struct value *v)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	if (value_is_wholly_known(v))
		value_format_json(&text, v);
	else
		strbuf_addstr(&text, "<unknown>");
	add_text(sb, text.buf);
}

static void add_block(struct strbuf *sb, const struct schema *s, const char *block);

static void add_member(void *data, const struct attr *a, const void *member)
{
	struct strbuf *sb = data;
	add_text(sb, a->name);
	schema_encode(sb, a, member);
}

static void add_block(struct strbuf *sb, const struct schema *s, const char *block)
{
	strbuf_addch(sb, '{');
	if (s->label_name)
		add_text(sb, *(const char *const *)(block + s->label_offset));
	schema_each_set(s, block, add_member, sb);
	strbuf_addch(sb, '}');
}

static void add_blocks(struct strbuf *sb, const struct schema *s, const struct block_list *l)
{
	add_count(sb, l->len);
	for (size_t i = 0; i < l->len; i++)
		add_block(sb, s, (const char *)l->v + i * s->size);
}

void schema_encode(struct strbuf *sb, const struct attr *a, const void *member)
{
	switch (a->kind) {
	case ATTR_KIND_STRING:
		add_text(sb, *(const char *const *)member);
		return;
	case ATTR_KIND_INT:
	case ATTR_KIND_DURATION:
		strbuf_addf(sb, "%lld", (long long)*(const int64_t *)member);
		return;
	case ATTR_KIND_BOOL:
		strbuf_addstr(sb, *(const bool *)member ? "true" : "false");
		return;
	case ATTR_KIND_TRIBOOL:
		strbuf_addf(sb, "%d", (int)*(const enum tribool *)member);
		return;
	case ATTR_KIND_STRINGS:
		add_list(sb, member);
		return;
	case ATTR_KIND_INTS:
		add_ints(sb, member);
		return;
	case ATTR_KIND_MAP:
		add_map(sb, member);
		return;
	case ATTR_KIND_TABLE:
		add_table(sb, member);
		return;
	case ATTR_KIND_VALUE:
		add_value(sb, *(struct value *const *)member);
		return;
	case ATTR_KIND_BLOCK:
		add_block(sb, a->sub, *(const char *const *)member);
		return;
	case ATTR_KIND_BLOCKS:
		add_blocks(sb, a->sub, member);
		return;
	case ATTR_KIND_INCLUDE:
	case ATTR_KIND_END:
		return;
	}
}

void schema_each_set(const struct schema *s, const void *config, schema_member_fn fn, void *data)
{
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++) {
		const char *member = (const char *)config + a->offset;
		if (a->kind == ATTR_KIND_INCLUDE)
			schema_each_set(a->sub, member, fn, data);
		else if (!(a->flags & ATTR_IGNORED) && !attr_is_zero(a, member))
			fn(data, a, member);
	}
}

static void each_of_list(const struct text_list *l, void (*fn)(void *data, const char *text),
			 void *data)
{
	for (size_t i = 0; i < l->len; i++)
		fn(data, l->v[i]);
}

void schema_each_text(const struct attr *a, const void *member,
		      void (*fn)(void *data, const char *text), void *data)
{
	const struct text_table *table = member;
	if (a->kind == ATTR_KIND_STRING)
		fn(data, *(const char *const *)member);
	else if (a->kind == ATTR_KIND_STRINGS)
		each_of_list(member, fn, data);
	else if (a->kind == ATTR_KIND_TABLE)
		for (size_t i = 0; i < table->len; i++)
			each_of_list(&table->v[i], fn, data);
}

struct text_search {
	const char *name, *found;
};

static void look_at(void *data, const struct attr *a, const void *member)
{
	struct text_search *s = data;
	if (a->kind == ATTR_KIND_STRING && text_eq(a->name, s->name))
		s->found = *(const char *const *)member;
}

const char *schema_text(const struct schema *s, const void *config, const char *name)
{
	struct text_search search = { .name = name };
	schema_each_set(s, config, look_at, &search);
	return search.found;
}
