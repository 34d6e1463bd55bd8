/* SPDX-License-Identifier: Apache-2.0 */
#include "text_machine.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "cache/store.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_SIZE_MAX = 1 << 20, LOOK_MSEC = 1 };

struct text_world text_world;

static void note(const char *what, const char *more)
{
	AUTO_CLOSE int fd = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	AUTO_FREE char *line = xasprintf("%s%s\n", what, more);

	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		abort();
}

static void progress(void)
{
	atomic_fetch_add(&text_world.progress, 1);
	if (text_world.shared)
		atomic_fetch_add(text_world.shared, 1);
}

/* ---- the machine ------------------------------------------------------------------------------ */

struct text_source {
	const char *text, *output;
};
static const struct attr source_attrs[] = {
	ATTR_STRING(struct text_source, text, 0, "What the machine starts with.", .def = ""),
	ATTR_STRING(struct text_source, output, ATTR_REQUIRED, "Directory of the result."),
	ATTR_END,
};
static const struct schema source_schema = SCHEMA(struct text_source, source_attrs);

VEC_DECLARE(fd_list, int);

struct text_machine {
	struct machine base;
	const struct text_source *config;
	struct build_ctx *ctx;
	struct store *store; /* NULL: the disk is in the temporary directory */
	struct strv layers;  /* paths, oldest first; the last is ours */
	struct fd_list fds;  /* hold them */
	bool has_own, deaf;
};

static struct text_machine *of(struct machine *m)
{
	return (struct text_machine *)m;
}

static int add_layer(struct text_machine *m, struct error **err)
{
	char *path;
	int fd;

	m->has_own = false;
	if (m->store) {
		if (store_layer_new(m->store, "text", &path, &fd, err) < 0)
			return -1;
	} else if (fs_temp_file(m->ctx->temp_dir, "disk-", "", &path, &fd, err) < 0) {
		return -1;
	}
	strv_push_take(&m->layers, path);
	*vec_push(&m->fds) = fd;
	m->has_own = true;
	return 0;
}

static int read_text(const struct text_machine *m, struct strbuf *ret, struct error **err)
{
	for (size_t i = 0; i < m->layers.len; i++)
		if (fs_read(m->layers.v[i], TEXT_SIZE_MAX, ret, err) < 0)
			return -1;
	return 0;
}

static int add_text(struct text_machine *m, const char *text, struct error **err)
{
	int fd = m->fds.items[m->fds.len - 1];

	if (lseek(fd, 0, SEEK_END) < 0)
		return error_set_errno(err, errno, "cannot seek");
	return fs_write_all(fd, text, strlen(text), m->layers.v[m->layers.len - 1], err);
}

static void destroy(struct machine *base, struct build_ctx *ctx, bool keep_output)
{
	struct text_machine *m = of(base);

	(void)ctx;
	(void)keep_output;
	if (m->has_own)
		(void)unlink(m->layers.v[m->layers.len - 1]);
	for (size_t i = 0; i < m->fds.len; i++)
		fd_close(m->fds.items[i]);
	vec_release(&m->fds);
	strv_release(&m->layers);
	free(m);
	atomic_fetch_sub(&text_world.held, 1);
	progress();
}

static int go_on(struct text_machine *m, struct checkpoint *from, struct error **err)
{
	AUTO_FREE char *memory = path_join(from->dir, "memory");
	AUTO(strbuf) struct strbuf disk = STRBUF_INIT, kept = STRBUF_INIT;

	for (size_t i = 0; i < from->layers.len; i++) {
		int fd;

		if (store_layer_hold(m->store, from->layers.v[i], &fd, err) < 0)
			return -1;
		*vec_push(&m->fds) = fd;
		strv_pushf(&m->layers, "%s/layers/%s", store_dir(m->store), from->layers.v[i]);
	}
	if (read_text(m, &disk, err) < 0)
		return -1;
	if (text_world.bad_checkpoint &&
	    (!text_world.bad_text || text_eq(text_world.bad_text, disk.buf)))
		return error_set(err, ERROR_INVALID, "a bad checkpoint");
	from->has_memory = !from->boot_only && fs_exists(memory);
	atomic_fetch_add(from->has_memory ? &text_world.memory_starts : &text_world.disk_starts, 1);
	m->deaf = (text_world.deaf && from->has_memory) ||
		  (text_world.deaf_text && text_eq(text_world.deaf_text, disk.buf));
	if (!from->has_memory)
		return 0;
	if (fs_read(memory, TEXT_SIZE_MAX, &kept, err) < 0)
		return -1;
	if (strcmp(kept.buf, disk.buf) != 0) /* a mistake of the engine or the store */
		abort();
	return 0;
}

