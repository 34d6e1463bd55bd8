/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/shell.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/random.h"
#include "os/wait.h"
#include "provisioner/late.h"
#include "provisioner/remote.h"
#include "provisioner/script.h"
#include "provisioner/vars.h"

enum { RANDOM_NAMES = 9999, SCRIPT_MAX = 1024 * 1024 * 1024 };

#define INLINE_SHEBANG "/bin/sh -e"

/* clang-format off */
static const struct attr shell_attrs[] = {
	{ .name = "inline", .kind = ATTR_KIND_STRINGS, .flags = ATTR_LATE,
	  .doc = "Commands, run as one script.",
	  .offset = offsetof(struct shell_config, inline_) },
	ATTR_STRING(struct shell_config, script, ATTR_LOCAL_FILE, "Local path of a script."),
	ATTR_STRINGS(struct shell_config, scripts, ATTR_LOCAL_FILE, "Local paths of scripts, run in order."),
	ATTR_STRING(struct shell_config, inline_shebang, 0, "First line of the inline script, without `#!`; `/bin/sh -e` when not set."),
	ATTR_BOOL(struct shell_config, binary, 0, "Upload scripts as they are, without turning CR LF into LF."),
	ATTR_MAP(struct shell_config, env, 0, "Environment variables; they win over environment_vars."),
	ATTR_STRINGS(struct shell_config, environment_vars, 0, "Environment variables in the form K=V."),
	ATTR_STRING(struct shell_config, env_var_format, 0, "How one variable is written: two %s, for name and value."),
	ATTR_BOOL(struct shell_config, use_env_var_file, 0, "Put the variables into a file that the command reads."),
	ATTR_STRING(struct shell_config, execute_command, ATTR_LATE, "The command line that runs a script; fields Path, Vars, EnvVarFile."),
	ATTR_STRING(struct shell_config, remote_folder, 0, "Where scripts are put.", .def = "/tmp"),
	ATTR_STRING(struct shell_config, remote_file, 0, "Name of the script on the machine; random when not set."),
	ATTR_STRING(struct shell_config, remote_path, 0, "Full path of the script on the machine."),
	ATTR_BOOL(struct shell_config, skip_clean, 0, "Leave the script on the machine."),
	ATTR_BOOL(struct shell_config, expect_disconnect, 0, "The script may end the connection, for example by a reboot."),
	ATTR_INTS(struct shell_config, valid_exit_codes, 0, "Exit codes that mean success; [0] when not set."),
	ATTR_DURATION(struct shell_config, start_retry_timeout, ATTR_OUTSIDE, "How long to try to reach the machine.", .def = "5m"),
	ATTR_DURATION(struct shell_config, pause_after, ATTR_OUTSIDE, "Wait this long at the end."),
	ATTR_END,
};
/* clang-format on */
const struct schema shell_schema = SCHEMA(struct shell_config, shell_attrs);

/* ---- prepare ------------------------------------------------------------------------- */

static void check_sources(const struct shell_config *c, const struct prepare_ctx *ctx,
			  struct diags *diags)
{
	bool script = !text_is_empty(c->script), scripts = c->scripts.len > 0;
	struct range at = decoded_range(ctx->decoded, script ? "script" : "scripts");

	if (script && scripts)
		diags_error(diags, &at, "Only one of script or scripts can be specified.", "%s",
			    "");
	if (!script && !scripts && c->inline_.len == 0)
		diags_error(diags, &ctx->decoded->range,
			    "Either a script file or inline script must be specified.", "%s", "");
	else if ((script || scripts) && c->inline_.len > 0)
		diags_error(diags, &at,
			    "Only a script file or an inline script can be specified, not both.",
			    "%s", "");
	if (script)
		script_check_file("script", c->script, "script", ctx, diags);
	for (size_t i = 0; i < c->scripts.len; i++)
		script_check_file("script", c->scripts.v[i], "scripts", ctx, diags);
}

