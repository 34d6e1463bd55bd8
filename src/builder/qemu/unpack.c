/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/unpack.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "os/archive.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_BYTES = 256 * 1024,
	PIECE = 64 * 1024, /* zeroes of this much become a hole */
};

struct unpacking {
	const struct archive_library *lib;
	struct archive *a;
	const char *from; /* for messages */
};

static void auto_unpacking(struct unpacking *u)
{
	if (u->a)
		(void)u->lib->read_free(u->a);
}

static int fail(const struct unpacking *u, struct error **err)
{
	const char *why = u->lib->error_string(u->a);

	return error_set(err, ERROR_INVALID, "cannot unpack '%s': %s", u->from,
			 why ? why : "unknown packing");
}

/* Only the name tells an archive from a compressed disk: a disk that starts with zeroes looks
 * like an empty tar. */
static void expect(const struct unpacking *u, const char *type)
{
	(void)u->lib->read_support_filter_all(u->a);
	if (!strcmp(type, "zip"))
		(void)u->lib->read_support_format_zip(u->a);
	else if (strstr(type, "tar") || *type == 't')
		(void)u->lib->read_support_format_tar(u->a);
	else
		(void)u->lib->read_support_format_raw(u->a);
}

static int open_packed(const struct unpacking *u, struct error **err)
{
	if (u->lib->read_open_filename(u->a, u->from, READ_BYTES) != ARCHIVE_OK)
		return fail(u, err);
	return 0;
}

static int write_piece(int fd, const char *p, size_t len, int64_t at, struct error **err)
{
	return fd_write_at(fd, p, len, at) < 0 ? error_set_errno(err, errno, "cannot write") : 0;
}

static int write_sparse(int fd, const char *p, size_t len, int64_t at, struct error **err)
{
	while (len) {
		size_t n = MIN(len, (size_t)PIECE);

		if (!is_zeros(p, n) && write_piece(fd, p, n, at, err) < 0)
			return -1;
		p += n;
		at += (int64_t)n;
		len -= n;
	}
	return 0;
}

static int copy_content(const struct unpacking *u, int fd, struct cancel *c, struct error **err)
{
	int64_t size = 0;

	for (;;) {
		const void *data;
		size_t len;
		la_int64_t at;
		int r = u->lib->read_data_block(u->a, &data, &len, &at);

		if (r == ARCHIVE_EOF)
			break;
		if (r < ARCHIVE_WARN)
			return fail(u, err);
		if (cancel_check(c, err) < 0 || write_sparse(fd, data, len, at, err) < 0)
			return -1;
		size = at + (int64_t)len;
	}
	if (ftruncate(fd, size) < 0)
		return error_set_errno(err, errno, "cannot write");
	return 0;
}

/* 1: positioned at a regular file, 0: no more entries. */
static int next_file(const struct unpacking *u, struct error **err)
{
	struct archive_entry *entry;

	for (;;) {
		int r = u->lib->read_next_header(u->a, &entry);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_WARN)
			return fail(u, err);
		if (u->lib->entry_filetype(entry) == AE_IFREG)
			return 1;
	}
}

int unpack_single(const char *type, const char *from, const char *to, struct cancel *c,
		  struct error **err)
{
	AUTO(unpacking) struct unpacking u = { .lib = archive_library_load(err), .from = from };
	AUTO_CLOSE int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r;

	if (!u.lib)
		return -1;
	if (fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", to);
	u.a = u.lib->read_new();
	expect(&u, type);
	if (open_packed(&u, err) < 0)
		return -1;
	r = next_file(&u, err);
	if (r < 0)
		return -1;
	if (r == 0)
		return error_set(err, ERROR_INVALID, "'%s' holds no file", from);
	if (copy_content(&u, fd, c, err) < 0)
		return error_prefix(err, "cannot unpack '%s' to '%s'", from, to);
	r = next_file(&u, err);
	if (r > 0)
		return error_set(err, ERROR_INVALID, "'%s' holds more than one file", from);
	return r;
}
