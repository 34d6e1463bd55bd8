/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a file what it was when it was published? Its digest tells, at the price of reading it all. So
 * a note is taken of what the file looked like (boot of the host, inode, size, times) when its
 * content was last known; as long as it looks the same nobody can have written to it. After a crash
 * of the host the file may look the same and lack what did not reach the disk: another boot, no trust.
 */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/duration.h"
#include "cache/store_internal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum {
	CHUNK = 256 * 1024,
	NOTE_MAX = 512,
	/* File times tick every few milliseconds: what was changed just now may be changed again
	 * without looking different. */
	SETTLED_MSEC = 50,
};

int check_digest(int fd, const char *path, struct cancel *c, char **ret_sha256, struct error **err)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	AUTO_FREE char *buf = xmalloc(CHUNK);

	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (off_t at = 0;;) {
		if (cancel_check(c, err) < 0)
			return -1;

		ssize_t n = fd_read_at(fd, buf, CHUNK, at);

		if (n < 0)
			return error_set_errno(err, errno, "cannot read '%s'", path);
		digest_add(d, buf, (size_t)n);
		at += n;
		if (n < CHUNK)
			break;
	}
	*ret_sha256 = digest_finish_hex(d);
	return 0;
}

/* Empty: what is true now may not be recognized later. */
static char *note_text(const struct stat *st, const char *sha256)
{
	const char *boot = proc_boot_id();

	if (!*boot || clock_wall() - clock_ns(st->st_ctim) < SETTLED_MSEC * NSEC_PER_MSEC)
		return xstrdup("");
	AUTO_FREE char *identity = fs_identity_of(st);

	return xasprintf("%s %s %s\n", boot, identity, sha256);
}

static bool has_note(struct store *s, const char *note, const char *want)
{
	AUTO_CLOSE int fd = openat(s->folders[IN_CHECKED], note,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[NOTE_MAX];
	ssize_t n = fd < 0 ? -1 : fd_read_at(fd, text, sizeof(text), 0);

	return n > 0 && (size_t)n == strlen(want) && !memcmp(text, want, (size_t)n);
}

/* A note that could not be written, or is torn, costs reading the file once more. */
static void write_note(struct store *s, const char *note, const char *text)
{
	AUTO_CLOSE int fd = -1;

	if (!*text)
		return;
	fd = openat(s->folders[IN_CHECKED], note,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)!fd_write_at(fd, text, strlen(text), 0);
}

void check_note(struct store *s, int fd, const char *note, const char *sha256)
{
	AUTO_FREE char *text = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	text = note_text(&st, sha256);
	write_note(s, note, text);
}

int check_file(struct store *s, int fd, const char *note, const struct entry_file *f,
	       struct cancel *c, struct error **err)
{
	AUTO_FREE char *before = NULL, *after = NULL, *sha256 = NULL;
	AUTO(error) struct error *e = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot examine '%s'", f->name);
	if (st.st_size != f->size)
		return error_set(err, ERROR_INVALID, "'%s' has %jd bytes instead of %" PRId64,
				 f->name, (intmax_t)st.st_size, f->size);
	before = note_text(&st, f->sha256);
	if (*before && has_note(s, note, before))
		return 0;
	if (check_digest(fd, f->name, c, &sha256, &e) < 0) {
		if (e->os_errno == EIO) /* a bad block: the file is lost */
			e->kind = ERROR_INVALID;
		return error_move(err, TAKE(e));
	}
	if (strcmp(sha256, f->sha256) != 0)
		return error_set(err, ERROR_INVALID,
				 "'%s' has another content than when it was kept", f->name);
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot examine '%s'", f->name);
	after = note_text(&st, f->sha256);
	if (!strcmp(before, after))
		write_note(s, note, after);
	return 0;
}