static void shell_defaults(struct shell_config *c, struct arena *arena)
{
	c->own_shebang = !text_is_empty(c->inline_shebang);
	if (!c->own_shebang)
		c->inline_shebang = INLINE_SHEBANG;
	if (!c->env_var_format)
		c->env_var_format = c->use_env_var_file ? "export %s='%s'\n" : "%s='%s' ";
	if (text_is_empty(c->execute_command))
		c->execute_command = c->use_env_var_file
					     ? "chmod +x {{.Path}}; . {{.EnvVarFile}} && {{.Path}}"
					     : "chmod +x {{.Path}}; {{.Vars}} {{.Path}}";
	if (text_is_empty(c->remote_folder))
		c->remote_folder = "/tmp";
	if (text_is_empty(c->remote_file))
		c->remote_file = arena_printf(arena, "script_%u.sh", random_below(RANDOM_NAMES));
	if (text_is_empty(c->remote_path))
		c->remote_path = arena_printf(arena, "%s/%s", c->remote_folder, c->remote_file);
	if (c->start_retry_timeout == 0)
		c->start_retry_timeout = 5 * 60 * NSEC_PER_SEC;
	script_exit_default(&c->valid_exit_codes, arena);
}

static void shell_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct shell_config *c = config;

	shell_defaults(c, ctx->arena);
	check_sources(c, ctx, diags);
	script_vars_check(&c->environment_vars, ctx, diags);
}

static int shell_local_files(const void *config, struct strv *ret, struct error **err)
{
	const struct shell_config *c = config;

	if (!text_is_empty(c->script))
		strv_push(ret, c->script);
	for (size_t i = 0; i < c->scripts.len; i++)
		strv_push(ret, c->scripts.v[i]);
	return 0;
}

/* ---- run ------------------------------------------------------------------------------ */

struct shell_run {
	const struct shell_config *cfg;
	struct provision_ctx *ctx;
	struct script_vars vars;
	char *var_file; /* on the machine; NULL: none */

	/* of the script in work */
	const char *path;
	struct strbuf text;
	char *command;
	int status;
	struct error *failure; /* while it ran: no reason to run it once more */
};

static void add_vars(struct shell_run *r)
{
	const struct shell_config *c = r->cfg;

	script_vars_add_build(&r->vars, r->ctx);
	for (size_t i = 0; i < c->environment_vars.len; i++)
		script_vars_set_pair(&r->vars, c->environment_vars.v[i]);
	for (size_t i = 0; i < c->env.len; i++)
		script_vars_set(&r->vars, c->env.v[i].key, c->env.v[i].value);
	script_vars_sort(&r->vars);
}

static int upload_vars(void *data, struct provision_ctx *ctx, struct error **err)
{
	struct shell_run *r = data;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *command = xasprintf("chmod 0600 %s", r->var_file);
	int status;

	script_vars_format(&r->vars, r->cfg->env_var_format, &text);

	const struct comm_upload up = { .data = text.buf, .len = text.len, .mode = 0600 };
	int quick = comm_quick_put(ctx->comm, &up, r->var_file, ctx->build->cancel, err);

	if (quick)
		return quick < 0 ? -1 : 0;
	if (ctx->comm->ops->upload(ctx->comm, &up, r->var_file, ctx->build->cancel, err) < 0)
		return error_prefix(err, "Error uploading envVarFile");
	return remote_run_quietly(ctx, command, &status, err);
}

static int upload_script(struct shell_run *r, struct error **err)
{
	struct provision_ctx *ctx = r->ctx;
	struct comm *m = ctx->comm;
	const struct comm_upload bytes = { .data = r->text.buf, .len = r->text.len };
	const struct comm_upload file = { .path = r->path, .mode = 0644 };
	AUTO_FREE char *chmod = xasprintf("chmod 0755 %s", r->cfg->remote_path);
	int ignored;

	if (m->ops->upload(m, r->cfg->binary ? &file : &bytes, r->cfg->remote_path,
			   ctx->build->cancel, err) < 0)
		return error_prefix(err, "Error uploading script");
	if (remote_run_quietly(ctx, chmod, &ignored, err) < 0)
		return error_prefix(err, "Error chmodding script file to 0755 in remote machine");
	return 0;
}

