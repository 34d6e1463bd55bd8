/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/require.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/host.h"
#include "os/log.h"
#include "plugin/binary.h"

#include <stdlib.h>

/* Where people put a plugin by hand, and where it is not looked for. */
static void look_at_top(const struct plugin_query *q, struct strv *ret)
{
	AUTO_FREE char *prefix = xasprintf(PLUGIN_FILE_PREFIX "%s_", path_basename(q->source));
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_list(q->dir, &names, &e) < 0) {
		error_ignore(&e, "it was searched already");
		return;
	}
	for (size_t i = 0; i < names.len; i++)
		if (text_starts_with(names.v[i], prefix) &&
		    !text_ends_with(names.v[i], PLUGIN_SUM_SUFFIX))
			strv_pushf(ret, "%s/%s: it is not in the folder %s", q->dir, names.v[i],
				   q->source);
}

int plugin_require(const struct plugin_query *base, const struct config_plugin *entry,
		   struct cancel *c, struct plugin_binary **ret, struct strv *misses,
		   struct error **err)
{
	struct plugin_binary_list found = { 0 };
	AUTO(strv) struct strv passed_over = STRV_INIT;
	struct plugin_query q = *base;

	q.source = entry->source;
	q.constraint = entry->constraint;
	q.all_versions = false;
	q.passed_over = &passed_over;
	if (plugin_find(&q, c, &found, err) < 0)
		return error_prefix(err, "cannot search for plugin '%s'", entry->source);
	*ret = found.len ? TAKE(found.items[found.len - 1]) : NULL;
	plugin_binary_list_release(&found);
	if (*ret)
		return 0;
	look_at_top(&q, &passed_over);
	strv_pushv(misses, passed_over.v);
	return 0;
}

/* ---- a template ------------------------------------------------------------------------ */

struct demand_run {
	struct plugin_registry *r;
	const struct plugin_query *base;
	const struct plugin_demand *demand;
	struct cancel *c;
	struct diags *diags;
};

static void report_missing(const struct demand_run *run, const struct config_plugin *entry,
			   const struct plugin_lock_entry *locked, const struct strv *misses)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "The following plugins are required, but not installed:\n\n* %s %s\n\n",
		    entry->source, entry->constraint);
	if (locked)
		strbuf_addf(&text, "%s wants version %s of it.\n\n", run->demand->lock->path,
			    locked->version);
	if (misses->len)
		strbuf_addstr(&text, "What is there cannot be used:\n\n");
	for (size_t i = 0; i < misses->len; i++)
		strbuf_addf(&text, "* %s\n%s", misses->v[i], i + 1 == misses->len ? "\n" : "");
	strbuf_addf(&text, "Install it with: %s", run->demand->install);
	diags_error(run->diags, &entry->range, "Missing plugins", "%s", text.buf);
}

static void report_preference(const struct demand_run *run, const struct config_plugin *entry)
{
	diags_warning(run->diags, &entry->range, "Nothing built in to prefer",
		      "The comment above it prefers what is built in to the plugin \"%s\", but "
		      "nothing of this name is. The plugin is used.",
		      entry->accessor);
}

/* ---- the lock file --------------------------------------------------------------------- */

static void report_lock(const struct demand_run *run, const struct config_plugin *entry,
			const struct error *e)
{
	diags_error(run->diags, &entry->range, "Plugin not as in the lock file", "%s.%s%s",
		    e->message, e->hint ? "\n\n" : "", e->hint ? e->hint : "");
}

/* Both were written by people, perhaps not by the same. */
static int check_constraint(const struct demand_run *run, const struct config_plugin *entry,
			    const struct plugin_lock_entry *locked, struct error **err)
{
	struct version v;
	bool fits;

	if (!version_parse(locked->version, &v))
		return error_set(err, ERROR_INVALID, "'%s' is no version", locked->version);
	if (version_matches(entry->constraint, &v, &fits, err) < 0)
		return -1;
	if (fits)
		return 0;
	error_set(err, ERROR_INVALID, "%s wants version %s of the plugin, which is not %s",
		  run->demand->lock->path, locked->version, entry->constraint);
	return error_hint(err, "With -upgrade, '%s' chooses anew.", run->demand->install);
}

static int check_lock(const struct demand_run *run, const struct config_plugin *entry,
		      const struct plugin_binary *b, struct error **err)
{
	const struct plugin_lock *lock = run->demand->lock;

	return lock ? plugin_lock_check(lock, entry->source, b->version_text, b->digest,
					host_platform, err)
		    : 0;
}

/* ---- one entry ------------------------------------------------------------------------- */

static void accept(const struct demand_run *run, const struct config_plugin *entry,
		   struct plugin_binary *binary_take)
{
	AUTO(error) struct error *e = NULL;

	if (check_lock(run, entry, binary_take, &e) == 0) {
		plugin_registry_add_required(run->r, entry, binary_take);
		return;
	}
	report_lock(run, entry, e);
	plugin_binary_free(binary_take);
}

static int search(const struct demand_run *run, const struct config_plugin *entry, bool is_builtin,
		  struct error **err)
{
	const struct plugin_lock *lock = run->demand->lock;
	const struct plugin_lock_entry *locked =
		lock ? plugin_lock_find(lock, entry->source) : NULL;
	AUTO(strv) struct strv misses = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	struct plugin_binary *binary = NULL;
	struct plugin_query q = *run->base;

	if (locked && check_constraint(run, entry, locked, &e) < 0) {
		report_lock(run, entry, e);
		return 0;
	}
	q.version = locked ? locked->version : NULL;
	if (plugin_require(&q, entry, run->c, &binary, &misses, err) < 0)
		return -1;
	if (binary)
		accept(run, entry, binary);
	else if (is_builtin && (!locked || entry->prefers_builtin))
		log_debug("plugin", "what is built in serves for '%s', which is not installed",
			  entry->source);
	else
		report_missing(run, entry, locked, &misses);
	return 0;
}

static int require_entry(const struct demand_run *run, const struct config_plugin *entry,
			 struct error **err)
{
	bool is_builtin = plugin_is_builtin(run->demand->builtins, entry->accessor);

	if (entry->prefers_builtin && !is_builtin)
		report_preference(run, entry);
	return search(run, entry, is_builtin, err);
}

int plugin_require_all(struct plugin_registry *r, const struct plugin_query *base,
		       const struct plugin_demand *demand, struct cancel *c, struct diags *diags,
		       struct error **err)
{
	const struct demand_run run = { r, base, demand, c, diags };

	for (size_t i = 0; i < demand->count; i++)
		if (require_entry(&run, &demand->entries[i], err) < 0)
			return -1;
	return 0;
}

int plugin_add_installed(struct plugin_registry *r, const struct plugin_query *base,
			 struct cancel *c, struct error **err)
{
	struct plugin_binary_list found = { 0 };
	struct plugin_query q = *base;

	q.source = q.constraint = NULL;
	q.all_versions = false;
	q.passed_over = NULL;
	if (plugin_find(&q, c, &found, err) < 0)
		return error_prefix(err, "cannot search for plugins");
	for (size_t i = 0; i < found.len; i++)
		plugin_registry_add_found(r, TAKE(found.items[i]));
	plugin_binary_list_release(&found);
	return 0;
}
