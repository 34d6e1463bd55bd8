/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint of a running machine. The guest stands still while its disks get new tops and its
 * memory is written; whatever fails, it goes on afterwards, on a chain that is whole: a layer
 * is frozen only once QEMU has the next one on top of it.
 */
#include "builder/qemu/checkpoint.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/str.h"
#include "builder/qemu/arch.h"
#include "builder/qemu/machine.h"
#include "builder/qemu/memory.h"
#include "builder/qemu/state.h"
#include "builder/qemu/tpm.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MONITOR_SECONDS = 30,
	SYNC_SECONDS = 60,
	SYNC_EVERY = 5, /* s: as much work may be done again where only a disk can be booted */
	DIFFERENCE_SHARE = 4, /* of a state: from then on a new one is kept whole */
};

static int64_t soon(void)
{
	return clock_deadline(MONITOR_SECONDS * NSEC_PER_SEC);
}

static int ask(struct qemu_machine *m, const char *name, json_t *arguments, struct cancel *c,
	       json_t **ret, struct error **err)
{
	return qmp_ask(guest_monitor(m->launch.guest), &(const struct qmp_call){ name, arguments },
		       soon(), c, ret, err);
}

static int tell(struct qemu_machine *m, const char *name, json_t *arguments, struct cancel *c,
		struct error **err)
{
	json_t *answer = NULL;
	int r = ask(m, name, arguments, c, &answer, err);

	json_decref(answer);
	return r;
}

int qemu_version(struct guest *g, struct build_ctx *ctx, char **ret, struct error **err)
{
	json_t *answer = NULL;
	json_t *nr;
	const char *package;

	if (qmp_ask(guest_monitor(g), &(const struct qmp_call){ "query-version", NULL }, soon(),
		    ctx->cancel, &answer, err) < 0)
		return -1;
	nr = json_object_get(answer, "qemu");
	package = json_string_value(json_object_get(answer, "package"));
	*ret = xasprintf("%lld.%lld.%lld%s%s",
			 (long long)json_integer_value(json_object_get(nr, "major")),
			 (long long)json_integer_value(json_object_get(nr, "minor")),
			 (long long)json_integer_value(json_object_get(nr, "micro")),
			 text_is_empty(package) ? "" : " ", package ? package : "");
	json_decref(answer);
	return 0;
}

/* ---- disks ------------------------------------------------------------------------------ */

/* The tops of the disks to be. */
struct tops {
	struct strv paths, nodes;
};

static const char *disk_name(const struct qemu_machine *m, size_t nr)
{
	return path_basename(m->disks.layers.live.v[nr]);
}

/* The same options that -drive gave to the first one. */
static json_t *node_options(const struct qemu_config *c, const char *path, const char *node)
{
	bool direct = !strcmp(c->disk_cache, "none") || !strcmp(c->disk_cache, "directsync");
	bool unsafe = !strcmp(c->disk_cache, "unsafe");

	return json_pack("{s:s, s:s, s:{s:s, s:s}, s:n, s:s, s:s, s:{s:b, s:b}}", "driver", "qcow2",
			 "node-name", node, "file", "driver", "file", "filename", path, "backing",
			 "discard", c->disk_discard, "detect-zeroes", c->disk_detect_zeroes,
			 "cache", "direct", (int)direct, "no-flush", (int)unsafe);
}

static int add_top(struct qemu_machine *m, struct tops *t, size_t nr, struct build_ctx *ctx,
		   struct error **err)
{
	const struct image_ctx x = qemu_image_ctx(ctx);
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *node = xasprintf("ingot-disk%zu-%u", nr, ++m->node_count);

	if (layers_make(&m->disks.layers, nr, disk_name(m, nr), &x, &path, err) < 0 ||
	    tell(m, "blockdev-add", node_options(m->config, path, node), ctx->cancel, err) < 0)
		return -1;
	strv_push(&t->paths, path);
	strv_push(&t->nodes, node);
	return 0;
}

