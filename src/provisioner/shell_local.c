/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With the default execute_command the variables are handed over in the
 * child's environment, so that secrets do not show up in its arguments, and
 * {{.Vars}} is empty; a command of the user's own gets them as text there.
 */
#include "provisioner/shell_local.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fd.h"
#include "os/proc.h"
#include "os/wait.h"
#include "provisioner/late.h"
#include "provisioner/script.h"
#include "provisioner/vars.h"

#include <errno.h>
#include <fcntl.h>

enum { BUSY_MSEC = 2000 };

/* clang-format off */
static const struct attr shell_local_attrs[] = {
	ATTR_STRING(struct shell_local_config, command, ATTR_LATE, "One command; the same as inline with one element."),
	{ .name = "inline", .kind = ATTR_KIND_STRINGS, .flags = ATTR_LATE,
	  .doc = "Commands, run as one script.",
	  .offset = offsetof(struct shell_local_config, inline_) },
	ATTR_STRING(struct shell_local_config, script, ATTR_LOCAL_FILE, "Path of a script."),
	ATTR_STRINGS(struct shell_local_config, scripts, ATTR_LOCAL_FILE, "Paths of scripts, run in order."),
	ATTR_STRING(struct shell_local_config, inline_shebang, 0, "First line of the inline script, without `#!`.", .def = "/bin/sh -e"),
	ATTR_STRINGS(struct shell_local_config, execute_command, ATTR_LATE, "Arguments of the process that runs a script; fields Vars, Script, Command."),
	ATTR_MAP(struct shell_local_config, env, 0, "Environment variables; they win over environment_vars."),
	ATTR_STRINGS(struct shell_local_config, environment_vars, ATTR_LATE, "Environment variables in the form K=V."),
	ATTR_STRING(struct shell_local_config, env_var_format, 0, "How one variable is written in Vars: two %s, for name and value.", .def = "%s='%s' "),
	ATTR_INTS(struct shell_local_config, valid_exit_codes, 0, "Exit codes that mean success; [0] when not set."),
	ATTR_STRINGS(struct shell_local_config, only_on, 0, "Operating systems of the host on which it runs."),
	ATTR_STRING(struct shell_local_config, tempfile_extension, 0, "Extension of the inline script's file."),
	ATTR_BOOL(struct shell_local_config, use_linux_pathing, ATTR_IGNORED, "Only for hosts that run Windows."),
	ATTR_END,
};
/* clang-format on */
const struct schema shell_local_schema = SCHEMA(struct shell_local_config, shell_local_attrs);

static const char *const system_names[] = {
	"darwin", "freebsd", "linux", "openbsd", "solaris", "windows", NULL,
};

/* ---- prepare ----------------------------------------------------------------------------- */

static void check_systems(const struct shell_local_config *c, const struct prepare_ctx *ctx,
			  struct diags *diags)
{
	for (size_t i = 0; i < c->only_on.len; i++) {
		bool known = false;

		for (size_t k = 0; system_names[k]; k++)
			known |= text_eq(system_names[k], c->only_on.v[i]);
		if (known)
			continue;
		struct range at = decoded_range(ctx->decoded, "only_on");
		AUTO_FREE char *text = xasprintf("Invalid OS specified in only_on: '%s'\nSupported "
						 "OS names: darwin, freebsd, "
						 "linux, openbsd, solaris, windows",
						 c->only_on.v[i]);

		diags_error(diags, &at, text, "%s", "");
	}
}

static void check_sources(const struct shell_local_config *c, const struct prepare_ctx *ctx,
			  struct diags *diags)
{
	int n = !text_is_empty(c->command) + (c->inline_.len > 0) + !text_is_empty(c->script) +
		(c->scripts.len > 0);

	if (n == 0)
		diags_error(diags, &ctx->decoded->range,
			    "Command, Inline, Script and Scripts options cannot all be empty.",
			    "%s", "");
	if (n > 1)
		diags_error(diags, &ctx->decoded->range,
			    "You may only specify one of the following options: Command, Inline, "
			    "Script or Scripts. Please consolidate these options in your config.",
			    "%s", "");
	if (!text_is_empty(c->script))
		script_check_file("script", c->script, "script", ctx, diags);
	for (size_t i = 0; i < c->scripts.len; i++)
		script_check_file("script", c->scripts.v[i], "scripts", ctx, diags);
}

