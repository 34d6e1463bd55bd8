/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is written from front to back, with the SHA-256 of what passes. A place that was left
 * for later can be filled at the end. A file that was not closed is removed by release.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "disk/sums.h"

#include <stddef.h>
#include <stdint.h>

struct sink {
	int fd;
	char *path;
	uint64_t at;            /* bytes written so far, those in the buffer among them */
	struct digest *digest;  /* of what is written at present, or NULL */
	struct disk_sums *sums; /* of all that is written, or NULL; borrowed */
	unsigned char *buf;
	size_t len;
};

#define SINK_INIT                                                                                  \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* The file must not be there. */
MUST_CHECK int sink_open(struct sink *s, const char *path, struct error **err);
void sink_release(struct sink *s);

MUST_CHECK int sink_write(struct sink *s, const void *data, size_t len, struct error **err);
MUST_CHECK int sink_zeros(struct sink *s, uint64_t n, struct error **err);
/* Zeros up to the next multiple of `unit`, counted from `base`. */
MUST_CHECK int sink_align(struct sink *s, uint64_t base, unsigned unit, struct error **err);
/* Digests from here on … */
MUST_CHECK int sink_digest_begin(struct sink *s, struct error **err);
/* … to here: lower-case hex, heap. */
MUST_CHECK int sink_digest_end(struct sink *s, char **ret_hex, struct error **err);

/* Replaces bytes that were written before; they are in no digest that is still being made. */
MUST_CHECK int sink_patch(struct sink *s, uint64_t at, const void *data, size_t len,
			  struct error **err);
/* The file is complete and stays. */
MUST_CHECK int sink_close(struct sink *s, struct error **err);
