/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ansible-local: Ansible on the machine itself, which must be installed there,
 * with playbooks and what they use copied into a folder there.
 */
#include "provisioner/ansible/local.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fs.h"
#include "os/random.h"
#include "provisioner/late.h"
#include "provisioner/staging.h"
#include "provisioner/vars.h"

#include <string.h>

enum { STATUS_NOT_FOUND = 127, REQUIREMENTS_MAX = 4 * 1024 * 1024 };

/* clang-format off */
static const struct attr local_attrs[] = {
	ATTR_STRING(struct ansible_local_config, playbook_file, ATTR_LOCAL_FILE, "Local path of the playbook."),
	ATTR_STRINGS(struct ansible_local_config, playbook_files, ATTR_LOCAL_FILE, "Several playbooks instead; those in playbook_dir are not copied again."),
	ATTR_STRING(struct ansible_local_config, command, 0, "How Ansible is run on the machine.", .def = "ANSIBLE_FORCE_COLOR=1 PYTHONUNBUFFERED=1 ansible-playbook"),
	ATTR_STRINGS(struct ansible_local_config, extra_arguments, ATTR_LATE, "Further arguments."),
	ATTR_STRING(struct ansible_local_config, group_vars, ATTR_LOCAL_FILE, "Local directory with variables of groups."),
	ATTR_STRING(struct ansible_local_config, host_vars, ATTR_LOCAL_FILE, "Local directory with variables of hosts."),
	ATTR_STRING(struct ansible_local_config, playbook_dir, ATTR_LOCAL_FILE, "Local directory whose content is copied first."),
	ATTR_STRINGS(struct ansible_local_config, playbook_paths, ATTR_LOCAL_FILE, "Local directories, copied into playbooks/."),
	ATTR_STRINGS(struct ansible_local_config, role_paths, ATTR_LOCAL_FILE, "Local directories of roles, copied into roles/."),
	ATTR_STRINGS(struct ansible_local_config, collection_paths, ATTR_LOCAL_FILE, "Local directories of collections, copied into collections/."),
	ATTR_STRING(struct ansible_local_config, staging_directory, 0, "Directory on the machine for what is copied; one of its own below /tmp when not set."),
	ATTR_BOOL(struct ansible_local_config, clean_staging_directory, 0, "Remove staging_directory at the end."),
	ATTR_STRING(struct ansible_local_config, inventory_file, ATTR_LOCAL_FILE, "Local path of an inventory; one with 127.0.0.1 when not set."),
	ATTR_STRINGS(struct ansible_local_config, inventory_groups, 0, "Groups that the machine belongs to, without inventory_file."),
	ATTR_STRING(struct ansible_local_config, galaxy_file, ATTR_LOCAL_FILE, "Local path of a list of roles and collections that ansible-galaxy installs on the machine."),
	ATTR_STRING(struct ansible_local_config, galaxy_command, 0, "How ansible-galaxy is run.", .def = "ansible-galaxy"),
	ATTR_BOOL(struct ansible_local_config, galaxy_force_install, 0, "Install what is there already, too."),
	ATTR_STRING(struct ansible_local_config, galaxy_roles_path, 0, "Where roles are installed on the machine; galaxy_roles in staging_directory when not set."),
	ATTR_STRING(struct ansible_local_config, galaxy_collections_path, 0, "Where collections are installed on the machine; galaxy_collections in staging_directory when not set."),
	ATTR_END,
};
/* clang-format on */
const struct schema ansible_local_schema = SCHEMA(struct ansible_local_config, local_attrs);

/* ---- prepare ------------------------------------------------------------------------------ */

static void check_playbooks(const struct ansible_local_config *c, const struct prepare_ctx *ctx,
			    struct diags *diags)
{
	bool one = !text_is_empty(c->playbook_file), many = c->playbook_files.len > 0;

