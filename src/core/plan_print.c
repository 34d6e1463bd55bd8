/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"
#include "core/plan.h"

static void add_duration(struct strbuf *sb, const char *name, int64_t ns)
{
	if (ns == 0)
		return;
	strbuf_addf(sb, "    (%s = ", name);
	duration_format(sb, ns);
	strbuf_addstr(sb, ")\n");
}

static void add_heading(struct strbuf *sb, const char *kind, const char *type, const char *name)
{
	strbuf_addf(sb, "  %s \"%s\"", kind, type);
	if (!text_is_empty(name))
		strbuf_addf(sb, " \"%s\"", name);
	strbuf_addch(sb, '\n');
}

static void add_reuse(struct strbuf *sb, const struct config_provisioner *p)
{
	if (p->cache != TRIBOOL_UNSET)
		strbuf_addf(sb, "    (cache = %s)\n", p->cache == TRIBOOL_TRUE ? "true" : "false");
	add_duration(sb, "cache_ttl", p->cache_ttl);
	for (size_t i = 0; p->cache_inputs && i < p->cache_inputs->len; i++)
		strbuf_addf(sb, "    (cache_inputs: %s)\n", p->cache_inputs->v[i]);
	if (p->cache_inputs && p->cache_inputs->len == 0)
		strbuf_addstr(sb, "    (cache_inputs: none)\n");
}

static void print_step(struct strbuf *sb, const struct plan_step *s, const char *kind)
{
	add_heading(sb, kind, s->type->name, s->block->name);
	add_duration(sb, "pause_before", s->block->pause_before);
	add_duration(sb, "timeout", s->block->timeout);
	if (s->block->max_retries > 0)
		strbuf_addf(sb, "    (max_retries = %lld)\n", (long long)s->block->max_retries);
	if (s->block->continue_on_error)
		strbuf_addstr(sb, "    (continue_on_error)\n");
	add_reuse(sb, s->block);
	schema_print(sb, s->type->schema, s->config, 4);
}

static void print_chain(struct strbuf *sb, const struct plan_chain *chain)
{
	for (size_t i = 0; i < chain->len; i++) {
		const struct plan_post *p = &chain->items[i];
		add_heading(sb, i ? "then post-processor" : "post-processor", p->type->name,
			    p->block->name);
		if (p->block->keep_input_artifact != TRIBOOL_UNSET)
			strbuf_addf(sb, "    (keep_input_artifact = %s)\n",
				    p->block->keep_input_artifact == TRIBOOL_TRUE ? "true"
										  : "false");
		schema_print(sb, p->type->schema, p->config, 4);
	}
}

void plan_print(struct strbuf *sb, const struct plan *p)
{
	for (size_t i = 0; i < p->len; i++) {
		const struct plan_build *b = &p->builds[i];
		strbuf_addf(sb, "%s\n", b->name);
		add_heading(sb, "source", b->type->name, b->source->name);
		schema_print(sb, b->type->schema, b->config, 4);
		for (size_t j = 0; j < b->step_count; j++)
			print_step(sb, &b->steps[j], "provisioner");
		if (b->error_cleanup)
			print_step(sb, b->error_cleanup, "error-cleanup-provisioner");
		for (size_t j = 0; j < b->chain_count; j++)
			print_chain(sb, &b->chains[j]);
	}
}
