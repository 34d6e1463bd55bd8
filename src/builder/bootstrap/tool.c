/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/tool.h"

#include "base/alloc.h"
#include "builder/bootstrap/host.h"

#include <string.h>

struct started {
	struct journal *journal;
	uint64_t id;
};

static int note_start(void *data, pid_t pid, struct error **err)
{
	const struct started *s = data;

	return journal_started(s->journal, s->id, pid, err);
}

int tool_run(const struct tool_call *call, struct error **err)
{
	struct build_ctx *ctx = call->ctx;
	AUTO(strv) struct strv env = STRV_INIT;
	struct started started = { .journal = ctx->journal };
	struct proc_run run = {
		.spec = { .argv = call->argv, .env = &env },
		.input = call->input,
		.input_len = call->input ? strlen(call->input) : 0,
		.line = call->line,
		.line_data = call->line_data,
		.started = note_start,
		.started_data = &started,
	};

	host_environment(ctx->environ, ctx->temp_dir, call->epoch, &env);
	if (call->more_env)
		strv_pushv(&env, call->more_env->v);
	if (journal_process(ctx->journal, call->what, &env, &started.id, err) < 0)
		return -1;

	int r = proc_run(&run, ctx->cancel, call->ret_status, err);

	journal_done(ctx->journal, started.id);
	return r;
}
