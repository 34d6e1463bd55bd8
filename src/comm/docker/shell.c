/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of the engine has the descriptors, and a terminal, as if the person had started it: it knows how
 * to hand on keys, signals and the size of the window. We wait for its end.
 */
#include "comm/docker/shell.h"

#include "base/duration.h"
#include "base/str.h"
#include "comm/docker/argv.h"
#include "os/clock.h"
#include "os/tty.h"

enum { GRACE_SECONDS = 3 };

static const char own_shell[] = "command -v bash >/dev/null 2>&1 && exec bash; exec /bin/sh";

static void make_argv(const struct docker_comm_config *cfg, const struct comm_shell *s,
		      struct strv *ret)
{
	AUTO(strv) struct strv start = STRV_INIT;

	argv_docker_exec(&start, cfg, DOCKER_STDIN_OPEN);
	for (size_t i = 0; i + 1 < start.len; i++)
		strv_push(ret, start.v[i]);
	if (s->terminal)
		strv_push(ret, "-t");
	if (s->terminal && !text_is_empty(s->term)) {
		strv_push(ret, "-e");
		strv_pushf(ret, "TERM=%s", s->term);
	}
	strv_pushl(ret, cfg->container, "/bin/sh", NULL);
	if (s->command || s->terminal)
		strv_pushl(ret, "-c", s->command ? s->command : own_shell, NULL);
}

static int converse(struct proc *p, struct comm_shell *s, struct cancel *c, int *ret_status,
		    struct error **err)
{
	struct tty_loan loan = { .fd = s->in };
	int r = s->terminal ? tty_lend(&loan, p->pid, err) : 0;

	if (r == 0)
		r = proc_wait(p, DEADLINE_NEVER, c, ret_status, err);
	if (r < 0)
		proc_stop(p, GRACE_SECONDS * NSEC_PER_SEC);
	tty_take_back(&loan);
	return r;
}

int docker_shell(const struct docker_comm_config *cfg, const struct docker_client *client,
		 struct comm_shell *s, struct cancel *c, int *ret_status, struct error **err)
{
	struct build_ctx *ctx = client->ctx;
	AUTO(strv) struct strv argv = STRV_INIT, env = STRV_INIT;
	const struct proc_spec spec = {
		.argv = &argv,
		.env = &env,
		.in = PROC_FD,
		.out = PROC_FD,
		.err = PROC_FD,
		.in_fd = s->in,
		.out_fd = s->out,
		.err_fd = s->err,
	};
	struct proc p = PROC_INIT;
	uint64_t entry;
	int r;

	make_argv(cfg, s, &argv);
	strv_pushv(&env, ctx->environ);
	if (journal_process(ctx->journal, "shell", &env, &entry, err) < 0)
		return -1;
	r = proc_start(&p, &spec, err);
	if (r == 0)
		r = journal_started(ctx->journal, entry, p.pid, err);
	if (r == 0)
		r = converse(&p, s, c, ret_status, err);
	else
		proc_stop(&p, 0);
	proc_release(&p);
	journal_done(ctx->journal, entry);
	return r;
}
