/* SPDX-License-Identifier: Apache-2.0 */
#include "net/curl.h"

#include "os/library.h"

#include <pthread.h>
#include <stdbool.h>

/* clang-format off */
#define SYMBOL(name) { "curl_" #name, offsetof(struct curl_library, name) }
static const struct library_symbol symbols[] = {
	SYMBOL(global_init), SYMBOL(easy_init), SYMBOL(easy_cleanup), SYMBOL(easy_setopt),
	SYMBOL(easy_getinfo), SYMBOL(easy_strerror), SYMBOL(multi_init), SYMBOL(multi_cleanup),
	SYMBOL(multi_add_handle), SYMBOL(multi_remove_handle), SYMBOL(multi_perform),
	SYMBOL(multi_poll), SYMBOL(multi_info_read), SYMBOL(multi_strerror), SYMBOL(slist_append),
	SYMBOL(slist_free_all),
};
/* clang-format on */

static const struct library_spec spec = {
	.soname = "libcurl.so.4",
	.package = "libcurl4",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the two below */
static struct curl_library library;
static bool loaded;

static int load(struct error **err)
{
	if (library_load(&spec, &library, err) < 0)
		return -1;
	if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERROR_FAILED, "cannot initialize libcurl");
	return 0;
}

const struct curl_library *curl_library_load(struct error **err)
{
	pthread_mutex_lock(&mutex);
	if (!loaded)
		loaded = load(err) == 0;
	pthread_mutex_unlock(&mutex);
	return loaded ? &library : NULL;
}
