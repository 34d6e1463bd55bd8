/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/keys.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fs.h"
#include "os/proc.h"
#include "provisioner/ansible/galaxy.h"
#include "provisioner/ansible/settings.h"
#include "provisioner/ansible/tree.h"
#include "provisioner/ansible/version.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 4 * 1024 * 1024 };

#define DECLARE "; cache_inputs says what it depends on"

/* ---- files -------------------------------------------------------------------------------- */

static void add_variables(struct tree *t, const char *dir)
{
	AUTO_FREE char *groups = path_join(dir, "group_vars");
	AUTO_FREE char *hosts = path_join(dir, "host_vars");

	tree_add(t, groups);
	tree_add(t, hosts);
}

/* "A:B" */
static void add_search(struct strv *list, const char *folders)
{
	struct str rest = str_of(folders);

	while (rest.len) {
		AUTO_FREE char *folder = str_dup(str_split(rest, ':', &rest));

		if (*folder && fs_exists(folder))
			strv_push(list, folder);
	}
}

/* What a run installs is there only after the first one: the requirements count, not these. */
static void exclude(struct tree *t, const char *folder)
{
	AUTO_FREE char *path = text_is_empty(folder) ? NULL : path_absolute(t->cwd, folder);

	if (path)
		strv_push(&t->excluded, path);
}

static void add_searched(struct tree *t, const struct ansible_config *c, const struct settings *s)
{
	AUTO_FREE char *roles = settings_paths(
		s, &setting_roles_path,
		"~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles", t->cwd);
	AUTO_FREE char *collections =
		settings_paths(s, &setting_collections_path,
			       "~/.ansible/collections:/usr/share/ansible/collections", t->cwd);

	if (!text_is_empty(c->galaxy_file)) {
		exclude(t, c->roles_path);
		exclude(t, c->collections_path);
		return;
	}
	if (!text_is_empty(c->roles_path)) {
		AUTO_FREE char *own = path_absolute(t->cwd, c->roles_path);

		add_search(&t->roles, own);
	}
	if (!text_is_empty(c->collections_path)) {
		AUTO_FREE char *own = path_absolute(t->cwd, c->collections_path);

		add_search(&t->collections, own);
	}
	add_search(&t->roles, roles);
	add_search(&t->collections, collections);
}

/* Of Ansible itself the version counts. */
static void add_version(struct tree *t, const struct ansible_config *c, const char *cache_dir)
{
	AUTO(ansible_version) struct ansible_version v = { 0 };
	AUTO(error) struct error *e = NULL;

	if (c->skip_version_check ||
	    ansible_version_ask(c->command, NULL, cache_dir, NULL, &v, &e) < 0 || !v.modules)
		return;
	AUTO_FREE char *release = path_join(v.modules, "release.py");
	AUTO_FREE char *beside = path_dirname(v.modules);

	tree_add(t, release);
	strv_push(&t->versions, beside);
}

static void add_inventory(struct tree *t, const struct ansible_config *c)
{
	if (!text_is_empty(c->inventory_directory))
		add_variables(t, c->inventory_directory);
	if (text_is_empty(c->inventory_file))
		return;
	AUTO_FREE char *dir = path_dirname(c->inventory_file);

	tree_add(t, c->inventory_file);
	add_variables(t, dir);
}

static void add_environment(struct strv *env, const struct ansible_config *c)
{
	strv_pushv(env, environ);
	for (size_t i = 0; i < c->ansible_env_vars.len; i++) {
		const char *pair = c->ansible_env_vars.v[i], *eq = strchr(pair, '=');
		AUTO_FREE char *name = eq ? xstrndup(pair, (size_t)(eq - pair)) : NULL;

		if (name)
			env_put(env, name, eq + 1);
	}
}

int ansible_local_files(const void *config, struct strv *ret, struct error **err)
{
	const struct ansible_config *c = config;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(settings) struct settings s = SETTINGS_INIT;
	struct tree t;

	add_environment(&env, c);
	if (settings_load(&s, &env, c->cwd, err) < 0)
		return -1;
	tree_init(&t, c->cwd, env_get(env.v, "HOME"), ret);
	add_searched(&t, c, &s);
	add_version(&t, c, c->cache_dir);
	if (s.path)
		tree_add(&t, s.path);
	add_inventory(&t, c);
	if (!text_is_empty(c->galaxy_file))
		tree_add(&t, c->galaxy_file);
	tree_add_playbook(&t, c->playbook_file);
	for (size_t i = 0; i < c->extra_arguments.len; i++)
		tree_add_words(&t, c->extra_arguments.v[i]);
	tree_follow(&t);
	tree_release(&t);
	return 0;
}

/* ---- what is outside ---------------------------------------------------------------------- */

