/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/run.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "provisioner/ansible/child.h"
#include "provisioner/ansible/command.h"
#include "provisioner/ansible/galaxy.h"
#include "provisioner/ansible/reach.h"
#include "provisioner/ansible/version.h"
#include "provisioner/late.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct ansible_run {
	const struct ansible_config *cfg;
	struct provision_ctx *ctx;
	struct build_ctx *build;
	char *dir;     /* keys, secrets: ours alone, removed at the end */
	char *sockets; /* of connections that OpenSSH keeps open; NULL: its path would be too long */
	struct strv env;
	struct settings settings;
	struct reach reach;
	struct child child;
	char *inventory; /* that was made; NULL: none */
	uint64_t inventory_id;
};

/* ---- environment -------------------------------------------------------------------------- */

static int add_user_variables(struct ansible_run *r, struct error **err)
{
	const struct text_list *list = &r->cfg->ansible_env_vars;

	for (size_t i = 0; i < list->len; i++) {
		AUTO_FREE char *pair =
			late_render(list->v[i], "ansible_env_vars", r->ctx, NULL, err);
		char *eq = pair ? strchr(pair, '=') : NULL;

		if (!pair)
			return -1;
		if (!eq)
			return error_set(err, ERROR_INVALID,
					 "ansible_env_vars: not in format 'key=value': %s", pair);
		*eq = '\0';
		env_put(&r->env, pair, eq + 1);
	}
	return 0;
}

/* Folders that the template names come first, then the ones that are looked into anyway. */
static void add_folder(struct ansible_run *r, const char *variable, const char *folder,
		       const struct setting *which, const char *usual)
{
	AUTO_FREE char *path = NULL, *rest = NULL, *both = NULL;

	if (text_is_empty(folder))
		return;
	path = path_absolute(r->build->cwd, folder);
	rest = settings_paths(&r->settings, which, usual, r->build->cwd);
	both = xasprintf("%s%s%s", path, *rest ? ":" : "", rest);
	env_put(&r->env, variable, both);
}

static void add_folders(struct ansible_run *r)
{
	add_folder(r, "ANSIBLE_ROLES_PATH", r->cfg->roles_path, &setting_roles_path,
		   "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles");
	add_folder(r, "ANSIBLE_COLLECTIONS_PATH", r->cfg->collections_path,
		   &setting_collections_path,
		   "~/.ansible/collections:/usr/share/ansible/collections");
}

static int make_environment(struct ansible_run *r, struct error **err)
{
	strv_pushv(&r->env, r->build->environ);
	if (add_user_variables(r, err) < 0 ||
	    settings_load(&r->settings, &r->env, r->build->cwd, err) < 0)
		return -1;
	env_default(&r->env, "PYTHONUNBUFFERED", "1");
	env_default(&r->env, "ANSIBLE_LOCAL_TEMP", r->dir);
	if (r->build->color && !settings_get(&r->settings, &setting_color))
		env_put(&r->env, "ANSIBLE_FORCE_COLOR", "True");
	return 0;
}

/* ---- inventory ---------------------------------------------------------------------------- */

static const char *inventory_folder(const struct ansible_run *r)
{
	if (!text_is_empty(r->cfg->inventory_directory))
		return r->cfg->inventory_directory;
	/* what is kept outlives the build's own folder */
	return r->cfg->keep_inventory_file && r->build->dirs ? r->build->dirs->temp : r->dir;
}

static int write_inventory(struct ansible_run *r, const char *text, size_t len, struct error **err)
{
	AUTO_FREE char *dir = path_absolute(r->build->cwd, inventory_folder(r));
	int fd;

	if (fs_temp_file(dir, "packer-provisioner-ansible", "", &r->inventory, &fd, err) < 0)
		return -1;

	int result = fs_write_all(fd, text, len, r->inventory, err);

	(void)close(fd);
	if (result == 0 && !r->cfg->keep_inventory_file)
		result = journal_path(r->build->journal, r->inventory, &r->inventory_id, err);
	return result;
}

static int make_inventory(struct ansible_run *r, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!text_is_empty(r->cfg->inventory_file))
		return 0;
	if (inventory_text(r->cfg, &r->reach.host, r->ctx, &text, err) < 0)
		return -1;
	if (write_inventory(r, text.buf, text.len, err) < 0)
		return error_prefix(err, "cannot make the inventory for Ansible");
	return 0;
}

static void drop_inventory(struct ansible_run *r)
{
	AUTO(error) struct error *e = NULL;

	if (!r->inventory || r->cfg->keep_inventory_file)
		return;
	if (fs_remove(r->inventory, &e) < 0)
		ui_error(r->build->ui, "warning: %s", e->message);
	else
		journal_done(r->build->journal, r->inventory_id);
}

