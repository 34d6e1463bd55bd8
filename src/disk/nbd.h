/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk image opened by a qemu-nbd of ours, and the connection to it: QEMU knows the formats, we have
 * the data in blocks, several requests at a time. The process reads and writes this one image, listens
 * on a socket in the build's own folder, takes one client and ends with it.
 *
 * All functions of one `struct nbd` are called on one thread at a time. A wait ends with an error when
 * the process ends, when nothing has come from it for NBD_STALL_SECONDS, or by the token.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { NBD_STALL_SECONDS = 300 };

/* What programs are run with. */
struct disk_host {
	const char *temp_dir; /* of the build: sockets and what the programs say */
	char *const *environ;
	/* Told before a process is started, may add to its environment; when it runs; when it is gone.
	 * Any thread. NULL: nobody wants to know. */
	int (*announce)(void *data, const char *what, struct strv *env, uint64_t *ret_id,
			struct error **err);
	int (*started)(void *data, uint64_t id, pid_t pid, struct error **err);
	void (*ended)(void *data, uint64_t id);
	void *data;
};

struct nbd;

struct nbd_spec {
	const char *options; /* QEMU's block options of the image, JSON */
	const char *shown;   /* the image's name, for messages */
	bool writable;
};
MUST_CHECK int nbd_open(const struct disk_host *host, const struct nbd_spec *spec, struct cancel *c,
			struct nbd **ret, struct error **err);
/* Kills the process if it still runs; requests that are under way come to nothing. */
void nbd_free(struct nbd *n);
DEFINE_AUTO(nbd, struct nbd *, nbd_free);

uint64_t nbd_size(const struct nbd *n); /* of the disk, bytes */

/* A request under way. It and its bytes stay where they are until it is done. */
struct nbd_request {
	bool done;
	int error; /* errno, when done */
};
MUST_CHECK int nbd_read(struct nbd *n, struct nbd_request *r, void *buf, size_t len,
			uint64_t offset, struct error **err);
MUST_CHECK int nbd_write(struct nbd *n, struct nbd_request *r, const void *buf, size_t len,
			 uint64_t offset, struct error **err);
/* Until it is done; a request that failed is an error. */
MUST_CHECK int nbd_wait(struct nbd *n, struct nbd_request *r, struct cancel *c, struct error **err);

struct nbd_extent {
	uint64_t len;
	bool is_zero; /* it reads as zeros */
};
/* What the disk has from `offset` on, at most `len` bytes of it, at least one extent. */
struct nbd_extents {
	struct nbd_extent items[128];
	size_t len;
};
MUST_CHECK int nbd_status(struct nbd *n, uint64_t offset, uint64_t len, struct nbd_extents *ret,
			  struct cancel *c, struct error **err);

/* All that was written is in the file, and the process has ended well. */
MUST_CHECK int nbd_finish(struct nbd *n, struct cancel *c, struct error **err);