/* With mode 0755, as everything that is run here has. */
static int place_script(struct shell_run *r, struct error **err)
{
	const struct comm_upload up = { .data = r->text.buf, .len = r->text.len, .mode = 0755 };
	int quick = 0;

	if (!r->cfg->binary)
		quick = comm_quick_put(r->ctx->comm, &up, r->cfg->remote_path,
				       r->ctx->build->cancel, err);
	if (quick)
		return quick < 0 ? -1 : 0;
	return upload_script(r, err);
}

static int start_script(void *data, struct provision_ctx *ctx, struct error **err)
{
	struct shell_run *r = data;
	bool began = false;

	if (place_script(r, err) < 0)
		return -1;
	ui_wait(ctx->build->ui, "the script %s to end", r->path);
	if (remote_run(ctx, r->command, &began, &r->status, err) < 0) {
		if (!began)
			return -1;
		r->failure = TAKE(*err);
		return 0; /* what it was waiting for is told with the failure */
	}
	ui_wait_end(ctx->build->ui);
	return 0;
}

static int check_status(const struct shell_run *r, struct error **err)
{
	const struct shell_config *c = r->cfg;

	if (r->status == COMM_DISCONNECTED) {
		if (c->expect_disconnect || script_exit_allowed(&c->valid_exit_codes, r->status))
			return 0;
		return error_set(
			err, ERROR_DISCONNECTED,
			"Script disconnected unexpectedly. If you expected your script to "
			"disconnect, i.e. from a restart, you can try adding "
			"`\"expect_disconnect\": true` or `\"valid_exit_codes\": [0, 2300218]` to "
			"the shell provisioner parameters.");
	}
	if (script_exit_allowed(&c->valid_exit_codes, r->status))
		return 0;
	return script_exit_error(&c->valid_exit_codes, r->status, err);
}

static int remove_remote(struct provision_ctx *ctx, const char *path, struct error **err)
{
	AUTO_FREE char *command = xasprintf("rm -f %s", path);
	int quick = comm_quick_remove(ctx->comm, path, ctx->build->cancel, err);
	int status;

	if (quick)
		return quick < 0 ? -1 : 0;
	if (remote_run_quietly(ctx, command, &status, err) < 0)
		return error_prefix(err, "Error removing temporary script at %s", path);
	if (status == COMM_DISCONNECTED)
		return error_set(err, ERROR_DISCONNECTED,
				 "Disconnect while removing temporary script.");
	if (status != 0)
		return error_set(err, ERROR_FAILED, "Error removing temporary script at %s!", path);
	return 0;
}

static int remove_script(void *data, struct provision_ctx *ctx, struct error **err)
{
	return remove_remote(ctx, ((struct shell_run *)data)->cfg->remote_path, err);
}

static int remove_vars(void *data, struct provision_ctx *ctx, struct error **err)
{
	return remove_remote(ctx, ((struct shell_run *)data)->var_file, err);
}

static char *render_command(struct shell_run *r, struct error **err)
{
	AUTO(strbuf) struct strbuf vars = STRBUF_INIT;

	script_vars_format(&r->vars, r->cfg->env_var_format, &vars);

	const struct late_field fields[] = {
		{ "Path", r->cfg->remote_path },
		{ "Vars", vars.buf },
		{ "EnvVarFile", r->var_file ? r->var_file : "" },
		{ NULL, NULL },
	};

	return late_render(r->cfg->execute_command, "command", r->ctx, fields, err);
}

