/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes which checkpoint: the holder of the lock on locks/KEY. */
#include "base/duration.h"
#include "cache/store.h"
#include "cache/store_internal.h"
#include "os/fd.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

enum { FIRST_LOOK_MSEC = 2, LAST_LOOK_MSEC = 80 };

static int check_key(const char *key, struct error **err)
{
	if (store_key_is_valid(key))
		return 0;
	return error_set(err, ERROR_INVALID, "'%s' cannot be a key of the store", key);
}

int store_claim(struct store *s, const char *key, int *ret_fd, struct error **err)
{
	if (check_key(key, err) < 0)
		return -1;

	int r = hold_try(s->folders[IN_LOCKS], key, O_RDWR | O_CREAT, LOCK_EX, ret_fd);

	if (r < 0)
		return store_fail(err, errno, "lock", s, IN_LOCKS, key);
	return r ? 0 : error_set(err, ERROR_EXISTS, "'%s' is being made by another build", key);
}

/* A shared lock is enough to see that there is no exclusive one, and waiters do not see each other. */
int store_wait(struct store *s, const char *key, struct cancel *c, struct error **err)
{
	if (check_key(key, err) < 0)
		return -1;
	for (int64_t pause = FIRST_LOOK_MSEC;; pause = MIN(pause * 2, (int64_t)LAST_LOOK_MSEC)) {
		AUTO_CLOSE int fd = -1;
		int r = hold_try(s->folders[IN_LOCKS], key, O_RDONLY, LOCK_SH, &fd);

		if (r > 0 || (r < 0 && errno == ENOENT))
			return cancel_check(c, err);
		if (r < 0)
			return store_fail(err, errno, "lock", s, IN_LOCKS, key);
		if (io_pause(clock_deadline(pause * NSEC_PER_MSEC), c, err) < 0)
			return -1;
	}
}
