/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/nbd.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "disk/libnbd.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	START_SECONDS = 60,
	LOOK_MSEC = 5, /* between two tries to connect */
	STOP_SECONDS = 2,
	WORDS_MAX = 2048, /* of what it says that are kept for a message */
	EXTENT_ZERO = 2,  /* the protocol's NBD_STATE_ZERO */
};

/* It takes half a MiB for each request. Given back to the system each time, that is a quarter of all that an
 * export costs. */
#define KEEP_MEMORY                                                                                \
	"MALLOC_MMAP_THRESHOLD_=33554432", "MALLOC_TRIM_THRESHOLD_=67108864",                      \
		"MALLOC_TOP_PAD_=4194304"

struct nbd {
	const struct nbd_library *lib;
	const struct disk_host *host;
	struct nbd_handle *h;
	struct proc proc;
	uint64_t id; /* of the process, where it was announced */
	char *dir;   /* of its own: the socket, what it says */
	int dir_fd;
	int words_fd;
	char *shown;
	bool writable;
};

/* ---- what went wrong --------------------------------------------------------------------- */

/* The last line of what it has said, without its name in front. */
static char *last_words(const struct nbd *n)
{
	char buf[WORDS_MAX + 1];
	off_t size = n->words_fd < 0 ? 0 : lseek(n->words_fd, 0, SEEK_END);
	ssize_t len = size <= 0 ? 0
				: fd_read_at(n->words_fd, buf, WORDS_MAX,
					     size > WORDS_MAX ? size - WORDS_MAX : 0);
	struct str text = str_trim((struct str){ buf, len > 0 ? (size_t)len : 0 });
	const char *line = text.len ? memrchr(text.p, '\n', text.len) : NULL;

	if (line)
		text = (struct str){ line + 1, text.len - (size_t)(line + 1 - text.p) };
	if (text.len > strlen("qemu-nbd: ") && !strncmp(text.p, "qemu-nbd: ", 10))
		text = (struct str){ text.p + 10, text.len - 10 };
	return xasprintf("%.*s", STR_FMT(text));
}

static const char *doing(const struct nbd *n)
{
	return n->writable ? "write" : "read";
}

/* The connection is of no use any more. */
static int lost(struct nbd *n, const char *why, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	int status = 0;

	if (proc_wait(&n->proc, clock_deadline(STOP_SECONDS * NSEC_PER_SEC), NULL, &status, &e) <
	    0) {
		error_ignore(&e, "then it has not ended, which is told");
		return error_set(err, ERROR_REMOTE, "cannot %s '%s': qemu-nbd: %s", doing(n),
				 n->shown, why);
	}

	AUTO_FREE char *words = last_words(n);

	if (status > 128)
		return error_set(err, ERROR_GONE,
				 "cannot %s '%s': qemu-nbd was ended by signal %d%s%s", doing(n),
				 n->shown, status - 128, *words ? ": " : "", words);
	return error_set(err, ERROR_GONE, "cannot %s '%s': qemu-nbd ended: %s", doing(n), n->shown,
			 *words ? words : why);
}

static int library_failed(struct nbd *n, struct error **err)
{
	AUTO_FREE char *why =
		xstrdup(n->lib->get_error() ? n->lib->get_error() : "no reason given");

	return lost(n, why, err);
}

static int request_failed(const struct nbd *n, int number, struct error **err)
{
	error_set_errno(err, number, "cannot %s '%s'", doing(n), n->shown);
	if (number == ENOSPC)
		return error_hint(err, "the file system that holds it is full: make room there, or "
				       "choose another output");
	if (!n->writable)
		return error_hint(err, "the image may be damaged: `qemu-img check` tells");
	return -1;
}

/* ---- the process ------------------------------------------------------------------------- */

static int start(struct nbd *n, const struct nbd_spec *spec, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT, env = STRV_INIT;
	struct proc_spec how = {
		.argv = &argv, .env = &env, .dir = n->dir, .err = PROC_FD, .err_fd = n->words_fd
	};

	/* it wants an absolute path, and a socket has room for a short one only */
	strv_pushl(&argv, "qemu-nbd", "--socket=/proc/self/cwd/nbd", "--shared=1", NULL);
	/* What is being made has no worth before it is whole. */
	strv_push(&argv, spec->writable ? "--cache=unsafe" : "--read-only");
	strv_pushf(&argv, "json:%s", spec->options);
	strv_pushv(&env, n->host->environ);
	strv_push(&env, "LC_ALL=C");
	strv_pushl(&env, KEEP_MEMORY, NULL);
	if (n->host->announce &&
	    n->host->announce(n->host->data, "qemu-nbd", &env, &n->id, err) < 0)
		return -1;
	if (proc_start(&n->proc, &how, err) < 0)
		return (*err)->kind == ERROR_NOT_FOUND
			       ? error_hint(err, "install the package qemu-utils")
			       : -1;
	return n->host->started ? n->host->started(n->host->data, n->id, n->proc.pid, err) : 0;
}

