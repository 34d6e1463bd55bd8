/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions can see (language.md 17). */
#include "config/loader.h"
#include "eval/eval.h"
#include "eval/render.h"
#include "func/table.h"
#include "os/clock.h"

const char *const config_build_names[] = {
	"ID",           "Host",          "Port",           "User",         "Password",
	"ConnType",     "PackerRunUUID", "PackerHTTPPort", "PackerHTTPIP", "PackerHTTPAddr",
	"SSHPublicKey", "SSHPrivateKey", "WinRMPassword",  NULL,
};

static const char *lookup_env(const char *name)
{
	return getenv(name);
}

struct value *empty_object(void)
{
	struct map none;
	value_map_init(&none);
	return value_object_take(&none);
}

static void set_take(struct scope *s, const char *name, struct value *v)
{
	scope_set(s, name, v);
	value_unref(v);
}

static char *with_slashes(const char *path)
{
	char *copy = xstrdup(path);
	for (char *p = copy; *p; p++)
		if (*p == '\\')
			*p = '/';
	return copy;
}

static struct value *path_object(const struct config_options *opts, const char *base_dir)
{
	AUTO_FREE char *cwd = with_slashes(opts->cwd ? opts->cwd : ".");
	AUTO_FREE char *root = with_slashes(base_dir);
	struct map fields;
	value_map_init(&fields);
	map_set(&fields, "cwd", value_string(cwd));
	map_set(&fields, "root", value_string(root));
	return value_object_take(&fields);
}

static struct value *packer_object(void)
{
	struct map fields;
	value_map_init(&fields);
	map_set(&fields, "version", value_string(COMPAT_VERSION));
	map_set(&fields, "iterationID", value_unknown(type_string));
	map_set(&fields, "versionFingerprint", value_unknown(type_string));
	return value_object_take(&fields);
}

static struct value *source_object(const char *type, const char *name)
{
	struct map fields;
	value_map_init(&fields);
	map_set(&fields, "type", type ? value_string(type) : value_unknown(type_string));
	map_set(&fields, "name", name ? value_string(name) : value_unknown(type_string));
	return value_object_take(&fields);
}

/* `build.x` is then an unsupported attribute, whatever x is. */
static void hide_build(struct scope *s)
{
	AUTO(type) struct type *empty = type_object(NULL, 0);
	set_take(s, "build", value_unknown(empty));
}

static struct func_world *make_world(struct loader *l, const char *base_dir)
{
	struct func_world *w = ARENA_NEW(l->arena, struct func_world);
	*w = (struct func_world){
		.base_dir = base_dir,
		.cwd = l->opts->cwd ? arena_strdup(l->arena, l->opts->cwd) : ".",
		.home = arena_strdup(l->arena, l->opts->home),
		.start_time = l->opts->start_time,
		.now = clock_wall,
		.getenv = lookup_env,
		.cancel = l->opts->cancel,
		.redactor = l->opts->redactor,
	};
	return w;
}

void make_scopes(struct loader *l)
{
	struct config *c = l->config;
	c->world = make_world(l, c->base_dir);
	l->validation_world = make_world(l, c->world->cwd);
	render_enable(c->world, builtin_functions);
	render_enable(l->validation_world, builtin_functions);
	c->scope = scope_new(NULL);
	scope_set_functions(c->scope, builtin_functions, c->world);
	set_take(c->scope, "var", empty_object());
	set_take(c->scope, "local", empty_object());
	set_take(c->scope, "data", empty_object());
	set_take(c->scope, "path", path_object(l->opts, c->base_dir));
	set_take(c->scope, "packer", packer_object());
	set_take(c->scope, "source", source_object(NULL, NULL));
	hide_build(c->scope);
	l->default_scope = scope_new(NULL);
	scope_set_functions(l->default_scope, variable_default_functions, c->world);
}

static struct value *build_object(const struct config_build *b, const struct value *over)
{
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; config_build_names[i]; i++)
		map_set(&fields, config_build_names[i], value_string("<unknown>"));
	map_set(&fields, "name", value_string(b->name));
	for (size_t i = 0; over && i < value_len(over); i++)
		map_set(&fields, value_key_at(over, i), value_ref(value_at(over, i)));
	return value_object_take(&fields);
}

struct scope *config_component_scope(const struct config *c, const struct config_build *b,
				     const struct config_source *s, struct value *build_values)
{
	struct scope *scope = scope_new(c->scope);
	set_take(scope, "source", source_object(s->type, s->local_name));
	if (b)
		set_take(scope, "build", build_object(b, build_values));
	return scope;
}
