/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host/host.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/log.h"
#include "plugin/codec/schema.h"
#include "plugin/host/type.h"
#include "plugin/require.h"

#include <stdlib.h>
#include <string.h>

enum {
	IDLE_MAX = 32, /* processes that wait for their block to be run; more are started anew */
	SPEC_SECONDS = 60,
};

/* A process that nobody uses now. */
struct idle {
	struct plugin_type *type;
	char *build_name;
	const void *block; /* NULL: it was prepared for none */
	struct instance *in;
	struct plugin_process *starting; /* instead: it is not connected yet */
};
VEC_DECLARE(idle_list, struct idle);

struct plugin_host {
	struct plugin_host_options o;
	struct component_source source; /* what `components` asks */
	struct components components;
	struct journal *journal; /* of the processes; NULL: there is none yet, or cannot be */
	struct plugin_registry *registry; /* NULL: nobody has asked yet */
	char *dir;
	bool has_started;     /* a process */
	bool knows_all;       /* not only what the template requires */
	struct map types;     /* "KIND KEY" -> struct plugin_type * */
	pthread_mutex_t lock; /* for `idle`, never held while anything is waited for */
	struct idle_list idle;
};

static struct plugin_host *host_of(struct component_source *s)
{
	return (struct plugin_host *)((char *)s - offsetof(struct plugin_host, source));
}

/* ---- processes ------------------------------------------------------------------------------ */

static bool fits(const struct idle *i, const struct plugin_type *t,
		 const struct plugin_owner *owner)
{
	if (i->type != t)
		return false;
	return owner ? i->block == owner->block && text_eq(i->build_name, owner->build_name)
		     : !i->block;
}

static bool take_idle(struct plugin_host *h, const struct plugin_type *t,
		      const struct plugin_owner *owner, struct idle *ret)
{
	bool found = false;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; !found && i < h->idle.len; i++) {
		found = fits(&h->idle.items[i], t, owner);
		if (!found)
			continue;
		*ret = h->idle.items[i];
		vec_remove(&h->idle, i);
	}
	pthread_mutex_unlock(&h->lock);
	return found;
}

static void end_idle(struct idle *i)
{
	free(i->build_name);
	instance_unref(i->in);
	plugin_process_stop(i->starting);
}

/* Where nothing can be written plugins run all the same. */
static struct journal *journal_of(struct plugin_host *h)
{
	AUTO_FREE char *id = xasprintf("%s.plugins", h->o.run_uuid);
	AUTO(error) struct error *e = NULL;
	struct journal *j;

	pthread_mutex_lock(&h->lock);
	if (!h->journal && journal_open(h->o.dirs->state, id, &h->journal, &e) < 0)
		h->journal = NULL;
	j = h->journal;
	pthread_mutex_unlock(&h->lock);
	if (e)
		error_ignore(&e, "a plugin whose start is cut short stays");
	return j;
}

/* The first one starts while the template is loaded, on the main thread. */
static void tell_start(struct plugin_host *h)
{
	bool is_first;

	pthread_mutex_lock(&h->lock);
	is_first = !h->has_started;
	h->has_started = true;
	pthread_mutex_unlock(&h->lock);
	if (is_first && h->o.starting)
		h->o.starting(h->o.starting_data);
}

static struct plugin_process *spawn(const struct plugin_type *t, struct error **err)
{
	static const enum plugin_kind kinds[] = {
		[COMPONENT_BUILDER] = PLUGIN_BUILDER,
		[COMPONENT_PROVISIONER] = PLUGIN_PROVISIONER,
		[COMPONENT_POSTPROC] = PLUGIN_POSTPROC,
		[COMPONENT_DATASOURCE] = PLUGIN_DATASOURCE,
	};
	const struct plugin_launch launch = {
		.binary = t->component->binary,
		.kind = kinds[t->component->kind],
		.component = t->component->name,
		.environ = t->host->o.environ,
		.run_uuid = t->host->o.run_uuid,
		.journal = journal_of(t->host),
	};

