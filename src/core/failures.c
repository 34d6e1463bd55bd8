/* SPDX-License-Identifier: Apache-2.0 */
#include "core/failures.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fs.h"

#include <time.h>

enum { KEPT = 20 };

char *failures_dir(const char *state_dir, const char *run_uuid)
{
	time_t now = (time_t)(clock_wall() / NSEC_PER_SEC);
	char when[sizeof("20260102T030405Z")];
	struct tm tm;

	gmtime_r(&now, &tm);
	(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	return xasprintf("%s/failures/%s-%.8s", state_dir, when, run_uuid);
}

/* The names begin with the time, so the first of the list are the oldest. */
int failures_trim(const char *state_dir, struct error **err)
{
	AUTO_FREE char *dir = path_join(state_dir, "failures");
	AUTO(strv) struct strv list = STRV_INIT;

	if (!fs_exists(dir))
		return 0;
	if (fs_list(dir, &list, err) < 0)
		return -1;
	for (size_t i = 0; i + KEPT < list.len; i++) {
		AUTO_FREE char *path = path_join(dir, list.v[i]);

		if (fs_remove_tree(path, err) < 0)
			return -1;
	}
	return 0;
}
