/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host/prepare.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "config/config.h"
#include "os/clock.h"
#include "plugin/codec/cty.h"
#include "tmpl/tmpl.h"

#include <stdlib.h>

/* Plugins of clouds may ask theirs meanwhile. */
enum { PREPARE_SECONDS = 600 };

/* foreign_config.data, in the arena of the configuration. */
struct prepared {
	struct plugin_owner owner;
	struct strbuf *layers; /* as they were sent */
	const char *const *generated;
};

/* ---- layers ------------------------------------------------------------------------------------ */

static void pack_pair(struct strbuf *sb, const char *key, const char *text)
{
	pack_text(sb, key);
	pack_text(sb, text ? text : "");
}

static void pack_list(struct strbuf *sb, const char *key, const struct text_list *list)
{
	pack_text(sb, key);
	pack_array(sb, list->len);
	for (size_t i = 0; i < list->len; i++)
		pack_text(sb, list->v[i]);
}

static void pack_flag(struct strbuf *sb, const char *key, bool on)
{
	pack_pair(sb, key, on ? "true" : "false");
}

/* The default goes without saying. */
static const char *on_error(const struct component_info *info)
{
	return text_eq(info->on_error, "cleanup") ? "" : info->on_error;
}

/* What a plugin is told of its build (9.2). */
static void pack_vars(struct strbuf *sb, const struct component_info *info, bool has_sensitive)
{
	pack_map(sb, has_sensitive ? 7 : 6);
	pack_pair(sb, "packer_build_name", info->source_name);
	pack_pair(sb, "packer_builder_type", info->builder_type);
	pack_pair(sb, "packer_core_version", COMPAT_VERSION);
	pack_flag(sb, "packer_debug", info->debug);
	pack_flag(sb, "packer_force", info->force);
	pack_pair(sb, "packer_on_error", on_error(info));
	if (has_sensitive)
		pack_list(sb, "packer_sensitive_variables", &info->sensitive);
}

/* The same in legacy templates (9.3). */
static void pack_legacy_vars(struct strbuf *sb, const struct component_info *info)
{
	pack_map(sb, 9);
	pack_pair(sb, "packer_build_name", info->source_name);
	pack_pair(sb, "packer_builder_type", info->builder_type);
	pack_pair(sb, "packer_core_version", COMPAT_VERSION);
	pack_text(sb, "packer_debug");
	pack_bool(sb, info->debug);
	pack_text(sb, "packer_force");
	pack_bool(sb, info->force);
	pack_pair(sb, "packer_on_error", on_error(info));
	pack_pair(sb, "packer_template_path", info->template_path);
	pack_text(sb, "packer_user_variables");
	value_pack(sb, info->user_variables);
	pack_list(sb, "packer_sensitive_variables", &info->sensitive);
}

static size_t count(const char *const *names)
{
	size_t n = 0;

	while (names && names[n])
		n++;
	return n;
}

static void pack_placeholder(struct strbuf *sb, const char *name)
{
	AUTO_FREE char *text = tmpl_placeholder_of(name);

	pack_pair(sb, name, text);
}

/* What `build` will be, in legacy templates (9.4). */
static void pack_placeholders(struct strbuf *sb, const char *const *generated)
{
	pack_map(sb, count(config_build_names) + count(generated));
	for (size_t i = 0; config_build_names[i]; i++)
		pack_placeholder(sb, config_build_names[i]);
	for (size_t i = 0; generated && generated[i]; i++)
		pack_placeholder(sb, generated[i]);
}

static void pack_cty(struct strbuf *sb, const struct value *v)
{
	AUTO(strbuf) struct strbuf json = STRBUF_INIT;

	cty_json(&json, v);
	pack_bytes(sb, json.buf, json.len);
}

static void pack_hcl_layers(struct strbuf *sb, const struct foreign_config *f,
			    enum component_kind kind, const struct component_info *info)
{
	bool is_step = kind == COMPONENT_PROVISIONER;

	pack_array(sb, is_step ? 3 : 2);
	pack_vars(sb, info, kind != COMPONENT_BUILDER);
	pack_cty(sb, f->options);
	if (is_step && f->override)
		value_pack(sb, f->override);
	else if (is_step)
		pack_nil(sb);
}

static void pack_legacy_layers(struct strbuf *sb, const struct foreign_config *f,
			       enum component_kind kind, const struct component_info *info,
			       const char *const *generated)
{
	bool has_build = kind != COMPONENT_BUILDER;
	bool has_override = kind == COMPONENT_PROVISIONER && f->override;

	pack_array(sb, 2 + (size_t)has_build + (size_t)has_override);
	value_pack(sb, f->options);
	if (has_override)
		value_pack(sb, f->override);
	pack_legacy_vars(sb, info);
	if (has_build)
		pack_placeholders(sb, generated);
}

static void pack_configs(struct strbuf *sb, const struct foreign_config *f,
			 const struct component_info *info, const char *const *generated)
{
	enum component_kind kind = plugin_type_of(f->of)->component->kind;

	pack_map(sb, 1);
	pack_text(sb, "Configs");
	if (kind == COMPONENT_DATASOURCE) {
		pack_array(sb, 1);
		pack_cty(sb, f->options);
	} else if (info->user_variables) {
		pack_legacy_layers(sb, f, kind, info, generated);
	} else {
		pack_hcl_layers(sb, f, kind, info);
	}
}