/* Those that no disk took. */
static void drop_tops(struct qemu_machine *m, const struct tops *t, size_t from)
{
	AUTO(error) struct error *e = NULL;

	for (size_t i = from; i < t->nodes.len; i++)
		if (tell(m, "blockdev-del", json_pack("{s:s}", "node-name", t->nodes.v[i]), NULL,
			 &e) < 0)
			error_ignore(&e, "it stays open, unused");
}

/* QEMU's name of the node that has the file open for a drive. */
static int find_node(const json_t *drives, const char *path, struct strv *ret, struct error **err)
{
	size_t i;
	const json_t *drive;

	json_array_foreach (drives, i, drive) {
		const json_t *in = json_object_get(drive, "inserted");
		const char *file = json_string_value(json_object_get(in, "file"));
		const char *node = json_string_value(json_object_get(in, "node-name"));

		if (!node || !text_eq(file, path))
			continue;
		strv_push(ret, node);
		return 0;
	}
	return error_set(err, ERROR_INVALID,
			 "this machine cannot be saved: none of its drives is '%s'", path);
}

/* Once: later ones are ours. */
static int find_nodes(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct strv *live = &m->disks.layers.live;
	json_t *drives = NULL;
	int r;

	if (m->nodes.len)
		return 0;
	r = ask(m, "query-block", NULL, ctx->cancel, &drives, err);
	for (size_t i = 0; r == 0 && i < live->len; i++)
		r = find_node(drives, live->v[i], &m->nodes, err);
	if (r < 0)
		strv_release(&m->nodes);
	json_decref(drives);
	return r;
}

static int freeze(struct qemu_machine *m, struct tops *t, size_t nr, struct build_ctx *ctx,
		  struct error **err)
{
	if (tell(m, "blockdev-snapshot",
		 json_pack("{s:s, s:s}", "node", m->nodes.v[nr], "overlay", t->nodes.v[nr]),
		 ctx->cancel, err) < 0)
		return -1;
	layers_freeze(&m->disks.layers, nr, xstrdup(t->paths.v[nr]));
	free(m->nodes.v[nr]);
	m->nodes.v[nr] = xstrdup(t->nodes.v[nr]);
	return 0;
}

static int freeze_disks(struct qemu_machine *m, struct tops *t, struct build_ctx *ctx,
			struct error **err)
{
	size_t done = 0;

	while (done < t->nodes.len && freeze(m, t, done, ctx, err) == 0)
		done++;
	drop_tops(m, t, done);
	return done == t->nodes.len ? 0 : -1;
}

/* ---- what lies beside them --------------------------------------------------------------- */

static int keep_file(const char *from, const char *dir, const char *name, struct build_ctx *ctx,
		     struct error **err)
{
	AUTO_FREE char *to = path_join(dir, name);

	return fs_copy(from, to, 0600, NULL, NULL, ctx->cancel, err);
}

static int keep_files(struct qemu_machine *m, const char *dir, struct build_ctx *ctx,
		      struct error **err)
{
	if (m->launch.flash && keep_file(m->flash.vars, dir, SAVED_EFIVARS, ctx, err) < 0)
		return -1;
	return m->launch.tpm ? tpm_keep(m->launch.tpm, dir, SAVED_TPM, ctx->cancel, err) : 0;
}

/* ---- while it stands still ----------------------------------------------------------------- */

/* What zstd says explains why QEMU could not write. */
static int prefer_zstd(struct state_file *f, struct build_ctx *ctx, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (f->zstd.pid <= 0 || (*err)->kind != ERROR_REMOTE ||
	    state_finish(f, ctx->cancel, &e) == 0 || e->kind != ERROR_IO)
		return -1;
	error_ignore(err, "what zstd says is the reason");
	return error_move(err, TAKE(e));
}

static int take(struct qemu_machine *m, struct tops *t, struct state_file *f, const char *dir,
		struct build_ctx *ctx, struct error **err)
{
	if (freeze_disks(m, t, ctx, err) < 0 || keep_files(m, dir, ctx, err) < 0)
		return -1;
	if (!f->path)
		return 0;
	return state_write(f, m->launch.guest, ctx, err) < 0 ? prefer_zstd(f, ctx, err) : 0;
}

