/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share: one in a directory of its own, entries and layers in it. Include after cmocka.h. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../temp_dir.h"
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "cache/store.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"

enum { KIB = 1024, THREADS = 4, ROUNDS = 10 };
#define BIG (INT64_C(1) << 30)

static char *steps;
static struct store *s;

static inline int open_store(void **state)
{
	AUTO(error) struct error *err = NULL;

	if (make_dir(state) < 0)
		return -1;
	steps = path_join(dir, "steps");
	return store_open(steps, BIG, &s, &err);
}

static inline int close_store(void **state)
{
	store_close(s);
	free(steps);
	return remove_dir(state);
}

static inline void reopen(int64_t max)
{
	struct error *err = NULL;

	store_close(s);
	assert_int_equal(store_open(steps, max, &s, &err), 0);
}

static inline void write_file(const char *path, char byte, size_t size)
{
	AUTO_FREE char *data = xmalloc(size);
	struct error *err = NULL;

	memset(data, byte, size);
	assert_int_equal(fs_write(path, data, size, 0600, &err), 0);
}

/* A layer with content; the name is heap. */
static inline char *make_layer(char byte, size_t size, int *ret_fd)
{
	struct error *err = NULL;
	AUTO_FREE char *path = NULL;

	assert_int_equal(store_layer_new(s, "qcow2", &path, ret_fd, &err), 0);
	write_file(path, byte, size);
	return xstrdup(path_basename(path));
}

static inline int try_publish(const char *key, const char *parent, const struct strv *layers,
			      size_t size, struct error **err)
{
	struct store_stage stage;
	json_t *meta = json_pack("{s:s?, s:s}", "parent", parent, "build", "demo");
	struct error *e = NULL;
	int r;

	assert_int_equal(store_stage(s, &stage, &e), 0);

	AUTO_FREE char *path = path_join(stage.dir, "memory");

	write_file(path, key[0], size);
	r = store_publish(s, &stage, key, layers, meta, NULL, err);
	json_decref(meta);
	return r;
}

static inline void publish(const char *key, const char *parent, const struct strv *layers,
			   size_t size)
{
	struct error *err = NULL;

	if (try_publish(key, parent, layers, size, &err) < 0)
		fail_msg("%s", err->message);
}

/* An entry with one layer of its own, which nobody holds afterwards; 2 * size bytes. */
static inline char *publish_one(const char *key, size_t size)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	int fd = -1;

	strv_push_take(&layers, make_layer(key[0], size, &fd));
	publish(key, NULL, &layers, size);
	fd_close(fd);
	return xstrdup(layers.v[0]);
}

static inline void expect(const char *key, enum error_kind kind)
{
	AUTO(store_entry) struct store_entry *e = NULL;
	AUTO(error) struct error *err = NULL;

	assert_int_equal(store_get(s, key, NULL, &e, &err), -1);
	assert_int_equal(err->kind, kind);
	error_ignore(&err, "looked at");
}

static inline struct store_entry *get(const char *key)
{
	struct store_entry *e = NULL;
	struct error *err = NULL;

	if (store_get(s, key, NULL, &e, &err) < 0)
		fail_msg("%s", err->message);
	return e;
}

static inline char *keys(void)
{
	AUTO(strv) struct strv list = STRV_INIT;
	struct error *err = NULL;

	assert_int_equal(store_list(s, &list, &err), 0);
	return strv_join(&list, " ");
}

static inline void expect_keys(const char *want)
{
	AUTO_FREE char *is = keys();

	assert_string_equal(is, want);
}

static inline int collect(int64_t before, int64_t max)
{
	struct error *err = NULL;
	int removed = -1;

	if (store_collect(s, before, max, &removed, &err) < 0)
		fail_msg("%s", err->message);
	return removed;
}

static inline char *in_store(const char *below)
{
	return path_join(steps, below);
}

static inline size_t count_in(const char *below)
{
	AUTO_FREE char *path = in_store(below);
	AUTO(strv) struct strv names = STRV_INIT;
	struct error *err = NULL;

	assert_int_equal(fs_list(path, &names, &err), 0);
	return names.len;
}

static inline char *layer_path(const char *name)
{
	return xasprintf("%s/layers/%s", steps, name);
}

static inline unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_store, close_store)