	if (one && many)
		diags_error(diags, &ctx->decoded->range,
			    "Either playbook_file or playbook_files can be specified, not both",
			    "%s", "");
	if (!one && !many)
		diags_error(diags, &ctx->decoded->range,
			    "Either playbook_file or playbook_files must be specified.", "%s", "");
	staging_check("playbook_file", c->playbook_file, STAGING_FILE, ctx, diags);
	staging_check_all("playbook_files", &c->playbook_files, STAGING_FILE, ctx, diags);
}

static void local_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct ansible_local_config *c = config;

	if (text_is_empty(c->command))
		c->command = "ANSIBLE_FORCE_COLOR=1 PYTHONUNBUFFERED=1 ansible-playbook";
	if (text_is_empty(c->galaxy_command))
		c->galaxy_command = "ansible-galaxy";
	check_playbooks(c, ctx, diags);
	staging_check("inventory_file", c->inventory_file, STAGING_FILE, ctx, diags);
	staging_check("galaxy_file", c->galaxy_file, STAGING_FILE, ctx, diags);
	staging_check("playbook_dir", c->playbook_dir, STAGING_FOLDER, ctx, diags);
	staging_check("group_vars", c->group_vars, STAGING_FOLDER, ctx, diags);
	staging_check("host_vars", c->host_vars, STAGING_FOLDER, ctx, diags);
	staging_check_all("playbook_paths", &c->playbook_paths, STAGING_FOLDER, ctx, diags);
	staging_check_all("role_paths", &c->role_paths, STAGING_FOLDER, ctx, diags);
	staging_check_all("collection_paths", &c->collection_paths, STAGING_FOLDER, ctx, diags);
}