/* ---- asking --------------------------------------------------------------------------------------- */

/* Its answer; whether it likes them is another question. */
static const struct packed *ask(struct instance *in, enum component_kind kind,
				const struct strbuf *layers, struct arena *arena, struct cancel *c,
				struct error **err)
{
	static const char *const methods[] = {
		[COMPONENT_BUILDER] = "Builder.Prepare",
		[COMPONENT_PROVISIONER] = "Provisioner.Prepare",
		[COMPONENT_POSTPROC] = "PostProcessor.Configure",
		[COMPONENT_DATASOURCE] = "Datasource.Configure",
	};

	return instance_ask(in, methods[kind], layers, arena,
			    clock_deadline(PREPARE_SECONDS * NSEC_PER_SEC), c, err);
}

static int take_error(const struct packed *reply, struct error **err)
{
	const struct packed *failure;
	const char *text = NULL;

	failure = reply->kind == PACKED_MAP ? packed_member(reply, "Error") : NULL;
	if (failure && failure->kind == PACKED_MAP)
		failure = packed_member(failure, "Message");
	if (packed_text(failure, &text, err) == 0 && text)
		error_set(err, ERROR_REMOTE, "%s", text);
	return *err ? -1 : 0;
}

static void take_warnings(const struct packed *reply, struct diags *diags)
{
	const struct packed *list = packed_member(reply, "Warnings");

	for (size_t i = 0; list && list->kind == PACKED_ARRAY && i < list->many.len; i++) {
		AUTO(error) struct error *e = NULL;
		const char *text = NULL;

		if (packed_text(&list->many.items[i], &text, &e) == 0 && text)
			diags_warning(diags, NULL, text, "%s", "");
	}
}

static void take_names(const struct packed *reply, struct prepared *p, struct arena *arena)
{
	const struct packed *list = packed_member(reply, "GeneratedVars");
	size_t n = list && list->kind == PACKED_ARRAY ? list->many.len : 0, len = 0;
	const char **names = ARENA_ARRAY(arena, const char *, n + 1);

	for (size_t i = 0; i < n; i++) {
		AUTO(error) struct error *e = NULL;
		const char *text = NULL;

		if (packed_text(&list->many.items[i], &text, &e) == 0 && !text_is_empty(text))
			names[len++] = arena_strdup(arena, text);
	}
	p->generated = names;
}

static void drop_layers(void *data)
{
	strbuf_release(data);
}

static struct prepared *prepared_new(struct foreign_config *f, const struct prepare_ctx *ctx)
{
	static const struct component_info nobody = { .build_name = "" };
	const struct component_info *info = ctx->info ? ctx->info : &nobody;
	struct prepared *p = ARENA_NEW(ctx->arena, struct prepared);

	*p = (struct prepared){
		.owner = { arena_strdup(ctx->arena, info->build_name), ctx->block },
		.layers = ARENA_NEW(ctx->arena, struct strbuf),
	};
	strbuf_init(p->layers);
	arena_on_free(ctx->arena, drop_layers, p->layers);
	pack_configs(p->layers, f, info, ctx->generated_names);
	f->data = p;
	return p;
}

void plugin_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct foreign_config *f = config;
	struct plugin_type *t = plugin_type_of(f->of);
	struct prepared *p = prepared_new(f, ctx);
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *e = NULL;
	const struct packed *reply = NULL;
	bool is_prepared, is_legacy = ctx->info && ctx->info->user_variables;
	struct instance *in = plugin_take(t, &p->owner, &is_prepared, ctx->cancel, &e);

	if (in && is_prepared && is_legacy) {
		/* It renders what it was given once; a second time it would add to the first (9.5). */
		plugin_give_back(t, &p->owner, in);
		return;
	}
	if (in)
		reply = ask(in, t->component->kind, p->layers, arena, ctx->cancel, &e);
	if (reply)
		take_warnings(reply, diags);
	if (reply && take_error(reply, &e) == 0) {
		take_names(reply, p, ctx->arena);
		plugin_give_back(t, &p->owner, in);
		return;
	}
	diags_error(diags, NULL, e->message, "%s", e->hint ? e->hint : "");
	instance_unref(in);
}

struct instance *plugin_prepared(const void *config, const struct component_info *info,
				 struct cancel *c, struct error **err)
{
	const struct foreign_config *f = config;
	struct plugin_type *t = plugin_type_of(f->of);
	const struct prepared *p = f->data;
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *reply;
	bool is_prepared;
	struct instance *in = plugin_take(t, &p->owner, &is_prepared, c, err);

	if (!in || is_prepared)
		return in;
	reply = ask(in, t->component->kind, p->layers, arena, c, err);
	if (reply && take_error(reply, err) == 0)
		return in;
	instance_unref(in);
	return NULL;
}

const char *const *plugin_generated_names(const void *config)
{
	const struct foreign_config *f = config;
	const struct prepared *p = f->data;

	return p ? p->generated : NULL;
}