static const struct machine_ops text_ops;

static struct machine *start(const void *config, struct build_ctx *ctx, struct checkpoint *from,
			     struct error **err)
{
	struct text_machine *m = NEW(struct text_machine);
	int r;

	*m = (struct text_machine){
		.base = { .ops = &text_ops, .watch_fd = -1, .comm_type = "text", .comm_config = m },
		.config = config,
		.ctx = ctx,
		.store = ctx->store,
		.layers = STRV_INIT,
	};
	atomic_fetch_add(&text_world.held, 1);
	progress();
	if (!from)
		note("start", "");
	r = from ? go_on(m, from, err) : 0;
	if (r == 0)
		r = add_layer(m, err);
	if (r == 0 && !from)
		r = add_text(m, m->config->text, err);
	if (r == 0)
		return &m->base;
	destroy(&m->base, ctx, false);
	return NULL;
}

/* The memory, which is written while the machine goes on. */
struct text_rest {
	struct checkpoint_rest base;
	char *path, *text;
};

static int write_memory(struct checkpoint_rest *base, struct cancel *c, struct error **err)
{
	struct text_rest *r = (struct text_rest *)base;

	if (text_world.late_error)
		return error_set_errno(err, text_world.late_error, "cannot write the memory");
	if (cancel_check(c, err) < 0 || fs_write(r->path, r->text, strlen(r->text), 0600, err) < 0)
		return -1;
	atomic_fetch_add(&text_world.memories, 1);
	return 0;
}

static void release_memory(struct checkpoint_rest *base, struct build_ctx *ctx)
{
	struct text_rest *r = (struct text_rest *)base;

	(void)ctx;
	free(r->path);
	free(r->text);
	free(r);
}

static struct checkpoint_rest *late_memory(const char *dir, const char *text)
{
	struct text_rest *r = NEW(struct text_rest);

	*r = (struct text_rest){ { write_memory, release_memory },
				 path_join(dir, "memory"),
				 xstrdup(text) };
	return &r->base;
}

static int checkpoint(struct machine *base, struct build_ctx *ctx, struct checkpoint *cp,
		      struct error **err)
{
	struct text_machine *m = of(base);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	(void)ctx;
	progress();
	if (text_world.checkpoint_error && text_world.checkpoint_good-- <= 0)
		return error_set_errno(err, text_world.checkpoint_error, "cannot write the memory");
	if (read_text(m, &text, err) < 0)
		return -1;
	if (!cp->disk_only && !text_world.forgets)
		cp->rest = late_memory(cp->dir, text.buf);
	for (size_t i = 0; i < m->layers.len; i++)
		strv_push(&cp->layers, path_basename(m->layers.v[i]));
	progress();
	return add_layer(m, err);
}

static int resumed(struct machine *base, struct build_ctx *ctx, struct error **err)
{
	(void)base;
	(void)ctx;
	if (text_world.resume_fails)
		return error_set(err, ERROR_AUTH, "the clock may not be set");
	return 0;
}

static int finish(struct machine *base, struct build_ctx *ctx, struct artifact **ret,
		  struct error **err)
{
	struct text_machine *m = of(base);
	AUTO_FREE char *path = path_join(m->config->output, "text");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	(void)ctx;
	progress();
	if (read_text(m, &text, err) < 0 || fs_mkdir_all(m->config->output, 0700, err) < 0 ||
	    fs_write_atomic(path, text.buf, text.len, 0600, err) < 0)
		return -1;
	note("finish", "");
	*ret = artifact_new("test.text", m->config->output, path);
	strv_push(&(*ret)->files, path);
	progress();
	return 0;
}

static const struct machine_ops text_ops = {
	.finish = finish, .destroy = destroy, .checkpoint = checkpoint, .resumed = resumed
};

static int fingerprint(const void *config, struct build_ctx *ctx, struct digest *d,
		       struct error **err)
{
	const struct text_source *c = config;

	(void)ctx;
	(void)err;
	digest_add_field(d, "text", c->text, strlen(c->text));
	return 0;
}

static const struct builder_type text_builder = {
	.name = "text",
	.schema = &source_schema,
	.fingerprint = fingerprint,
	.start = start,
	.checkpoints = true,
};