/* In any case, also when somebody interrupts. */
static int go_on(struct qemu_machine *m, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (tell(m, "cont", NULL, NULL, &e) == 0)
		return 0;
	error_ignore(err, "that it does not go on is worse");
	error_move(err, TAKE(e));
	return error_prefix(err, "the machine does not go on after its checkpoint");
}

static int stand_still(struct qemu_machine *m, struct tops *t, struct state_file *f,
		       const char *dir, struct build_ctx *ctx, struct error **err)
{
	int64_t since = clock_monotonic();
	int r = tell(m, "stop", NULL, ctx->cancel, err);

	if (r < 0) {
		drop_tops(m, t, 0);
		return -1;
	}
	r = take(m, t, f, dir, ctx, err);
	if (go_on(m, err) < 0)
		return -1;
	log_debug("qemu", "the guest stood still for %lld ms",
		  (long long)((clock_monotonic() - since) / NSEC_PER_MSEC));
	return r;
}

/* ---- around it ----------------------------------------------------------------------------- */

/*
 * So that the disk alone can be booted, too. That costs a tenth of a second and more under emulation, so it is not
 * done after each of many short steps: their states can be had with their memory only. A guest that does not
 * know the command has no say.
 */
static int sync_guest(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct comm_cmd cmd = { .command = "sync" };
	AUTO(cancel)
	struct cancel *c = cancel_new(ctx->cancel, clock_deadline(SYNC_SECONDS * NSEC_PER_SEC));
	struct comm *comm = m->machine.comm;
	int status;

	if (!comm || !comm_config_is_ssh(&m->config->comm))
		return 0;
	if (comm->ops->exec(comm, &cmd, c, &status, err) == 0) {
		m->synced_at = clock_monotonic();
		return 0;
	}

	AUTO(error) struct error *e = NULL;

	if (cancel_check(ctx->cancel, &e) < 0)
		return -1;
	error_ignore(err, "its journal will do");
	return 0;
}

static char *copy_path(const char *cwd, const char *path)
{
	return path ? path_absolute(cwd, path) : NULL;
}

static void describe_key(const struct qemu_machine *m, const char *cwd, struct saved *s)
{
	const char *own = m->config->comm.ssh_private_key_file;

	if (!text_is_empty(own))
		s->key_file = path_absolute(cwd, own);
	if (!m->key.temporary)
		return;
	s->private_pem = xstrdup(m->key.pair->private_pem);
	s->public_line = xstrdup(m->key.pair->public_line);
	s->credential = xstrdup(m->credential);
}

static void describe_source(const struct qemu_machine *m, struct saved *s)
{
	struct stat st;

	s->source = xstrdup(m->disks.source);
	if (!s->source || stat(s->source, &st) < 0)
		return;
	s->source_size = st.st_size;
	s->source_mtime = clock_ns(st.st_mtim);
}

static const char *value_of(const struct strv *argv, const char *option)
{
	for (size_t i = 0; i + 1 < argv->len; i++)
		if (!strcmp(argv->v[i], option))
			return argv->v[i + 1];
	return NULL;
}

/* Nothing that a secret is part of is kept. */
static void drop_secrets(struct strv *argv, struct redactor *r)
{
	for (size_t i = 0; i < argv->len; i++) {
		AUTO_FREE char *text = redactor_copy(r, argv->v[i]);

		if (strcmp(text, argv->v[i]) != 0) {
			strv_release(argv);
			return;
		}
	}
}

static int describe(const struct qemu_machine *m, struct build_ctx *ctx, struct saved *s,
		    struct error **err)
{
	const struct qemu_config *c = m->config;

