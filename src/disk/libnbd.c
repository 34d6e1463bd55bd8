/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/libnbd.h"

#include "os/library.h"

#include <pthread.h>
#include <stdbool.h>

/* clang-format off */
#define SYMBOL(name) { "nbd_" #name, offsetof(struct nbd_library, name) }
static const struct library_symbol symbols[] = {
	SYMBOL(create), SYMBOL(close), SYMBOL(get_error), SYMBOL(get_size),
	SYMBOL(add_meta_context), SYMBOL(can_meta_context), SYMBOL(aio_connect_socket),
	SYMBOL(aio_get_fd), SYMBOL(aio_get_direction), SYMBOL(aio_notify_read),
	SYMBOL(aio_notify_write), SYMBOL(aio_is_ready), SYMBOL(aio_is_processing),
	SYMBOL(aio_is_dead), SYMBOL(aio_is_closed), SYMBOL(aio_pread), SYMBOL(aio_pwrite),
	SYMBOL(aio_flush), SYMBOL(aio_block_status), SYMBOL(aio_disconnect),
};
/* clang-format on */

static const struct library_spec spec = {
	.soname = "libnbd.so.0",
	.package = "libnbd0",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the two below */
static struct nbd_library library;
static bool loaded;

const struct nbd_library *nbd_library_load(struct error **err)
{
	pthread_mutex_lock(&mutex);
	if (!loaded)
		loaded = library_load(&spec, &library, err) == 0;
	pthread_mutex_unlock(&mutex);
	return loaded ? &library : NULL;
}
