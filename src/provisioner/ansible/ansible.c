/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/ansible.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "provisioner/ansible/keys.h"
#include "provisioner/ansible/run.h"
#include "provisioner/ansible/version.h"

#include <errno.h>
#include <strings.h>
#include <sys/stat.h>

enum { PORT_MAX = 65535 };

/* clang-format off */
static const struct attr ansible_attrs[] = {
	ATTR_STRING(struct ansible_config, playbook_file, ATTR_LOCAL_FILE, "Path of the playbook."),
	ATTR_STRING(struct ansible_config, command, 0, "The program that runs it.", .def = "ansible-playbook"),
	ATTR_STRING(struct ansible_config, galaxy_command, 0, "The program that installs what galaxy_file requires.", .def = "ansible-galaxy"),
	ATTR_STRINGS(struct ansible_config, extra_arguments, ATTR_LATE, "Further arguments. Extra variables that hold a secret are passed in a file."),
	ATTR_STRINGS(struct ansible_config, ansible_env_vars, ATTR_LATE, "Environment variables for it in the form K=V."),
	ATTR_STRINGS(struct ansible_config, groups, 0, "Groups of the inventory that the machine is in."),
	ATTR_STRINGS(struct ansible_config, empty_groups, 0, "Groups of the inventory with no host."),
	ATTR_STRING(struct ansible_config, host_alias, 0, "The machine's name in the inventory.", .def = "default"),
	ATTR_STRING(struct ansible_config, user, 0, "As whom Ansible logs in. Not set: as the build does, with the proxy as the user of this host."),
	ATTR_INT(struct ansible_config, local_port, ATTR_OUTSIDE, "First of ten ports for the proxy; 0 is any.", .def = "0"),
	ATTR_STRING(struct ansible_config, ssh_host_key_file, ATTR_OUTSIDE, "Private key that the proxy shows as its host key. Not set: a new one."),
	ATTR_STRING(struct ansible_config, ssh_authorized_key_file, ATTR_OUTSIDE, "Public key that may log in to the proxy. Not set: a new pair."),
	ATTR_STRING(struct ansible_config, ansible_proxy_key_type, ATTR_OUTSIDE, "Type of the proxy's new keys: ECDSA or RSA.", .def = "ECDSA"),
	ATTR_STRING(struct ansible_config, sftp_command, 0, "What serves SFTP on the machine, for the proxy."),
	ATTR_BOOL(struct ansible_config, use_sftp, 0, "Through the proxy, let Ansible use SFTP."),
	ATTR_BOOL(struct ansible_config, skip_version_check, ATTR_OUTSIDE, "Do not ask before the build whether Ansible is installed, and which."),
	ATTR_STRING(struct ansible_config, inventory_directory, ATTR_OUTSIDE, "Where the inventory is made, beside group_vars and host_vars."),
	ATTR_STRING(struct ansible_config, inventory_file, ATTR_LOCAL_FILE, "An inventory of one's own: none is made."),
	ATTR_STRING(struct ansible_config, inventory_file_template, ATTR_LATE, "The machine's line of the inventory; fields HostAlias, Host, User, Port."),
	ATTR_BOOL(struct ansible_config, keep_inventory_file, ATTR_OUTSIDE, "Do not remove the inventory that was made."),
	ATTR_STRING(struct ansible_config, galaxy_file, ATTR_LOCAL_FILE, "Requirements to be installed before, roles and collections."),
	ATTR_BOOL(struct ansible_config, galaxy_force_install, 0, "Install them again if they are there."),
	ATTR_BOOL(struct ansible_config, galaxy_force_with_deps, 0, "And what they depend on."),
	ATTR_STRING(struct ansible_config, roles_path, 0, "Where to install the roles, and to look for roles."),
	ATTR_STRING(struct ansible_config, collections_path, 0, "Where to install the collections, and to look for collections."),
	ATTR_TRIBOOL(struct ansible_config, use_proxy, ATTR_OUTSIDE, "true: through an SSH server of the build's; false: straight. Not set: straight where that is possible."),
	ATTR_STRINGS(struct ansible_config, ansible_ssh_extra_args, 0, "Value of --ssh-extra-args.", .def = "-o IdentitiesOnly=yes"),
	ATTR_BOOL(struct ansible_config, ansible_winrm_use_http, 0, "Speak WinRM without TLS."),
	ATTR_END,
};
/* clang-format on */
const struct schema ansible_schema = SCHEMA(struct ansible_config, ansible_attrs);

/* ---- prepare ------------------------------------------------------------------------------ */

static void complain(const struct prepare_ctx *ctx, struct diags *diags, const char *attr,
		     const char *text)
{
	struct range at = decoded_range(ctx->decoded, attr);

	diags_error(diags, &at, text, "%s", "");
}

