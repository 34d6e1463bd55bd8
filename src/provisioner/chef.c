/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chef-solo: Chef without a server, with cookbooks, roles, data bags and
 * environments that are copied to the machine, and a configuration and node
 * attributes that are written there. Chef is installed first, unless it shall
 * not be.
 */
#include "provisioner/chef.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fs.h"
#include "provisioner/late.h"
#include "provisioner/staging.h"
#include "value/jsontext.h"
#include "value/valuevec.h"

#include <string.h>

enum { STATUS_NOT_FOUND = 127, TEMPLATE_MAX = 1024 * 1024 };

/* What differs between the kinds of machines. */
static const struct chef_os {
	const char *staging, *execute, *install;
} chef_unix = {
	.staging = "/tmp/packer-chef-solo",
	.execute = "{{if .Sudo}}sudo {{end}}chef-solo --no-color -c {{.ConfigPath}} -j {{.JsonPath}}",
	.install = "curl -L https://omnitruck.chef.io/install.sh | "
		   "{{if .Sudo}}sudo {{end}}bash -s --{{if .Version}} -v {{.Version}}{{end}}",
}, chef_windows = {
	.staging = "$env:TEMP/packer-chef-solo",
	.execute = "c:/opscode/chef/bin/chef-solo.bat --no-color -c {{.ConfigPath}} -j {{.JsonPath}}",
	.install = "powershell.exe -Command \". { iwr -useb "
		   "https://omnitruck.chef.io/install.ps1 } | iex; Install-Project"
		   "{{if .Version}} -version {{.Version}}{{end}}\"",
};

static const char default_config[] =
	"cookbook_path [{{.CookbookPaths}}]\n"
	"{{if .RolesPath}}role_path \"{{.RolesPath}}\"\n{{end}}"
	"{{if .DataBagsPath}}data_bag_path \"{{.DataBagsPath}}\"\n{{end}}"
	"{{if .EncryptedDataBagSecretPath}}encrypted_data_bag_secret "
	"\"{{.EncryptedDataBagSecretPath}}\"\n{{end}}"
	"{{if .EnvironmentsPath}}environment_path \"{{.EnvironmentsPath}}\"\n{{end}}"
	"{{if .ChefEnvironment}}environment \"{{.ChefEnvironment}}\"\n{{end}}"
	"{{if .ChefLicense}}chef_license \"{{.ChefLicense}}\"\n{{end}}";

/* clang-format off */
static const struct attr chef_attrs[] = {
	ATTR_STRINGS(struct chef_config, cookbook_paths, ATTR_LOCAL_FILE, "Local directories with cookbooks."),
	ATTR_STRINGS(struct chef_config, remote_cookbook_paths, 0, "Directories with cookbooks that are on the machine already."),
	ATTR_STRINGS(struct chef_config, run_list, 0, "What is run: recipe[NAME], role[NAME]."),
	ATTR_STRING(struct chef_config, roles_path, ATTR_LOCAL_FILE, "Local directory with roles."),
	ATTR_STRING(struct chef_config, data_bags_path, ATTR_LOCAL_FILE, "Local directory with data bags."),
	ATTR_STRING(struct chef_config, encrypted_data_bag_secret_path, ATTR_LOCAL_FILE, "Local file with the secret of encrypted data bags."),
	ATTR_STRING(struct chef_config, environments_path, ATTR_LOCAL_FILE, "Local directory with environments."),
	ATTR_STRING(struct chef_config, chef_environment, 0, "Name of the environment."),
	ATTR_STRING(struct chef_config, chef_license, 0, "Accepts Chef's license: accept, accept-silent or accept-no-persist; accept-silent when Chef is installed here."),
	ATTR_STRING(struct chef_config, config_template, ATTR_LOCAL_FILE, "Local template of the configuration; fields ChefEnvironment, ChefLicense, CookbookPaths, DataBagsPath, EncryptedDataBagSecretPath, EnvironmentsPath, RolesPath."),
	ATTR_VALUE(struct chef_config, json, 0, "Attributes of the node."),
	ATTR_STRING(struct chef_config, json_string, 0, "The same as JSON text, instead."),
	ATTR_STRING(struct chef_config, execute_command, ATTR_LATE, "The command line that runs Chef; fields ConfigPath, JsonPath, Sudo."),
	ATTR_STRING(struct chef_config, install_command, ATTR_LATE, "The command line that installs Chef; fields Sudo, Version."),
	ATTR_STRING(struct chef_config, version, 0, "Version of Chef that is installed; the newest when not set."),
	ATTR_STRING(struct chef_config, guest_os_type, 0, "unix or windows.", .def = "unix"),
	ATTR_STRING(struct chef_config, staging_directory, 0, "Directory on the machine for what is uploaded; /tmp/packer-chef-solo when not set."),
	ATTR_BOOL(struct chef_config, prevent_sudo, 0, "Do not use sudo."),
	ATTR_BOOL(struct chef_config, skip_install, 0, "Chef is on the machine already."),
	ATTR_END,
};
/* clang-format on */
const struct schema chef_schema = SCHEMA(struct chef_config, chef_attrs);

