/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/unzip.h"

#include "base/alloc.h"
#include "base/str.h"
#include "os/archive.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024, BINARY_MODE = 0755 };

struct unzip {
	const char *zip, *name, *to;
	const struct archive_library *lib;
	struct archive *a;
	int fd; /* of `to`, once it is made */
	bool found;
};

static void auto_unzip(struct unzip *u)
{
	if (u->a)
		(void)u->lib->read_free(u->a);
	fd_close(u->fd);
}

/* The archive is somebody else's; what it says of itself is quoted. */
static int damaged(struct unzip *u, struct error **err)
{
	const char *why = u->lib->error_string(u->a);

	return error_set(err, ERROR_INVALID, "the zip is damaged: %s", why ? why : "unreadable");
}

static int write_block(struct unzip *u, const void *block, size_t len, int64_t at, int64_t *done,
		       struct error **err)
{
	if (at < *done || at > UNZIP_BYTES_MAX || (int64_t)len > UNZIP_BYTES_MAX - at)
		return error_set(err, ERROR_INVALID, "'%s' in the zip has more than %lld bytes",
				 u->name, (long long)UNZIP_BYTES_MAX);
	if (fd_write_at(u->fd, block, len, at) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", u->to);
	*done = at + (int64_t)len;
	return 0;
}

static int write_entry(struct unzip *u, struct cancel *c, struct error **err)
{
	int64_t done = 0;

	u->fd = open(u->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, BINARY_MODE);
	if (u->fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", u->to);
	for (;;) {
		const void *block;
		size_t len;
		la_int64_t at;

		if (cancel_check(c, err) < 0)
			return -1;

		int r = u->lib->read_data_block(u->a, &block, &len, &at);

		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK)
			return damaged(u, err);
		if (write_block(u, block, len, at, &done, err) < 0)
			return -1;
	}
	/* The mode that was asked for, whatever the umask. */
	if (fchmod(u->fd, BINARY_MODE) < 0 || ftruncate(u->fd, done) < 0 || fsync(u->fd) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", u->to);
	return 0;
}

static int on_entry(struct unzip *u, struct archive_entry *entry, struct cancel *c,
		    struct error **err)
{
	const char *name = u->lib->entry_pathname(entry);

	if (!name || !text_eq(name, u->name))
		return 0;
	if (u->found)
		return error_set(err, ERROR_INVALID, "the zip has '%s' more than once", u->name);
	if (u->lib->entry_filetype(entry) != AE_IFREG || u->lib->entry_hardlink(entry))
		return error_set(err, ERROR_INVALID, "'%s' in the zip is not a plain file",
				 u->name);
	if (u->lib->entry_size(entry) > UNZIP_BYTES_MAX)
		return error_set(err, ERROR_INVALID, "'%s' in the zip has more than %lld bytes",
				 u->name, (long long)UNZIP_BYTES_MAX);
	u->found = true;
	return write_entry(u, c, err);
}

static int read_all(struct unzip *u, struct cancel *c, struct error **err)
{
	u->a = u->lib->read_new();
	if (u->lib->read_support_format_zip(u->a) != ARCHIVE_OK ||
	    u->lib->read_open_filename(u->a, u->zip, READ_BYTES) != ARCHIVE_OK)
		return damaged(u, err);
	for (int n = 0;; n++) {
		struct archive_entry *entry;
		int r = u->lib->read_next_header(u->a, &entry);

		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return damaged(u, err);
		if (n >= UNZIP_ENTRIES_MAX)
			return error_set(err, ERROR_INVALID, "the zip has more than %d entries",
					 UNZIP_ENTRIES_MAX);
		if (cancel_check(c, err) < 0 || on_entry(u, entry, c, err) < 0)
			return -1;
	}
	if (!u->found)
		return error_set(err, ERROR_INVALID, "the zip has no '%s'", u->name);
	return 0;
}

int unzip_entry(const char *zip, const char *name, const char *to, struct cancel *c,
		struct error **err)
{
	AUTO(unzip) struct unzip u = { .zip = zip, .name = name, .to = to, .fd = -1 };
	AUTO(error) struct error *e = NULL;

	u.lib = archive_library_load(err);
	if (!u.lib)
		return -1;
	if (read_all(&u, c, err) == 0)
		return 0;
	if (u.fd >= 0 && fs_remove(to, &e) < 0)
		error_ignore(&e, "the first failure counts");
	return -1;
}
