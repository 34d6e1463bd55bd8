/* SPDX-License-Identifier: Apache-2.0 */
/* A filled struct as text. */
#include "base/duration.h"
#include "base/encode.h"
#include "schema/rows.h"
#include "schema/schema.h"

static void add_quoted(struct strbuf *sb, const char *text)
{
	encode_go_quoted(sb, text, strlen(text));
}

static void add_list(struct strbuf *sb, const struct text_list *l)
{
	strbuf_addch(sb, '[');
	for (size_t i = 0; i < l->len; i++) {
		strbuf_addstr(sb, i ? ", " : "");
		add_quoted(sb, l->v[i]);
	}
	strbuf_addch(sb, ']');
}

static void add_ints(struct strbuf *sb, const struct int_list *l)
{
	for (size_t i = 0; i < l->len; i++)
		strbuf_addf(sb, "%s%lld", i ? ", " : "[", (long long)l->v[i]);
	strbuf_addstr(sb, l->len ? "]" : "[]");
}

static void add_map(struct strbuf *sb, const struct text_map *m)
{
	strbuf_addch(sb, '{');
	for (size_t i = 0; i < m->len; i++) {
		strbuf_addf(sb, "%s%s = ", i ? ", " : "", m->v[i].key);
		add_quoted(sb, m->v[i].value);
	}
	strbuf_addch(sb, '}');
}

static void add_table(struct strbuf *sb, const struct text_table *t)
{
	strbuf_addch(sb, '[');
	for (size_t i = 0; i < t->len; i++) {
		strbuf_addstr(sb, i ? ", " : "");
		add_list(sb, &t->v[i]);
	}
	strbuf_addch(sb, ']');
}

static void add_value(struct strbuf *sb, const struct value *v)
{
	if (value_is_wholly_known(v) && !value_is_sensitive_deep(v))
		value_format_json(sb, v);
	else
		value_format_summary(sb, v);
}

static void add_member(struct strbuf *sb, const struct attr *a, const char *member)
{
	switch (a->kind) {
	case ATTR_KIND_STRING:
		add_quoted(sb, *(const char *const *)member);
		return;
	case ATTR_KIND_INT:
		strbuf_addf(sb, "%lld", (long long)*(const int64_t *)member);
		return;
	case ATTR_KIND_DURATION:
		duration_format(sb, *(const int64_t *)member);
		return;
	case ATTR_KIND_BOOL:
		strbuf_addstr(sb, "true");
		return;
	case ATTR_KIND_TRIBOOL:
		strbuf_addstr(sb, *(const enum tribool *)member == TRIBOOL_TRUE ? "true" : "false");
		return;
	case ATTR_KIND_STRINGS:
		add_list(sb, (const struct text_list *)member);
		return;
	case ATTR_KIND_INTS:
		add_ints(sb, (const struct int_list *)member);
		return;
	case ATTR_KIND_MAP:
		add_map(sb, (const struct text_map *)member);
		return;
	case ATTR_KIND_TABLE:
		add_table(sb, (const struct text_table *)member);
		return;
	case ATTR_KIND_VALUE:
		add_value(sb, *(struct value *const *)member);
		return;
	case ATTR_KIND_BLOCK:
	case ATTR_KIND_BLOCKS:
	case ATTR_KIND_INCLUDE:
	case ATTR_KIND_END:
		return;
	}
}

bool attr_is_zero(const struct attr *a, const char *member)
{
	switch (a->kind) {
	case ATTR_KIND_STRING:
	case ATTR_KIND_VALUE:
	case ATTR_KIND_BLOCK:
		return !*(const void *const *)member;
	case ATTR_KIND_INT:
	case ATTR_KIND_DURATION:
		return *(const int64_t *)member == 0;
	case ATTR_KIND_BOOL:
		return !*(const bool *)member;
	case ATTR_KIND_TRIBOOL:
		return *(const enum tribool *)member == TRIBOOL_UNSET;
	case ATTR_KIND_STRINGS:
		return ((const struct text_list *)member)->len == 0;
	case ATTR_KIND_INTS:
		return ((const struct int_list *)member)->len == 0;
	case ATTR_KIND_MAP:
		return ((const struct text_map *)member)->len == 0;
	case ATTR_KIND_TABLE:
		return ((const struct text_table *)member)->len == 0;
	case ATTR_KIND_BLOCKS:
		return ((const struct block_list *)member)->len == 0;
	case ATTR_KIND_INCLUDE:
	case ATTR_KIND_END:
		break;
	}
	return false;
}

static void print_block(struct strbuf *sb, const struct attr *a, const char *block, int indent)
{
	const struct schema *sub = a->sub;
	strbuf_addf(sb, "%*s%s", indent, "", a->name);
	const char *label =
		sub->label_name ? *(const char *const *)(block + sub->label_offset) : NULL;
	if (label) {
		strbuf_addch(sb, ' ');
		add_quoted(sb, label);
	}
	strbuf_addstr(sb, " {\n");
	schema_print(sb, sub, block, indent + 2);
	strbuf_addf(sb, "%*s}\n", indent, "");
}

static void print_row(struct strbuf *sb, const struct attr *a, const char *member, int indent)
{
	if (a->kind == ATTR_KIND_BLOCK) {
		print_block(sb, a, *(const char *const *)member, indent);
		return;
	}
	if (a->kind == ATTR_KIND_BLOCKS) {
		const struct block_list *l = (const struct block_list *)member;
		for (size_t i = 0; i < l->len; i++)
			print_block(sb, a, (const char *)l->v + i * a->sub->size, indent);
		return;
	}
	strbuf_addf(sb, "%*s%s = ", indent, "", a->name);
	if (a->flags & ATTR_SENSITIVE)
		strbuf_addstr(sb, "<sensitive>");
	else
		add_member(sb, a, member);
	strbuf_addch(sb, '\n');
}

void schema_print(struct strbuf *sb, const struct schema *s, const void *config, int indent)
{
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++) {
		const char *member = (const char *)config + a->offset;
		if (a->kind == ATTR_KIND_INCLUDE)
			schema_print(sb, a->sub, member, indent);
		else if (!attr_is_zero(a, member))
			print_row(sb, a, member, indent);
	}
}