/* A socket's name is short; the folder it is in need not be. */
static int try_connect(const struct nbd *n)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_FREE char *path = xasprintf("/proc/self/fd/%d/nbd", n->dir_fd);
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert(strlen(path) < sizeof(to.sun_path));
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	return fd_take(&fd);
}

static int connect_socket(struct nbd *n, struct cancel *c, int *ret_fd, struct error **err)
{
	int64_t end = clock_deadline(START_SECONDS * NSEC_PER_SEC);

	for (;;) {
		AUTO(error) struct error *e = NULL;
		int fd = try_connect(n);

		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno != ENOENT && errno != ECONNREFUSED)
			return error_set_errno(err, errno, "cannot reach the qemu-nbd of '%s'",
					       n->shown);
		if (io_wait(n->proc.pidfd, POLLIN, clock_deadline(LOOK_MSEC * NSEC_PER_MSEC), c,
			    &e) == 0)
			return lost(n, "it ended at once", err);
		if (e->kind != ERROR_TIMEOUT || cancel_check(c, err) < 0)
			return *err ? -1 : error_move(err, TAKE(e));
		error_ignore(&e, "it is not there yet");
		if (clock_monotonic() > end)
			return lost(n, "it does not listen", err);
	}
}

/* ---- the connection ---------------------------------------------------------------------- */

static bool is_over(const struct nbd *n)
{
	return n->lib->aio_is_dead(n->h) || n->lib->aio_is_closed(n->h);
}

/* Waits for the next thing that happens on the connection. */
static int turn(struct nbd *n, struct cancel *c, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	unsigned direction = n->lib->aio_get_direction(n->h);
	struct pollfd p = { .fd = n->lib->aio_get_fd(n->h) };

	if (is_over(n) || p.fd < 0)
		return library_failed(n, err);
	if (direction & LIBNBD_AIO_DIRECTION_READ)
		p.events |= POLLIN;
	if (direction & LIBNBD_AIO_DIRECTION_WRITE)
		p.events |= POLLOUT;
	if (io_wait_many(&p, 1, clock_deadline(NBD_STALL_SECONDS * NSEC_PER_SEC), c, &e) < 0) {
		if (e->kind != ERROR_TIMEOUT || cancel_check(c, err) < 0)
			return *err ? -1 : error_move(err, TAKE(e));
		return error_set(err, ERROR_TIMEOUT,
				 "cannot %s '%s': qemu-nbd has not answered for %d seconds",
				 doing(n), n->shown, NBD_STALL_SECONDS);
	}

	int r = p.revents & ~POLLOUT && direction & LIBNBD_AIO_DIRECTION_READ
			? n->lib->aio_notify_read(n->h)
		: direction & LIBNBD_AIO_DIRECTION_WRITE ? n->lib->aio_notify_write(n->h)
							 : -1;

	return r < 0 ? library_failed(n, err) : 0;
}

static int negotiate(struct nbd *n, struct cancel *c, struct error **err)
{
	int fd = -1;

	n->h = n->lib->create();
	if (!n->h)
		return library_failed(n, err);
	if (connect_socket(n, c, &fd, err) < 0)
		return -1;
	/* the library has the descriptor from here on */
	if (n->lib->add_meta_context(n->h, LIBNBD_CONTEXT_BASE_ALLOCATION) < 0 ||
	    n->lib->aio_connect_socket(n->h, fd) < 0)
		return library_failed(n, err);
	while (!n->lib->aio_is_ready(n->h))
		if (turn(n, c, err) < 0)
			return -1;
	return 0;
}

int nbd_open(const struct disk_host *host, const struct nbd_spec *spec, struct cancel *c,
	     struct nbd **ret, struct error **err)
{
	AUTO(nbd) struct nbd *n = NEW(struct nbd);

	*n = (struct nbd){ .lib = nbd_library_load(err),
			   .host = host,
			   .proc = PROC_INIT,
			   .dir_fd = -1,
			   .words_fd = -1,
			   .shown = xstrdup(spec->shown),
			   .writable = spec->writable };
	if (!n->lib || fs_temp_dir(host->temp_dir, "nbd", &n->dir, err) < 0)
		return -1;

	AUTO_FREE char *words = path_join(n->dir, "words");

