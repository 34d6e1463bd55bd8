/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/client.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 4 * 1024 * 1024 };

void docker_argv(struct strv *argv, const struct docker_client *client, const char *command)
{
	strv_push(argv, client->program);
	strv_push(argv, command);
}

/* ---- what went wrong ---------------------------------------------------------------------- */

struct known_failure {
	const char *text; /* part of what the tool says */
	const char *hint; /* %s: the tool */
};

static const struct known_failure known_failures[] = {
	{ "permission denied while trying to connect",
	  "the user must be in the group 'docker' (sudo usermod -aG docker USER, then log in "
	  "again), "
	  "or use Podman: docker_path = \"podman\"" },
	{ "Cannot connect to the Docker daemon",
	  "dockerd does not run: start it (sudo systemctl start docker), or set DOCKER_HOST if it "
	  "listens somewhere else" },
	{ "Is the docker daemon running",
	  "dockerd does not run: start it (sudo systemctl start docker), or set DOCKER_HOST if it "
	  "listens somewhere else" },
	{ "Cannot connect to Podman", "start its service (systemctl --user start podman.socket)" },
	{ "error during connect", "is DOCKER_HOST (or the docker context) right?" },
	{ "Could not find the file",
	  "directories are not created: make the parent in a shell provisioner first" },
	{ "no space left on device", "make room where the images are kept (docker system df)" },
	{ "pull access denied",
	  "the name of the image may be wrong, or the registry wants a login (login = true)" },
	{ "manifest unknown", "the registry has no such tag" },
	{ "no basic auth credentials", "the registry wants a login (login = true)" },
};

int docker_explain(const char *program, struct error **err)
{
	const char *text = (*err)->message;

	if ((*err)->kind == ERROR_NOT_FOUND && strstr(text, "not found in PATH"))
		return error_hint(err,
				  "install Docker (on Debian: apt install docker.io), or Podman "
				  "and say docker_path = \"podman\"");
	if ((*err)->kind == ERROR_NOT_FOUND)
		return error_hint(err,
				  "docker_path ('%s') must name the command line of Docker or "
				  "Podman",
				  program);
	for (size_t i = 0; i < ARRAY_LEN(known_failures); i++)
		if (strstr(text, known_failures[i].text))
			return error_hint(err, "%s", known_failures[i].hint);
	return -1;
}

bool docker_is_podman(const char *program)
{
	return text_starts_with(path_basename(program), "podman");
}

bool docker_is_absent(const struct error *e)
{
	return strstr(e->message, "o such container") || strstr(e->message, "o such image") ||
	       strstr(e->message, "o such object") || strstr(e->message, "no container with") ||
	       strstr(e->message, "image not known");
}

/* Past the log lines that Podman mixes in, and past whose message it is: everybody knows. */
static const char *core_of(const char *message)
{
	static const char *const starts[] = { "Error response from daemon: ", "Error: ",
					      "docker: " };
	const char *at = strstr(message, "exited with status ");
	const char *text = at ? strstr(at, ": ") : NULL;

	if (!text)
		return message;
	text += 2;
	/* what Docker thinks of its own builder */
	if (text_starts_with(text, "DEPRECATED: ") && strstr(text, "\n\n"))
		text = strstr(text, "\n\n") + 2;
	while (text_starts_with(text, "time=\"") && strchr(text, '\n'))
		text = strchr(text, '\n') + 1;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		while (text_starts_with(text, starts[i]))
			text += strlen(starts[i]);
	return *text ? text : message;
}

/* "See 'docker run --help'." is no help. */
static void drop_advice(struct strbuf *sb)
{
	static const char *const starts[] = { "\nSee 'docker ", "\nRun 'docker ",
					      "\nSee 'podman " };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		char *at = strstr(sb->buf, starts[i]);

		if (at)
			strbuf_truncate(sb, (size_t)(at - sb->buf));
	}
	strbuf_rtrim(sb);
}

static int fail(const struct docker_call *call, struct error *e, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, e->kind == ERROR_FAILED ? core_of(e->message) : e->message);
	drop_advice(&text);
	free(e->message);
	e->message = strbuf_detach(&text);
	error_move(err, e);
	return docker_explain(call->client->program, err);
}

/* ---- running ------------------------------------------------------------------------------ */

struct started {
	struct journal *journal;
	uint64_t id;
	const struct docker_call *call;
};

static int note_start(void *data, pid_t pid, struct error **err)
{
	const struct started *s = data;

	if (s->call->began)
		*s->call->began = true;
	if (journal_started(s->journal, s->id, pid, err) < 0)
		return -1;
	if (s->call->started)
		s->call->started(s->call->started_data);
	return 0;
}

static void set_env(struct strv *env, const char *name, const char *value)
{
	AUTO_FREE char *start = xasprintf("%s=", name);

	for (size_t i = env->len; i-- > 0;)
		if (text_starts_with(env->v[i], start))
			strv_remove(env, i);
	strv_pushf(env, "%s%s", start, value);
}

static void make_env(const struct docker_call *call, struct strv *ret)
{
	const struct docker_client *client = call->client;

	strv_pushv(ret, client->ctx->environ);
	if (call->variable)
		set_env(ret, call->variable, call->value);
	/* Podman's `cp` forgets a directory there */
	if (!strcmp(call->argv->v[1], "cp"))
		set_env(ret, "TMPDIR", client->ctx->temp_dir);
	if (!client->config_dir)
		return;

	/* they look for the logins of registries in different places */
	AUTO_FREE char *auth = path_join(client->config_dir, "auth.json");

	set_env(ret, "DOCKER_CONFIG", client->config_dir);
	set_env(ret, "REGISTRY_AUTH_FILE", auth);
}

int docker_run(const struct docker_call *call, struct error **err)
{
	struct build_ctx *ctx = call->client->ctx;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *what =
		xasprintf("%s %s", path_basename(call->client->program), call->argv->v[1]);
	struct started started = { .journal = ctx->journal, .call = call };
	struct proc_run run = {
		.spec = { .argv = call->argv, .env = &env },
		.input = call->input,
		.input_len = call->input_len,
		.more = call->more,
		.more_data = call->more_data,
		.more_fd = call->more_fd,
		.line = call->line,
		.line_data = call->line_data,
		.bytes = call->bytes,
		.bytes_data = call->bytes_data,
		.output = call->output,
		.started = note_start,
		.started_data = &started,
	};

	if (call->in_fd) {
		run.spec.in = PROC_FD;
		run.spec.in_fd = call->in_fd;
	}
	if (call->out_fd) {
		run.spec.out = PROC_FD;
		run.spec.out_fd = call->out_fd;
	}
	make_env(call, &env);
	/* who only looks has no journal: nothing is left behind by that */
	if (!ctx->journal)
		run.started = NULL;
	else if (journal_process(ctx->journal, what, &env, &started.id, err) < 0)
		return -1;

	int r = proc_run(&run, call->cancel ? call->cancel : ctx->cancel, call->ret_status, &e);

	if (ctx->journal)
		journal_done(ctx->journal, started.id);
	return r < 0 ? fail(call, TAKE(e), err) : 0;
}

char *docker_ask(const struct docker_client *client, const struct strv *argv, struct cancel *c,
		 struct error **err)
{
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(ANSWER_MAX);
	const struct docker_call call = {
		.client = client, .argv = argv, .cancel = c, .output = &out
	};

	if (docker_run(&call, err) < 0)
		return NULL;
	strbuf_rtrim(&out);
	return strbuf_detach(&out);
}
