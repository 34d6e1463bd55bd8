/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/debs.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEX_LEN = 64, PART_MAX_AGE_SEC = 24 * 3600 };
static const int64_t cache_max = INT64_C(4) << 30; /* per archive */

static char *cache_dir(const struct bootstrap *b, const struct build_ctx *ctx)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);

	digest_add_field(d, "mirror", b->mirror, strlen(b->mirror));
	digest_add_field(d, "security", b->security_mirror, strlen(b->security_mirror));
	/* the archive would be enough, but a release has no use for the packages of others */
	digest_add_field(d, "release", b->release, strlen(b->release));
	digest_add_field(d, "architecture", b->architecture, strlen(b->architecture));

	AUTO_FREE char *hex = digest_finish_hex(d);

	return xasprintf("%s/bootstrap/%.16s", ctx->dirs->cache, hex);
}

/* The package's own name in an entry's, or NULL if the entry is not one of ours. */
static const char *entry_name(const char *entry)
{
	if (strlen(entry) <= HEX_LEN + 1 || entry[HEX_LEN] != '-' ||
	    strspn(entry, "0123456789abcdef") < HEX_LEN || !text_ends_with(entry, ".deb"))
		return NULL;
	return entry + HEX_LEN + 1;
}

static int take_one(struct build_ctx *ctx, const char *from, const char *to, const char *hex,
		    bool *ret_good, struct error **err)
{
	AUTO_FREE char *found = NULL;

	if (fs_copy(from, to, 0644, NULL, NULL, ctx->cancel, err) < 0 ||
	    fs_digest(to, DIGEST_SHA256, ctx->cancel, &found, err) < 0)
		return -1;
	*ret_good = !strncmp(found, hex, HEX_LEN);
	if (*ret_good)
		return 0;
	if (fs_remove(to, err) < 0)
		return -1;
	return fs_remove(from, err);
}

int debs_take(const struct bootstrap *b, struct build_ctx *ctx, const char *to, size_t *ret_count,
	      struct error **err)
{
	AUTO_FREE char *dir = cache_dir(b, ctx);
	AUTO(strv) struct strv entries = STRV_INIT;

	*ret_count = 0;
	if (!fs_exists(dir))
		return 0;
	if (fs_list(dir, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.len; i++) {
		const char *name = entry_name(entries.v[i]);
		AUTO_FREE char *from = path_join(dir, entries.v[i]);
		AUTO_FREE char *copy = path_join(to, name ? name : "");
		AUTO(error) struct error *e = NULL;
		bool good = false;

		if (!name)
			continue;
		if (take_one(ctx, from, copy, entries.v[i], &good, &e) < 0) {
			if (e->kind != ERROR_NOT_FOUND) /* another cast has dropped it */
				return error_move(err, TAKE(e));
			continue;
		}
		*ret_count += good;
	}
	return 0;
}

static int keep_one(struct build_ctx *ctx, const char *dir, const char *from, const char *name,
		    struct error **err)
{
	AUTO_FREE char *hex = NULL;

	if (fs_digest(from, DIGEST_SHA256, ctx->cancel, &hex, err) < 0)
		return -1;

	AUTO_FREE char *entry = xasprintf("%s/%s-%s", dir, hex, name);
	AUTO_FREE char *partial = NULL;

	if (utimensat(AT_FDCWD, entry, NULL, 0) == 0) /* there already: used now */
		return 0;

	AUTO_CLOSE int fd = -1;

	if (fs_temp_file(dir, "new", ".part", &partial, &fd, err) < 0)
		return -1;
	if (fs_copy(from, partial, 0644, NULL, NULL, ctx->cancel, err) < 0 ||
	    fs_rename(partial, entry, err) < 0) {
		AUTO(error) struct error *e = NULL;

		if (fs_remove(partial, &e) < 0)
			error_ignore(&e, "the first error counts");
		return -1;
	}
	return 0;
}

struct entry {
	char *path;
	int64_t size, used;
};
VEC_DECLARE(entry_list, struct entry);

static int by_use(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->used < y->used ? 1 : x->used > y->used ? -1 : strcmp(x->path, y->path);
}

/* A copy that a killed cast did not finish. */
static bool is_stale(const char *name, const struct stat *st)
{
	return text_ends_with(name, ".part") &&
	       clock_wall() / NSEC_PER_SEC - st->st_mtime > PART_MAX_AGE_SEC;
}

/* Newest first as far as they fit. Someone who reads a dropped one meanwhile keeps it open. */
static int trim(const char *dir, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	struct entry_list all = { 0 };
	int64_t total = 0;
	int r = fs_list(dir, &names, err);

	for (size_t i = 0; i < names.len; i++) {
		char *path = path_join(dir, names.v[i]);
		struct stat st = { 0 };

		if (stat(path, &st) == 0 && entry_name(names.v[i])) {
			*vec_push(&all) = (struct entry){ path, st.st_size, st.st_mtime };
			continue;
		}
		if (r == 0 && fs_exists(path) && is_stale(names.v[i], &st))
			r = fs_remove(path, err);
		free(path);
	}
	if (all.len)
		qsort(all.items, all.len, sizeof(*all.items), by_use);
	for (size_t i = 0; i < all.len; i++) {
		total += all.items[i].size;
		if (r == 0 && total > cache_max)
			r = fs_remove(all.items[i].path, err);
		free(all.items[i].path);
	}
	vec_release(&all);
	return r;
}

int debs_keep(const struct bootstrap *b, struct build_ctx *ctx, const char *from,
	      struct error **err)
{
	AUTO_FREE char *dir = cache_dir(b, ctx);
	AUTO_FREE char *lock = path_join(dir, "lock");
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_CLOSE int fd = -1;

	if (fs_mkdir_all(dir, 0700, err) < 0 || fs_list(from, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(from, names.v[i]);

		if (text_ends_with(names.v[i], ".deb") &&
		    keep_one(ctx, dir, path, names.v[i], err) < 0)
			return -1;
	}
	if (lock_try(lock, &fd, &e) < 0) {
		error_ignore(&e, "another cast is trimming the cache");
		return 0;
	}
	return trim(dir, err);
}
