/* SPDX-License-Identifier: Apache-2.0 */
/*
 * puppet-masterless: `puppet apply` on the machine, with manifests, modules and
 * Hiera data that are copied there. Puppet itself must be there already.
 */
#include "provisioner/puppet.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fs.h"
#include "provisioner/late.h"
#include "provisioner/staging.h"

enum {
	STATUS_CHANGED = 2, /* --detailed-exitcodes: it went well, and something was changed */
	STATUS_SOME_FAILED = 4,
	STATUS_CHANGED_AND_FAILED = 6,
	STATUS_NOT_FOUND = 127,
};

#define APPLY                                                                                      \
	"{{if ne .PuppetBinDir \"\"}}{{.PuppetBinDir}}/{{end}}puppet apply --detailed-exitcodes "  \
	"{{if .Debug}}--debug {{end}}"                                                             \
	"{{if ne .ModulePath \"\"}}--modulepath='{{.ModulePath}}' {{end}}"                         \
	"{{if ne .HieraConfigPath \"\"}}--hiera_config='{{.HieraConfigPath}}' {{end}}"             \
	"{{if ne .ManifestDir \"\"}}--manifestdir='{{.ManifestDir}}' {{end}}"                      \
	"{{if ne .ExtraArguments \"\"}}{{.ExtraArguments}} {{end}}{{.ManifestFile}}"

/* What differs between the kinds of machines. */
static const struct puppet_os {
	const char *staging, *command, *fact_separator, *path_separator;
} puppet_unix = {
	.staging = "/tmp/packer-puppet-masterless",
	.command = "cd {{.WorkingDir}} && {{if ne .FacterVars \"\"}}{{.FacterVars}} {{end}}"
		   "{{if .Sudo}}sudo -E {{end}}" APPLY,
	.fact_separator = " ",
	.path_separator = ":",
}, puppet_windows = {
	.staging = "%SYSTEMROOT%/Temp/packer-puppet-masterless",
	.command = "cd {{.WorkingDir}} && {{if ne .FacterVars \"\"}}{{.FacterVars}} && {{end}}" APPLY,
	.fact_separator = " & ",
	.path_separator = ";",
};

/* clang-format off */
static const struct attr puppet_attrs[] = {
	ATTR_STRING(struct puppet_config, manifest_file, ATTR_LOCAL_FILE, "Local path of the main manifest, or of a directory of manifests."),
	ATTR_STRING(struct puppet_config, manifest_dir, ATTR_LOCAL_FILE, "Local directory with further manifests, for Puppet before version 4."),
	ATTR_STRING(struct puppet_config, hiera_config_path, ATTR_LOCAL_FILE, "Local path of a Hiera configuration."),
	ATTR_STRINGS(struct puppet_config, module_paths, ATTR_LOCAL_FILE, "Local directories with modules."),
	ATTR_MAP(struct puppet_config, facter, 0, "Further facts."),
	ATTR_STRINGS(struct puppet_config, extra_arguments, ATTR_LATE, "Further arguments of puppet; the fields of execute_command may be used."),
	ATTR_STRING(struct puppet_config, execute_command, ATTR_LATE, "The command line that runs Puppet; fields WorkingDir, FacterVars, Sudo, PuppetBinDir, Debug, ModulePath, ModulePathJoiner, HieraConfigPath, ManifestDir, ManifestFile, ExtraArguments."),
	ATTR_STRING(struct puppet_config, guest_os_type, 0, "unix or windows.", .def = "unix"),
	ATTR_STRING(struct puppet_config, puppet_bin_dir, 0, "Directory on the machine that holds puppet, if PATH does not."),
	ATTR_STRING(struct puppet_config, staging_directory, 0, "Directory on the machine for what is uploaded; /tmp/packer-puppet-masterless when not set."),
	ATTR_STRING(struct puppet_config, working_directory, 0, "Directory on the machine where the command runs; staging_directory when not set."),
	ATTR_BOOL(struct puppet_config, prevent_sudo, 0, "Do not use sudo."),
	ATTR_BOOL(struct puppet_config, ignore_exit_codes, 0, "Go on whatever Puppet says."),
	ATTR_BOOL(struct puppet_config, clean_staging_directory, 0, "Remove staging_directory at the end."),
	ATTR_STRING(struct puppet_config, elevated_user, ATTR_IGNORED, "Windows users with elevated rights are not supported."),
	ATTR_STRING(struct puppet_config, elevated_password, ATTR_IGNORED | ATTR_SENSITIVE, "Windows users with elevated rights are not supported."),
	ATTR_END,
};
/* clang-format on */
const struct schema puppet_schema = SCHEMA(struct puppet_config, puppet_attrs);

static const struct puppet_os *os_of(const struct puppet_config *c)
{
	return text_eq(c->guest_os_type, "windows") ? &puppet_windows : &puppet_unix;
}

