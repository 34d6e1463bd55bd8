/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing what is garbage, old, or too much. Nothing that somebody holds goes, neither an entry
 * whose layers somebody holds: a machine runs on them, and may continue from it again.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/map.h"
#include "base/str.h"
#include "cache/store.h"
#include "cache/store_internal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { BATCH = 64 /* descriptors at a time */, BASE_DAYS = 7 };

/* ---- what entries take ------------------------------------------------------------------- */

struct layer_use {
	int64_t bytes;
	int entries; /* that name it */
};

struct tally {
	struct map layers; /* name -> struct layer_use */
	int64_t bytes;     /* of all entries, their layers once */
};

static void tally_layer(struct store *s, struct tally *t, const char *name)
{
	struct layer_use *use = map_get(&t->layers, name);

	if (!use) {
		use = NEW(struct layer_use);
		use->bytes = bytes_of_file(s->folders[IN_LAYERS], name);
		map_set(&t->layers, name, use);
		t->bytes += use->bytes;
	}
	use->entries++;
}

static void tally_meta(struct store *s, struct tally *t, const struct entry_meta *meta)
{
	for (size_t i = 0; i < meta->layers.len; i++)
		tally_layer(s, t, meta->layers.items[i].name);
	if (meta->base)
		tally_layer(s, t, meta->base);
}

static void tally_drop(struct tally *t, const char *name)
{
	struct layer_use *use = map_get(&t->layers, name);

	if (use && --use->entries == 0)
		t->bytes -= use->bytes;
}

static void tally_remove(struct tally *t, const struct scanned *one)
{
	t->bytes -= one->bytes;
	for (size_t i = 0; i < one->meta.layers.len; i++)
		tally_drop(t, one->meta.layers.items[i].name);
	if (one->meta.base)
		tally_drop(t, one->meta.base);
}

static void tally_scan(struct store *s, struct tally *t, const struct scan *scan)
{
	map_init(&t->layers, free);
	t->bytes = 0;
	for (size_t i = 0; i < scan->len; i++) {
		t->bytes += scan->items[i].bytes;
		tally_meta(s, t, &scan->items[i].meta);
	}
}

/* ---- entries ----------------------------------------------------------------------------- */

/* 1: gone, 0: in use, -1. */
static int evict(struct store *s, const struct scanned *one, struct error **err)
{
	AUTO_CLOSE int key_dir = -1, fd = -1;
	int r;

	if (entry_open_key(s, one->key, &key_dir, err) < 0)
		return -1;
	r = key_dir < 0 ? 1
			: hold_try(key_dir, one->generation, O_RDONLY | O_DIRECTORY, LOCK_EX, &fd);
	if (r < 0 && errno != ENOENT)
		return store_fail(err, errno, "lock", s, IN_ENTRIES, one->key);
	if (fd < 0)
		return r != 0;
	if (entry_layers_are_held(s, &one->meta))
		return 0;
	return entry_discard(s, key_dir, one->key, one->generation, err) < 0 ? -1 : 1;
}

struct eviction {
	struct store *s;
	struct scan scan; /* least recently used first */
	struct tally tally;
	int removed;
};

static int eviction_begin(struct eviction *v, struct store *s, struct error **err)
{
	*v = (struct eviction){ .s = s };
	map_init(&v->tally.layers, free);
	if (scan_entries(s, &v->scan, err) < 0)
		return -1;
	scan_sort_by_use(&v->scan);
	tally_scan(s, &v->tally, &v->scan);
	return 0;
}

static void auto_eviction(struct eviction *v)
{
	scan_release(&v->scan);
	map_release(&v->tally.layers);
}

/* Those for which `want` is true, oldest first, each at most once. */
static int evict_if(struct eviction *v,
		    bool (*want)(const struct eviction *v, const struct scanned *one,
				 int64_t limit),
		    int64_t limit, struct error **err)
{
	for (size_t i = 0; i < v->scan.len; i++) {
		struct scanned *one = &v->scan.items[i];
		int r;

		if (!one->key || !want(v, one, limit))
			continue;
		r = evict(v->s, one, err);
		if (r < 0)
			return -1;
		if (!r)
			continue;
		tally_remove(&v->tally, one);
		v->removed += !one->old;
		free(TAKE(one->key));
	}
	return 0;
}

static bool is_useless(const struct eviction *v, const struct scanned *one, int64_t limit)
{
	return one->damaged || one->old;
}

static bool is_older(const struct eviction *v, const struct scanned *one, int64_t limit)
{
	return one->used < limit;
}

static bool is_too_much(const struct eviction *v, const struct scanned *one, int64_t limit)
{
	return v->tally.bytes > limit;
}

