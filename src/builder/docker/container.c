/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an image to a container that runs, and away again. Its name goes to the
 * journal before it is made. `docker wait` runs beside it: its end is the end
 * of the container, or of the daemon, and no step has to find that out by
 * failing.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/docker/argv.h"
#include "builder/docker/image.h"
#include "builder/docker/machine.h"
#include "config/config.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"
#include "tmpl/tmpl.h"

#include <stdlib.h>
#include <string.h>

enum {
	ID_HEX = 64,
	WAIT_OUTPUT_MAX = 4096,
	LOGS_MAX = 64 * 1024,
	LOGS_SEC = 5,
	/* a daemon that was asked for a container may be at it still when we are interrupted */
	LAYERS_MAX = 100, /* engines end at 125 or so, and what follows adds some */
	LATE_TRIES = 10,
	LATE_MSEC = 200,
};

static struct docker_client client_of(const struct docker_machine *m, struct build_ctx *ctx)
{
	return (struct docker_client){ .program = m->config->docker_path, .ctx = ctx };
}

/* ---- starting ----------------------------------------------------------------------------- */

static int render_command(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct text_list *words = &m->config->run_command;
	struct map fields;

	strv_release(&m->command);

	value_map_init(&fields);
	map_set(&fields, "Image", value_string(m->variant));

	AUTO(value) struct value *data = value_object_take(&fields);
	const struct tmpl_ctx t = {
		.data = data,
		.build_name = ctx->info->source_name,
		.build_type = ctx->info->builder_type,
		.packer_version = COMPAT_VERSION,
		.user = ctx->info->user_variables,
		.world = ctx->info->world,
	};

	if (!words->len)
		words = &docker_default_run_command;
	for (size_t i = 0; i < words->len; i++) {
		char *text = tmpl_render(words->v[i], &t, err);

		if (!text)
			return error_prefix(err, "cannot render run_command");
		strv_push_take(&m->command, text);
	}
	return 0;
}

static int make_shared(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	if (text_is_empty(m->config->container_dir) || m->shared)
		return 0;

	AUTO_FREE char *dir = path_join(ctx->temp_dir, "container");

	if (fs_mkdir_all(dir, 0755, err) < 0)
		return -1;
	m->shared = TAKE(dir);
	return 0;
}

/* The last line: with some versions warnings stand before it. */
static int take_id(struct docker_machine *m, const char *output, struct error **err)
{
	const char *line = strrchr(output, '\n');

	line = line ? line + 1 : output;
	if (strlen(line) != ID_HEX || strspn(line, "0123456789abcdef") != ID_HEX)
		return error_set(err, ERROR_REMOTE, "'%s run' did not say which container it made",
				 m->config->docker_path);
	m->id = xstrdup(line);
	return 0;
}

/* A name that the template gives is known only once it is certain whose container has it. */
static int journal_id(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	uint64_t before = m->entry;

	if (journal_container(ctx->journal, m->config->docker_path, m->id, ctx->environ, &m->entry,
			      err) < 0)
		return -1;
	journal_done(ctx->journal, before);
	free(m->name);
	m->name = xstrdup(m->id);
	return 0;
}

static int run(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	struct docker_client client = client_of(m, ctx);
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_FREE char *name = xasprintf("ingot-%s", journal_run_id(ctx->journal));

	if (render_command(m, ctx, err) < 0 || make_shared(m, ctx, err) < 0)
		return -1;
	if (journal_container(ctx->journal, m->config->docker_path, name, ctx->environ, &m->entry,
			      err) < 0)
		return -1;
	m->name = TAKE(name);
	argv_docker_start(&argv, m->config, m->name, m->shared, &m->command);

	AUTO_FREE char *line = strv_join(&argv, " ");

	ui_say(ctx->ui, "Starting docker container...");
	ui_output(ctx->ui, false, line);

	AUTO_FREE char *output = docker_ask(&client, &argv, NULL, err);

	if (!output)
		return error_prefix(err, "cannot start a container");
	if (take_id(m, output, err) < 0)
		return -1;
	ui_say(ctx->ui, "Container ID: %s", m->id);
	return docker_names_container(&m->command) ? journal_id(m, ctx, err) : 0;
}

/* ---- watching ----------------------------------------------------------------------------- */

static int watch(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	const struct proc_spec spec = {
		.argv = &argv, .env = &env, .out = PROC_PIPE, .err = PROC_PIPE
	};

	AUTO_FREE char *what = xasprintf("%s wait", path_basename(m->config->docker_path));

	strv_pushl(&argv, m->config->docker_path, "wait", m->id, NULL);
	strv_pushv(&env, ctx->environ);
	if (journal_process(ctx->journal, what, &env, &m->wait_entry, err) < 0)
		return -1;
	if (proc_start(&m->wait, &spec, err) < 0 ||
	    journal_started(ctx->journal, m->wait_entry, m->wait.pid, err) < 0)
		return docker_explain(m->config->docker_path, err);
	m->machine.watch_fd = m->wait.pidfd;
	return 0;
}

void container_unwatch(struct docker_machine *m, struct build_ctx *ctx)
{
	m->machine.watch_fd = -1;
	proc_kill(&m->wait);
	proc_release(&m->wait);
	m->wait = (struct proc)PROC_INIT;
	journal_done(ctx->journal, m->wait_entry);
	m->wait_entry = 0;
}