static const struct chef_os *os_of(const struct chef_config *c)
{
	return text_eq(c->guest_os_type, "windows") ? &chef_windows : &chef_unix;
}

/* ---- prepare ------------------------------------------------------------------------------ */

static bool is_object(const struct value *v)
{
	enum type_kind kind = type_kind(value_type(v));

	return !value_is_null(v) && (kind == TYPE_OBJECT || kind == TYPE_MAP);
}

static void check_json(const struct chef_config *c, const struct prepare_ctx *ctx,
		       struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, "json_string");
	AUTO(error) struct error *e = NULL;
	AUTO(value) struct value *v = NULL;

	if (c->json && value_is_known(c->json) && !is_object(c->json)) {
		at = decoded_range(ctx->decoded, "json");
		diags_error(diags, &at, "json must be an object.", "%s", "");
	}
	if (text_is_empty(c->json_string) || strstr(c->json_string, "<unknown>"))
		return;
	if (c->json) {
		diags_error(diags, &at, "Only one of json and json_string can be set.", "%s", "");
		return;
	}
	v = jsontext_decode(c->json_string, strlen(c->json_string), &e);
	if (!v)
		diags_error(diags, &at, "json_string is not JSON.", "%s", e->message);
	else if (!is_object(v))
		diags_error(diags, &at, "json_string must be a JSON object.", "%s", "");
}

static void chef_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct chef_config *c = config;
	bool installs = !c->skip_install && text_is_empty(c->install_command);

	staging_check_os(&c->guest_os_type, ctx, diags);
	if (text_is_empty(c->execute_command))
		c->execute_command = os_of(c)->execute;
	if (text_is_empty(c->install_command))
		c->install_command = os_of(c)->install;
	if (text_is_empty(c->staging_directory))
		c->staging_directory = os_of(c)->staging;
	if (text_is_empty(c->chef_license) && installs)
		c->chef_license = "accept-silent";
	staging_check("config_template", c->config_template, STAGING_FILE, ctx, diags);
	staging_check("roles_path", c->roles_path, STAGING_FOLDER, ctx, diags);
	staging_check("data_bags_path", c->data_bags_path, STAGING_FOLDER, ctx, diags);
	staging_check("environments_path", c->environments_path, STAGING_FOLDER, ctx, diags);
	staging_check("encrypted_data_bag_secret_path", c->encrypted_data_bag_secret_path,
		      STAGING_FILE, ctx, diags);
	staging_check_all("cookbook_paths", &c->cookbook_paths, STAGING_FOLDER, ctx, diags);
	check_json(c, ctx, diags);
}

static int chef_local_files(const void *config, struct strv *ret, struct error **err)
{
	const struct chef_config *c = config;
	const char *paths[] = { c->roles_path, c->data_bags_path, c->environments_path,
				c->encrypted_data_bag_secret_path, c->config_template };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (local_files_add(paths[i], ret, err) < 0)
			return -1;
	return local_files_add_all(&c->cookbook_paths, ret, err);
}

/* ---- run ---------------------------------------------------------------------------------- */