static void shell_local_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	static const char *const default_command[] = { "/bin/sh", "-c", "{{.Vars}} {{.Script}}",
						       NULL };
	struct shell_local_config *c = config;

	c->own_command = c->execute_command.len > 0;
	if (!c->own_command)
		c->execute_command = (struct text_list){ default_command, 3 };
	if (text_is_empty(c->inline_shebang))
		c->inline_shebang = "/bin/sh -e";
	if (!c->env_var_format)
		c->env_var_format = "%s='%s' ";
	script_exit_default(&c->valid_exit_codes, ctx->arena);
	check_sources(c, ctx, diags);
	check_systems(c, ctx, diags);
	script_vars_check(&c->environment_vars, ctx, diags);
}

static int shell_local_files(const void *config, struct strv *ret, struct error **err)
{
	const struct shell_local_config *c = config;

	if (!text_is_empty(c->script))
		strv_push(ret, c->script);
	for (size_t i = 0; i < c->scripts.len; i++)
		strv_push(ret, c->scripts.v[i]);
	return 0;
}

/* ---- run ------------------------------------------------------------------------------------ */

struct local_run {
	const struct shell_local_config *cfg;
	struct provision_ctx *ctx;
	struct script_vars vars;
	struct line_splitter *out, *err;
	uint64_t journal_id;
};

static int add_vars(struct local_run *r, struct error **err)
{
	const struct shell_local_config *c = r->cfg;

	script_vars_add_build(&r->vars, r->ctx);
	for (size_t i = 0; i < c->environment_vars.len; i++) {
		AUTO_FREE char *pair = late_render(c->environment_vars.v[i], "environment_vars",
						   r->ctx, NULL, err);

		if (!pair)
			return -1;
		script_vars_set_pair(&r->vars, pair);
	}
	for (size_t i = 0; i < c->env.len; i++)
		script_vars_set(&r->vars, c->env.v[i].key, c->env.v[i].value);
	script_vars_sort(&r->vars);
	return 0;
}

static int make_argv(struct local_run *r, const char *path, struct strv *argv, struct error **err)
{
	const struct text_list *command = &r->cfg->execute_command;
	AUTO(strbuf) struct strbuf vars = STRBUF_INIT;

	if (r->cfg->own_command)
		script_vars_format(&r->vars, r->cfg->env_var_format, &vars);

	const struct late_field fields[] = {
		{ "Vars", vars.buf },
		{ "Script", path },
		{ "Command", path },
		{ NULL, NULL },
	};

	for (size_t i = 0; i < command->len; i++) {
		char *arg = late_render(command->v[i], "execute_command", r->ctx, fields, err);

		if (!arg)
			return -1;
		strv_push_take(argv, arg);
	}
	return 0;
}

static void show_out(void *data, const char *line)
{
	ui_output(data, false, line);
}

static void show_err(void *data, const char *line)
{
	ui_output(data, true, line);
}

static void on_line(void *data, bool is_stderr, const char *line)
{
	struct local_run *r = data;
	struct line_splitter *ls = is_stderr ? r->err : r->out;

	line_splitter_feed(ls, line, strlen(line));
	line_splitter_feed(ls, "\n", 1);
}

static int on_started(void *data, pid_t pid, struct error **err)
{
	struct local_run *r = data;

	return journal_started(r->ctx->build->journal, r->journal_id, pid, err);
}

static int start(struct local_run *r, const struct strv *argv, const char *path, int *ret_status,
		 struct error **err)
{
	struct build_ctx *b = r->ctx->build;
	AUTO(strv) struct strv env = STRV_INIT;
	struct proc_run run = {
		.spec = { .argv = argv, .env = &env, .dir = b->cwd },
		.line = on_line,
		.line_data = r,
		.started = on_started,
		.started_data = r,
	};

	if (r->cfg->own_command)
		strv_pushv(&env, b->environ);
	else
		script_vars_export(&r->vars, b->environ, &env);
	if (journal_process(b->journal, "shell-local", &env, &r->journal_id, err) < 0)
		return -1;

	int result = proc_run(&run, b->cancel, ret_status, err);

	journal_done(b->journal, r->journal_id);
	if (result < 0 && (*err)->kind != ERROR_CANCELLED && (*err)->kind != ERROR_TIMEOUT &&
	    (*err)->kind != ERROR_GONE)
		error_prefix(err, "Error executing script: %s", path);
	return result;
}

