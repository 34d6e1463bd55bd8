/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/settings.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fs.h"
#include "os/proc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CONFIG_MAX = 1024 * 1024 };

const struct setting setting_ssh_args = {
	{ "ANSIBLE_SSH_ARGS" },
	{ "ssh_connection.ssh_args" },
};
const struct setting setting_pipelining = {
	{ "ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING" },
	{ "defaults.pipelining", "connection.pipelining", "ssh_connection.pipelining" },
};
const struct setting setting_control_path = {
	{ "ANSIBLE_SSH_CONTROL_PATH", "ANSIBLE_SSH_CONTROL_PATH_DIR" },
	{ "ssh_connection.control_path", "ssh_connection.control_path_dir" },
};
const struct setting setting_transfer = {
	{ "ANSIBLE_SSH_TRANSFER_METHOD", "ANSIBLE_SCP_IF_SSH" },
	{ "ssh_connection.transfer_method", "ssh_connection.scp_if_ssh" },
};
const struct setting setting_roles_path = {
	{ "ANSIBLE_ROLES_PATH" },
	{ "defaults.roles_path" },
};
const struct setting setting_collections_path = {
	{ "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS" },
	{ "defaults.collections_path", "defaults.collections_paths" },
};
const struct setting setting_color = {
	{ "ANSIBLE_FORCE_COLOR", "ANSIBLE_NOCOLOR" },
	{ "defaults.force_color", "defaults.nocolor" },
};

void settings_release(struct settings *s)
{
	free(s->path);
	s->path = NULL;
	map_release(&s->values);
}

/* ---- the file ----------------------------------------------------------------------------- */

static void set_value(struct settings *s, const char *key, struct str value)
{
	map_set(&s->values, key, str_dup(str_trim(value)));
}

static void read_pair(struct settings *s, const char *section, struct str line)
{
	const char *sep = NULL, *comment = NULL;

	for (size_t i = 0; i < line.len && !sep; i++)
		if (line.p[i] == '=' || line.p[i] == ':')
			sep = line.p + i;
	if (!sep)
		return;

	struct str key = str_trim((struct str){ line.p, (size_t)(sep - line.p) });
	struct str value = { sep + 1, (size_t)(line.p + line.len - sep - 1) };
	AUTO_FREE char *name = xasprintf("%s.%.*s", section, STR_FMT(key));

	comment = memmem(value.p, value.len, " ;", 2);
	if (comment)
		value.len = (size_t)(comment - value.p);
	set_value(s, name, value);
}

static void read_config(struct settings *s, const char *text)
{
	AUTO_FREE char *section = xstrdup("");
	struct str rest = str_of(text);

	while (rest.len) {
		struct str line = str_split(rest, '\n', &rest);
		bool continues = line.len && (*line.p == ' ' || *line.p == '\t');

		line = str_trim(line);
		if (!line.len || *line.p == '#' || *line.p == ';')
			continue;
		if (*line.p == '[' && line.p[line.len - 1] == ']') {
			free(section);
			section = xstrndup(line.p + 1, line.len - 2);
		} else if (!continues) {
			read_pair(s, section, line);
		}
	}
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Ansible does not trust a folder in which everybody may write. */
static bool is_everybodys(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && (st.st_mode & S_IWOTH);
}

/* Heap; NULL: none. */
static char *find_config(const struct strv *env, const char *cwd)
{
	const char *named = env_get(env->v, "ANSIBLE_CONFIG"), *home = env_get(env->v, "HOME");
	AUTO_FREE char *path = NULL;
	struct stat st;

	if (!text_is_empty(named)) {
		AUTO_FREE char *full = path_absolute(cwd, named);

		path = stat(full, &st) == 0 && S_ISDIR(st.st_mode) ? path_join(full, "ansible.cfg")
								   : xstrdup(full);
		if (is_file(path))
			return TAKE(path);
	}
	free(path);
	path = path_join(cwd, "ansible.cfg");
	if (is_file(path) && !is_everybodys(cwd))
		return TAKE(path);
	if (home) {
		free(path);
		path = path_join(home, ".ansible.cfg");
		if (is_file(path))
			return TAKE(path);
	}
	return is_file("/etc/ansible/ansible.cfg") ? xstrdup("/etc/ansible/ansible.cfg") : NULL;
}

int settings_load(struct settings *s, const struct strv *env, const char *cwd, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(CONFIG_MAX);

	s->env = env;
	s->path = find_config(env, cwd);
	if (!s->path)
		return 0;
	if (fs_read(s->path, CONFIG_MAX, &text, err) < 0)
		return -1;
	read_config(s, text.buf);
	return 0;
}

/* ---- asking ------------------------------------------------------------------------------- */

const char *settings_get(const struct settings *s, const struct setting *which)
{
	const char *value;

	for (size_t i = 0; i < ARRAY_LEN(which->variables) && which->variables[i]; i++) {
		value = env_get(s->env->v, which->variables[i]);
		if (!text_is_empty(value))
			return value;
	}
	for (size_t i = 0; i < ARRAY_LEN(which->keys) && which->keys[i]; i++) {
		value = map_get(&s->values, which->keys[i]);
		if (value)
			return value;
	}
	return NULL;
}

/* Of the environment against the working directory, of the file against its folder. */
static const char *base_of(const struct settings *s, const struct setting *which, const char *cwd,
			   char **ret_owned)
{
	for (size_t i = 0; i < ARRAY_LEN(which->variables) && which->variables[i]; i++)
		if (!text_is_empty(env_get(s->env->v, which->variables[i])))
			return cwd;
	if (!s->path)
		return cwd;
	*ret_owned = path_dirname(s->path);
	return *ret_owned;
}

char *settings_paths(const struct settings *s, const struct setting *which, const char *fallback,
		     const char *cwd)
{
	const char *value = settings_get(s, which), *home = env_get(s->env->v, "HOME");
	AUTO_FREE char *owned = NULL;
	const char *base = base_of(s, which, cwd, &owned);
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct str rest = str_of(value ? value : fallback);

	while (rest.len) {
		AUTO_FREE char *one = str_dup(str_trim(str_split(rest, ':', &rest)));
		AUTO_FREE char *full = NULL;
		AUTO(error) struct error *e = NULL;

		if (!*one)
			continue;
		if (fs_expand_home(one, home, &full, &e) < 0)
			continue;
		AUTO_FREE char *absolute = path_absolute(base, full);

		strbuf_addf(&sb, "%s%s", sb.len ? ":" : "", absolute);
	}
	return strbuf_detach(&sb);
}

void env_put(struct strv *env, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (size_t i = env->len; i-- > 0;)
		if (!strncmp(env->v[i], name, len) && env->v[i][len] == '=')
			strv_remove(env, i);
	strv_pushf(env, "%s=%s", name, value);
}

void env_default(struct strv *env, const char *name, const char *value)
{
	if (!env_get(env->v, name))
		env_put(env, name, value);
}