static int local_files(const void *config, struct strv *ret, struct error **err)
{
	const struct ansible_local_config *c = config;
	const char *paths[] = { c->playbook_file, c->playbook_dir,   c->group_vars,
				c->host_vars,     c->inventory_file, c->galaxy_file };
	const struct text_list *lists[] = { &c->playbook_files, &c->playbook_paths, &c->role_paths,
					    &c->collection_paths };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (local_files_add(paths[i], ret, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (local_files_add_all(lists[i], ret, err) < 0)
			return -1;
	return 0;
}

/* ---- what is copied ----------------------------------------------------------------------- */

struct local_run {
	const struct ansible_local_config *cfg;
	struct provision_ctx *ctx;
	struct staging staging;
	struct strv playbooks; /* on the machine, as the rest */
	char *inventory;
	char *galaxy_roles, *galaxy_collections; /* NULL: none are installed */
};

static void say(const struct local_run *r, const char *text)
{
	ui_say(r->ctx->build->ui, "%s", text);
}

/* The way from a folder to what is in it; NULL: it is not. */
static char *path_within(const char *path, const char *dir, const char *cwd)
{
	AUTO_FREE char *full = path_absolute(cwd, path), *base = path_absolute(cwd, dir);
	AUTO_FREE char *inside = xasprintf("%s/", base);

	return text_starts_with(full, inside) ? xstrdup(full + strlen(inside)) : NULL;
}

/* One of several: its place below the staging folder is that of its full path, so that two may have the
 * same name. */
static int send_one_of(struct local_run *r, const char *path, struct error **err)
{
	const char *cwd = r->ctx->build->cwd;
	const char *dir = r->cfg->playbook_dir;
	AUTO_FREE char *within = text_is_empty(dir) ? NULL : path_within(path, dir, cwd);
	AUTO_FREE char *full = path_absolute(cwd, path);
	AUTO_FREE char *dst = within ? path_join(r->staging.dir, within)
				     : xasprintf("%s%s", r->staging.dir, full);
	AUTO_FREE char *parent = path_dirname(dst);

	strv_push(&r->playbooks, dst);
	if (within)
		return 0;
	if (staging_make(&r->staging, parent, err) < 0)
		return -1;
	return staging_file(&r->staging, path, dst, err);
}

static int send_playbooks(struct local_run *r, struct error **err)
{
	const struct ansible_local_config *c = r->cfg;

	for (size_t i = 0; i < c->playbook_files.len; i++)
		if (send_one_of(r, c->playbook_files.v[i], err) < 0)
			return -1;
	if (text_is_empty(c->playbook_file))
		return 0;

	AUTO_FREE char *dst = path_join(r->staging.dir, path_basename(c->playbook_file));

	strv_push(&r->playbooks, dst);
	return staging_file(&r->staging, c->playbook_file, dst, err);
}

static int send_inventory(struct local_run *r, struct error **err)
{
	const struct ansible_local_config *c = r->cfg;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	say(r, "Uploading inventory file...");
	if (!text_is_empty(c->inventory_file)) {
		r->inventory = path_join(r->staging.dir, path_basename(c->inventory_file));
		return staging_file(&r->staging, c->inventory_file, r->inventory, err);
	}
	for (size_t i = 0; i < c->inventory_groups.len; i++)
		strbuf_addf(&text, "[%s]\n127.0.0.1\n", c->inventory_groups.v[i]);
	if (!text.len)
		strbuf_addstr(&text, "127.0.0.1\n");
	r->inventory = path_join(r->staging.dir, "packer-provisioner-ansible-local");
	return staging_text(&r->staging, text.buf, r->inventory, err);
}

static int send_folder(struct local_run *r, const char *src, const char *below, struct error **err)
{
	AUTO_FREE char *clean = text_is_empty(src) ? NULL : path_absolute(r->ctx->build->cwd, src);
	AUTO_FREE char *dst =
		clean ? xasprintf("%s/%s%s", r->staging.dir, below, path_basename(clean)) : NULL;

	return clean ? staging_folder(&r->staging, src, dst, err) : 0;
}

static int send_vars(struct local_run *r, const char *src, const char *name, struct error **err)
{
	AUTO_FREE char *dst = path_join(r->staging.dir, name);

	if (text_is_empty(src))
		return 0;
	ui_say(r->ctx->build->ui, "Uploading %s directory...", name);
	return staging_folder(&r->staging, src, dst, err);
}

static int send_folders(struct local_run *r, const struct text_list *paths, const char *below,
			struct error **err)
{
	if (paths->len)
		ui_say(r->ctx->build->ui, "Uploading %.*s...", (int)strlen(below) - 1, below);
	for (size_t i = 0; i < paths->len; i++)
		if (send_folder(r, paths->v[i], below, err) < 0)
			return -1;
	return 0;
}

static int send_all(struct local_run *r, struct error **err)
{
	const struct ansible_local_config *c = r->cfg;

	if (!text_is_empty(c->playbook_dir)) {
		say(r, "Uploading Playbook directory to Ansible staging directory...");
		if (staging_folder(&r->staging, c->playbook_dir, r->staging.dir, err) < 0)
			return -1;
	} else {
		say(r, "Creating Ansible staging directory...");
		if (staging_make(&r->staging, r->staging.dir, err) < 0)
			return -1;
	}
	say(r, "Uploading main Playbook file...");
	if (send_playbooks(r, err) < 0 || send_inventory(r, err) < 0 ||
	    send_vars(r, c->group_vars, "group_vars", err) < 0 ||
	    send_vars(r, c->host_vars, "host_vars", err) < 0 ||
	    send_folders(r, &c->role_paths, "roles/", err) < 0 ||
	    send_folders(r, &c->collection_paths, "collections/", err) < 0)
		return -1;
	return send_folders(r, &c->playbook_paths, "playbooks/", err);
}

/* ---- what is run -------------------------------------------------------------------------- */

static int run_line(struct local_run *r, const char *line, const char *program, struct error **err)
{
	int status = 0;

	ui_say(r->ctx->build->ui, "Executing Ansible: %s", line);
	if (staging_run(&r->staging, line, &status, err) < 0)
		return -1;
	if (status == STATUS_NOT_FOUND) {
		error_set(err, ERROR_FAILED,
			  "%s could not be found. Verify that it is available on the\n"
			  "PATH after connecting to the machine.",
			  program);
		return error_hint(err, "Install Ansible in a shell provisioner before this one, or "
				       "use the provisioner ansible, which runs on this host.");
	}
	if (status != 0)
		return error_set(err, ERROR_FAILED, "Non-zero exit status: %d", status);
	return 0;
}

/* A line of the list that begins with `key`. */
static bool has_line(const char *text, const char *key)
{
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (text_starts_with(p, key))
			return true;
	}
	return false;
}

static void add_word(struct strbuf *line, const char *before, const char *word)
{
	strbuf_addstr(line, before);
	encode_shell_word(line, word);
}

static int install(struct local_run *r, const char *file, bool collections, struct error **err)
{
	const struct ansible_local_config *c = r->cfg;
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;

	add_word(&line, "cd ", r->staging.dir);
	strbuf_addf(&line, " && %s %sinstall", c->galaxy_command, collections ? "collection " : "");
	add_word(&line, " -r ", file);
	strbuf_addf(&line, " -p %s%s", collections ? r->galaxy_collections : r->galaxy_roles,
		    c->galaxy_force_install ? " -f" : "");
	return run_line(r, line.buf, c->galaxy_command, err);
}

/* As it stands in a command: what the user says may hold variables of the shell. */
static char *galaxy_path(const struct local_run *r, const char *wanted, const char *name)
{
	AUTO_FREE char *own = path_join(r->staging.dir, name);
	AUTO(strbuf) struct strbuf word = STRBUF_INIT;

	encode_shell_word(&word, own);
	return xstrdup(text_is_empty(wanted) ? word.buf : wanted);
}

static int run_galaxy(struct local_run *r, struct error **err)
{
	const struct ansible_local_config *c = r->cfg;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(REQUIREMENTS_MAX);
	AUTO_FREE char *dst = NULL;

	if (text_is_empty(c->galaxy_file))
		return 0;
	say(r, "Uploading galaxy file...");
	dst = path_join(r->staging.dir, path_basename(c->galaxy_file));
	if (fs_read(c->galaxy_file, REQUIREMENTS_MAX, &text, err) < 0 ||
	    staging_file(&r->staging, c->galaxy_file, dst, err) < 0)
		return -1;
	if (has_line(text.buf, "roles:") || !has_line(text.buf, "collections:")) {
		r->galaxy_roles = galaxy_path(r, c->galaxy_roles_path, "galaxy_roles");
		if (install(r, dst, false, err) < 0)
			return -1;
	}
	if (!has_line(text.buf, "collections:"))
		return 0;
	r->galaxy_collections = galaxy_path(r, c->galaxy_collections_path, "galaxy_collections");
	return install(r, dst, true, err);
}

static void add_staged(const struct local_run *r, struct strbuf *ret, const char *before,
		       const char *folder, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s%s", r->staging.dir, folder, name);

	add_word(ret, before, path);
}

/*
 * Collections are looked for in a folder above "ansible_collections", which a path of the user's may be
 * itself or hold.
 */
static void add_collections(const struct local_run *r, struct strbuf *ret)
{
	const struct text_list *paths = &r->cfg->collection_paths;

	if (!r->galaxy_collections && !paths->len)
		return;
	strbuf_addstr(ret, "ANSIBLE_COLLECTIONS_PATH="
			   "${ANSIBLE_COLLECTIONS_PATH:+$ANSIBLE_COLLECTIONS_PATH:}");
	if (r->galaxy_collections)
		strbuf_addf(ret, "%s%s", r->galaxy_collections, paths->len ? ":" : "");
	if (paths->len)
		add_staged(r, ret, "", "collections", "");
	for (size_t i = 0; i < paths->len; i++) {
		AUTO_FREE char *full = path_absolute(r->ctx->build->cwd, paths->v[i]);

		add_staged(r, ret, ":", "collections/", path_basename(full));
	}
	strbuf_addch(ret, ' ');
}

static void add_roles(const struct local_run *r, struct strbuf *ret)
{
	bool own = r->cfg->role_paths.len > 0;

	if (!r->galaxy_roles && !own)
		return;
	strbuf_addstr(ret, "ANSIBLE_ROLES_PATH=");
	if (own)
		add_staged(r, ret, "", "roles", "");
	strbuf_addstr(ret, own && r->galaxy_roles ? ":" : "");
	if (r->galaxy_roles)
		strbuf_addstr(ret, r->galaxy_roles);
	strbuf_addch(ret, ' ');
}

static int add_extra(const struct local_run *r, struct strbuf *ret, struct error **err)
{
	const struct text_list *args = &r->cfg->extra_arguments;

	for (size_t i = 0; i < args->len; i++) {
		AUTO_FREE char *text =
			late_render(args->v[i], "extra_arguments", r->ctx, NULL, err);

		if (!text)
			return -1;
		strbuf_addf(ret, " %s", text);
	}
	return 0;
}

/* What every playbook is told of the build, in the form that is known. */
static void add_variables(const struct local_run *r, struct strbuf *ret)
{
	const struct component_info *info = r->ctx->build->info;
	AUTO(script_vars) struct script_vars vars = SCRIPT_VARS_INIT;
	const char *address;

	script_vars_add_build(&vars, r->ctx);
	address = map_get(&vars.map, "PACKER_HTTP_ADDR");
	strbuf_addf(ret, " --extra-vars \"packer_build_name=%s packer_builder_type=%s",
		    text_or_empty(info->source_name), text_or_empty(info->builder_type));
	if (address)
		strbuf_addf(ret, " packer_http_addr=%s", address);
	strbuf_addstr(ret, " -o IdentitiesOnly=yes\"");
}

static int run_playbook(struct local_run *r, const char *playbook, struct error **err)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;

	add_word(&line, "cd ", r->staging.dir);
	strbuf_addstr(&line, " && ");
	add_collections(r, &line);
	add_roles(r, &line);
	strbuf_addf(&line, "%s ", r->cfg->command);
	encode_shell_word(&line, playbook);
	add_variables(r, &line);
	if (add_extra(r, &line, err) < 0)
		return -1;
	add_word(&line, " -c local -i ", r->inventory);
	return run_line(r, line.buf, r->cfg->command, err);
}

