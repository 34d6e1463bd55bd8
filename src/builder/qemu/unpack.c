/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/unpack.h"

#include "base/alloc.h"
#include "os/fd.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_BYTES = 256 * 1024,
	PIECE = 64 * 1024, /* zeroes of this much become a hole */
};

static void free_archive(struct archive *a)
{
	(void)archive_read_free(a);
}
DEFINE_AUTO(archive, struct archive *, free_archive);

static int fail(struct archive *a, const char *from, struct error **err)
{
	const char *why = archive_error_string(a);

	return error_set(err, ERROR_INVALID, "cannot unpack '%s': %s", from,
			 why ? why : "unknown packing");
}

/* Only the name tells an archive from a compressed disk: a disk that starts with zeroes looks
 * like an empty tar. */
static void expect(struct archive *a, const char *type)
{
	(void)archive_read_support_filter_all(a);
	if (!strcmp(type, "zip"))
		(void)archive_read_support_format_zip(a);
	else if (strstr(type, "tar") || *type == 't')
		(void)archive_read_support_format_tar(a);
	else
		(void)archive_read_support_format_raw(a);
}

static int open_packed(struct archive *a, const char *from, struct error **err)
{
	if (archive_read_open_filename(a, from, READ_BYTES) != ARCHIVE_OK)
		return fail(a, from, err);
	return 0;
}

static bool is_zero(const char *p, size_t len)
{
	return len && !*p && !memcmp(p, p + 1, len - 1);
}

static int write_piece(int fd, const char *p, size_t len, int64_t at, struct error **err)
{
	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "cannot write");
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_sparse(int fd, const char *p, size_t len, int64_t at, struct error **err)
{
	while (len) {
		size_t n = MIN(len, (size_t)PIECE);

		if (!is_zero(p, n) && write_piece(fd, p, n, at, err) < 0)
			return -1;
		p += n;
		at += (int64_t)n;
		len -= n;
	}
	return 0;
}

static int copy_content(struct archive *a, const char *from, int fd, struct cancel *c,
			struct error **err)
{
	int64_t size = 0;

	for (;;) {
		const void *data;
		size_t len;
		la_int64_t at;
		int r = archive_read_data_block(a, &data, &len, &at);

		if (r == ARCHIVE_EOF)
			break;
		if (r < ARCHIVE_WARN)
			return fail(a, from, err);
		if (cancel_check(c, err) < 0 || write_sparse(fd, data, len, at, err) < 0)
			return -1;
		size = at + (int64_t)len;
	}
	if (ftruncate(fd, size) < 0)
		return error_set_errno(err, errno, "cannot write");
	return 0;
}

/* 1: positioned at a regular file, 0: no more entries. */
static int next_file(struct archive *a, const char *from, struct error **err)
{
	struct archive_entry *entry;

	for (;;) {
		int r = archive_read_next_header(a, &entry);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_WARN)
			return fail(a, from, err);
		if (archive_entry_filetype(entry) == AE_IFREG)
			return 1;
	}
}

int unpack_single(const char *type, const char *from, const char *to, struct cancel *c,
		  struct error **err)
{
	AUTO(archive) struct archive *a = archive_read_new();
	AUTO_CLOSE int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", to);
	expect(a, type);
	if (open_packed(a, from, err) < 0)
		return -1;
	r = next_file(a, from, err);
	if (r < 0)
		return -1;
	if (r == 0)
		return error_set(err, ERROR_INVALID, "'%s' holds no file", from);
	if (copy_content(a, from, fd, c, err) < 0)
		return error_prefix(err, "cannot unpack '%s' to '%s'", from, to);
	r = next_file(a, from, err);
	if (r > 0)
		return error_set(err, ERROR_INVALID, "'%s' holds more than one file", from);
	return r;
}
