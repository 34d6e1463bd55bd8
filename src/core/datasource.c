/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datasource.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/suggest.h"

#include <string.h>

/* ---- unknown types ------------------------------------------------------------------------ */

static void report_unknown(const struct datasource_reader *r, const struct config_data *d,
			   struct diags *diags)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	AUTO_FREE char *summary = xasprintf("Unknown data type %s", d->type);

	components_names(r->components, COMPONENT_DATASOURCE, &names);

	AUTO_FREE char *known = strv_join(&names, " ");
	const char *near = suggest(d->type, (const char *const *)names.v);

	strbuf_addf(&detail, "known data sources: [%s]", known);
	if (near)
		strbuf_addf(&detail, "\nDid you mean to use \"%s\"?", near);
	if (text_starts_with(d->type, "hcp-packer-"))
		strbuf_addstr(&detail,
			      "\nIt asks the HCP Packer registry, and no registry is served "
			      "here: give what it would say as a variable.");
	diags_error(diags, &d->range, summary, "%s", detail.buf);
}

/* ---- one block ------------------------------------------------------------------------------ */

struct type *datasource_output_type(const struct datasource_type *t)
{
	AUTO(type) struct type *texts = type_map(type_string);
	size_t n = 0;

	while (t->outputs[n].name)
		n++;

	AUTO_FREE struct type_field *fields = xcalloc(n + 1, sizeof(*fields));

	for (size_t i = 0; i < n; i++) {
		fields[i].name = t->outputs[i].name;
		fields[i].type = t->outputs[i].type ? *t->outputs[i].type : texts;
	}
	return type_object(fields, n);
}

static void add_secret(void *data, const char *text)
{
	redactor_add(data, text, strlen(text));
}

static void *decode_native(const struct datasource_type *t, const struct config_data *d,
			   const struct scope *scope, struct decoded *decoded, struct arena *arena,
			   struct diags *diags)
{
	void *config = arena_alloc(arena, t->schema->size);

	schema_decode(t->schema, d->body, scope, d->range, arena, decoded, diags);
	schema_fill(decoded, config, arena, diags);
	return config;
}

/* The configuration, in the arena; NULL after reporting. */
static const void *prepare(const struct datasource_reader *r, const struct datasource_type *t,
			   const struct config_data *d, const struct scope *scope,
			   struct arena *arena, struct diags *diags)
{
	AUTO(diags) struct diags found = DIAGS_INIT;
	struct decoded decoded;
	struct prepare_ctx ctx = {
		.decoded = t->foreign ? NULL : &decoded,
		.block = d->body,
		.arena = arena,
		.dirs = r->ctx.dirs,
		.cwd = r->ctx.cwd,
		.cancel = r->ctx.cancel,
	};
	size_t errors = diags->errors;
	void *config = t->foreign
			       ? foreign_decode(t->foreign, d->body, scope, d->range, arena, diags)
			       : decode_native(t, d, scope, &decoded, arena, diags);

	if (config && r->redactor)
		schema_each_secret(t->schema, config, add_secret, r->redactor);
	if (diags->errors > errors)
		return NULL;
	if (t->prepare)
		t->prepare(config, &ctx, &found);
	for (size_t i = 0; i < found.len; i++)
		if (!found.items[i].subject.source)
			found.items[i].subject = d->range;
	diags_move(diags, &found);
	return diags->errors > errors ? NULL : config;
}

static struct value *unknown_output(const struct datasource_reader *r,
				    const struct datasource_type *t, const void *config,
				    struct error **err)
{
	AUTO(type)
	struct type *type =
		t->output_type ? t->output_type(config, &r->ctx, err) : datasource_output_type(t);

	return type ? value_unknown(type) : NULL;
}

static struct value *read_block(void *data, const struct config_data *d, const struct scope *scope,
				struct diags *diags)
{
	const struct datasource_reader *r = data;
	const struct datasource_type *t = components_datasource(r->components, d->type);
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *err = NULL;

	if (!t) {
		report_unknown(r, d, diags);
		return NULL;
	}

	const void *config = prepare(r, t, d, scope, arena, diags);

	if (!config)
		return NULL;

	struct value *v =
		r->is_dry ? unknown_output(r, t, config, &err) : t->read(config, &r->ctx, &err);

	if (!v)
		diags_error(diags, &d->range, err->message, "%s", err->hint ? err->hint : "");
	return v;
}

void datasource_reader_init(struct datasource_reader *r)
{
	r->pub = (struct config_data_reader){ .read = read_block, .data = r };
}