	n->dir_fd = open(n->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	n->words_fd = open(words, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (n->dir_fd < 0 || n->words_fd < 0)
		return error_set_errno(err, errno, "cannot use '%s'", n->dir);
	if (start(n, spec, err) < 0 || negotiate(n, c, err) < 0)
		return -1;
	*ret = TAKE(n);
	return 0;
}

void nbd_free(struct nbd *n)
{
	AUTO(error) struct error *e = NULL;

	if (!n)
		return;
	proc_kill(&n->proc);
	proc_release(&n->proc);
	if (n->h)
		n->lib->close(n->h);
	if (n->host->ended)
		n->host->ended(n->host->data, n->id);
	fd_close(n->dir_fd);
	fd_close(n->words_fd);
	if (n->dir && fs_remove_tree(n->dir, &e) < 0)
		error_ignore(&e, "it goes with the build's folder");
	free(n->dir);
	free(n->shown);
	free(n);
}

uint64_t nbd_size(const struct nbd *n)
{
	int64_t size = n->lib->get_size(n->h);

	return size < 0 ? 0 : (uint64_t)size;
}

/* ---- requests ---------------------------------------------------------------------------- */

/* May be called while the request is being sent; 1: the library forgets it. */
static int complete(void *data, int *error)
{
	struct nbd_request *r = data;

	r->done = true;
	r->error = *error;
	return 1;
}

static nbd_completion_callback completion_of(struct nbd_request *r)
{
	*r = (struct nbd_request){ 0 };
	return (nbd_completion_callback){ .callback = complete, .user_data = r };
}

int nbd_read(struct nbd *n, struct nbd_request *r, void *buf, size_t len, uint64_t offset,
	     struct error **err)
{
	return n->lib->aio_pread(n->h, buf, len, offset, completion_of(r), 0) < 0
		       ? library_failed(n, err)
		       : 0;
}

int nbd_write(struct nbd *n, struct nbd_request *r, const void *buf, size_t len, uint64_t offset,
	      struct error **err)
{
	return n->lib->aio_pwrite(n->h, buf, len, offset, completion_of(r), 0) < 0
		       ? library_failed(n, err)
		       : 0;
}

int nbd_wait(struct nbd *n, struct nbd_request *r, struct cancel *c, struct error **err)
{
	while (!r->done)
		if (turn(n, c, err) < 0)
			return -1;
	if (r->error && is_over(n))
		return library_failed(n, err);
	return r->error ? request_failed(n, r->error, err) : 0;
}

/* ---- what is data, what is not ----------------------------------------------------------- */

struct looking {
	struct nbd_request request;
	struct nbd_extents *ret;
	uint64_t left;
};

static int take_extents(void *data, const char *context, uint64_t offset, uint32_t *entries,
			size_t count, int *error)
{
	struct looking *look = data;

	(void)offset;
	(void)error;
	if (strcmp(context, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
		return 0;
	for (size_t i = 0; i + 1 < count && look->left; i += 2) {
		if (!entries[i] || look->ret->len == ARRAY_LEN(look->ret->items))
			break;

		struct nbd_extent *e = &look->ret->items[look->ret->len++];

		e->len = MIN((uint64_t)entries[i], look->left);
		e->is_zero = entries[i + 1] & EXTENT_ZERO;
		look->left -= e->len;
	}
	return 0;
}

int nbd_status(struct nbd *n, uint64_t offset, uint64_t len, struct nbd_extents *ret,
	       struct cancel *c, struct error **err)
{
	struct looking look = { .ret = ret, .left = len };
	nbd_extent_callback each = { .callback = take_extents, .user_data = &look };

	ret->len = 0;
	if (n->lib->can_meta_context(n->h, LIBNBD_CONTEXT_BASE_ALLOCATION) <= 0) {
		ret->items[ret->len++] = (struct nbd_extent){ .len = len };
		return 0;
	}
	if (n->lib->aio_block_status(n->h, len, offset, each, completion_of(&look.request), 0) < 0)
		return library_failed(n, err);
	if (nbd_wait(n, &look.request, c, err) < 0)
		return -1;
	if (!ret->len)
		return error_set(err, ERROR_REMOTE,
				 "cannot read '%s': qemu-nbd does not say what is at %" PRIu64,
				 n->shown, offset);
	return 0;
}

/* ---- the end ----------------------------------------------------------------------------- */

int nbd_finish(struct nbd *n, struct cancel *c, struct error **err)
{
	struct nbd_request r;
	int status = 0;

	if (n->lib->aio_flush(n->h, completion_of(&r), 0) < 0)
		return library_failed(n, err);
	if (nbd_wait(n, &r, c, err) < 0)
		return -1;
	if (n->lib->aio_disconnect(n->h, 0) < 0)
		return library_failed(n, err);
	while (!is_over(n)) {
		AUTO(error) struct error *e = NULL;

		if (turn(n, c, &e) == 0 || is_over(n))
			continue;
		return error_move(err, TAKE(e));
	}
	if (proc_wait(&n->proc, clock_deadline(NBD_STALL_SECONDS * NSEC_PER_SEC), c, &status, err) <
	    0)
		return error_prefix(err, "cannot finish '%s'", n->shown);
	return status ? lost(n, "it failed", err) : 0;
}
