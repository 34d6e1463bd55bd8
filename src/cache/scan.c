/* SPDX-License-Identifier: Apache-2.0 */
/* What is in entries/. Others publish and remove meanwhile: what vanishes was not there. */
#include "base/alloc.h"
#include "base/duration.h"
#include "cache/store_internal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void scan_release(struct scan *scan)
{
	for (size_t i = 0; i < scan->len; i++) {
		free(scan->items[i].key);
		free(scan->items[i].generation);
		entry_meta_release(&scan->items[i].meta);
	}
	vec_release(scan);
}

static int scan_one(int key_dir, const char *key, const char *generation, bool old,
		    struct scan *ret, struct error **err)
{
	AUTO_CLOSE int fd =
		openat(key_dir, generation, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(entry_meta) struct entry_meta meta = { 0 };
	AUTO(error) struct error *e = NULL;
	struct scanned *one;
	struct stat st;
	bool damaged = false;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
			       ? 0
			       : error_set_errno(err, errno, "cannot open the entry '%s'", key);
	if (entry_meta_read(fd, &meta, &e) < 0) {
		if (hold_is_named(fd, key_dir, generation) == 0)
			return 0;
		if (e->kind != ERROR_INVALID)
			return error_move(err, TAKE(e));
		damaged = true;
	}
	if (!damaged && strcmp(meta.key, key) != 0)
		damaged = true;
	one = vec_push(ret);
	one->key = xstrdup(key);
	one->generation = xstrdup(generation);
	one->damaged = damaged;
	one->old = old;
	one->meta = meta;
	meta = (struct entry_meta){ 0 };
	one->bytes = bytes_of_folder(fd, 0);
	if (fstatat(fd, META_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
		one->used = clock_ns(st.st_mtim);
	return 0;
}

static int scan_key(struct store *s, const char *key, struct scan *ret, struct error **err)
{
	AUTO(strv) struct strv generations = STRV_INIT;
	AUTO_CLOSE int key_dir = -1;

	if (entry_open_key(s, key, &key_dir, err) < 0 ||
	    (key_dir >= 0 && entry_generations(key_dir, &generations, err) < 0))
		return -1;
	for (size_t i = 0; i < generations.len; i++)
		if (scan_one(key_dir, key, generations.v[i], i + 1 < generations.len, ret, err) < 0)
			return -1;
	return 0;
}

int scan_entries(struct store *s, struct scan *ret, struct error **err)
{
	AUTO_FREE char *dir = store_path(s, IN_ENTRIES, "");
	AUTO(strv) struct strv keys = STRV_INIT;

	if (fs_list(dir, &keys, err) < 0)
		return -1;
	for (size_t i = 0; i < keys.len; i++)
		if (store_key_is_valid(keys.v[i]) && scan_key(s, keys.v[i], ret, err) < 0)
			return -1;
	return 0;
}

static int compare_used(const void *a, const void *b)
{
	const struct scanned *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

void scan_sort_by_use(struct scan *scan)
{
	if (scan->len)
		qsort(scan->items, scan->len, sizeof(*scan->items), compare_used);
}
