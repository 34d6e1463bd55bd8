/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/resume.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/str.h"
#include "builder/qemu/checkpoint.h"
#include "builder/qemu/machine.h"
#include "builder/qemu/memory.h"
#include "builder/qemu/state.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	MONITOR_SECONDS = 30,
	PUT_RIGHT_SECONDS = 60,
	CLOCK_TOLERANCE_SECONDS = 2,
	CLOCK_TRIES = 3,
	CLOCK_LATE_SECONDS =
		10, /* a clock that was set may be behind by: certificates and archives bear that */
	SEED_BYTES = 64,
	OUTPUT_MAX = 4096,
};

/* ---- what the checkpoint has --------------------------------------------------------------- */

static int hold_memory(struct qemu_machine *m, struct error **err)
{
	struct layers *l = &m->disks.layers;

	for (size_t i = 0; i < m->saved.memory.len; i++) {
		int fd;

		if (store_layer_hold(l->store, m->saved.memory.v[i], &fd, err) < 0) {
			(*err)->kind = ERROR_INVALID;
			return -1;
		}
		*vec_push(&l->held) = fd;
	}
	return 0;
}

int resume_check_disks(const struct qemu_machine *m, struct error **err)
{
	if (m->saved.is_synced)
		return 0;
	return error_set(err, ERROR_INVALID, "what the guest wrote last is in its memory only");
}

int resume_open(struct qemu_machine *m, struct error **err)
{
	if (m->cannot_save)
		return error_set(err, ERROR_INVALID,
				 "this machine cannot start from a checkpoint: %s", m->cannot_save);
	if (saved_read(m->from->dir, &m->saved, err) < 0)
		return -1;
	if (!resume_wants_memory(m) && resume_check_disks(m, err) < 0)
		return -1;
	chains_copy(&m->disks.layers.chains, &m->saved.disks);
	return hold_memory(m, err);
}

int resume_key(struct qemu_machine *m, struct error **err)
{
	if (!m->saved.private_pem)
		return error_set(err, ERROR_INVALID, "the checkpoint has no key for the guest");
	m->credential = xstrdup(m->saved.credential);
	return login_key_adopt(&m->key, m->saved.private_pem, err);
}

bool resume_wants_memory(const struct qemu_machine *m)
{
	return m->from && m->saved.has_state && !m->from->boot_only;
}

/* ---- memory -------------------------------------------------------------------------------- */

/* QEMU would often take the state of another machine, and the guest would break later. */
static int check_same(const struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	const struct saved *s = &m->saved;
	AUTO_FREE char *version = NULL;
	AUTO(strv) struct strv argv = STRV_INIT;

	if (qemu_version(m->launch.guest, ctx, &version, err) < 0 ||
	    launch_describe(&m->launch, ctx, &argv, err) < 0)
		return -1;
	if (strcmp(version, s->qemu) != 0)
		return error_set(err, ERROR_INVALID, "it is of QEMU %s, this is %s", s->qemu,
				 version);
	if (strcmp(m->launch.accel, s->accel) != 0)
		return error_set(err, ERROR_INVALID, "it is of acceleration %s, this is %s",
				 s->accel, m->launch.accel);
	for (size_t i = 0; i < argv.len || i < s->argv.len; i++) {
		const char *now = i < argv.len ? argv.v[i] : "nothing";
		const char *then = i < s->argv.len ? s->argv.v[i] : "nothing";

		if (strcmp(now, then) != 0)
			return error_set(err, ERROR_INVALID,
					 "it is of a machine with '%s', this one has '%s'", then,
					 now);
	}
	return 0;
}

static int unpack(const struct saved *s, size_t i, struct build_ctx *ctx, int *ret_fd,
		  struct error **err)
{
	AUTO_FREE char *path = xasprintf("%s/layers/%s", store_dir(ctx->store), s->memory.v[i]);

	return state_unpack(ctx, path, ret_fd, err);
}

