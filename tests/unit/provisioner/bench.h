/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bench to try a provisioner on: a machine that writes down what it is asked
 * for and answers from a script, and a user interface that writes down what it
 * is told. Everything ends up in `log`, one line each.
 */
#pragma once

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "core/component.h"
#include "os/clock.h"
#include "os/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What the next command answers; after the last one every command ends with 0. */
struct bench_answer {
	int status;
	const char *out, *err; /* output */
	const char *fail;      /* an error instead */
	enum error_kind kind;
};

struct bench {
	struct comm comm; /* first */
	struct event_sink sink;
	struct ui ui;
	struct build_ctx build;
	struct component_info info;
	struct provision_ctx ctx;
	struct arena *arena;
	struct map ranges;
	struct decoded decoded;
	struct diags diags;
	struct cancel *cancel;
	struct journal *journal;
	struct strbuf log;
	const struct bench_answer *answers; /* for exec, in order */
	size_t answer_count, answer_at;
	const struct bench_answer *uploads; /* for upload: only `fail` counts */
	size_t upload_count, upload_at;
	char dir[64];
	char *environ_[4];
};

static inline struct bench *bench_of_sink(struct event_sink *sink)
{
	return (struct bench *)((char *)sink - offsetof(struct bench, sink));
}

static inline void bench_emit(struct event_sink *sink, const struct event *ev)
{
	struct bench *b = bench_of_sink(sink);

	if (ev->kind == EVENT_SAY)
		strbuf_addf(&b->log, "say %s\n", ev->text);
	else if (ev->kind == EVENT_OUTPUT)
		strbuf_addf(&b->log, "%s %s\n", ev->is_error ? "err" : "out", ev->text);
}

static inline int bench_exec(struct comm *m, const struct comm_cmd *cmd, struct cancel *c,
			     int *ret_status, struct error **err)
{
	struct bench *b = (struct bench *)m;
	const struct bench_answer none = { 0 };
	const struct bench_answer *a =
		b->answer_at < b->answer_count ? &b->answers[b->answer_at++] : &none;

	strbuf_addf(&b->log, "exec %s\n", cmd->command);
	if (a->fail)
		return error_set(err, a->kind, "%s", a->fail);
	if (a->out && cmd->output)
		cmd->output(cmd->output_data, false, a->out, strlen(a->out));
	if (a->err && cmd->output)
		cmd->output(cmd->output_data, true, a->err, strlen(a->err));
	*ret_status = a->status;
	return 0;
}

static inline int bench_upload(struct comm *m, const struct comm_upload *up, const char *dst,
			       struct cancel *c, struct error **err)
{
	struct bench *b = (struct bench *)m;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (up->path && fs_read(up->path, FS_READ_MAX, &text, err) < 0)
		return -1;
	if (!up->path)
		strbuf_add(&text, up->data, up->len);
	strbuf_addf(&b->log, "upload %s %o: %s\n", dst, up->mode, text.buf);
	if (b->upload_at < b->upload_count && b->uploads[b->upload_at++].fail)
		return error_set(err, b->uploads[b->upload_at - 1].kind, "%s",
				 b->uploads[b->upload_at - 1].fail);
	return 0;
}

static inline int bench_upload_dir(struct comm *m, const char *src, const char *dst,
				   struct cancel *c, struct error **err)
{
	strbuf_addf(&((struct bench *)m)->log, "upload_dir %s %s\n", src, dst);
	return 0;
}

static inline int bench_download(struct comm *m, const char *src, const char *dst, struct cancel *c,
				 struct error **err)
{
	strbuf_addf(&((struct bench *)m)->log, "download %s %s\n", src, dst);
	return 0;
}

static inline int bench_download_dir(struct comm *m, const char *src, const char *dst,
				     struct cancel *c, struct error **err)
{
	strbuf_addf(&((struct bench *)m)->log, "download_dir %s %s\n", src, dst);
	return 0;
}

static const struct comm_ops bench_ops = {
	.exec = bench_exec,
	.upload = bench_upload,
	.upload_dir = bench_upload_dir,
	.download = bench_download,
	.download_dir = bench_download_dir,
};

static inline int bench_setup(void **state)
{
	struct bench *b = NEW(struct bench);
	AUTO(error) struct error *e = NULL;

	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/bench.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->comm.ops = &bench_ops;
	b->sink.emit = bench_emit;
	b->ui = (struct ui){ .sink = &b->sink };
	b->info = (struct component_info){ .source_name = "src", .builder_type = "null" };
	b->arena = arena_new();
	map_init(&b->ranges, NULL);
	b->decoded = (struct decoded){ .ranges = &b->ranges };
	b->cancel = cancel_new(NULL, DEADLINE_NEVER);
	strbuf_init(&b->log);
	assert_int_equal(journal_open(b->dir, "run", &b->journal, &e), 0);
	b->environ_[0] = (char *)"PATH=/usr/bin:/bin";
	b->environ_[1] = (char *)"KEEP=kept";
	b->build = (struct build_ctx){
		.info = &b->info,
		.ui = &b->ui,
		.cancel = b->cancel,
		.journal = b->journal,
		.cwd = b->dir,
		.temp_dir = b->dir,
		.environ = b->environ_,
	};
	b->ctx = (struct provision_ctx){ .build = &b->build, .comm = &b->comm };
	*state = b;
	return 0;
}

static inline int bench_teardown(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	ui_release(&b->ui);
	journal_close(b->journal);
	assert_int_equal(fs_remove_tree(b->dir, &e), 0);
	value_unref(b->ctx.generated);
	diags_release(&b->diags);
	map_release(&b->ranges);
	arena_free(b->arena);
	cancel_free(b->cancel);
	strbuf_release(&b->log);
	free(b);
	return 0;
}

static inline void bench_prepare(struct bench *b, const struct provisioner_type *type, void *config)
{
	const struct prepare_ctx ctx = {
		.info = &b->info,
		.decoded = &b->decoded,
		.arena = b->arena,
		.cwd = b->dir,
	};

	type->prepare(config, &ctx, &b->diags);
}

/* The log with the names of temporary files replaced by TMP. */
static inline void bench_expect(struct bench *b, const char *want)
{
	AUTO_FREE char *prefix = xasprintf("%s/", b->dir);
	char *p;

	while ((p = strstr(b->log.buf, prefix))) {
		size_t at = (size_t)(p - b->log.buf), n = strlen(prefix);

		while (p[n] && !strchr(" \n'", p[n]))
			n++;
		strbuf_remove(&b->log, at, n);
		strbuf_insert(&b->log, at, "TMP", 3);
	}
	assert_string_equal(b->log.buf, want);
}

static inline void bench_expect_diag(struct bench *b, const char *want)
{
	assert_int_equal(b->diags.len, 1);
	assert_string_equal(b->diags.items[0].summary, want);
}

static inline char *bench_file(struct bench *b, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", b->dir, name);
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_write(path, text, strlen(text), 0700, &e), 0);
	return path;
}

#define BENCH(fn) cmocka_unit_test_setup_teardown(fn, bench_setup, bench_teardown)
#define LIST(...)                                                                                  \
	{                                                                                          \
		.v = (const char *const[]){ __VA_ARGS__, NULL },                                   \
		.len = ARRAY_LEN(((const char *const[]){ __VA_ARGS__ }))                           \
	}