	tell_start(t->host);
	return plugin_process_spawn(&launch, err);
}

static struct instance *connect_to(struct plugin_process *p, struct cancel *c, struct error **err)
{
	return p && plugin_process_connect(p, c, err) == 0 ? instance_new(p, err) : NULL;
}

static bool has_ended(struct instance *in)
{
	AUTO(error) struct error *e = NULL;

	return plugin_process_why_ended(in->process, &e) < 0;
}

struct instance *plugin_take(struct plugin_type *t, const struct plugin_owner *owner,
			     bool *ret_is_prepared, struct cancel *c, struct error **err)
{
	struct idle i = { 0 };

	*ret_is_prepared = owner && take_idle(t->host, t, owner, &i);
	if (!*ret_is_prepared && !take_idle(t->host, t, NULL, &i))
		return connect_to(spawn(t, err), c, err);
	free(TAKE(i.build_name));
	if (i.starting)
		return connect_to(i.starting, c, err);
	if (!has_ended(i.in))
		return i.in;
	*ret_is_prepared = false;
	end_idle(&i);
	return connect_to(spawn(t, err), c, err);
}

/* Where there are many already the oldest ends. */
static void keep(struct plugin_host *h, const struct idle *i)
{
	struct idle oldest = { 0 };

	pthread_mutex_lock(&h->lock);
	if (h->idle.len >= IDLE_MAX) {
		oldest = h->idle.items[0];
		vec_remove(&h->idle, 0);
	}
	*vec_push(&h->idle) = *i;
	pthread_mutex_unlock(&h->lock);
	end_idle(&oldest);
}

void plugin_give_back(struct plugin_type *t, const struct plugin_owner *owner, struct instance *in)
{
	in->build = NULL;
	keep(t->host, &(struct idle){
			      .type = t,
			      .build_name = owner ? xstrdup(owner->build_name) : NULL,
			      .block = owner ? owner->block : NULL,
			      .in = in,
		      });
}

static bool has_room(struct plugin_host *h)
{
	bool has;

	pthread_mutex_lock(&h->lock);
	has = h->idle.len < IDLE_MAX;
	pthread_mutex_unlock(&h->lock);
	return has;
}

static void expect(const struct foreign *f)
{
	struct plugin_type *t = plugin_type_of(f);
	AUTO(error) struct error *e = NULL;
	struct plugin_process *p = has_room(t->host) ? spawn(t, &e) : NULL;

	if (p)
		keep(t->host, &(struct idle){ .type = t, .starting = p });
	if (e)
		error_ignore(&e, "whoever needs it will be told");
}

/* ---- what a block looks like ------------------------------------------------------------------- */

static int decode_spec(struct plugin_type *t, const struct packed *reply, struct error **err)
{
	const struct packed *bytes = packed_member(reply, "ConfigSpec");
	bool is_new = t->component->binary->about.has_protobuf;

	if (!bytes || (bytes->kind != PACKED_BYTES && bytes->kind != PACKED_TEXT))
		return error_set(err, ERROR_INVALID, "it does not say what its options are");
	return (is_new ? schema_from_protobuf : schema_from_gob)(bytes->bytes.p, bytes->bytes.len,
								 t->arena, &t->spec, err);
}