/* *ret_first: the one that is whole. */
static int rebuild(const struct saved *s, struct build_ctx *ctx, int *ret_first, int *ret_fd,
		   struct error **err)
{
	AUTO_CLOSE int first = -1, second = -1;

	if (unpack(s, 0, ctx, &first, err) < 0)
		return -1;
	if (s->memory.len > 1) {
		if (unpack(s, 1, ctx, &second, err) < 0 ||
		    memory_apply(first, second, ctx->cancel, ret_fd, err) < 0)
			return -1;
	} else {
		*ret_fd = fcntl(first, F_DUPFD_CLOEXEC, 3);
		if (*ret_fd < 0)
			return error_set_errno(err, errno, "cannot load the machine's state");
	}
	*ret_first = fd_take(&first);
	return 0;
}

int resume_load(struct guest *g, const struct saved *s, struct build_ctx *ctx, int *ret_first,
		struct error **err)
{
	struct state_file f = STATE_FILE_INIT;
	int64_t since = clock_monotonic();
	AUTO_CLOSE int first = -1;
	int fd, r = rebuild(s, ctx, &first, &fd, err);

	if (r == 0) {
		state_open(&f, fd);
		r = state_read(&f, g, ctx, err);
	}
	state_release(&f, ctx);
	if (r == 0)
		r = qmp_command(guest_monitor(g), "cont",
				clock_deadline(MONITOR_SECONDS * NSEC_PER_SEC), ctx->cancel, err);
	if (r < 0)
		return guest_explain(g, err);
	log_debug("qemu", "the machine's state is loaded after %lld ms",
		  (long long)((clock_monotonic() - since) / NSEC_PER_MSEC));
	*ret_first = fd_take(&first);
	return 0;
}

/* What is kept from now on is a difference to the same state as this one is. */
int resume_memory(struct qemu_machine *m, struct build_ctx *ctx, struct error **err)
{
	int first;

	if (check_same(m, ctx, err) < 0)
		return guest_explain(m->launch.guest, err);
	if (resume_load(m->launch.guest, &m->saved, ctx, &first, err) < 0)
		return -1;
	memory_forget(&m->memory);
	m->memory.fd = first;
	m->memory.name = xstrdup(m->saved.memory.v[0]);
	return 0;
}

/* ---- the guest inside ------------------------------------------------------------------------ */

/*
 * EPOCH AHEAD, with a line of random text and, for sudo, one with the password as its input. A clock that is
 * behind EPOCH is behind the time, however late the command got there; one that is ahead of it may be right,
 * and is put back by the AHEAD seconds that it was found to be wrong by. Prints the time that it is then, and
 * whether it was set. What it is off by is added when sudo has started, which takes seconds on a busy host. Quoted in '' below, so it has none itself. Reads its input byte by byte, as
 * read(1) does, so that sudo finds the rest. Works in dash, bash and BusyBox.
 */
#define PUT_RIGHT                                                                                  \
	"IFS= read -r r; { printf %s \"$r\" >/dev/urandom; } 2>/dev/null; "                        \
	"d=-$2; [ $2 != 0 ] || d=$(($1 - $(date -u +%s))); s=; "                                   \
	"if [ $2 = 0 ] && [ $d -le 1 ]; then :; else s=set; "                                      \
	"x=\"date -u -s @\\$((\\$(date -u +%s) + $d))\"; "                                         \
	"if [ \"$(id -u)\" = 0 ]; then sh -c \"$x\"; "                                             \
	"elif sudo -n true; then sudo -n sh -c \"$x\"; "                                           \
	"else sudo -S -p \"\" sh -c \"$x\"; fi; fi >/dev/null 2>&1; "                              \
	"echo \"ingot-clock $(date -u +%s) $s\""

static void keep_output(void *data, bool is_stderr, const void *bytes, size_t len)
{
	struct strbuf *sb = data;

	if (!is_stderr && sb->len + len < OUTPUT_MAX)
		strbuf_add(sb, bytes, len);
}