static int run_file(struct local_run *r, const char *path, struct error **err)
{
	struct ui *ui = r->ctx->build->ui;
	AUTO(strv) struct strv argv = STRV_INIT;
	int status, result;

	ui_say(ui, "Running local shell script: %s", path);
	if (make_argv(r, path, &argv, err) < 0)
		return -1;
	ui_wait(ui, "the script %s to end", path);
	r->out = line_splitter_new(show_out, ui);
	r->err = line_splitter_new(show_err, ui);
	result = start(r, &argv, path, &status, err);
	line_splitter_free(r->out);
	line_splitter_free(r->err);
	if (result < 0)
		return -1;
	ui_wait_end(ui);
	if (script_exit_allowed(&r->cfg->valid_exit_codes, status))
		return 0;
	return script_exit_error(&r->cfg->valid_exit_codes, status, err);
}

/*
 * A process that another thread is starting may hold our descriptor on the
 * new file until its exec, and the kernel does not execute a file that is
 * open for writing ("text file busy"). A read lease is granted only when
 * nobody has it open so. Where there are no leases we do not wait.
 */
static int wait_not_busy(const char *path, struct cancel *c, struct error **err)
{
	int64_t deadline = clock_deadline(BUSY_MSEC * NSEC_PER_MSEC);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK) < 0) {
		if (errno != EAGAIN || clock_monotonic() >= deadline)
			return 0;
		if (io_pause(clock_deadline(NSEC_PER_MSEC), c, err) < 0)
			return -1;
	}
	return 0;
}

static int run_inline(struct local_run *r, const struct text_list *lines, struct error **err)
{
	const struct shell_local_config *c = r->cfg;
	AUTO_FREE char *suffix = NULL, *path = NULL;

	if (!text_is_empty(c->tempfile_extension))
		suffix = xasprintf("%s%s", *c->tempfile_extension == '.' ? "" : ".",
				   c->tempfile_extension);

	const struct script_inline in = {
		.lines = lines,
		.shebang = c->inline_shebang,
		.prefix = "packer-shell",
		.suffix = suffix ? suffix : "",
		.mode = 0700,
	};

	if (script_write_inline(&in, r->ctx, &path, err) < 0)
		return -1;

	int result = wait_not_busy(path, r->ctx->build->cancel, err);

	if (result == 0)
		result = run_file(r, path, err);
	script_remove(path);
	return result;
}

static int run_script(struct local_run *r, const char *script, struct error **err)
{
	AUTO_FREE char *path = path_absolute(r->ctx->build->cwd, script);

	return run_file(r, path, err);
}

static int run_all(struct local_run *r, struct error **err)
{
	const struct shell_local_config *c = r->cfg;
	const struct text_list one = { &c->command, 1 };

	if (add_vars(r, err) < 0)
		return -1;
	if (!text_is_empty(c->command))
		return run_inline(r, &one, err);
	if (c->inline_.len > 0)
		return run_inline(r, &c->inline_, err);
	if (!text_is_empty(c->script))
		return run_script(r, c->script, err);
	for (size_t i = 0; i < c->scripts.len; i++)
		if (run_script(r, c->scripts.v[i], err) < 0)
			return -1;
	return 0;
}

static bool runs_here(const struct shell_local_config *c)
{
	for (size_t i = 0; i < c->only_on.len; i++)
		if (text_eq(c->only_on.v[i], "linux"))
			return true;
	return c->only_on.len == 0;
}

static int shell_local_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	struct local_run r = { .cfg = config, .ctx = ctx, .vars = SCRIPT_VARS_INIT };

	if (!runs_here(config)) {
		ui_say(ctx->build->ui, "Skipping shell-local due to runtime OS");
		return 0;
	}

	int result = run_all(&r, err);

	script_vars_release(&r.vars);
	return result;
}

static const char *shell_local_barrier(const void *config, bool declared)
{
	(void)config;
	return declared ? NULL
			: "shell-local may read anything: declare what it reads with cache_inputs";
}

const struct provisioner_type provisioner_shell_local = {
	.name = "shell-local",
	.doc = "Runs scripts on this host.",
	.schema = &shell_local_schema,
	.prepare = shell_local_prepare,
	.run = shell_local_run,
	.local_files = shell_local_files,
	.barrier = shell_local_barrier,
	.gets_build_name = true,
};