	if (launch_describe(&m->launch, ctx, &s->argv, err) < 0 ||
	    qemu_version(m->launch.guest, ctx, &s->qemu, err) < 0)
		return -1;
	s->binary = xstrdup(c->qemu_binary);
	s->accel = xstrdup(m->launch.accel);
	s->arch = xstrdup(guest_arch_named(c->qemu_binary));
	s->machine_type = xstrdup(c->machine_type);
	s->cpu = xstrdup(value_of(&s->argv, "-cpu"));
	if (ctx->ui->redactor)
		drop_secrets(&s->argv, ctx->ui->redactor);
	s->vm_name = xstrdup(c->vm_name);
	chains_copy(&s->disks, &m->disks.layers.chains);
	describe_source(m, s);
	s->iso = copy_path(ctx->cwd, m->launch.iso);
	s->efi_code = m->launch.flash ? copy_path(ctx->cwd, c->efi_firmware_code) : NULL;
	s->firmware = text_is_empty(c->firmware) ? NULL : copy_path(ctx->cwd, c->firmware);
	s->mac = xstrdup(m->launch.mac);
	s->comm = xstrdup(c->comm.communicator);
	s->user = xstrdup(c->comm.ssh_username);
	s->guest_port = qemu_config_guest_port(c);
	describe_key(m, ctx->cwd, s);
	s->has_tpm = m->launch.tpm != NULL;
	s->tpm_1 = c->use_tpm1;
	s->made = clock_wall();
	return 0;
}

static void list_layers(const struct qemu_machine *m, struct strv *ret)
{
	const struct chain_list *chains = &m->disks.layers.chains;

	for (size_t i = 0; i < chains->len; i++)
		strv_pushv(ret, chains->items[i].frozen.v);
}

/* The state, while it is being compressed. */
struct late_state {
	struct checkpoint_rest rest;
	struct state_file file;
	struct build_ctx *ctx; /* its journal and environment */
	struct kept_memory *memory;
	bool differs; /* too much from what it is kept as a difference to */
};

/* What is in the file in memory is then the difference; the file that it was in is left for the next state. */
static int find_difference(struct late_state *late, struct cancel *c, struct error **err)
{
	struct state_file *f = &late->file;
	int64_t added;
	struct stat st;
	int fd;

	if (fstat(f->raw_fd, &st) < 0)
		return error_set_errno(err, errno, "cannot examine the machine's state");
	if (memory_diff(f->base_fd, f->raw_fd, c, &fd, &added, err) < 0)
		return -1;
	fd_close(atomic_exchange(&late->memory->spare_fd, fd_take(&f->raw_fd)));
	fd_close(fd_take(&f->base_fd));
	f->raw_fd = fd;
	late->differs = added > st.st_size / DIFFERENCE_SHARE;
	log_debug("qemu", "%lld of %lld bytes of the state are new", (long long)added,
		  (long long)st.st_size);
	return state_compress(f, late->ctx, err);
}

static int finish_late(struct checkpoint_rest *rest, struct cancel *c, struct error **err)
{
	struct late_state *late = (struct late_state *)rest;

	if (late->file.base_fd >= 0 && find_difference(late, c, err) < 0)
		return -1;
	return state_finish(&late->file, c, err);
}

static void release_late(struct checkpoint_rest *rest, struct build_ctx *ctx)
{
	struct late_state *late = (struct late_state *)rest;

	late->memory->is_stale |= late->differs;
	state_release(&late->file, ctx);
	free(late);
}

static struct checkpoint_rest *do_late(struct qemu_machine *m, struct state_file *f,
				       struct build_ctx *ctx)
{
	struct late_state *late = NEW(struct late_state);

	*late = (struct late_state){
		.rest = { finish_late, release_late }, .file = *f, .ctx = ctx, .memory = &m->memory
	};
	*f = (struct state_file)STATE_FILE_INIT;
	return &late->rest;
}

/* As a difference, or as what later ones are differences to. A pipe has left nothing to compare with. */
static int place_state(struct qemu_machine *m, struct state_file *f, struct build_ctx *ctx,
		       struct strv *ret_layers, struct error **err)
{
	struct kept_memory *memory = &m->memory;
	const char *name = path_basename(f->path);
	bool is_whole = f->raw_fd < 0 || !memory->name || memory->is_stale;

