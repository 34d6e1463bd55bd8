/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/remote.h"

#include "base/duration.h"
#include "os/wait.h"

enum { RETRY_MSEC = 500, REFUSAL_SEC = 10 };

struct stream {
	struct ui *ui;
	bool is_stderr;
};

struct streams {
	struct line_splitter *out, *err;
};

static void show(void *data, const char *line)
{
	const struct stream *s = data;

	ui_output(s->ui, s->is_stderr, line);
}

static void feed(void *data, bool is_stderr, const void *bytes, size_t len)
{
	struct streams *s = data;

	line_splitter_feed(is_stderr ? s->err : s->out, bytes, len);
}

int remote_run(struct provision_ctx *ctx, const char *command, bool *began, int *ret_status,
	       struct error **err)
{
	struct stream out = { ctx->build->ui, false }, bad = { ctx->build->ui, true };
	struct streams s = { line_splitter_new(show, &out), line_splitter_new(show, &bad) };
	const struct comm_cmd cmd = {
		.command = command, .output = feed, .output_data = &s, .began = began
	};
	int r = ctx->comm->ops->exec(ctx->comm, &cmd, ctx->build->cancel, ret_status, err);

	line_splitter_free(s.out);
	line_splitter_free(s.err);
	return r;
}

int remote_run_quietly(struct provision_ctx *ctx, const char *command, int *ret_status,
		       struct error **err)
{
	const struct comm_cmd cmd = { .command = command };

	return ctx->comm->ops->exec(ctx->comm, &cmd, ctx->build->cancel, ret_status, err);
}

static bool is_out_of_reach(const struct error *e)
{
	return e->kind == ERROR_DISCONNECTED || e->kind == ERROR_TIMEOUT || e->kind == ERROR_AUTH;
}

int remote_retry(struct provision_ctx *ctx, int64_t timeout, remote_fn fn, void *data,
		 struct error **err)
{
	struct cancel *c = ctx->build->cancel;
	int64_t start = clock_monotonic();

	for (;;) {
		AUTO(error) struct error *e = NULL;
		int64_t limit = timeout > 0 ? timeout : INT64_MAX;

		if (fn(data, ctx, &e) == 0)
			return 0;
		if (cancel_check(c, err) < 0)
			return -1;
		if (!is_out_of_reach(e))
			limit = MIN(limit, REFUSAL_SEC * NSEC_PER_SEC);
		if (e->kind == ERROR_CANCELLED || e->kind == ERROR_GONE ||
		    e->kind == ERROR_INVALID || clock_monotonic() - start > limit)
			return error_move(err, TAKE(e));
		ui_wait(ctx->build->ui, "the machine to be within reach again: %s", e->message);
		if (io_pause(clock_deadline(RETRY_MSEC * NSEC_PER_MSEC), c, err) < 0)
			return -1;
	}
}