static int read_script(struct shell_run *r, struct error **err)
{
	strbuf_truncate(&r->text, 0);
	if (r->cfg->binary)
		return 0; /* sent from the file, however big */
	if (fs_read(r->path, SCRIPT_MAX, &r->text, err) < 0)
		return error_prefix(err, "Error opening shell script");
	strbuf_replace(&r->text, "\r\n", "\n");
	return 0;
}

static int run_script(struct shell_run *r, const char *path, struct error **err)
{
	int64_t timeout = r->cfg->start_retry_timeout;
	AUTO_FREE char *command = NULL;

	ui_say(r->ctx->build->ui, "Provisioning with shell script: %s", path);
	r->path = path;
	command = render_command(r, err);
	if (!command || read_script(r, err) < 0)
		return -1;
	r->command = command;
	if (remote_retry(r->ctx, timeout, start_script, r, err) < 0)
		return -1;
	r->command = NULL;
	if (r->failure)
		return error_move(err, TAKE(r->failure));
	if (check_status(r, err) < 0)
		return -1;
	if (r->cfg->skip_clean)
		return 0;
	/* A machine that reboots is awaited here. */
	return remote_retry(r->ctx, timeout, remove_script, r, err);
}

static int run_inline(struct shell_run *r, struct error **err)
{
	const struct shell_config *c = r->cfg;
	const struct script_inline in = {
		.lines = &c->inline_,
		.shebang = c->inline_shebang,
		.keep_own = !c->own_shebang,
		.prefix = "packer-shell",
		.suffix = "",
		.mode = 0600,
	};
	AUTO_FREE char *path = NULL;

	if (script_write_inline(&in, r->ctx, &path, err) < 0)
		return -1;

	int result = run_script(r, path, err);

	script_remove(path);
	return result;
}

static int run_scripts(struct shell_run *r, struct error **err)
{
	const struct shell_config *c = r->cfg;

	if (c->inline_.len > 0)
		return run_inline(r, err);
	if (!text_is_empty(c->script))
		return run_script(r, c->script, err);
	for (size_t i = 0; i < c->scripts.len; i++)
		if (run_script(r, c->scripts.v[i], err) < 0)
			return -1;
	return 0;
}

static int run_all(struct shell_run *r, struct error **err)
{
	const struct shell_config *c = r->cfg;

	add_vars(r);
	if (c->use_env_var_file) {
		r->var_file =
			xasprintf("%s/varfile_%u.sh", c->remote_folder, random_below(RANDOM_NAMES));
		if (remote_retry(r->ctx, c->start_retry_timeout, upload_vars, r, err) < 0)
			return -1;
	}
	if (run_scripts(r, err) < 0)
		return -1;
	if (r->var_file && !c->skip_clean)
		return remote_retry(r->ctx, c->start_retry_timeout, remove_vars, r, err);
	return 0;
}

static int pause_after(const struct shell_config *c, struct provision_ctx *ctx, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (c->pause_after <= 0)
		return 0;
	duration_format(&text, c->pause_after);
	ui_say(ctx->build->ui, "Pausing %s after this provisioner...", text.buf);
	return io_pause(clock_deadline(c->pause_after), ctx->build->cancel, err);
}

static int shell_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	struct shell_run r = {
		.cfg = config,
		.ctx = ctx,
		.vars = SCRIPT_VARS_INIT,
		.text = STRBUF_INIT_MAX(SCRIPT_MAX),
	};
	int result = run_all(&r, err);

	script_vars_release(&r.vars);
	strbuf_release(&r.text);
	free(r.var_file);
	return result < 0 ? -1 : pause_after(config, ctx, err);
}

const struct provisioner_type provisioner_shell = {
	.name = "shell",
	.doc = "Runs scripts on the machine.",
	.schema = &shell_schema,
	.prepare = shell_prepare,
	.run = shell_run,
	.local_files = shell_local_files,
	.gets_build_name = true,
};