/* Lookups that give what stands in the playbook and its files. */
static bool is_inner_lookup(struct str name)
{
	static const char *const inner[] = {
		"cartesian", "dict",          "file",
		"fileglob",  "filetree",      "first_found",
		"flattened", "indexed_items", "inventory_hostnames",
		"items",     "list",          "nested",
		"sequence",  "subelements",   "template",
		"together",  "unvault",       "varnames",
		"vars",
	};
	static const struct str prefix = { "ansible.builtin.", sizeof("ansible.builtin.") - 1 };

	if (str_starts_with(name, prefix))
		name = (struct str){ name.p + prefix.len, name.len - prefix.len };
	for (size_t i = 0; i < ARRAY_LEN(inner); i++)
		if (str_is(name, inner[i]))
			return true;
	return false;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

static struct str name_at(struct str s, size_t at)
{
	size_t end = at;

	while (end < s.len && is_name(s.p[end]))
		end++;
	return (struct str){ s.p + at, end - at };
}

/* "lookup('NAME'", "query('NAME'", "q('NAME'" */
static bool looks_outside(struct str line, const char *call)
{
	size_t len = strlen(call);

	for (size_t i = 0; line.p && i + len <= line.len; i++) {
		size_t at = i + len;

		if (memcmp(line.p + i, call, len) || (i && is_name(line.p[i - 1])))
			continue;
		while (at < line.len && strchr(" '\"", line.p[at]))
			at++;
		if (!is_inner_lookup(name_at(line, at)))
			return true;
	}
	return false;
}

static bool has_outer_loop(struct str line)
{
	static const struct str with = { "with_", 5 };
	struct str name;

	if (str_starts_with(line, STR("- ")))
		line = str_trim((struct str){ line.p + 2, line.len - 2 });
	if (!str_starts_with(line, with))
		return false;
	name = name_at(line, with.len);
	return with.len + name.len < line.len && line.p[with.len + name.len] == ':' &&
	       !is_inner_lookup(name);
}

static bool contains(struct str line, const char *text)
{
	return line.p && memmem(line.p, line.len, text, strlen(text)) != NULL;
}

static const char *outside_of(struct str line)
{
	if (looks_outside(line, "lookup(") || looks_outside(line, "query(") ||
	    looks_outside(line, "q(") || has_outer_loop(line))
		return "the playbook looks things up outside of its files" DECLARE;
	if (contains(line, "delegate_to:") || contains(line, "local_action:") ||
	    contains(line, "local_action=") || contains(line, "connection: local") ||
	    contains(line, "hosts: localhost") || contains(line, "hosts: 127.0.0.1"))
		return "the playbook acts on other hosts, too" DECLARE;
	return NULL;
}

static const char *look_into(const char *path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TEXT_MAX);
	AUTO(error) struct error *e = NULL;
	struct str rest;

	if (fs_read(path, TEXT_MAX, &text, &e) < 0)
		return "a file of the playbook is too large to be looked through" DECLARE;
	rest = str_of(text.buf);
	while (rest.len) {
		struct str line = str_trim(str_split(rest, '\n', &rest));
		const char *why = line.len && *line.p != '#' ? outside_of(line) : NULL;

		if (why)
			return why;
	}
	return NULL;
}

static const char *inventory_barrier(const struct ansible_config *c)
{
	AUTO_FREE char *path = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TEXT_MAX);
	AUTO(error) struct error *e = NULL;
	struct stat st;

	if (text_is_empty(c->inventory_file))
		return NULL;
	path = path_absolute(c->cwd, c->inventory_file);
	if (stat(path, &st) < 0 || S_ISDIR(st.st_mode))
		return NULL;
	if (access(path, X_OK) == 0)
		return "its inventory is a program" DECLARE;
	if (tree_is_yaml(path) && fs_read(path, TEXT_MAX, &text, &e) == 0 &&
	    (text_starts_with(text.buf, "plugin:") || strstr(text.buf, "\nplugin:")))
		return "its inventory is asked from elsewhere" DECLARE;
	return NULL;
}

static const char *galaxy_barrier(const struct ansible_config *c)
{
	AUTO_FREE char *path = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TEXT_MAX);
	AUTO(error) struct error *e = NULL;

	if (text_is_empty(c->galaxy_file))
		return NULL;
	path = path_absolute(c->cwd, c->galaxy_file);
	if (fs_read(path, TEXT_MAX, &text, &e) < 0 || galaxy_is_fixed(text.buf))
		return NULL;
	return "galaxy_file does not say which version of all that it requires" DECLARE;
}

const char *ansible_barrier(const void *config, bool declared)
{
	const struct ansible_config *c = config;
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	const char *why;

	if (declared)
		return NULL;
	why = inventory_barrier(c);
	if (!why)
		why = galaxy_barrier(c);
	if (!why && ansible_local_files(config, &files, &e) < 0)
		return NULL; /* told when the files are asked for */
	for (size_t i = 0; i < files.len && !why; i++)
		if (tree_is_yaml(files.v[i]) || text_ends_with(files.v[i], ".j2"))
			why = look_into(files.v[i]);
	return why;
}