	if (!is_whole) {
		f->base_fd = fcntl(memory->fd, F_DUPFD_CLOEXEC, 3);
		if (f->base_fd < 0)
			return error_set_errno(err, errno, "cannot keep the machine's state");
		strv_push(ret_layers, memory->name);
		strv_push(ret_layers, name);
		return 0;
	}
	strv_push(ret_layers, name);
	memory_forget(memory);
	if (f->raw_fd >= 0)
		memory->fd = fcntl(f->raw_fd, F_DUPFD_CLOEXEC, 3);
	if (memory->fd >= 0)
		memory->name = xstrdup(name);
	return state_compress(f, ctx, err);
}

void memory_forget(struct kept_memory *memory)
{
	fd_close(fd_take(&memory->fd));
	free(TAKE(memory->name));
	memory->is_stale = false;
}

void memory_drop_spare(struct kept_memory *memory)
{
	fd_close(atomic_exchange(&memory->spare_fd, -1));
}

/* Its file is a layer as those of the disks are, for several states may stand on it. */
static int new_state(struct qemu_machine *m, struct state_file *f, struct build_ctx *ctx,
		     struct error **err)
{
	struct layers *l = &m->disks.layers;
	AUTO_FREE char *path = NULL;
	int fd;

	if (state_check(m->launch.guest, ctx, err) < 0 ||
	    store_layer_new(l->store, "memory", &path, &fd, err) < 0)
		return -1;
	*vec_push(&l->held) = fd;
	f->raw_fd = atomic_exchange(&m->memory.spare_fd, -1);
	return state_create(f, m->launch.guest, ctx, path, err);
}

static int keep(struct qemu_machine *m, struct build_ctx *ctx, struct checkpoint *cp,
		struct tops *tops, struct state_file *f, struct error **err)
{
	AUTO(saved) struct saved s = SAVED_INIT;

	s.is_synced = cp->disk_only || !m->synced_at ||
		      clock_monotonic() - m->synced_at >= SYNC_EVERY * NSEC_PER_SEC;
	if ((s.is_synced && sync_guest(m, ctx, err) < 0) || find_nodes(m, ctx, err) < 0)
		return -1;
	if (!cp->disk_only && new_state(m, f, ctx, err) < 0)
		return -1;
	for (size_t i = 0; i < m->disks.layers.chains.len; i++)
		if (add_top(m, tops, i, ctx, err) < 0) {
			drop_tops(m, tops, 0);
			return -1;
		}
	if (stand_still(m, tops, f, cp->dir, ctx, err) < 0)
		return -1;
	if (!cp->disk_only && place_state(m, f, ctx, &s.memory, err) < 0)
		return -1;
	s.has_state = !cp->disk_only;
	if (describe(m, ctx, &s, err) < 0 || saved_write(cp->dir, &s, err) < 0)
		return -1;
	list_layers(m, &cp->layers);
	strv_pushv(&cp->layers, s.memory.v);
	if (!cp->disk_only)
		cp->rest = do_late(m, f, ctx);
	return 0;
}

int qemu_checkpoint(struct machine *machine, struct build_ctx *ctx, struct checkpoint *cp,
		    struct error **err)
{
	struct qemu_machine *m = (struct qemu_machine *)machine;
	struct state_file f = STATE_FILE_INIT;
	struct tops tops = { STRV_INIT, STRV_INIT };
	AUTO(error) struct error *e = NULL;
	int r;

	if (m->cannot_save)
		return error_set(err, ERROR_INVALID, "this machine cannot be saved: %s",
				 m->cannot_save);
	r = guest_talk(m->launch.guest, true, err);
	if (r == 0)
		r = keep(m, ctx, cp, &tops, &f, err);
	if (guest_talk(m->launch.guest, false, &e) < 0)
		error_ignore(&e, "its end is noticed in another way");
	state_release(&f, ctx);
	strv_release(&tops.paths);
	strv_release(&tops.nodes);
	return r < 0 ? guest_explain(m->launch.guest, err) : 0;
}
