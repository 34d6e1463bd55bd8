/* SPDX-License-Identifier: Apache-2.0 */
/* libnbd, loaded when the first disk is read or written (os/library.h). Only disk/nbd.c uses this. */
#pragma once

#include "base/error.h"

#include <libnbd.h>

struct nbd_library {
	__typeof__(nbd_create) *create;
	__typeof__(nbd_close) *close;
	__typeof__(nbd_get_error) *get_error;
	__typeof__(nbd_get_size) *get_size;
	__typeof__(nbd_add_meta_context) *add_meta_context;
	__typeof__(nbd_can_meta_context) *can_meta_context;
	__typeof__(nbd_aio_connect_socket) *aio_connect_socket;
	__typeof__(nbd_aio_get_fd) *aio_get_fd;
	__typeof__(nbd_aio_get_direction) *aio_get_direction;
	__typeof__(nbd_aio_notify_read) *aio_notify_read;
	__typeof__(nbd_aio_notify_write) *aio_notify_write;
	__typeof__(nbd_aio_is_ready) *aio_is_ready;
	__typeof__(nbd_aio_is_processing) *aio_is_processing;
	__typeof__(nbd_aio_is_dead) *aio_is_dead;
	__typeof__(nbd_aio_is_closed) *aio_is_closed;
	__typeof__(nbd_aio_pread) *aio_pread;
	__typeof__(nbd_aio_pwrite) *aio_pwrite;
	__typeof__(nbd_aio_flush) *aio_flush;
	__typeof__(nbd_aio_block_status) *aio_block_status;
	__typeof__(nbd_aio_disconnect) *aio_disconnect;
};

/* Thread-safe; it stays loaded. NULL with a hint when the library is not there. */
const struct nbd_library *nbd_library_load(struct error **err);