/* ---- reaching it ------------------------------------------------------------------------------- */

struct text_comm {
	struct comm base;
	struct text_machine *machine;
};

static int comm_exec(struct comm *base, const struct comm_cmd *cmd, struct cancel *c,
		     int *ret_status, struct error **err)
{
	if (cancel_check(c, err) < 0)
		return -1;
	*ret_status = 0;
	return add_text(((struct text_comm *)base)->machine, cmd->command, err);
}

static const struct comm_ops text_comm_ops = { .exec = comm_exec,
					       .close = (void (*)(struct comm *))free };

static struct comm *comm_connect(const void *config, const struct comm_target *target,
				 struct build_ctx *ctx, struct cancel *c, struct error **err)
{
	struct text_machine *m = (struct text_machine *)config;
	struct text_comm *comm;

	(void)target;
	(void)ctx;
	(void)c;
	if (m->deaf) {
		error_set(err, ERROR_TIMEOUT, "nobody answers");
		return NULL;
	}
	comm = NEW(struct text_comm);
	*comm = (struct text_comm){ { .ops = &text_comm_ops }, m };
	return &comm->base;
}

static const struct comm_type text_comm_type = { .name = "text", .connect = comm_connect };

/* ---- steps --------------------------------------------------------------------------------------- */

struct append {
	const char *word, *file;
	const char *fails, *awaits, *makes, *alters; /* names of files */
	bool barrier;
};
static const struct attr append_attrs[] = {
	ATTR_STRING(struct append, word, 0, "What is added.", .def = ""),
	ATTR_STRING(struct append, file, ATTR_LOCAL_FILE, "File whose content is added, too."),
	ATTR_STRING(struct append, fails, ATTR_OUTSIDE, "It fails if that exists."),
	ATTR_STRING(struct append, makes, ATTR_OUTSIDE, "Made when it has begun."),
	ATTR_STRING(struct append, awaits, ATTR_OUTSIDE, "It goes on when that exists."),
	ATTR_STRING(struct append, alters, ATTR_OUTSIDE, "Made longer while it runs, once."),
	ATTR_BOOL(struct append, barrier, 0, "Nobody knows what it depends on."),
	ATTR_END,
};
static const struct schema append_schema = SCHEMA(struct append, append_attrs);

static int coordinate(const struct append *a, struct build_ctx *ctx, struct error **err)
{
	if (a->makes && fs_write(a->makes, "", 0, 0600, err) < 0)
		return -1;
	while (a->awaits && !fs_exists(a->awaits))
		if (io_pause(clock_deadline(LOOK_MSEC * NSEC_PER_MSEC), ctx->cancel, err) < 0)
			return -1;
	return 0;
}

static int alter(const char *path, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (fs_read(path, TEXT_SIZE_MAX, &text, err) < 0)
		return -1;
	if (strchr(text.buf, '!'))
		return 0;
	strbuf_addch(&text, '!');
	return fs_write(path, text.buf, text.len, 0600, err);
}

static int append_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	const struct append *a = config;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	int status;

	progress();
	strbuf_addstr(&text, a->word);
	if (coordinate(a, ctx->build, err) < 0 ||
	    (a->file && fs_read(a->file, TEXT_SIZE_MAX, &text, err) < 0) ||
	    (a->alters && alter(a->alters, err) < 0))
		return -1;
	note("+", text.buf);

	const struct comm_cmd cmd = { .command = text.buf };

	if (ctx->comm->ops->exec(ctx->comm, &cmd, ctx->build->cancel, &status, err) < 0)
		return -1;
	progress();
	if (a->fails && fs_exists(a->fails))
		return error_set(err, ERROR_FAILED, "it was told to fail");
	return 0;
}

static const char *append_barrier(const void *config, bool declared)
{
	const struct append *a = config;

	return a->barrier && !declared ? "nobody knows what it depends on" : NULL;
}

static const struct provisioner_type append_type = {
	.name = "append", .schema = &append_schema, .run = append_run, .barrier = append_barrier
};

const struct components text_components = {
	.builders = (const struct builder_type *const[]){ &text_builder, NULL },
	.provisioners = (const struct provisioner_type *const[]){ &append_type, NULL },
	.postprocs = (const struct postproc_type *const[]){ NULL },
	.comms = (const struct comm_type *const[]){ &text_comm_type, NULL },
	.datasources = (const struct datasource_type *const[]){ NULL },
};
