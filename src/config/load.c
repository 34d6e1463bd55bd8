/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a load (language.md 13) and the life of its result. */
#include "base/path.h"
#include "config/blocks.h"
#include "config/legacy.h"
#include "config/loader.h"
#include "os/fs.h"

static const char *base_dir_of(struct arena *arena, const char *path, struct diags *diags)
{
	AUTO(error) struct error *e = NULL;
	enum fs_kind kind = FS_ABSENT;
	if (!path)
		return ".";
	if (fs_stat_kind(path, &kind, &e) < 0)
		diags_error(diags, NULL, "Failed to read file", "%s.", e->message);
	if (kind == FS_DIR)
		return arena_strdup(arena, path);
	AUTO_FREE char *dir = path_dirname(path);
	return arena_strdup(arena, dir);
}

static void loader_init(struct loader *l, const struct config_options *opts, struct diags *diags)
{
	assert(opts->sources);
	struct arena *arena = arena_new();
	struct config *c = ARENA_NEW(arena, struct config);
	c->arena = arena;
	c->sources = opts->sources;
	c->base_dir = base_dir_of(arena, opts->path, diags);
	*l = (struct loader){ .opts = opts, .config = c, .arena = arena, .diags = diags };
	make_scopes(l);
}

static void loader_release(struct loader *l)
{
	for (size_t i = 0; i < l->variables.len; i++)
		vec_release(&l->variables.items[i].validations);
	vec_release(&l->files);
	vec_release(&l->var_files);
	vec_release(&l->variables);
	map_release(&l->variable_index);
	map_release(&l->source_index);
	vec_release(&l->locals);
	vec_release(&l->data);
	scope_free(l->default_scope);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	scope_free(c->scope);
	arena_free(c->arena);
}

/* Steps 5 to 9: everything that can be said without evaluating. */
static void read_declarations(struct loader *l)
{
	for (size_t i = 0; i < l->files.len; i++) {
		struct config_file *f = &l->files.items[i];
		body_content(f->body, &template_schema, l->arena, &f->content, l->diags);
	}
	read_required_plugins(l);
	read_variables(l);
	read_locals(l);
	load_var_files(l);
	collect_variable_values(l);
}

static void publish(struct loader *l)
{
	struct config *c = l->config;
	c->variables = ARENA_ARRAY(l->arena, struct config_variable, l->variables.len + 1);
	c->variable_count = l->variables.len;
	for (size_t i = 0; i < l->variables.len; i++)
		c->variables[i] = l->variables.items[i].pub;
	c->locals = ARENA_ARRAY(l->arena, struct config_local, l->locals.len + 1);
	c->local_count = l->locals.len;
	for (size_t i = 0; i < l->locals.len; i++)
		c->locals[i] = l->locals.items[i].pub;
}

static void register_all_secrets(struct loader *l)
{
	for (size_t i = 0; i < l->variables.len; i++)
		if (l->variables.items[i].pub.sensitive)
			register_secrets(l->opts->redactor, l->variables.items[i].pub.value);
	for (size_t i = 0; i < l->locals.len; i++)
		if (l->locals.items[i].pub.sensitive)
			register_secrets(l->opts->redactor, l->locals.items[i].pub.value);
}

/* Steps 11 to 14, each also after mistakes in the one before. */
static void evaluate(struct loader *l)
{
	AUTO(value) struct value *vars = variables_object(l);
	scope_set(l->config->scope, "var", vars);
	validate_variables(l);
	evaluate_locals(l);
	register_all_secrets(l);
	read_sources(l);
	read_builds(l);
}

/* False when nothing can be evaluated. */
static bool load(struct loader *l)
{
	size_t errors = l->diags->errors;
	load_templates(l);
	if (l->diags->errors > errors)
		return false;
	check_core_version(l);
	if (l->diags->errors > errors)
		return false;
	read_declarations(l);
	if (l->opts->syntax_only || l->diags->errors > errors) {
		register_all_secrets(l);
		return l->diags->errors == errors;
	}
	if (l->opts->required)
		l->opts->required(l->opts->required_data, l->config, l->diags);
	if (l->diags->errors > errors) {
		register_all_secrets(l);
		return false;
	}
	evaluate(l);
	return true;
}

struct config *config_load(const struct config_options *opts, struct diags *diags)
{
	struct loader l;
	loader_init(&l, opts, diags);
	bool ok = opts->legacy_json ? legacy_load(&l) : load(&l);
	publish(&l);
	loader_release(&l);
	if (ok)
		return l.config;
	config_free(l.config);
	return NULL;
}