static int ask_spec(struct plugin_type *t, struct error **err)
{
	static const char *const methods[] = {
		[COMPONENT_BUILDER] = "Builder.ConfigSpec",
		[COMPONENT_PROVISIONER] = "Provisioner.ConfigSpec",
		[COMPONENT_POSTPROC] = "PostProcessor.ConfigSpec",
		[COMPONENT_DATASOURCE] = "Datasource.ConfigSpec",
	};
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *reply;
	bool is_prepared;
	struct cancel *c = t->host->o.cancel;
	struct instance *in = plugin_take(t, NULL, &is_prepared, c, err);

	if (!in)
		return -1;
	reply = instance_ask(in, methods[t->component->kind], NULL, arena,
			     clock_deadline(SPEC_SECONDS * NSEC_PER_SEC), c, err);
	if (!reply || decode_spec(t, reply, err) < 0) {
		error_prefix(err, "the options of %s of the plugin %s", t->component->key,
			     plugin_process_name(in->process));
		instance_unref(in);
		return -1;
	}
	plugin_give_back(t, NULL, in);
	return 0;
}

/* Two that ask at once wait for one answer. */
static const struct spec *type_spec(const struct foreign *f, struct error **err)
{
	struct plugin_type *t = plugin_type_of(f);
	const struct spec *spec;

	pthread_mutex_lock(&t->lock);
	if (!t->spec && ask_spec(t, err) < 0)
		t->spec = NULL;
	spec = t->spec;
	pthread_mutex_unlock(&t->lock);
	return spec;
}

/* ---- rows --------------------------------------------------------------------------------------- */

static const char *doc_of(struct plugin_type *t)
{
	const struct plugin_binary *b = t->component->binary;

	return arena_printf(t->arena, "Of the plugin %s %s.", b->source ? b->source : b->name,
			    b->version_text);
}

static void fill_row(struct plugin_type *t)
{
	const char *key = t->component->key, *doc = doc_of(t),
		   *digest = t->component->binary->digest;

	switch (t->component->kind) {
	case COMPONENT_BUILDER:
		t->builder = (struct builder_type){ .name = key, .doc = doc };
		t->builder.schema = &foreign_schema;
		t->builder.foreign = &t->foreign;
		plugin_builder_row(&t->builder);
		return;
	case COMPONENT_PROVISIONER:
		t->provisioner = (struct provisioner_type){ .name = key, .doc = doc };
		t->provisioner.schema = &foreign_schema;
		t->provisioner.foreign = &t->foreign;
		t->provisioner.program = digest;
		plugin_provisioner_row(&t->provisioner);
		return;
	case COMPONENT_POSTPROC:
		t->postproc = (struct postproc_type){ .name = key, .doc = doc };
		t->postproc.schema = &foreign_schema;
		t->postproc.foreign = &t->foreign;
		t->postproc.program = digest;
		plugin_postproc_row(&t->postproc);
		return;
	case COMPONENT_DATASOURCE:
		t->datasource = (struct datasource_type){ .name = key, .doc = doc };
		t->datasource.schema = &foreign_schema;
		t->datasource.foreign = &t->foreign;
		plugin_datasource_row(&t->datasource);
		return;
	}
}

static const void *row_of(struct plugin_type *t)
{
	switch (t->component->kind) {
	case COMPONENT_BUILDER:
		return &t->builder;
	case COMPONENT_PROVISIONER:
		return &t->provisioner;
	case COMPONENT_POSTPROC:
		return &t->postproc;
	case COMPONENT_DATASOURCE:
		return &t->datasource;
	}
	return NULL;
}

static struct plugin_type *type_of(struct plugin_host *h, const struct plugin_component *component)
{
	AUTO_FREE char *id = xasprintf("%d %s", (int)component->kind, component->key);
	struct plugin_type *t = map_get(&h->types, id);

	if (t)
		return t;
	t = NEW(struct plugin_type);
	*t = (struct plugin_type){
		.foreign = { .spec = type_spec, .expect = expect },
		.host = h,
		.component = component,
		.arena = arena_new(),
	};
	pthread_mutex_init(&t->lock, NULL);
	fill_row(t);
	map_set(&h->types, id, t);
	return t;
}

static void free_type(void *data)
{
	struct plugin_type *t = data;

	pthread_mutex_destroy(&t->lock);
	arena_free(t->arena);
	free(t);
}

/* ---- finding ----------------------------------------------------------------------------------------- */

