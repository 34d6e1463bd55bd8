/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/path.h"
#include "cache/store.h"
#include "cache/store_internal.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

int store_layer_new(struct store *s, const char *extension, char **ret_path, int *ret_fd,
		    struct error **err)
{
	for (;;) {
		char id[LAYER_ID_LENGTH + 1];

		random_text(id, LAYER_ID_LENGTH, "0123456789abcdef");

		AUTO_FREE char *name = xasprintf("%s.%s", id, extension);

		assert(store_layer_name_is_valid(name));
		int r = hold_try(s->folders[IN_LAYERS], name, O_RDWR | O_CREAT | O_EXCL, LOCK_SH,
				 ret_fd);

		if (r > 0) {
			*ret_path = store_path(s, IN_LAYERS, name);
			return 0;
		}
		/* else a collector came between making and locking it: another one */
		if (r < 0 && errno != ENOENT && errno != EEXIST)
			return store_fail(err, errno, "create", s, IN_LAYERS, name);
	}
}

int store_layer_hold(struct store *s, const char *name, int *ret_fd, struct error **err)
{
	if (!store_layer_name_is_valid(name) && !store_base_name_is_valid(name))
		return error_set(err, ERROR_NOT_FOUND, "'%s' is no name of a layer", name);
	if (hold_wait(s->folders[IN_LAYERS], name, O_RDONLY, LOCK_SH, NULL, ret_fd) == 0)
		return 0;
	return store_fail(err, errno, "open", s, IN_LAYERS, name);
}

int store_base(struct store *s, const char *key, const char *path, char **ret_path,
	       struct error **err)
{
	int folder = s->folders[IN_LAYERS];
	AUTO_FREE char *name = xasprintf(BASE_PREFIX "%s", key);
	char temp[] = ".base-0123456789ab";

	assert(store_key_is_valid(key) && path[0] == '/');
	for (;;) {
		random_text(temp + 6, 12, "0123456789abcdef");
		if (symlinkat(path, folder, temp) == 0)
			break;
		if (errno != EEXIST)
			return store_fail(err, errno, "make", s, IN_LAYERS, name);
	}
	/* made anew each time: its age tells when it was last needed */
	if (renameat(folder, temp, folder, name) < 0) {
		int saved = errno;

		(void)unlinkat(folder, temp, 0);
		return store_fail(err, saved, "make", s, IN_LAYERS, name);
	}
	*ret_path = store_path(s, IN_LAYERS, name);
	return 0;
}
