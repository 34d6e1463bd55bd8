/* SPDX-License-Identifier: Apache-2.0 */
/* The build block: what is done to the machines, and with what comes out. */
#include "base/alloc.h"
#include "base/duration.h"
#include "config/upgrade/hcl.h"
#include "config/upgrade/upgrader.h"
#include "value/valuevec.h"

static void put_text(struct map *options, const char *name, const char *text)
{
	value_map_put(options, name, value_string(text));
}

static void put_duration(struct map *options, const char *name, int64_t ns)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	if (!ns)
		return;
	duration_format(&sb, ns);
	put_text(options, name, sb.buf);
}

static void put_names(struct map *options, const char *name, const struct strv *names)
{
	AUTO(value_vec) struct value_vec items = { 0 };

	if (!names->len)
		return;
	for (size_t i = 0; i < names->len; i++)
		*vec_push(&items) = value_string(names->v[i]);
	value_map_put(options, name, value_vec_tuple(&items));
}

static void add_provisioner(struct upgrader *u, struct strbuf *out, const char *kind,
			    struct model_component *c)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	put_names(&c->options, "only", &c->only);
	put_names(&c->options, "except", &c->except);
	if (c->max_retries && *c->max_retries)
		put_text(&c->options, "max_retries", c->max_retries);
	put_duration(&c->options, "pause_before", c->pause_before);
	put_duration(&c->options, "timeout", c->timeout);
	hcl_open_block(&sb, kind, c->type, NULL);
	hcl_options(&sb, &c->options, NULL);
	strbuf_addstr(&sb, "}\n\n");
	upgrade_block(u, out, sb.buf);
}

static void add_post_processor(struct strbuf *sb, struct model_component *c)
{
	put_names(&c->options, "only", &c->only);
	put_names(&c->options, "except", &c->except);
	if (c->name && *c->name && strcmp(c->name, c->type) != 0)
		put_text(&c->options, "name", c->name);
	hcl_open_block(sb, "post-processor", c->type, NULL);
	if (c->keep_input_artifact)
		hcl_attribute(sb, "keep_input_artifact", c->keep_input_artifact);
	hcl_options(sb, &c->options, NULL);
	strbuf_addstr(sb, "}\n");
}

static void add_chain(struct upgrader *u, struct strbuf *out, const struct component_list *chain)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	if (!chain->len)
		return;
	if (chain->len > 1)
		strbuf_addstr(&sb, "post-processors {\n");
	for (size_t i = 0; i < chain->len; i++)
		add_post_processor(&sb, &chain->items[i]);
	if (chain->len > 1)
		strbuf_addstr(&sb, "}\n");
	upgrade_block(u, out, sb.buf);
}

static void add_sources(const struct upgrader *u, struct strbuf *out)
{
	AUTO(value_vec) struct value_vec items = { 0 };

	for (size_t i = 0; i < u->model->builders.len; i++) {
		const struct model_component *b = &u->model->builders.items[i];
		AUTO_FREE char *name = upgrade_source_name(b, i);
		AUTO_FREE char *reference = xasprintf("source.%s.%s", b->type, name);

		*vec_push(&items) = value_string(reference);
	}

	AUTO(value) struct value *sources = value_vec_tuple(&items);

	hcl_attribute(out, "sources", sources);
	strbuf_addch(out, '\n');
}

void upgrade_build(struct upgrader *u, struct strbuf *out)
{
	const struct model *m = u->model;

	if (!m->builders.len)
		return;
	strbuf_addstr(out, "\nbuild {\n");
	if (*m->description) {
		hcl_text_attribute(out, "description", m->description);
		strbuf_addch(out, '\n');
	}
	add_sources(u, out);
	for (size_t i = 0; i < m->provisioners.len; i++)
		add_provisioner(u, out, "provisioner", &m->provisioners.items[i]);
	for (size_t i = 0; i < m->cleanup.len; i++)
		add_provisioner(u, out, "error-cleanup-provisioner", &m->cleanup.items[i]);
	for (size_t i = 0; i < m->chains.len; i++)
		add_chain(u, out, &m->chains.items[i]);
	strbuf_addstr(out, "}\n");
}
