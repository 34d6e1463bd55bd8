/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/sums.h"

#include "base/alloc.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { PIECE = 256 * 1024 };

struct sum {
	enum digest_type type;
	struct digest *digest;
	char *hex; /* NULL: not yet */
};

struct disk_sums {
	size_t count;
	struct sum items[DIGEST_TYPE_COUNT];
};

struct disk_sums *disk_sums_new(const enum digest_type *types, size_t count)
{
	struct disk_sums *s = NEW(struct disk_sums);

	assert(count <= DIGEST_TYPE_COUNT);
	s->count = count;
	for (size_t i = 0; i < count; i++)
		s->items[i] = (struct sum){ .type = types[i], .digest = digest_new(types[i]) };
	return s;
}

void disk_sums_free(struct disk_sums *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		digest_free(s->items[i].digest);
		free(s->items[i].hex);
	}
	free(s);
}

void disk_sums_add(struct disk_sums *s, const void *bytes, size_t len)
{
	for (size_t i = 0; i < s->count; i++)
		digest_add(s->items[i].digest, bytes, len);
}

void disk_sums_add_zeros(struct disk_sums *s, uint64_t len)
{
	static const unsigned char zeros[PIECE];

	while (len) {
		size_t n = (size_t)MIN(len, (uint64_t)sizeof(zeros));

		disk_sums_add(s, zeros, n);
		len -= n;
	}
}

static void start_again(struct disk_sums *s)
{
	for (size_t i = 0; i < s->count; i++) {
		digest_free(s->items[i].digest);
		free(TAKE(s->items[i].hex));
		s->items[i].digest = digest_new(s->items[i].type);
	}
}

int disk_sums_of_file(struct disk_sums *s, const char *path, struct cancel *c, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *buf = xmalloc(PIECE);
	ssize_t n;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	start_again(s);
	while ((n = fd_read(fd, buf, PIECE)) > 0) {
		if (cancel_check(c, err) < 0)
			return -1;
		disk_sums_add(s, buf, (size_t)n);
	}
	if (n < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	disk_sums_finish(s);
	return 0;
}

void disk_sums_finish(struct disk_sums *s)
{
	for (size_t i = 0; i < s->count; i++)
		s->items[i].hex = digest_finish_hex(s->items[i].digest);
}

bool disk_sums_are_made(const struct disk_sums *s)
{
	return !s->count || s->items[0].hex;
}

const char *disk_sums_hex(const struct disk_sums *s, size_t i)
{
	assert(i < s->count);
	return s->items[i].hex;
}
