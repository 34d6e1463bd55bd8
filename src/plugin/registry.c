/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/registry.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "config/config.h"

#include <stdlib.h>

#define MAIN_COMPONENT "-packer-default-plugin-name-"
enum { KIND_COUNT = COMPONENT_DATASOURCE + 1 };

struct plugin_registry {
	struct components builtins; /* without a source: the lists */
	struct plugin_binary_list binaries;
	size_t required;              /* how many of them, from the front, are required */
	struct map index[KIND_COUNT]; /* key -> component */
};

static void free_component(void *value)
{
	struct plugin_component *k = value;

	free(k->key);
	free(k->name);
	free(k);
}

struct plugin_registry *plugin_registry_new(const struct components *builtins)
{
	struct plugin_registry *r = NEW(struct plugin_registry);

	r->builtins = *builtins;
	r->builtins.source = NULL;
	for (size_t i = 0; i < KIND_COUNT; i++)
		map_init(&r->index[i], free_component);
	return r;
}

void plugin_registry_free(struct plugin_registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < KIND_COUNT; i++)
		map_release(&r->index[i]);
	plugin_binary_list_release(&r->binaries);
	free(r);
}

/* ---- what is built in ------------------------------------------------------------------ */

static bool has_builtin(const struct plugin_registry *r, enum component_kind kind, const char *name)
{
	switch (kind) {
	case COMPONENT_BUILDER:
		return components_builder(&r->builtins, name);
	case COMPONENT_PROVISIONER:
		return components_provisioner(&r->builtins, name);
	case COMPONENT_POSTPROC:
		return components_postproc(&r->builtins, name);
	case COMPONENT_DATASOURCE:
		return components_datasource(&r->builtins, name);
	}
	return false;
}

/* "amazon" has "amazon" and "amazon-ebs". */
static bool is_of(const char *name, const char *accessor)
{
	size_t len = strlen(accessor);

	return text_starts_with(name, accessor) && (name[len] == '\0' || name[len] == '-');
}

bool plugin_is_builtin(const struct components *builtins, const char *accessor)
{
	struct components lists = *builtins;
	AUTO(strv) struct strv names = STRV_INIT;

	lists.source = NULL;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		components_names(&lists, (enum component_kind)kind, &names);
	for (size_t i = 0; i < names.len; i++)
		if (is_of(names.v[i], accessor))
			return true;
	return false;
}

/* ---- registration ---------------------------------------------------------------------- */

struct registration {
	struct plugin_registry *r;
	const char *accessor;
	const struct plugin_binary *binary;
	const struct config_plugin *required;
	bool behind_builtins;
};

static char *key_of(const char *accessor, const char *component)
{
	return text_eq(component, MAIN_COMPONENT) ? xstrdup(accessor)
						  : xasprintf("%s-%s", accessor, component);
}

static void add(const struct registration *reg, enum component_kind kind, const char *name)
{
	struct map *index = &reg->r->index[kind];
	AUTO_FREE char *key = key_of(reg->accessor, name);
	struct plugin_component *k;

	if (map_has(index, key) || (reg->behind_builtins && has_builtin(reg->r, kind, key)))
		return;
	k = NEW(struct plugin_component);
	*k = (struct plugin_component){
		.key = xstrdup(key),
		.name = xstrdup(name),
		.kind = kind,
		.binary = reg->binary,
		.required = reg->required,
	};
	map_set(index, key, k);
}

static void add_all(const struct registration *reg)
{
	const struct plugin_description *about = &reg->binary->about;
	const struct strv *names[KIND_COUNT] = {
		[COMPONENT_BUILDER] = &about->builders,
		[COMPONENT_PROVISIONER] = &about->provisioners,
		[COMPONENT_POSTPROC] = &about->postprocs,
		[COMPONENT_DATASOURCE] = &about->datasources,
	};

	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (size_t i = 0; i < names[kind]->len; i++)
			add(reg, (enum component_kind)kind, names[kind]->v[i]);
}

void plugin_registry_add_required(struct plugin_registry *r, const struct config_plugin *entry,
				  struct plugin_binary *binary_take)
{
	assert(r->required == r->binaries.len);
	*vec_push(&r->binaries) = binary_take;
	r->required++;
	add_all(&(struct registration){
		.r = r,
		.accessor = entry->accessor,
		.binary = binary_take,
		.required = entry,
		.behind_builtins = entry->prefers_builtin,
	});
}

/* Its keys under two names must not be of two versions. */
static const struct plugin_binary *find_required(const struct plugin_registry *r,
						 const struct plugin_binary *b)
{
	for (size_t i = 0; i < r->required; i++) {
		const struct plugin_binary *known = r->binaries.items[i];

		if (text_eq(known->source, b->source) && text_eq(known->name, b->name))
			return known;
	}
	return NULL;
}

void plugin_registry_add_found(struct plugin_registry *r, struct plugin_binary *binary_take)
{
	const struct plugin_binary *b = find_required(r, binary_take);

	if (b)
		plugin_binary_free(binary_take);
	else
		b = *vec_push(&r->binaries) = binary_take;
	add_all(&(struct registration){
		.r = r,
		.accessor = b->name,
		.binary = b,
		.behind_builtins = true,
	});
}

/* ---- questions ------------------------------------------------------------------------- */

const struct plugin_component *plugin_registry_find(const struct plugin_registry *r,
						    enum component_kind kind, const char *key)
{
	return map_get(&r->index[kind], key);
}

void plugin_registry_names(const struct plugin_registry *r, enum component_kind kind,
			   struct strv *ret)
{
	const struct map *index = &r->index[kind];

	for (size_t i = 0; i < index->len; i++)
		strv_push(ret, index->entries[i].key);
}
