/* SPDX-License-Identifier: Apache-2.0 */
/* The text of `inspect` for legacy templates (cli.md 6.2). */
#include "base/alloc.h"
#include "base/map.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

static void add_required(struct strbuf *sb, const struct config_legacy *l)
{
	bool any = false;

	for (size_t i = 0; i < l->variable_count; i++) {
		if (!l->variables[i].required)
			continue;
		strbuf_addstr(sb, any ? "" : "Required variables:\n\n");
		strbuf_addf(sb, "  %s\n", l->variables[i].name);
		any = true;
	}
	strbuf_addstr(sb, any ? "\n" : "");
}

/* Defaults that a sensitive variable has hide those of others, too (legacy-json.md 12.10). */
static void collect_hidden(const struct config_legacy *l, struct map *hidden)
{
	for (size_t i = 0; i < l->variable_count; i++)
		if (l->variables[i].sensitive)
			map_set(hidden, l->variables[i].text, (void *)l);
}

static void add_variables(struct strbuf *sb, const struct config_legacy *l)
{
	AUTO(map) struct map hidden = MAP_INIT(NULL);
	size_t width = 0;

	if (!l->variable_count) {
		strbuf_addstr(sb, "Variables:\n\n  <No variables>\n");
		return;
	}
	collect_hidden(l, &hidden);
	add_required(sb, l);
	strbuf_addstr(sb, "Optional variables and their defaults:\n\n");
	for (size_t i = 0; i < l->variable_count; i++)
		width = MAX(width, strlen(l->variables[i].name));
	for (size_t i = 0; i < l->variable_count; i++) {
		const struct config_legacy_variable *v = &l->variables[i];

		if (!v->required)
			strbuf_addf(sb, "  %-*s = %s\n", (int)width, v->name,
				    map_has(&hidden, v->text) ? "<sensitive>" : v->text);
	}
}

static int by_raw_name(const void *a, const void *b)
{
	const struct config_source *const *x = a, *const *y = b;

	return strcmp((*x)->raw_name, (*y)->raw_name);
}

static void add_builders(struct strbuf *sb, const struct config_build *b)
{
	AUTO_FREE const struct config_source **sorted =
		xcalloc(b->source_count + 1, sizeof(*sorted));
	size_t width = 0;

	strbuf_addstr(sb, "\nBuilders:\n\n");
	if (!b->source_count)
		strbuf_addstr(sb, "  <No builders>\n");
	for (size_t i = 0; i < b->source_count; i++) {
		sorted[i] = &b->sources[i];
		width = MAX(width, strlen(sorted[i]->raw_name));
	}
	if (b->source_count)
		qsort(sorted, b->source_count, sizeof(*sorted), by_raw_name);
	for (size_t i = 0; i < b->source_count; i++) {
		const struct config_source *s = sorted[i];

		strbuf_addf(sb, "  %-*s", (int)width, s->raw_name);
		if (!text_eq(s->raw_name, s->type))
			strbuf_addf(sb, " (%s)", s->type);
		strbuf_addch(sb, '\n');
	}
}

void config_inspect_legacy(struct strbuf *sb, const struct config *c)
{
	const struct config_build *b = &c->builds[0];

	strbuf_addstr(sb, "Packer Inspect: JSON mode\n");
	if (*c->legacy->description)
		strbuf_addf(sb, "Description:\n\n%s\n\n", c->legacy->description);
	add_variables(sb, c->legacy);
	add_builders(sb, b);
	strbuf_addstr(sb, "\nProvisioners:\n\n");
	if (!b->provisioner_count)
		strbuf_addstr(sb, "  <No provisioners>\n");
	for (size_t i = 0; i < b->provisioner_count; i++)
		strbuf_addf(sb, "  %s\n", b->provisioners[i].type);
	strbuf_addstr(sb, "\nNote: If your build names contain user variables or template\n"
			  "functions such as 'timestamp', these are processed at build time,\n"
			  "and therefore only show in their raw form here.");
}
