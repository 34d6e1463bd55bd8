/* SPDX-License-Identifier: Apache-2.0 */
/* The text of `inspect` (cli.md 6.2). */
#include "config/config.h"

#include "base/alloc.h"
#include "base/encode.h"

struct named_value {
	const char *name;
	const struct value *value; /* NULL: not known */
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named_value *)a)->name, ((const struct named_value *)b)->name);
}

static void add_values(struct strbuf *sb, const char *prefix, struct named_value *items, size_t n)
{
	if (n > 0)
		qsort(items, n, sizeof(*items), compare_names);
	for (size_t i = 0; i < n; i++) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;
		if (items[i].value)
			value_format_console(&text, items[i].value);
		else
			strbuf_addstr(&text, "<unknown>");
		strbuf_addf(sb, "%s.%s: ", prefix, items[i].name);
		encode_go_quoted(sb, text.buf, text.len);
		strbuf_addch(sb, '\n');
	}
}

void config_inspect_variables(struct strbuf *sb, const struct config *c)
{
	size_t max = MAX(c->variable_count, c->local_count);
	AUTO_FREE struct named_value *items = xcalloc(max + 1, sizeof(*items));
	strbuf_addstr(sb, "> input-variables:\n\n");
	for (size_t i = 0; i < c->variable_count; i++)
		items[i] = (struct named_value){ c->variables[i].name, c->variables[i].value };
	add_values(sb, "var", items, c->variable_count);
	strbuf_addstr(sb, "\n> local-variables:\n\n");
	size_t n = 0; /* of those that could be evaluated */
	for (size_t i = 0; i < c->local_count; i++)
		if (c->locals[i].value)
			items[n++] = (struct named_value){ c->locals[i].name, c->locals[i].value };
	add_values(sb, "local", items, n);
}

static void add_component(struct strbuf *sb, int indent, const char *type, const char *name)
{
	strbuf_addf(sb, "%*s%s", indent, "", type);
	if (!text_is_empty(name))
		strbuf_addf(sb, ".%s", name);
	strbuf_addch(sb, '\n');
}

static void add_build(struct strbuf *sb, const struct config_build *b, size_t index)
{
	if (*b->name)
		strbuf_addf(sb, "\n  > %s:\n", b->name);
	else
		strbuf_addf(sb, "\n  > <unnamed build %zu>:\n", index);
	if (!text_is_empty(b->description))
		strbuf_addf(sb, "\n  > Description: %s\n", b->description);
	strbuf_addstr(sb, "\n    sources:\n");
	if (b->source_count == 0)
		strbuf_addstr(sb, "\n      <no source>\n");
	for (size_t i = 0; i < b->source_count; i++)
		strbuf_addf(sb, "\n      %s.%s\n", b->sources[i].type, b->sources[i].local_name);
	strbuf_addstr(sb, "\n    provisioners:\n\n");
	if (b->provisioner_count == 0)
		strbuf_addstr(sb, "      <no provisioner>\n");
	for (size_t i = 0; i < b->provisioner_count; i++)
		add_component(sb, 6, b->provisioners[i].type, b->provisioners[i].name);
	strbuf_addstr(sb, "\n    post-processors:\n");
	if (b->chain_count == 0)
		strbuf_addstr(sb, "\n      <no post-processor>\n");
	for (size_t i = 0; i < b->chain_count; i++) {
		strbuf_addf(sb, "\n      %zu:\n", i);
		for (size_t j = 0; j < b->chains[i].len; j++)
			add_component(sb, 8, b->chains[i].items[j].type,
				      b->chains[i].items[j].name);
	}
}

void config_inspect_builds(struct strbuf *sb, const struct config *c)
{
	size_t index = 0; /* builds with mistakes are not counted */
	strbuf_addstr(sb, "> builds:\n");
	for (size_t i = 0; i < c->build_count; i++)
		if (!c->builds[i].has_errors)
			add_build(sb, &c->builds[i], index++);
}

void config_inspect_title(struct strbuf *sb)
{
	strbuf_addstr(sb, "Packer Inspect: HCL2 mode\n");
}

void config_inspect(struct strbuf *sb, const struct config *c)
{
	config_inspect_title(sb);
	strbuf_addch(sb, '\n');
	config_inspect_variables(sb, c);
	strbuf_addch(sb, '\n');
	config_inspect_builds(sb, c);
}
