/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of a table, as Markdown. */
#include "base/alloc.h"
#include "schema/rows.h"
#include "schema/schema.h"

STRING_TABLE(attr_kind, ATTR_KIND_END, "string", "number", "bool", "bool", "duration",
	     "list of string", "list of number", "map of string", "list of list of string", "any",
	     "block", "blocks", "");

static void add_cell(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			strbuf_addch(sb, '\\');
		strbuf_addch(sb, *text == '\n' ? ' ' : *text);
	}
}

static void add_default(struct strbuf *sb, const struct attr *a)
{
	if (a->flags & ATTR_REQUIRED)
		strbuf_addstr(sb, "**required**");
	else if (a->def)
		strbuf_addf(sb, "`%s`", a->def);
}

static void add_notes(struct strbuf *sb, const struct attr *a)
{
	if (a->choices) {
		strbuf_addstr(sb, " One of");
		for (size_t i = 0; a->choices[i]; i++)
			strbuf_addf(sb, "%s `%s`", i ? "," : "", a->choices[i]);
		strbuf_addch(sb, '.');
	}
	if (a->kind == ATTR_KIND_INT && a->max > a->min)
		strbuf_addf(sb, " From %lld to %lld.", (long long)a->min, (long long)a->max);
	else if (a->kind == ATTR_KIND_INT && a->min != a->max)
		strbuf_addf(sb, " At least %lld.", (long long)a->min);
	if (a->conflicts)
		strbuf_addf(sb, " Not together with `%s`.", a->conflicts);
	if (a->requires_)
		strbuf_addf(sb, " Needs `%s`.", a->requires_);
	if (a->flags & ATTR_LATE)
		strbuf_addstr(sb, " Templates in it are rendered when the step runs.");
	if (a->flags & ATTR_SENSITIVE)
		strbuf_addstr(sb, " Kept out of all output.");
	if (a->flags & ATTR_IGNORED)
		strbuf_addstr(sb, " Accepted without effect.");
	if (a->flags & ATTR_DEPRECATED) {
		strbuf_addstr(sb, " Deprecated");
		if (a->replacement)
			strbuf_addf(sb, ": use `%s`", a->replacement);
		strbuf_addch(sb, '.');
	}
}

static void add_rows(struct strbuf *sb, const struct schema *s)
{
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++) {
		if (a->kind == ATTR_KIND_INCLUDE) {
			add_rows(sb, a->sub);
			continue;
		}
		strbuf_addf(sb, "| `%s` | %s | ", a->name, attr_kind_names[a->kind]);
		add_default(sb, a);
		strbuf_addstr(sb, " | ");
		add_cell(sb, a->doc);
		add_notes(sb, a);
		strbuf_addstr(sb, " |\n");
	}
}

static void add_blocks(struct strbuf *sb, const struct schema *s)
{
	for (const struct attr *a = s->attrs; a->kind != ATTR_KIND_END; a++) {
		if (a->kind == ATTR_KIND_INCLUDE)
			add_blocks(sb, a->sub);
		if (!attr_is_block(a))
			continue;
		strbuf_addf(sb, "\n### `%s`", a->name);
		if (a->sub->label_name)
			strbuf_addf(sb, " \"%s\"", a->sub->label_name);
		strbuf_addstr(sb, "\n\n");
		schema_document(sb, a->sub);
	}
}

void schema_document(struct strbuf *sb, const struct schema *s)
{
	strbuf_addstr(sb, "| Argument | Type | Default | Meaning |\n|---|---|---|---|\n");
	add_rows(sb, s);
	add_blocks(sb, s);
}