static void puppet_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct puppet_config *c = config;

	staging_check_os(&c->guest_os_type, ctx, diags);
	if (text_is_empty(c->execute_command))
		c->execute_command = os_of(c)->command;
	if (text_is_empty(c->staging_directory))
		c->staging_directory = os_of(c)->staging;
	if (text_is_empty(c->working_directory))
		c->working_directory = c->staging_directory;
	if (text_is_empty(c->manifest_file))
		diags_error(diags, &ctx->decoded->range, "A manifest_file must be specified.", "%s",
			    "");
	staging_check("manifest_file", c->manifest_file, STAGING_ANY, ctx, diags);
	staging_check("manifest_dir", c->manifest_dir, STAGING_FOLDER, ctx, diags);
	staging_check("hiera_config_path", c->hiera_config_path, STAGING_FILE, ctx, diags);
	staging_check_all("module_paths", &c->module_paths, STAGING_FOLDER, ctx, diags);
}

static int puppet_local_files(const void *config, struct strv *ret, struct error **err)
{
	const struct puppet_config *c = config;

	if (local_files_add(c->manifest_file, ret, err) < 0 ||
	    local_files_add(c->manifest_dir, ret, err) < 0 ||
	    local_files_add(c->hiera_config_path, ret, err) < 0)
		return -1;
	return local_files_add_all(&c->module_paths, ret, err);
}

/* ---- run ---------------------------------------------------------------------------------- */

struct puppet_run {
	const struct puppet_config *cfg;
	struct provision_ctx *ctx;
	struct staging staging;
	/* on the machine; empty: none */
	struct strbuf manifest_file, manifest_dir, hiera, modules;
};

static int upload_manifest(struct puppet_run *r, struct error **err)
{
	const struct puppet_config *c = r->cfg;
	AUTO_FREE char *dir = path_join(r->staging.dir, "manifests");
	enum fs_kind kind;

	if (fs_stat_kind(c->manifest_file, &kind, err) < 0)
		return -1;
	ui_say(r->ctx->build->ui, "Uploading manifest %s from: %s",
	       kind == FS_DIR ? "directory" : "file", c->manifest_file);
	if (kind == FS_DIR) {
		strbuf_addstr(&r->manifest_file, dir);
		return staging_folder(&r->staging, c->manifest_file, dir, err);
	}
	strbuf_addf(&r->manifest_file, "%s/%s", dir, path_basename(c->manifest_file));
	if (staging_make(&r->staging, dir, err) < 0)
		return -1;
	return staging_file(&r->staging, c->manifest_file, r->manifest_file.buf, err);
}

static int upload_modules(struct puppet_run *r, struct error **err)
{
	const struct text_list *paths = &r->cfg->module_paths;

	for (size_t i = 0; i < paths->len; i++) {
		AUTO_FREE char *dst = xasprintf("%s/module-%zu", r->staging.dir, i);

		ui_say(r->ctx->build->ui, "Uploading local modules from: %s", paths->v[i]);
		if (staging_folder(&r->staging, paths->v[i], dst, err) < 0)
			return -1;
		strbuf_addf(&r->modules, "%s%s", i ? os_of(r->cfg)->path_separator : "", dst);
	}
	return 0;
}

static int upload_all(struct puppet_run *r, struct error **err)
{
	const struct puppet_config *c = r->cfg;
	struct ui *ui = r->ctx->build->ui;

	ui_say(ui, "Creating Puppet staging directory...");
	if (staging_make(&r->staging, r->staging.dir, err) < 0)
		return -1;
	if (!text_is_empty(c->hiera_config_path)) {
		ui_say(ui, "Uploading hiera configuration...");
		strbuf_addf(&r->hiera, "%s/hiera.yaml", r->staging.dir);
		if (staging_file(&r->staging, c->hiera_config_path, r->hiera.buf, err) < 0)
			return -1;
	}
	if (!text_is_empty(c->manifest_dir)) {
		ui_say(ui, "Uploading manifest directory from: %s", c->manifest_dir);
		strbuf_addf(&r->manifest_dir, "%s/manifests", r->staging.dir);
		if (staging_folder(&r->staging, c->manifest_dir, r->manifest_dir.buf, err) < 0)
			return -1;
	}
	if (upload_modules(r, err) < 0)
		return -1;
	return upload_manifest(r, err);
}

static void add_fact(const struct puppet_run *r, const char *name, const char *value,
		     struct strbuf *ret)
{
	const struct puppet_os *os = os_of(r->cfg);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, value);
	if (os == &puppet_unix)
		strbuf_replace(&text, "'", "'\"'\"'");
	if (ret->len)
		strbuf_addstr(ret, os->fact_separator);
	if (os == &puppet_unix)
		strbuf_addf(ret, "FACTER_%s='%s'", name, text.buf);
	else
		strbuf_addf(ret, "SET \"FACTER_%s=%s\"", name, text.buf);
}

static bool has_fact(const struct puppet_config *c, const char *name)
{
	for (size_t i = 0; i < c->facter.len; i++)
		if (text_eq(c->facter.v[i].key, name))
			return true;
	return false;
}

