/* SPDX-License-Identifier: Apache-2.0 */
#include "os/qcow2.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "os/fd.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* The header has the place of the name at 8 and its length at 16, big-endian. */
char *qcow2_backing(int fd)
{
	enum { PATH_LENGTH_MAX = 1023 /* as the format has it */ };
	unsigned char head[20];

	if (fd_read_at(fd, head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head, QCOW2_MAGIC, 4) != 0)
		return NULL;

	uint64_t at = get_be(head + 8, 8), len = get_be(head + 16, 4);

	if (!at || at > INT32_MAX || !len || len > PATH_LENGTH_MAX)
		return NULL;

	AUTO_FREE char *name = xcalloc(1, (size_t)len + 1);

	return fd_read_at(fd, name, (size_t)len, (off_t)at) == (ssize_t)len ? TAKE(name) : NULL;
}