/* ---- ansible-galaxy ----------------------------------------------------------------------- */

static int install(struct ansible_run *r, bool collections, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_FREE char *shown = NULL, *why = NULL;
	int status;

	galaxy_argv(r->cfg, collections, &argv);
	shown = strv_join(&argv, " ");
	ui_say(r->build->ui, "Executing Ansible Galaxy");
	ui_wait(r->build->ui, "'%s' to end", shown);
	if (child_run(&r->child, &argv, &status, err) < 0)
		return ansible_explain_missing(r->cfg->galaxy_command, "galaxy_command", err);
	ui_wait_end(r->build->ui);
	if (status == 0)
		return 0;
	why = watch_failure(r->child.watch);
	return error_set(err, ERROR_FAILED,
			 "Error executing Ansible Galaxy: Non-zero exit status: exit status %d%s%s",
			 status, why ? ": " : "", why ? why : "");
}

static int run_galaxy(struct ansible_run *r, struct error **err)
{
	struct galaxy_needs needs;
	AUTO_FREE char *path = NULL;

	if (text_is_empty(r->cfg->galaxy_file))
		return 0;
	path = path_absolute(r->build->cwd, r->cfg->galaxy_file);
	if (galaxy_read(path, &needs, err) < 0)
		return -1;
	if (needs.roles && install(r, false, err) < 0)
		return -1;
	return needs.collections ? install(r, true, err) : 0;
}

/* ---- ansible-playbook --------------------------------------------------------------------- */

static void add_build(const struct ansible_run *r, struct command *cmd)
{
	const struct component_info *info = r->build->info;
	const struct value *v =
		r->ctx->generated ? value_get(r->ctx->generated, "PackerHTTPAddr") : NULL;
	AUTO_FREE char *name =
		xasprintf("packer_build_name=\"%s\"", info->source_name ? info->source_name : "");
	AUTO_FREE char *type =
		xasprintf("packer_builder_type=%s", info->builder_type ? info->builder_type : "");
	AUTO_FREE char *http = NULL;

	command_addl(cmd, "-e", name, "-e", type, NULL);
	if (!v || !value_is_known(v) || value_is_null(v) ||
	    type_kind(value_type(v)) != TYPE_STRING || !*value_as_string(v) ||
	    text_starts_with(value_as_string(v), "ERR_"))
		return;
	http = xasprintf("packer_http_addr=%s", value_as_string(v));
	command_addl(cmd, "-e", http, NULL);
}

/* Each in quotes, for Ansible splits the text as a shell does. */
static void add_ssh_arguments(const struct ansible_run *r, struct command *cmd)
{
	const struct text_list *list = &r->cfg->ansible_ssh_extra_args;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (r->reach.host.kind != INVENTORY_SSH || !r->reach.ssh.key || !list->len)
		return;
	for (size_t i = 0; i < list->len; i++)
		strbuf_addf(&text, "%s'%s'", i ? " " : "", list->v[i]);
	command_addl(cmd, "--ssh-extra-args", text.buf, NULL);
}

static bool mentions(const struct strv *args, const char *name)
{
	for (size_t i = 0; i < args->len; i++)
		if (strstr(args->v[i], name))
			return true;
	return false;
}

static int add_login(const struct ansible_run *r, const struct strv *extra, struct command *cmd,
		     struct error **err)
{
	const struct reach *reach = &r->reach;
	bool own_inventory = !text_is_empty(r->cfg->inventory_file) ||
			     !text_is_empty(r->cfg->inventory_file_template);
	AUTO_FREE char *key = NULL;

	if (reach->host.kind == INVENTORY_WINRM) {
		if (reach->password && !mentions(extra, "ansible_password") &&
		    command_add_secret(cmd, "ansible_password", reach->password, err) < 0)
			return -1;
		if (r->cfg->ansible_winrm_use_http)
			command_addl(cmd, "-e", "ansible_winrm_scheme=http", NULL);
		return 0;
	}
	if (reach->host.kind != INVENTORY_SSH)
		return 0;
	if (mentions(extra, "ansible_password")) {
		command_addl(cmd, "-e", "ansible_host_key_checking=False", NULL);
	} else if (own_inventory && reach->ssh.key) {
		key = xasprintf("ansible_ssh_private_key_file=%s", reach->ssh.key);
		command_addl(cmd, "-e", key, NULL);
	}
	return 0;
}