static char *read_all(int fd)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT_MAX(WAIT_OUTPUT_MAX);
	char buf[512];
	ssize_t n;

	while (fd >= 0 && sb.len < WAIT_OUTPUT_MAX / 2 && (n = fd_read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(&sb, buf, (size_t)n);
	strbuf_rtrim(&sb);
	return strbuf_detach(&sb);
}

/* What it said last, which is mostly why. */
static char *last_words(const struct docker_machine *m)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(LOGS_MAX);
	AUTO(error) struct error *e = NULL;
	struct proc_run run = {
		.spec = { .argv = &argv, .merge_err = true },
		.output = &out,
		.deadline = clock_deadline(LOGS_SEC * NSEC_PER_SEC),
	};

	strv_pushl(&argv, m->config->docker_path, "logs", "--tail", "10", m->id, NULL);
	if (proc_run(&run, NULL, NULL, &e) < 0) {
		error_ignore(&e, "then without them");
		return NULL;
	}
	strbuf_rtrim(&out);
	return out.len ? xasprintf("the last lines of its output:\n%s", out.buf) : NULL;
}

int container_why_ended(void *machine, struct error **err)
{
	struct docker_machine *m = machine;

	if (!m->ended) {
		AUTO_FREE char *out = NULL, *bad = NULL;

		(void)proc_try_reap(&m->wait);
		out = read_all(m->wait.out_fd);
		bad = read_all(m->wait.err_fd);
		if (m->wait.status == 0) {
			m->ended = xasprintf("the container ended by itself with status %s", out);
			m->ended_hint = last_words(m);
		} else {
			m->ended = xasprintf("the connection to the container was lost: %s",
					     *bad ? bad : "the daemon or its client ended");
		}
	}
	error_set(err, ERROR_GONE, "%s", m->ended);
	return m->ended_hint ? error_hint(err, "%s", m->ended_hint) : -1;
}

/* ERROR_INVALID: what was kept is of no use. */
static int look_at_kept(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	struct docker_client client = client_of(m, ctx);
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;

	if (docker_inspect(&client, "image", m->variant, &facts, err) < 0) {
		if ((*err)->kind == ERROR_NOT_FOUND && docker_is_absent(*err))
			(*err)->kind = ERROR_INVALID;
		return -1;
	}
	if (!m->kept.image && !docker_same_id(facts.id, m->kept.source.id))
		return error_set(err, ERROR_INVALID, "'%s' is another image now", m->variant);
	if (facts.layers > LAYERS_MAX)
		return error_set(err, ERROR_INVALID, "its image has %zu layers, too many to go on",
				 facts.layers);
	m->base_size = facts.size;
	return 0;
}

/* Not another one that the template names. */
static int check_origin(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	struct docker_client client = client_of(m, ctx);
	AUTO(docker_facts) struct docker_facts facts = DOCKER_FACTS_INIT;
	const char *wanted = m->kept.image ? m->kept.image : m->kept.source.id;

	if (docker_inspect(&client, "container", m->id, &facts, err) < 0)
		return error_prefix(err, "cannot look at the container");
	if (docker_same_id(facts.image, wanted))
		return 0;
	return error_set(err, ERROR_INVALID, "the container was not made of what was kept");
}

static int resume(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	if (kept_read(m->from->dir, &m->kept, err) < 0)
		return -1;
	/* by its id: a name of ours would be seen in what is made of it */
	if (m->kept.image)
		m->variant = xstrdup(m->kept.image);
	else if (image_get(m->config, ctx, &m->variant, err) < 0)
		return -1;
	if (look_at_kept(m, ctx, err) < 0 || run(m, ctx, err) < 0 || check_origin(m, ctx, err) < 0)
		return -1;
	docker_facts_release(&m->source);
	m->source = m->kept.source;
	m->kept.source = (struct docker_facts)DOCKER_FACTS_INIT;
	return watch(m, ctx, err);
}

int container_start(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct docker_config *c = m->config;

	if (m->from)
		return resume(m, ctx, err);
	if (image_get(c, ctx, &m->variant, err) < 0 ||
	    image_look(c, ctx, m->variant, &m->source, err) < 0)
		return -1;
	m->base_size = m->source.size;
	if (ctx->resolved.id && !docker_same_id(ctx->resolved.id, m->source.id))
		return error_set(err, ERROR_FAILED,
				 "the image '%s' became another one while the build began",
				 m->variant);
	return run(m, ctx, err) < 0 ? -1 : watch(m, ctx, err);
}

/* ---- removing ----------------------------------------------------------------------------- */

static int remove_once(struct docker_machine *m, struct build_ctx *ctx, bool *ret_found,
		       struct error **err)
{
	struct docker_client client = client_of(m, ctx);
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	argv_docker_remove(&argv, m->config, m->name);

	AUTO_FREE char *output = docker_ask(&client, &argv, NULL, &e);

	if (!output && !docker_is_absent(e))
		return error_move(err, TAKE(e));
	*ret_found = output && *output;
	return 0;
}

int container_remove(struct docker_machine *m, struct build_ctx *ctx, struct error **err)
{
	bool found = false;

	if (!m->name)
		return 0;
	if (m->id)
		ui_say(ctx->ui, "Killing the container: %s", m->id);
	for (int i = 0; !found && i < (m->id ? 1 : LATE_TRIES); i++) {
		if (i && io_pause(clock_deadline(LATE_MSEC * NSEC_PER_MSEC), ctx->cancel, err) < 0)
			return -1;
		if (remove_once(m, ctx, &found, err) < 0) {
			error_hint(err, "'ingot gc' removes it later");
			return error_prefix(err, "container %s is left", m->name);
		}
	}
	journal_done(ctx->journal, m->entry);
	free(TAKE(m->name));
	return 0;
}