struct chef_run {
	const struct chef_config *cfg;
	struct provision_ctx *ctx;
	struct staging staging;
	/* on the machine; the first as a list of Ruby's, the others NULL: none */
	struct strbuf cookbooks;
	char *roles, *data_bags, *environments, *secret, *config, *attributes;
};

static int run_step(struct chef_run *r, const char *command, const char *what, struct error **err)
{
	int status = 0;

	if (staging_run(&r->staging, command, &status, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	error_set(err, ERROR_FAILED, "%s exited with non-zero exit status %d", what, status);
	if (status == STATUS_NOT_FOUND)
		return error_hint(err, "127 is the shell's way to say that a command does not "
				       "exist on the machine: chef-solo, sudo or curl.");
	return -1;
}

static int install(struct chef_run *r, struct error **err)
{
	const struct late_field fields[] = {
		{ "Sudo", r->staging.sudo ? "true" : "" },
		{ "Version", r->cfg->version ? r->cfg->version : "" },
		{ NULL, NULL },
	};
	AUTO_FREE char *command =
		late_render(r->cfg->install_command, "install_command", r->ctx, fields, err);

	if (!command)
		return -1;
	ui_say(r->ctx->build->ui, "Installing Chef...");
	return run_step(r, command, "Install script", err);
}

static void add_cookbooks(struct chef_run *r, const char *path)
{
	strbuf_addf(&r->cookbooks, "%s\"%s\"", r->cookbooks.len ? "," : "", path);
}

static int upload_cookbooks(struct chef_run *r, struct error **err)
{
	const struct text_list *local = &r->cfg->cookbook_paths;
	const struct text_list *remote = &r->cfg->remote_cookbook_paths;

	for (size_t i = 0; i < remote->len; i++)
		add_cookbooks(r, remote->v[i]);
	for (size_t i = 0; i < local->len; i++) {
		AUTO_FREE char *dst = xasprintf("%s/cookbooks-%zu", r->staging.dir, i);

		if (staging_folder(&r->staging, local->v[i], dst, err) < 0)
			return -1;
		add_cookbooks(r, dst);
	}
	return 0;
}

static int upload_folder(struct chef_run *r, const char *src, const char *name, char **ret,
			 struct error **err)
{
	if (text_is_empty(src))
		return 0;
	*ret = xasprintf("%s/%s", r->staging.dir, name);
	return staging_folder(&r->staging, src, *ret, err);
}

static int upload_all(struct chef_run *r, struct error **err)
{
	const struct chef_config *c = r->cfg;

	ui_say(r->ctx->build->ui, "Creating directory: %s", r->staging.dir);
	if (staging_make(&r->staging, r->staging.dir, err) < 0 || upload_cookbooks(r, err) < 0 ||
	    upload_folder(r, c->roles_path, "roles", &r->roles, err) < 0 ||
	    upload_folder(r, c->data_bags_path, "data_bags", &r->data_bags, err) < 0 ||
	    upload_folder(r, c->environments_path, "environments", &r->environments, err) < 0)
		return -1;
	if (text_is_empty(c->encrypted_data_bag_secret_path))
		return 0;
	r->secret = xasprintf("%s/encrypted_data_bag_secret", r->staging.dir);
	return staging_file(&r->staging, c->encrypted_data_bag_secret_path, r->secret, err);
}

static int write_config(struct chef_run *r, struct error **err)
{
	const struct chef_config *c = r->cfg;
	AUTO(strbuf) struct strbuf template = STRBUF_INIT_MAX(TEMPLATE_MAX);
	AUTO_FREE char *text = NULL;
	/* "Has…" are of templates that were written for older versions */
	const struct late_field fields[] = {
		{ "CookbookPaths", r->cookbooks.buf },
		{ "RolesPath", text_or_empty(r->roles) },
		{ "HasRolesPath", r->roles ? "true" : "" },
		{ "DataBagsPath", text_or_empty(r->data_bags) },
		{ "HasDataBagsPath", r->data_bags ? "true" : "" },
		{ "EncryptedDataBagSecretPath", text_or_empty(r->secret) },
		{ "HasEncryptedDataBagSecretPath", r->secret ? "true" : "" },
		{ "EnvironmentsPath", text_or_empty(r->environments) },
		{ "HasEnvironmentsPath", r->environments ? "true" : "" },
		{ "ChefEnvironment", text_or_empty(c->chef_environment) },
		{ "ChefLicense", text_or_empty(c->chef_license) },
		{ NULL, NULL },
	};

	ui_say(r->ctx->build->ui, "Creating configuration file 'solo.rb'");
	if (text_is_empty(c->config_template))
		strbuf_addstr(&template, default_config);
	else if (fs_read(c->config_template, TEMPLATE_MAX, &template, err) < 0)
		return -1;
	text = late_render(template.buf, "config_template", r->ctx, fields, err);
	if (!text)
		return -1;
	r->config = xasprintf("%s/solo.rb", r->staging.dir);
	return staging_text(&r->staging, text, r->config, err);
}

/* The attributes, and the run list in them. */
static int make_attributes(const struct chef_run *r, struct strbuf *ret, struct error **err)
{
	const struct chef_config *c = r->cfg;
	AUTO(value) struct value *given = c->json ? value_ref(c->json) : NULL;
	struct map all;

	if (!given && !text_is_empty(c->json_string)) {
		given = jsontext_decode(c->json_string, strlen(c->json_string), err);
		if (!given)
			return error_prefix(err, "json_string");
	}
	value_map_init(&all);
	for (size_t i = 0; given && i < value_len(given); i++)
		map_set(&all, value_key_at(given, i), value_ref(value_at(given, i)));
	if (c->run_list.len) {
		struct value_vec names = { 0 };

		for (size_t i = 0; i < c->run_list.len; i++)
			*vec_push(&names) = value_string(c->run_list.v[i]);
		map_set(&all, "run_list", value_vec_tuple(&names));
		vec_release(&names);
	}

	AUTO(value) struct value *object = value_object_take(&all);

	value_format_json(ret, object);
	return 0;
}

static int write_attributes(struct chef_run *r, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	ui_say(r->ctx->build->ui, "Creating JSON attribute file");
	if (make_attributes(r, &text, err) < 0)
		return -1;
	r->attributes = xasprintf("%s/node.json", r->staging.dir);
	return staging_text(&r->staging, text.buf, r->attributes, err);
}

static int execute(struct chef_run *r, struct error **err)
{
	const struct late_field fields[] = {
		{ "ConfigPath", r->config },
		{ "JsonPath", r->attributes },
		{ "Sudo", r->staging.sudo ? "true" : "" },
		{ NULL, NULL },
	};
	AUTO_FREE char *command =
		late_render(r->cfg->execute_command, "execute_command", r->ctx, fields, err);

	if (!command)
		return -1;
	ui_say(r->ctx->build->ui, "Executing Chef: %s", command);
	return run_step(r, command, "Chef", err);
}

static int run_chef(struct chef_run *r, struct error **err)
{
	if (!r->cfg->skip_install && install(r, err) < 0)
		return -1;
	if (upload_all(r, err) < 0 || write_config(r, err) < 0 || write_attributes(r, err) < 0)
		return -1;
	return execute(r, err);
}

static int chef_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	const struct chef_config *c = config;
	struct chef_run r = {
		.cfg = c,
		.ctx = ctx,
		.staging =
			staging_of(ctx, c->staging_directory, c->guest_os_type, !c->prevent_sudo),
		.cookbooks = STRBUF_INIT,
	};
	int result;

	ui_say(ctx->build->ui, "Provisioning with chef-solo");
	result = run_chef(&r, err);
	strbuf_release(&r.cookbooks);
	free(r.roles);
	free(r.data_bags);
	free(r.environments);
	free(r.secret);
	free(r.config);
	free(r.attributes);
	return result;
}

const struct provisioner_type provisioner_chef_solo = {
	.name = "chef-solo",
	.doc = "Runs chef-solo on the machine.",
	.schema = &chef_schema,
	.prepare = chef_prepare,
	.run = chef_run,
	.local_files = chef_local_files,
};
