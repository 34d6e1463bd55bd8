/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference manual, made from the tables that the program itself works by;
 * docs/reference/ holds the same text.
 */
#include "base/alloc.h"
#include "cli/command.h"
#include "config/blocks.h"
#include "core/component.h"
#include "func/table.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec reference_options[] = { OPT_END };

/* ---- functions ----------------------------------------------------------------------------- */

static void add_parameter(struct strbuf *sb, const struct param *p, bool first)
{
	strbuf_addf(sb, "%s%s", first ? "" : ", ", p->name);
	if (p->type && *p->type != type_dynamic) {
		strbuf_addstr(sb, ": ");
		type_constraint_name(sb, *p->type);
	}
}

static void add_function(struct strbuf *sb, const struct func_def *f)
{
	bool first = true;

	strbuf_addf(sb, "## %s\n\n`%s(", f->name, f->name);
	for (const struct param *p = f->params; p && p->name; p++, first = false)
		add_parameter(sb, p, first);
	if (f->variadic) {
		add_parameter(sb, f->variadic, first);
		strbuf_addstr(sb, "...");
	}
	strbuf_addf(sb, ")`\n\n%s\n\n", f->doc);
	if (f->example)
		strbuf_addf(sb, "    %s\n    = %s\n\n", f->example, f->result);
}

static void add_functions(struct strbuf *sb)
{
	strbuf_addstr(sb, "# Functions\n\n"
			  "Made by `ingot reference functions`. The examples are tested.\n\n");
	for (const struct func_def *const *f = builtin_functions; *f; f++)
		add_function(sb, *f);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void add_language(struct strbuf *sb)
{
	strbuf_addstr(sb,
		      "# Blocks\n\n"
		      "Made by `ingot reference blocks`. What a template may say, and the\n"
		      "arguments that are the language's own; the others are in the reference of\n"
		      "the component.\n\n");
	blocks_document(sb);
}

/* ---- components -------------------------------------------------------------------------------- */

static void add_component(struct strbuf *sb, const char *kind, const char *name, const char *doc,
			  const struct schema *schema)
{
	strbuf_addf(sb, "## %s `%s`\n\n%s\n\n", kind, name, doc ? doc : "");
	schema_document(sb, schema);
	strbuf_addch(sb, '\n');
}

static void add_components(struct strbuf *sb)
{
	const struct components *c = &builtin_components;

	strbuf_addstr(sb, "# Components\n\nMade by `ingot reference components`.\n\n");
	for (size_t i = 0; c->builders[i]; i++)
		add_component(sb, "Builder", c->builders[i]->name, c->builders[i]->doc,
			      c->builders[i]->schema);
	for (size_t i = 0; c->provisioners[i]; i++)
		add_component(sb, "Provisioner", c->provisioners[i]->name, c->provisioners[i]->doc,
			      c->provisioners[i]->schema);
	for (size_t i = 0; c->postprocs[i]; i++)
		add_component(sb, "Post-processor", c->postprocs[i]->name, c->postprocs[i]->doc,
			      c->postprocs[i]->schema);
	for (size_t i = 0; c->datasources[i]; i++)
		add_component(sb, "Data source", c->datasources[i]->name, c->datasources[i]->doc,
			      c->datasources[i]->schema);
}

/* ------------------------------------------------------------------------------------------------ */

static const struct topic {
	const char *name;
	void (*add)(struct strbuf *sb);
} topics[] = {
	{ "functions", add_functions },
	{ "blocks", add_language },
	{ "components", add_components },
};

static const struct topic *find_topic(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		if (!strcmp(topics[i].name, name))
			return &topics[i];
	return NULL;
}

static int run(struct command_ctx *ctx)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct error *e = NULL;
	int first;

	if (options_parse(reference_options, ctx->argc, ctx->argv, NULL, &first, &e) < 0)
		return command_usage_error(ctx, e);

	const struct topic *topic = ctx->argc - first == 1 ? find_topic(ctx->argv[first]) : NULL;

	if (!topic) {
		error_set(&e, ERROR_INVALID,
			  "'reference' needs one topic: functions, blocks or "
			  "components");
		return command_usage_error(ctx, e);
	}
	topic->add(&text);
	strbuf_rtrim(&text);
	puts(text.buf);
	return EXIT_OK;
}

const struct command command_reference = {
	.name = "reference",
	.synopsis = "print the reference manual",
	.usage = "functions|blocks|components",
	.doc = "Prints the reference of all functions, of all blocks of the template language,\n"
	       "or of all built-in components with their arguments, as Markdown.",
	.options = reference_options,
	.run = run,
};
