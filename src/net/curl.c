/* SPDX-License-Identifier: Apache-2.0 */
#include "net/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static struct curl_library library;
static const char *failure; /* of the loading, NULL when it went well */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct symbol {
	const char *name;
	size_t offset;
} symbols[] = {
#define SYMBOL(name)                                                                               \
	{                                                                                          \
		"curl_" #name, offsetof(struct curl_library, name)                                 \
	}
	SYMBOL(global_init),         SYMBOL(easy_init),      SYMBOL(easy_cleanup),
	SYMBOL(easy_setopt),         SYMBOL(easy_getinfo),   SYMBOL(easy_strerror),
	SYMBOL(multi_init),          SYMBOL(multi_cleanup),  SYMBOL(multi_add_handle),
	SYMBOL(multi_remove_handle), SYMBOL(multi_perform),  SYMBOL(multi_poll),
	SYMBOL(multi_info_read),     SYMBOL(multi_strerror), SYMBOL(slist_append),
	SYMBOL(slist_free_all),
#undef SYMBOL
};

static void load(void)
{
	void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < ARRAY_LEN(symbols); i++) {
		void *found = dlsym(handle, symbols[i].name);

		if (!found)
			handle = NULL;
		/* POSIX lets an object pointer hold a function's address */
		memcpy((char *)&library + symbols[i].offset, &found, sizeof(found));
	}
	if (!handle)
		failure = dlerror();
	else if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		failure = "it cannot be initialized";
}

const struct curl_library *curl_library_load(struct error **err)
{
	pthread_once(&once, load);
	if (!failure)
		return &library;
	error_set(err, ERROR_NOT_FOUND, "cannot load libcurl: %s", failure);
	error_hint(err, "install the package libcurl4");
	return NULL;
}
