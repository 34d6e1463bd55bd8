/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the first build of a template, with the real components: what the tests of keys share. */
#pragma once

#include "../config/template_case.h"

#include "base/redact.h"
#include "base/str.h"
#include "core/key.h"
#include "schema/schema.h"

/* As many as steps, and the start: keys[0]. */
struct key_case {
	struct sources *sources;
	struct config *config;
	struct plan *plan;
	struct redactor *redactor;
	struct step_key *keys;
	size_t len;
	struct step_key artifact;
};

static const unsigned char key_secret[32] = "a secret of this host";

UNUSED static void key_case_release(struct key_case *c)
{
	for (size_t i = 0; i < c->len; i++)
		step_key_release(&c->keys[i]);
	step_key_release(&c->artifact);
	free(c->keys);
	plan_free(c->plan);
	config_free(c->config);
	sources_free(c->sources);
	redactor_free(c->redactor);
	*c = (struct key_case){ 0 };
}

static void must_be_well(const struct diags *diags)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	print_diags(&sb, diags);
	if (diags_has_errors(diags))
		fail_msg("%s", sb.buf);
}

static struct key_maker key_case_maker(const struct key_case *c, struct build_ctx *ctx,
				       size_t build)
{
	return (struct key_maker){
		.plan = c->plan,
		.build = &c->plan->builds[build],
		.ctx = ctx,
		.secret = key_secret,
		.redactor = c->redactor,
	};
}

/* Loads `path` and plans it. */
static void key_case_load(struct key_case *c, const char *path, const char *cwd,
			  const struct strv *vars, int64_t now)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	*c = (struct key_case){ .sources = sources_new(), .redactor = redactor_new() };
	struct config_options opts = {
		.path = path,
		.cwd = cwd,
		.vars = vars,
		.start_time = now,
		.legacy_json = text_ends_with(path, ".json") && !text_ends_with(path, ".pkr.json"),
		.redactor = c->redactor,
		.sources = c->sources,
	};
	c->config = config_load(&opts, &diags);
	must_be_well(&diags);
	struct plan_options plan_opts = { .on_error = "cleanup",
					  .cwd = cwd,
					  .redactor = c->redactor };
	c->plan = plan_make(c->config, &builtin_components, &plan_opts, &diags);
	must_be_well(&diags);
}

/* … and makes the keys of a build. */
static void key_case_make(struct key_case *c, size_t build, const char *cwd, const char *cache)
{
	AUTO(error) struct error *err = NULL;
	struct host_dirs dirs = { .cache = (char *)cache };
	struct build_ctx ctx = { .info = &c->plan->builds[build].info,
				 .cwd = cwd,
				 .dirs = &dirs,
				 .temp_dir = cwd,
				 .look_only = true };
	const struct key_maker m = key_case_maker(c, &ctx, build);
	c->len = m.build->step_count + 1;
	c->keys = xcalloc(c->len, sizeof(*c->keys));
	if (key_start(&m, &c->keys[0], &err) < 0)
		fail_msg("%s", err->message);
	for (size_t i = 1; i < c->len; i++)
		if (key_step(&m, i - 1, &c->keys[i - 1], &c->keys[i], &err) < 0)
			fail_msg("step %zu: %s", i, err->message);
	if (key_artifact(&m, &c->keys[c->len - 1], &c->artifact, &err) < 0)
		fail_msg("%s", err->message);
}