static int open_registry(struct plugin_host *h, struct error **err)
{
	if (h->registry)
		return 0;
	if (plugin_dir(h->o.dirs, h->o.getenv, &h->dir, err) < 0)
		return -1;
	h->registry = plugin_registry_new(h->o.builtins);
	return 0;
}

static struct plugin_query query_of(const struct plugin_host *h)
{
	return (struct plugin_query){
		.dir = h->dir,
		.cache_dir = h->o.dirs->cache,
		.releases_only = h->o.releases_only,
	};
}

static int require_all(struct plugin_host *h, const struct config *c, struct diags *diags,
		       struct error **err)
{
	AUTO(plugin_lock) struct plugin_lock lock = { 0 };
	AUTO_FREE char *install = xasprintf("%s init %s", h->o.program,
					    h->o.template_path ? h->o.template_path : ".");
	const struct plugin_demand demand = {
		.entries = c->plugins,
		.count = c->plugin_count,
		.builtins = h->o.builtins,
		.install = install,
		.lock = &lock,
	};

	if (open_registry(h, err) < 0 || plugin_lock_read(c->base_dir, &lock, err) < 0)
		return -1;

	const struct plugin_query query = query_of(h);

	return plugin_require_all(h->registry, &query, &demand, h->o.cancel, diags, err);
}

void plugin_host_require(struct plugin_host *h, const struct config *c, struct diags *diags)
{
	AUTO(error) struct error *e = NULL;

	if (c->plugin_count && require_all(h, c, diags, &e) < 0)
		diags_error(diags, &c->plugins[0].range, "Plugins cannot be looked for", "%s",
			    e->message);
}

/* What is not required is looked for only when nothing else has the name. */
static bool learn_all(struct plugin_host *h)
{
	AUTO(error) struct error *e = NULL;

	if (h->knows_all)
		return false;
	h->knows_all = true;
	if (open_registry(h, &e) == 0) {
		const struct plugin_query query = query_of(h);

		if (plugin_add_installed(h->registry, &query, h->o.cancel, &e) == 0)
			return true;
	}
	log_debug("plugin", "%s", e->message);
	return false;
}

static bool is_builtin(const struct plugin_host *h, enum component_kind kind, const char *name)
{
	AUTO(strv) struct strv names = STRV_INIT;

	components_names(h->o.builtins, kind, &names);
	return strv_contains(&names, name);
}

static const void *find(struct component_source *s, enum component_kind kind, const char *name)
{
	struct plugin_host *h = host_of(s);
	const struct plugin_component *c = NULL;

	if (h->registry)
		c = plugin_registry_find(h->registry, kind, name);
	if (!c && !is_builtin(h, kind, name) && learn_all(h))
		c = plugin_registry_find(h->registry, kind, name);
	return c ? row_of(type_of(h, c)) : NULL;
}

static void names(struct component_source *s, enum component_kind kind, struct strv *ret)
{
	struct plugin_host *h = host_of(s);

	if (h->registry)
		plugin_registry_names(h->registry, kind, ret);
}

/* ---- life -------------------------------------------------------------------------------------------------- */

struct plugin_host *plugin_host_new(const struct plugin_host_options *o)
{
	struct plugin_host *h = NEW(struct plugin_host);

	*h = (struct plugin_host){
		.o = *o,
		.source = { .find = find, .names = names },
		.components = *o->builtins,
	};
	h->components.source = &h->source;
	map_init(&h->types, free_type);
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

void plugin_host_free(struct plugin_host *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->idle.len; i++)
		end_idle(&h->idle.items[i]);
	vec_release(&h->idle);
	map_release(&h->types);
	plugin_registry_free(h->registry);
	journal_close(h->journal);
	pthread_mutex_destroy(&h->lock);
	free(h->dir);
	free(h);
}

const struct components *plugin_host_components(struct plugin_host *h)
{
	return &h->components;
}