static void check_path(const char *attr, const char *path, bool is_dir,
		       const struct prepare_ctx *ctx, struct diags *diags)
{
	AUTO_FREE char *text = NULL, *full = NULL;
	struct stat st;

	/* What is not known before the build runs is checked then. */
	if (text_is_empty(path) || strstr(path, "<unknown>"))
		return;
	full = path_absolute(ctx->cwd, path);
	if (stat(full, &st) < 0)
		text = xasprintf("%s: %s is invalid: stat %s: %s", attr, path, path,
				 fs_reason(errno));
	else if (is_dir ? !S_ISDIR(st.st_mode) : S_ISDIR(st.st_mode))
		text = xasprintf("%s: %s must point to a %s", attr, path,
				 is_dir ? "directory" : "file");
	if (text)
		complain(ctx, diags, attr, text);
}

static void check_files(const struct ansible_config *c, const struct prepare_ctx *ctx,
			struct diags *diags)
{
	if (text_is_empty(c->playbook_file))
		complain(ctx, diags, "playbook_file", "playbook_file must be specified.");
	check_path("playbook_file", c->playbook_file, false, ctx, diags);
	check_path("galaxy_file", c->galaxy_file, false, ctx, diags);
	check_path("ssh_host_key_file", c->ssh_host_key_file, false, ctx, diags);
	check_path("ssh_authorized_key_file", c->ssh_authorized_key_file, false, ctx, diags);
	check_path("inventory_directory", c->inventory_directory, true, ctx, diags);
}

static void check_proxy(struct ansible_config *c, const struct prepare_ctx *ctx,
			struct diags *diags)
{
	AUTO_FREE char *text = NULL;

	if (c->local_port < 0 || c->local_port > PORT_MAX) {
		text = xasprintf("local_port: %lld must be a valid port", (long long)c->local_port);
		complain(ctx, diags, "local_port", text);
		return;
	}
	if (!strcasecmp(c->ansible_proxy_key_type, "ECDSA"))
		c->ansible_proxy_key_type = "ECDSA";
	else if (!strcasecmp(c->ansible_proxy_key_type, "RSA"))
		c->ansible_proxy_key_type = "RSA";
	else {
		text = xasprintf("Invalid value for ansible_proxy_key_type: \"%s\". Supported "
				 "values are ECDSA or RSA.",
				 c->ansible_proxy_key_type);
		complain(ctx, diags, "ansible_proxy_key_type", text);
	}
}

static void check_variables(const struct ansible_config *c, const struct prepare_ctx *ctx,
			    struct diags *diags)
{
	for (size_t i = 0; i < c->ansible_env_vars.len; i++) {
		const char *eq = strchr(c->ansible_env_vars.v[i], '=');

		if (eq && eq != c->ansible_env_vars.v[i])
			continue;
		AUTO_FREE char *text = xasprintf("ansible_env_vars: not in format 'key=value': %s",
						 c->ansible_env_vars.v[i]);

		complain(ctx, diags, "ansible_env_vars", text);
	}
}

/* Ansible warns of a line that it cannot read, finds no hosts and calls that a success. */
static void check_alias(const struct ansible_config *c, const struct prepare_ctx *ctx,
			struct diags *diags)
{
	AUTO_FREE char *text = NULL;

	if (!text_is_empty(c->inventory_file) || !text_is_empty(c->inventory_file_template) ||
	    !c->host_alias[strcspn(c->host_alias, " \t\r\n#")])
		return;
	text = xasprintf("host_alias: '%s' cannot be a name in an inventory", c->host_alias);
	complain(ctx, diags, "host_alias", text);
}

static void check_version(const struct ansible_config *c, const struct prepare_ctx *ctx,
			  struct diags *diags)
{
	AUTO(ansible_version) struct ansible_version v = { 0 };
	AUTO(error) struct error *e = NULL;
	struct range at = decoded_range(ctx->decoded, "command");

	if (c->skip_version_check || strstr(c->command, "<unknown>"))
		return;
	if (ansible_version_ask(c->command, NULL, ctx->dirs ? ctx->dirs->cache : NULL, ctx->cancel,
				&v, &e) < 0)
		diags_from_error(diags, &at, e);
}

static void ansible_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct ansible_config *c = config;

	if (text_is_empty(c->command))
		c->command = "ansible-playbook";
	if (text_is_empty(c->galaxy_command))
		c->galaxy_command = "ansible-galaxy";
	if (text_is_empty(c->host_alias))
		c->host_alias = "default";
	if (text_is_empty(c->ansible_proxy_key_type))
		c->ansible_proxy_key_type = "ECDSA";
	c->cwd = arena_strdup(ctx->arena, ctx->cwd);
	c->cache_dir = ctx->dirs ? arena_strdup(ctx->arena, ctx->dirs->cache) : NULL;
	check_files(c, ctx, diags);
	check_proxy(c, ctx, diags);
	check_variables(c, ctx, diags);
	check_alias(c, ctx, diags);
	check_version(c, ctx, diags);
}

const struct provisioner_type provisioner_ansible = {
	.name = "ansible",
	.doc = "Runs a playbook with the Ansible of this host.",
	.schema = &ansible_schema,
	.prepare = ansible_prepare,
	.run = ansible_run,
	.local_files = ansible_local_files,
	.barrier = ansible_barrier,
	.gets_build_name = true,
};
