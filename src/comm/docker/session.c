/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shell reads a line with `read`, which takes no byte too many from a pipe,
 * and nothing is sent before its answer to the last line: so what `head` reads
 * is what belongs to it, however far it reads ahead.
 */
#include "comm/docker/session.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "comm/docker/argv.h"
#include "os/fd.h"
#include "os/wait.h"

#include <errno.h>
#include <string.h>

enum { ANSWER_SEC = 20, FAILURES_MAX = 3, LINE_MAX_BYTES = 64 };

static const char script[] = "umask 077; while read -r op mode n path; do "
			     "case $op in "
			     "put) head -c \"$n\" >\"$path\" && chmod \"$mode\" \"$path\";; "
			     "rm) rm -f \"$path\" </dev/null;; "
			     "esac; echo \"did $?\"; done 2>/dev/null";

void docker_session_init(struct docker_session *s, const struct docker_comm_config *cfg,
			 const struct docker_client *client)
{
	*s = (struct docker_session){ .cfg = cfg, .client = client, .proc = PROC_INIT };
}

void docker_session_close(struct docker_session *s)
{
	if (!s->open)
		return;
	/* without input it ends, the client with it */
	proc_stop(&s->proc, NSEC_PER_SEC);
	proc_release(&s->proc);
	journal_done(s->client->ctx->journal, s->entry);
	s->proc = (struct proc)PROC_INIT;
	s->open = false;
}

static int start(struct docker_session *s, struct error **err)
{
	struct build_ctx *ctx = s->client->ctx;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	const struct proc_spec spec = {
		.argv = &argv, .env = &env, .in = PROC_PIPE, .out = PROC_PIPE
	};
	AUTO_FREE char *what = xasprintf("%s exec", path_basename(s->cfg->program));

	argv_docker_exec(&argv, s->cfg, DOCKER_STDIN_OPEN);
	strv_pushl(&argv, "/bin/sh", "-c", script, NULL);
	strv_pushv(&env, ctx->environ);
	if (journal_process(ctx->journal, what, &env, &s->entry, err) < 0)
		return -1;
	if (proc_start(&s->proc, &spec, err) < 0) {
		journal_done(ctx->journal, s->entry);
		return -1;
	}
	s->open = true;
	return journal_started(ctx->journal, s->entry, s->proc.pid, err);
}

/* The line that ends with success; anything else is a failure. */
static int read_answer(struct docker_session *s, int64_t deadline, struct cancel *c,
		       struct error **err)
{
	char line[LINE_MAX_BYTES + 1] = "";
	size_t len = 0;

	while (len < LINE_MAX_BYTES && !strchr(line, '\n')) {
		if (io_wait(s->proc.out_fd, POLLIN, deadline, c, err) < 0)
			return -1;

		ssize_t n = fd_read(s->proc.out_fd, line + len, LINE_MAX_BYTES - len);

		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			return error_set(err, ERROR_DISCONNECTED, "the shell ended");
		len += (size_t)n;
		line[len] = '\0';
	}
	if (!strcmp(line, "did 0\n"))
		return 0;
	return error_set(err, ERROR_REMOTE, "the shell said '%s'", line);
}

/* After a failure nobody knows what of the input is read: the next one gets a new shell. */
static int ask(struct docker_session *s, const char *line, const struct comm_upload *up,
	       struct cancel *c, struct error **err)
{
	int64_t deadline = clock_deadline(ANSWER_SEC * NSEC_PER_SEC);
	AUTO(error) struct error *e = NULL;

	if (s->failures >= FAILURES_MAX)
		return 0;
	if ((s->open || start(s, &e) == 0) &&
	    io_write_all(s->proc.in_fd, line, strlen(line), deadline, c, &e) == 0 &&
	    (!up || io_write_all(s->proc.in_fd, up->data, up->len, deadline, c, &e) == 0) &&
	    read_answer(s, deadline, c, &e) == 0)
		return 1;
	docker_session_close(s);
	s->failures++;
	error_ignore(&e, "there is a longer way");
	return cancel_check(c, err);
}

/* What a line of the shell holds as it is. */
static bool is_plain(const char *path)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";

	return *path == '/' && strspn(path, letters) == strlen(path);
}

int docker_session_put(struct docker_session *s, const struct comm_upload *up, const char *path,
		       struct cancel *c, struct error **err)
{
	AUTO_FREE char *line =
		xasprintf("put %04o %zu %s\n", (unsigned)(up->mode & 07777), up->len, path);

	if (!is_plain(path) || up->path || !up->len || up->len > SESSION_PUT_MAX)
		return 0;
	return ask(s, line, up, c, err);
}

int docker_session_remove(struct docker_session *s, const char *path, struct cancel *c,
			  struct error **err)
{
	AUTO_FREE char *line = xasprintf("rm 0 0 %s\n", path);

	return is_plain(path) ? ask(s, line, NULL, c, err) : 0;
}