static void make_facts(const struct puppet_run *r, struct strbuf *ret)
{
	const struct puppet_config *c = r->cfg;
	const struct component_info *info = r->ctx->build->info;

	for (size_t i = 0; i < c->facter.len; i++)
		add_fact(r, c->facter.v[i].key, c->facter.v[i].value, ret);
	if (!has_fact(c, "packer_build_name"))
		add_fact(r, "packer_build_name", info->source_name ? info->source_name : "", ret);
	if (!has_fact(c, "packer_builder_type"))
		add_fact(r, "packer_builder_type", info->builder_type ? info->builder_type : "",
			 ret);
}

static int render_arguments(const struct puppet_run *r, const struct late_field *fields,
			    struct strbuf *ret, struct error **err)
{
	const struct text_list *args = &r->cfg->extra_arguments;

	for (size_t i = 0; i < args->len; i++) {
		AUTO_FREE char *text =
			late_render(args->v[i], "extra_arguments", r->ctx, fields, err);

		if (!text)
			return -1;
		if (*text)
			strbuf_addf(ret, "%s%s", ret->len ? " " : "", text);
	}
	return 0;
}

/* A command of the user's gets paths as they are: it may have put them in quotes. */
static void add_path(const struct puppet_run *r, const char *path, struct strbuf *ret)
{
	if (text_eq(r->cfg->execute_command, puppet_unix.command))
		encode_shell_word(ret, path);
	else
		strbuf_addstr(ret, path);
}

static char *render_command(const struct puppet_run *r, struct error **err)
{
	const struct puppet_config *c = r->cfg;
	AUTO(strbuf) struct strbuf facts = STRBUF_INIT;
	AUTO(strbuf) struct strbuf args = STRBUF_INIT;
	AUTO(strbuf) struct strbuf dir = STRBUF_INIT;
	AUTO(strbuf) struct strbuf manifest = STRBUF_INIT;

	make_facts(r, &facts);
	add_path(r, c->working_directory, &dir);
	add_path(r, r->manifest_file.buf, &manifest);

	struct late_field fields[] = {
		{ "ExtraArguments", "" },
		{ "WorkingDir", dir.buf },
		{ "FacterVars", facts.buf },
		{ "Sudo", r->staging.sudo ? "true" : "" },
		{ "PuppetBinDir", text_or_empty(c->puppet_bin_dir) },
		{ "Debug", r->ctx->build->info->debug ? "true" : "" },
		{ "ModulePath", r->modules.buf },
		{ "ModulePathJoiner", os_of(c)->path_separator },
		{ "HieraConfigPath", r->hiera.buf },
		{ "ManifestDir", r->manifest_dir.buf },
		{ "ManifestFile", manifest.buf },
		{ NULL, NULL },
	};

	if (render_arguments(r, fields, &args, err) < 0)
		return NULL;
	fields[0].text = args.buf;
	return late_render(c->execute_command, "execute_command", r->ctx, fields, err);
}

static int check_status(const struct puppet_run *r, int status, struct error **err)
{
	if (status == 0 || status == STATUS_CHANGED || r->cfg->ignore_exit_codes)
		return 0;
	error_set(err, ERROR_FAILED, "Puppet exited with a non-zero exit status: %d", status);
	if (status == STATUS_SOME_FAILED || status == STATUS_CHANGED_AND_FAILED)
		return error_hint(err, "Some resources of the manifest failed; what Puppet says "
				       "of them begins with 'Error:'.");
	if (status == STATUS_NOT_FOUND)
		return error_hint(err,
				  "Puppet, or sudo, is not installed on the machine: install it "
				  "in a shell provisioner before this one, or say where it is "
				  "with puppet_bin_dir; prevent_sudo = true goes without sudo.");
	return -1;
}

static int run_puppet(struct puppet_run *r, struct error **err)
{
	AUTO_FREE char *command = NULL;
	int status = 0;

	if (upload_all(r, err) < 0)
		return -1;
	command = render_command(r, err);
	if (!command)
		return -1;
	ui_say(r->ctx->build->ui, "Running Puppet: %s", command);
	if (staging_run(&r->staging, command, &status, err) < 0 || check_status(r, status, err) < 0)
		return -1;
	if (!r->cfg->clean_staging_directory)
		return 0;
	ui_say(r->ctx->build->ui, "Removing staging directory...");
	return staging_remove(&r->staging, err);
}

static int puppet_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	const struct puppet_config *c = config;
	struct puppet_run r = {
		.cfg = c,
		.ctx = ctx,
		.staging =
			staging_of(ctx, c->staging_directory, c->guest_os_type, !c->prevent_sudo),
		.manifest_file = STRBUF_INIT,
		.manifest_dir = STRBUF_INIT,
		.hiera = STRBUF_INIT,
		.modules = STRBUF_INIT,
	};
	int result;

	ui_say(ctx->build->ui, "Provisioning with Puppet...");
	result = run_puppet(&r, err);
	strbuf_release(&r.manifest_file);
	strbuf_release(&r.manifest_dir);
	strbuf_release(&r.hiera);
	strbuf_release(&r.modules);
	return result;
}

const struct provisioner_type provisioner_puppet_masterless = {
	.name = "puppet-masterless",
	.doc = "Applies Puppet manifests on the machine.",
	.schema = &puppet_schema,
	.prepare = puppet_prepare,
	.run = puppet_run,
	.local_files = puppet_local_files,
	.gets_build_name = true,
};
