/* SPDX-License-Identifier: Apache-2.0 */
/* Files on their way through a stream, in either direction (plugin-protocol.md 6.8). */
#pragma once

#include "core/comm.h"
#include "plugin/wire/msgpack.h"

/* What is to be uploaded, as a source. */
struct transfer_file {
	struct comm_source source;
	const struct comm_upload *up;
	int fd; /* -1: bytes in memory */
	int64_t at, total;
	char *name;
};
MUST_CHECK int transfer_file_open(struct transfer_file *f, const struct comm_upload *up,
				  struct error **err);
void transfer_file_close(struct transfer_file *f);

/* The argument of Communicator.Upload. */
void transfer_pack_upload(struct strbuf *arg, const struct comm_source *from, const char *dst,
			  uint32_t id);
/* A comm_write_fn; `data` is an int, the descriptor. */
int transfer_write_fd(void *data, const void *bytes, size_t len, struct error **err);