static int make_command(const struct ansible_run *r, struct command *cmd, struct error **err)
{
	const struct text_list *list = &r->cfg->extra_arguments;
	AUTO(strv) struct strv extra = STRV_INIT;
	AUTO_FREE char *playbook = path_absolute(r->build->cwd, r->cfg->playbook_file);

	for (size_t i = 0; i < list->len; i++) {
		char *arg = late_render(list->v[i], "extra_arguments", r->ctx, NULL, err);

		if (!arg)
			return -1;
		strv_push_take(&extra, arg);
	}
	command_add(cmd, r->cfg->command);
	add_build(r, cmd);
	add_ssh_arguments(r, cmd);
	if (command_add_extra(cmd, &extra, err) < 0 || add_login(r, &extra, cmd, err) < 0)
		return -1;
	command_addl(cmd, "-i", r->inventory ? r->inventory : r->cfg->inventory_file, playbook,
		     NULL);
	return 0;
}

static int failed(const struct ansible_run *r, int status, struct error **err)
{
	AUTO_FREE char *why = watch_failure(r->child.watch);
	const char *trouble = r->reach.proxy ? proxy_trouble(r->reach.proxy) : NULL;

	error_set(err, ERROR_FAILED,
		  "Error executing Ansible: Non-zero exit status: exit status %d%s%s", status,
		  why ? ": " : "", why ? why : "");
	if (trouble)
		return error_hint(err, "of the machine the proxy for Ansible knows: %s", trouble);
	if (watch_unreachable(r->child.watch) && !r->reach.proxy)
		return error_hint(err, "Ansible went straight to the machine, without the build's "
				       "own connection: use_proxy = true goes through that.");
	return -1;
}

static int run_playbook(struct ansible_run *r, struct error **err)
{
	struct ui *ui = r->build->ui;
	AUTO(command)
	struct command cmd = {
		.argv = STRV_INIT, .shown = STRBUF_INIT, .dir = r->dir, .redactor = ui->redactor
	};
	int status;

	if (make_command(r, &cmd, err) < 0)
		return -1;
	ui_say(ui, "Executing Ansible: %s", cmd.shown.buf);
	ui_wait(ui, "Ansible to end");

	int result = child_run(&r->child, &cmd.argv, &status, err);

	if (result < 0)
		return ansible_explain_missing(r->cfg->command, "command", err);
	ui_wait_end(ui);
	if (status != 0)
		return failed(r, status, err);
	if (watch_did_nothing(r->child.watch))
		ui_error(ui, "warning: nothing was done: no play of the playbook has a host of the "
			     "inventory ('groups' says which groups the machine is in)");
	return 0;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int run_all(struct ansible_run *r, struct error **err)
{
	const struct reach_options o = { .config = r->cfg,
					 .ctx = r->ctx,
					 .settings = &r->settings,
					 .dir = r->dir,
					 .sockets = r->sockets };

	if (make_environment(r, err) < 0 || reach_open(&o, &r->reach, err) < 0)
		return -1;
	r->child.proxy = r->reach.proxy;
	reach_export(&r->reach, &o, &r->env);
	add_folders(r);
	if (make_inventory(r, err) < 0 || run_galaxy(r, err) < 0)
		return -1;
	return run_playbook(r, err);
}

static void clean(struct ansible_run *r)
{
	AUTO(error) struct error *e = NULL;

	if (r->sockets)
		child_end_masters(&r->child, r->sockets);
	drop_inventory(r);
	reach_close(&r->reach);
	if ((r->dir && fs_remove_tree(r->dir, &e) < 0) ||
	    (r->sockets && fs_remove_tree(r->sockets, &e) < 0))
		ui_error(r->build->ui, "warning: %s", e->message);
	watch_free(r->child.watch);
	settings_release(&r->settings);
	strv_release(&r->env);
	free(r->inventory);
	free(r->dir);
	free(r->sockets);
}

static int make_folders(struct ansible_run *r, struct error **err)
{
	/* Ansible makes names of 10 characters, OpenSSH adds 17 while it binds one. */
	enum { NAME_ROOM = 1 + 10 + 17 };
	AUTO_FREE char *sockets = path_join(r->build->temp_dir, "s");

	if (fs_temp_dir(r->build->temp_dir, "ansible", &r->dir, err) < 0)
		return -1;
	if (strlen(sockets) + NAME_ROOM >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return 0;
	r->sockets = TAKE(sockets);
	return fs_mkdir_all(r->sockets, 0700, err);
}

int ansible_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	struct ansible_run r = {
		.cfg = config,
		.ctx = ctx,
		.build = ctx->build,
		.env = STRV_INIT,
		.settings = SETTINGS_INIT,
	};

	ui_say(ctx->build->ui, "Provisioning with Ansible...");
	r.child = (struct child){ .build = ctx->build,
				  .env = &r.env,
				  .watch = watch_new(ctx->build->ui) };

	int result = make_folders(&r, err);

	if (result == 0)
		result = run_all(&r, err);
	clean(&r);
	return result;
}