static void add_input(struct strbuf *sb, const char *password)
{
	unsigned char seed[SEED_BYTES];

	random_bytes(seed, sizeof(seed));
	encode_base64(sb, seed, sizeof(seed));
	strbuf_addf(sb, "\n%s\n", password ? password : "");
	secret_wipe(seed, sizeof(seed));
}

/* One look at the guest's clock, and what came of it. */
struct look {
	int64_t since, until; /* it was read at some time between: s since the epoch */
	int64_t theirs;
	bool was_set;
};

static bool read_clock(const struct strbuf *output, struct look *ret)
{
	static const char word[] = "ingot-clock ";
	const char *at = strstr(output->buf, word);

	if (!at)
		return false;

	AUTO_FREE char *line = xstrdup(at + strlen(word));
	char *rest;

	line[strcspn(line, "\r\n")] = '\0';
	rest = strchr(line, ' ');
	if (!rest)
		return false;
	*rest++ = '\0';
	ret->was_set = *rest;
	return parse_int64(line, 10, &ret->theirs) && ret->theirs > 0;
}

static int look(struct comm *comm, struct cancel *c, const struct strbuf *input, int64_t ahead,
		struct look *ret, struct error **err)
{
	/* half a second: what the command is under way on the whole */
	int64_t now = (clock_wall() + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	AUTO_FREE char *command =
		xasprintf("sh -c '%s' sh %lld %lld", PUT_RIGHT, (long long)now, (long long)ahead);
	AUTO(strbuf) struct strbuf output = STRBUF_INIT;
	const struct comm_cmd cmd = { .command = command,
				      .input = input->buf,
				      .input_len = input->len,
				      .output = keep_output,
				      .output_data = &output };
	int status;

	if (comm->ops->exec(comm, &cmd, c, &status, err) < 0)
		return -1;
	*ret = (struct look){ .since = now - 1, .until = clock_wall() / NSEC_PER_SEC };
	if (read_clock(&output, ret) && ret->theirs >= ret->since - CLOCK_TOLERANCE_SECONDS)
		return 0;
	error_set(err, ERROR_AUTH, "the guest's clock cannot be set");
	return error_hint(err, "the user of the communicator must be root or may use sudo");
}

/* A clock that was set by a command that took long, as the first one may, is late by as much: it is looked at
 * again. */
static int put_right(struct comm *comm, struct cancel *c, const struct strbuf *input,
		     struct error **err)
{
	int64_t ahead = 0;

	for (int i = 0; i < CLOCK_TRIES; i++) {
		struct look l;

		if (look(comm, c, input, ahead, &l, err) < 0)
			return -1;
		ahead = l.theirs - l.until;
		if (ahead <= CLOCK_TOLERANCE_SECONDS &&
		    (!l.was_set || l.until - l.since <= CLOCK_LATE_SECONDS))
			return 0;
		if (ahead <= CLOCK_TOLERANCE_SECONDS)
			ahead = 0;
	}
	if (!ahead)
		return 0;
	error_set(err, ERROR_AUTH, "the guest's clock cannot be set back");
	return error_hint(err, "the user of the communicator must be root or may use sudo");
}

int resume_put_right(struct comm *comm, const char *password, struct cancel *c, struct error **err)
{
	AUTO(strbuf) struct strbuf input = STRBUF_INIT;
	AUTO(cancel)
	struct cancel *limit = cancel_new(c, clock_deadline(PUT_RIGHT_SECONDS * NSEC_PER_SEC));
	int r;

	add_input(&input, password);
	r = put_right(comm, limit, &input, err);
	secret_wipe(input.buf, input.len);
	return r;
}

int qemu_resumed(struct machine *machine, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_machine *m = (struct qemu_machine *)machine;

	if (!m->from || !m->from->has_memory || !machine->comm ||
	    !comm_config_is_ssh(&m->config->comm))
		return 0;
	return resume_put_right(machine->comm, m->config->comm.ssh_password, ctx->cancel, err);
}