static int run_all(struct local_run *r, struct error **err)
{
	if (send_all(r, err) < 0 || run_galaxy(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->playbooks.len; i++)
		if (run_playbook(r, r->playbooks.v[i], err) < 0)
			return -1;
	if (!r->cfg->clean_staging_directory)
		return 0;
	say(r, "Removing staging directory...");
	return staging_remove(&r->staging, err);
}

static int local_provision(const void *config, struct provision_ctx *ctx, struct error **err)
{
	const struct ansible_local_config *c = config;
	AUTO_FREE char *dir = NULL;
	struct local_run r = { .cfg = c, .ctx = ctx, .playbooks = STRV_INIT };
	char id[UUID_TEXT];
	int result;

	random_uuid(id);
	dir = text_is_empty(c->staging_directory)
		      ? xasprintf("/tmp/packer-provisioner-ansible-local/%s", id)
		      : xstrdup(c->staging_directory);
	r.staging = (struct staging){ .ctx = ctx, .dir = dir };
	say(&r, "Provisioning with Ansible...");
	result = run_all(&r, err);
	strv_release(&r.playbooks);
	free(r.inventory);
	free(r.galaxy_roles);
	free(r.galaxy_collections);
	return result;
}

const struct provisioner_type provisioner_ansible_local = {
	.name = "ansible-local",
	.doc = "Runs Ansible on the machine itself.",
	.schema = &ansible_local_schema,
	.prepare = local_prepare,
	.run = local_provision,
	.local_files = local_files,
	.gets_build_name = true,
};