int collect_make_room(struct store *s, int stage, const struct entry_meta *meta, struct error **err)
{
	AUTO(eviction) struct eviction v = { 0 };
	int64_t own = bytes_of_folder(stage, 0), evicted;

	if (eviction_begin(&v, s, err) < 0)
		return -1;
	/* as if it were there: layers that it shares with others are not freed by evicting those */
	v.tally.bytes += own;
	tally_meta(s, &v.tally, meta);
	for (size_t i = 0; i < v.scan.len; i++) { /* those that it replaces go anyway */
		struct scanned *one = &v.scan.items[i];

		if (strcmp(one->key, meta->key) != 0)
			continue;
		tally_remove(&v.tally, one);
		free(TAKE(one->key));
	}
	evicted = v.tally.bytes;
	if (v.tally.bytes > s->max &&
	    (evict_if(&v, is_useless, 0, err) < 0 || evict_if(&v, is_too_much, s->max, err) < 0))
		return -1;
	if (evicted != v.tally.bytes && collect_layers(s, err) < 0)
		return -1;
	if (v.tally.bytes <= s->max)
		return 0;
	error_set_errno(err, ENOSPC, "the store is full, and what is in it is in use");
	return error_hint(err, "INGOT_CACHE_SIZE says how large it may become");
}

/* ---- layers ------------------------------------------------------------------------------ */

/* Layers and bases that entries name, and generations: as keys. */
static int find_named(struct store *s, struct map *ret, struct error **err)
{
	static char there;
	AUTO(scan) struct scan scan = { 0 };

	if (scan_entries(s, &scan, err) < 0)
		return -1;
	for (size_t i = 0; i < scan.len; i++) {
		const struct scanned *one = &scan.items[i];

		map_set(ret, one->generation, &there);
		for (size_t k = 0; k < one->meta.layers.len; k++)
			map_set(ret, one->meta.layers.items[k].name, &there);
		if (one->meta.base)
			map_set(ret, one->meta.base, &there);
	}
	return 0;
}

static void drop_layer(struct store *s, const char *name)
{
	if (store_is_away(name))
		(void)away_put_aside(s, name);
	else
		(void)unlinkat(s->folders[IN_LAYERS], name, 0);
}

/*
 * Locks first and asks then: who publishes an entry holds its layers until it is in, so that a
 * layer that we hold exclusively is named by now or never.
 */
static int remove_unnamed(struct store *s, const struct strv *names, size_t first,
			  struct error **err)
{
	AUTO(map) struct map named = MAP_INIT(NULL);
	size_t last = MIN(first + BATCH, names->len);
	int fds[BATCH], r = 0, held = 0;

	for (size_t i = first; i < last; i++) {
		fds[i - first] = -1;
		held += hold_try_layer(s->folders[IN_LAYERS], names->v[i], &fds[i - first]) > 0;
	}
	if (held)
		r = find_named(s, &named, err);
	for (size_t i = first; i < last; i++) {
		if (r == 0 && fds[i - first] >= 0 && !map_has(&named, names->v[i]))
			drop_layer(s, names->v[i]);
		fd_close(fds[i - first]);
	}
	return r;
}

static bool is_older_than(const struct stat *st, int64_t ns)
{
	return clock_wall() - (int64_t)st->st_mtim.tv_sec * NSEC_PER_SEC > ns;
}

/* A link cannot be held; it is made anew whenever somebody starts from it. */
static void drop_link(struct store *s, const char *name, const struct stat *st)
{
	int64_t days = text_starts_with(name, ".") ? 1 : BASE_DAYS;

	if (is_older_than(st, days * 24 * 3600 * NSEC_PER_SEC))
		(void)unlinkat(s->folders[IN_LAYERS], name, 0);
}

static void drop_notes(struct store *s, const struct map *named)
{
	AUTO_FREE char *dir = store_path(s, IN_CHECKED, "");
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_list(dir, &names, &e) < 0)
		error_ignore(&e, "they only take room");
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.v[i];
		struct stat st;
		bool gone = false;

		if (text_starts_with(name, "layer-")) {
			gone = fstatat(s->folders[IN_LAYERS], name + 6, &st, AT_SYMLINK_NOFOLLOW) <
				       0 &&
			       errno == ENOENT;
		} else if (text_starts_with(name, "file-") &&
			   strlen(name) > 5 + GENERATION_LENGTH) {
			AUTO_FREE char *generation = xstrndup(name + 5, GENERATION_LENGTH);

			gone = !map_has(named, generation);
		}
		if (gone)
			(void)unlinkat(s->folders[IN_CHECKED], name, 0);
	}
}

