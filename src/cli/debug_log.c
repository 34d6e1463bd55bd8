/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/debug_log.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Whose values say where things are and hold no secrets. Others are only named. */
static const char *const shown[] = {
	"CI",       "COLUMNS",  "HOME", "LANG", "LC_ALL",        "NO_COLOR", "PATH",
	"PWD",      "SHELL",    "TERM", "TZ",   "SSH_AUTH_SOCK", "TMPDIR",   "SOURCE_DATE_EPOCH",
	"NO_PROXY", "no_proxy", NULL,
};
static const char *const shown_of_ours[] = {
	"CACHE_DIR", "CONFIG",   "CONFIG_DIR", "GETTER_READ_TIMEOUT", "JOURNAL",  "KEY_INTERVAL",
	"LOG",       "LOG_PATH", "NO_COLOR",   "PLUGIN_PATH",         "RUN_UUID", "SILENCE",
	"STATE_DIR", NULL,
};
static const char *const named[] = {
	"INGOT_", "PACKER_", "PKR_VAR_", "AWS_", "CONSUL_", "VAULT_", NULL,
};

static bool is_one_of(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (!strcmp(*list, name))
			return true;
	return false;
}

static bool is_named(const char *name)
{
	for (const char *const *p = named; *p; p++)
		if (text_starts_with(name, *p))
			return true;
	return false;
}

static bool is_shown(const char *name)
{
	static const char *const ours[] = { "INGOT_", "PACKER_" };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (text_starts_with(name, ours[i]) &&
		    is_one_of(shown_of_ours, name + strlen(ours[i])))
			return true;
	return is_one_of(shown, name) || text_starts_with(name, "XDG_");
}

static bool is_proxy(const char *name)
{
	return strlen(name) < sizeof("https_proxy") && text_ends_with(name, "_proxy");
}

static void log_variable(const char *pair)
{
	struct str value;
	AUTO_FREE char *name = str_dup(str_split(str_of(pair), '=', &value));
	AUTO_FREE char *lower = xstrdup(name);
	AUTO(strbuf) struct strbuf word = STRBUF_INIT;

	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	if (is_shown(name)) {
		log_add_word(&word, value.p);
		log_write("env", "%s=%s", name, word.buf);
	} else if (is_proxy(lower)) {
		const char *at = memrchr(value.p, '@', value.len); /* a password before it */

		log_add_word(&word, at ? at + 1 : value.p);
		log_write("env", "%s=%s%s", name, at ? "...@" : "", word.buf);
	} else if (is_named(name)) {
		log_write("env", "%s is set", name);
	}
}

static void log_host(void)
{
	const int64_t mib = 1024 * 1024;
	struct utsname u = { 0 };

	(void)uname(&u);
	log_write("host", "%s %s %s, %d processors, %lld MiB of memory, user %d, process %d",
		  u.sysname, u.release, u.machine, host_cpus(),
		  (long long)(sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE) / mib),
		  (int)getuid(), (int)getpid());
}

/* Which variables are secret is not known yet: of all only the names. */
static void add_hidden(struct strbuf *line, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	AUTO_FREE char *name = xstrndup(assignment, equals ? (size_t)(equals - assignment) : 0);

	if (*name) {
		log_add_word(line, name);
		strbuf_addch(line, '=');
	}
	strbuf_addstr(line, "...");
}

static void log_arguments(const struct command_ctx *ctx)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;
	bool is_value = false;

	for (int i = 0; i < ctx->argc; i++) {
		const char *arg = ctx->argv[i], *flag = arg + (text_starts_with(arg, "--") ? 1 : 0);

		strbuf_addch(&line, ' ');
		if (is_value) {
			add_hidden(&line, arg);
		} else if (text_starts_with(flag, "-var=")) {
			strbuf_addstr(&line, "-var=");
			add_hidden(&line, flag + strlen("-var="));
		} else {
			log_add_word(&line, arg);
		}
		is_value = !is_value && !strcmp(flag, "-var");
	}
	log_write("command", "%s%s%s in '%s'", ctx->command->name,
		  ctx->machine_readable ? " -machine-readable" : "", line.buf,
		  ctx->cwd ? ctx->cwd : "");
}

int debug_log_open(struct command_ctx *ctx)
{
	AUTO(error) struct error *e = NULL;
	const char *on = command_env("LOG"), *path = command_env("LOG_PATH");

	if (on ? !strcmp(on, "0") : !path)
		return 0;
	if (log_open(path, ctx->redactor, &e) < 0) {
		fprintf(stderr, "Couldn't setup log output: %s\n", e->message);
		return -1;
	}
	log_write("ingot", "version %s", INGOT_VERSION);
	log_host();
	log_arguments(ctx);
	for (char *const *p = ctx->environ; *p; p++)
		log_variable(*p);
	return 0;
}

void debug_log_dirs(const struct command_ctx *ctx)
{
	const struct host_dirs *d = &ctx->dirs;

	log_debug("dirs", "cache '%s', state '%s', config '%s', temporary '%s'", d->cache, d->state,
		  d->config, d->temp);
}

void debug_log_close(const struct command_ctx *ctx, int exit_code)
{
	struct log_loss loss;

	log_debug("exit", "status %d in %.3fs", exit_code,
		  (double)(clock_wall() - ctx->start_time) / NSEC_PER_SEC);
	loss = log_close();
	if (loss.lines)
		fprintf(stderr, "warning: %llu lines of the log could not be written: %s\n",
			(unsigned long long)loss.lines, strerrordesc_np(loss.os_errno));
}
