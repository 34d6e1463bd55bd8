/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/vec.h"
#include "os/clock.h"
#include "os/fs.h"

#include <stdlib.h>
#include <sys/stat.h>

struct found {
	char *path;
	int64_t written;
	bool counts;
};
VEC_DECLARE(found_list, struct found);

static int by_age(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->written > y->written) - (x->written < y->written);
}

static int look(const char *dir, struct found_list *ret, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(dir, names.v[i]);
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
			*vec_push(ret) = (struct found){
				.path = TAKE(path),
				.written = clock_ns(st.st_mtim),
				.counts = names.v[i][0] != '.',
			};
	}
	if (ret->len)
		qsort(ret->items, ret->len, sizeof(*ret->items), by_age);
	return 0;
}

int fs_prune(const char *dir, int64_t before, size_t max, int *ret_removed, struct error **err)
{
	struct found_list list = { 0 };
	size_t count = 0;
	int r;

	*ret_removed = 0;
	if (!fs_exists(dir))
		return 0;
	r = look(dir, &list, err);
	for (size_t i = 0; i < list.len; i++)
		count += list.items[i].counts;
	for (size_t i = 0; i < list.len && r == 0; i++) {
		const struct found *f = &list.items[i];

		if (f->written >= before && (!f->counts || count <= max))
			continue;
		r = fs_remove(f->path, err);
		count -= f->counts;
		*ret_removed += f->counts;
	}
	for (size_t i = 0; i < list.len; i++)
		free(list.items[i].path);
	vec_release(&list);
	return r;
}