int collect_layers(struct store *s, struct error **err)
{
	AUTO_FREE char *dir = store_path(s, IN_LAYERS, "");
	AUTO(strv) struct strv names = STRV_INIT, unnamed = STRV_INIT;
	AUTO(map) struct map named = MAP_INIT(NULL);

	if (fs_list(dir, &names, err) < 0 || find_named(s, &named, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.v[i];
		bool is_base = store_base_name_is_valid(name);
		struct stat st;

		if (map_has(&named, name) ||
		    fstatat(s->folders[IN_LAYERS], name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISREG(st.st_mode) && (is_base || store_layer_name_is_valid(name)))
			strv_push(&unnamed, name);
		else if (S_ISLNK(st.st_mode) && (is_base || text_starts_with(name, ".base-")))
			drop_link(s, name, &st);
	}
	for (size_t i = 0; i < unnamed.len; i += BATCH)
		if (remove_unnamed(s, &unnamed, i, err) < 0)
			return -1;
	drop_notes(s, &named);
	return 0;
}

void collect_layers_quietly(struct store *s)
{
	AUTO(error) struct error *e = NULL;

	if (collect_layers(s, &e) < 0)
		error_ignore(&e, "the next collection sees them");
}

/* ---- all of it --------------------------------------------------------------------------- */

static int collect_staging(struct store *s, struct error **err)
{
	AUTO_FREE char *dir = store_path(s, IN_STAGING, "");
	AUTO(strv) struct strv names = STRV_INIT;
	int folder = s->folders[IN_STAGING];

	if (fs_list(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = store_path(s, IN_STAGING, names.v[i]);
		AUTO_CLOSE int fd = -1;
		struct stat st;

		if (fstatat(folder, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)) {
			int what = S_ISDIR(st.st_mode) ? O_DIRECTORY : 0;

			if (hold_try(folder, names.v[i], O_RDONLY | what, LOCK_EX, &fd) <= 0)
				continue;
		}
		if (fs_remove_tree(path, err) < 0)
			return -1;
	}
	return 0;
}

/* Who wants one of them makes it anew: a lock counts only if it is still there (hold.c). */
static int collect_locks(struct store *s, struct error **err)
{
	AUTO_FREE char *dir = store_path(s, IN_LOCKS, "");
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_CLOSE int fd = -1;

		if (store_key_is_valid(names.v[i]) &&
		    hold_try(s->folders[IN_LOCKS], names.v[i], O_RDWR, LOCK_EX, &fd) > 0)
			(void)unlinkat(s->folders[IN_LOCKS], names.v[i], 0);
	}
	return 0;
}

/* A publication that failed leaves an empty folder; one in progress makes it anew. */
static int collect_empty(struct store *s, struct error **err)
{
	AUTO_FREE char *dir = store_path(s, IN_ENTRIES, "");
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++)
		if (store_key_is_valid(names.v[i]))
			(void)unlinkat(s->folders[IN_ENTRIES], names.v[i], AT_REMOVEDIR);
	return 0;
}

int store_collect(struct store *s, int64_t before, int64_t max, int *ret_removed,
		  struct error **err)
{
	AUTO(eviction) struct eviction v = { 0 };
	AUTO_CLOSE int collector = -1;

	if (hold_collector(s, NULL, &collector, err) < 0 || collect_staging(s, err) < 0 ||
	    eviction_begin(&v, s, err) < 0)
		return -1;
	if (evict_if(&v, is_useless, 0, err) < 0 || evict_if(&v, is_older, before, err) < 0 ||
	    evict_if(&v, is_too_much, max, err) < 0 || collect_layers(s, err) < 0 ||
	    collect_locks(s, err) < 0 || collect_empty(s, err) < 0)
		return -1;
	*ret_removed = v.removed;
	return 0;
}

int store_usage(struct store *s, struct store_usage *ret, struct error **err)
{
	AUTO_FREE char *dir = store_path(s, IN_LAYERS, "");
	AUTO(strv) struct strv keys = STRV_INIT, layers = STRV_INIT;
	struct store_usage u = { .max = s->max };

	if (store_list(s, &keys, err) < 0 || fs_list(dir, &layers, err) < 0)
		return -1;
	u.entries = keys.len;
	for (size_t i = 0; i < layers.len; i++)
		u.layers += store_layer_name_is_valid(layers.v[i]);
	u.bytes = bytes_of_folder(s->folders[IN_ENTRIES], 2) +
		  bytes_of_folder(s->folders[IN_LAYERS], 0) +
		  bytes_of_folder(s->folders[IN_STAGING], 1);
	*ret = u;
	return 0;
}
