/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that somebody else keeps: what they count, and that none is forgotten when it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <unistd.h>

#include "../temp_dir.h"
#include "base/alloc.h"
#include "base/path.h"
#include "cache/parcel.h"
#include "cache/store.h"
#include "os/fd.h"
#include "os/fs.h"

enum { MIB = 1024 * 1024 };

static char *steps;
static struct store *s;

static int open_store(void **state)
{
	AUTO(error) struct error *err = NULL;

	if (make_dir(state) < 0)
		return -1;
	steps = path_join(dir, "steps");
	return store_open(steps, 100 * MIB, &s, &err);
}

static int close_store(void **state)
{
	store_close(s);
	free(steps);
	return remove_dir(state);
}

/* A step of `key` whose only layer takes so many bytes elsewhere. */
static void publish(const char *key, int64_t bytes)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	AUTO_FREE char *path = NULL;
	struct store_stage stage;
	struct error *err = NULL;
	json_t *note = json_pack("{s:s, s:I}", "key", key, "bytes", (json_int_t)bytes);
	json_t *meta = json_object();
	int fd = -1;

	assert_int_equal(store_layer_new(s, STORE_AWAY, &path, &fd, &err), 0);
	assert_int_equal(store_away_write(fd, note, &err), 0);
	strv_push(&layers, path_basename(path));
	assert_int_equal(store_stage(s, &stage, &err), 0);
	if (store_publish(s, &stage, key, &layers, meta, NULL, &err) < 0)
		fail_msg("%s", err->message);
	json_decref(note);
	json_decref(meta);
	fd_close(fd);
}

/* Answers as told, and notes who was asked for. */
struct remover {
	enum store_gone_end end;
	struct strv keys;
};

static enum store_gone_end answer(void *data, const json_t *note, int64_t since)
{
	struct remover *r = data;

	assert_true(since > 0);
	strv_push(&r->keys, json_string_value(json_object_get(note, "key")));
	return r->end;
}

/* The keys that were asked for, joined; heap. */
static char *ask(enum store_gone_end end)
{
	struct remover r = { end, STRV_INIT };
	const struct store_gone g = { answer, &r };
	struct error *err = NULL;
	char *keys;

	assert_int_equal(store_gone_each(s, &g, &err), 0);
	strv_sort(&r.keys);
	keys = strv_join(&r.keys, " ");
	strv_release(&r.keys);
	return keys;
}

static void expect(enum store_gone_end end, const char *keys)
{
	AUTO_FREE char *got = ask(end);

	assert_string_equal(got, keys);
}

static void test_counts(void **state)
{
	struct store_usage u;
	struct error *err = NULL;
	json_t *meta;

	publish("a", 30 * MIB);
	publish("b", -7); /* nobody can take room away */
	meta = store_peek(s, "a");
	assert_true(json_integer_value(json_object_get(meta, "bytes")) >= 30 * MIB);
	json_decref(meta);
	assert_int_equal(store_usage(s, &u, &err), 0);
	assert_true(u.bytes >= 30 * MIB && u.bytes < 31 * MIB);
	assert_int_equal(u.layers, 2);
}

static void test_makes_room(void **state)
{
	publish("a", 60 * MIB);
	publish("b", 60 * MIB);
	expect(STORE_GONE_REMOVED, "a");
	expect(STORE_GONE_REMOVED, "");
	assert_int_equal(store_gone_count(s), 0);
}

static void test_is_not_forgotten(void **state)
{
	struct error *err = NULL;

	publish("a", MIB);
	publish("b", MIB);
	assert_int_equal(store_remove(s, "a", &err), 0);
	expect(STORE_GONE_LATER, "a");
	store_close(s);
	assert_int_equal(store_open(steps, 100 * MIB, &s, &err), 0);
	assert_int_equal(store_gone_count(s), 1);
	expect(STORE_GONE_PUT_OFF, "a");
	expect(STORE_GONE_REMOVED, ""); /* not within the hour */
	assert_int_equal(store_gone_count(s), 1);
}

/* Who was killed before it was made has left a note without a step. */
static void test_without_a_step(void **state)
{
	json_t *note = json_pack("{s:s, s:i}", "key", "made", "bytes", 0);
	AUTO_FREE char *path = NULL, *empty = NULL;
	struct error *err = NULL;
	int fd = -1, other = -1, removed;

	assert_int_equal(store_layer_new(s, STORE_AWAY, &path, &fd, &err), 0);
	assert_int_equal(store_away_write(fd, note, &err), 0);
	assert_int_equal(store_layer_new(s, STORE_AWAY, &empty, &other, &err), 0);
	json_decref(note);
	assert_int_equal(store_collect(s, 0, INT64_MAX, &removed, &err), 0);
	expect(STORE_GONE_REMOVED, ""); /* it lives */
	fd_close(fd);
	fd_close(other);
	assert_int_equal(store_collect(s, 0, INT64_MAX, &removed, &err), 0);
	expect(STORE_GONE_REMOVED, "made");
	assert_int_equal(store_gone_count(s), 0); /* nothing was made for an empty one */
}

static void test_stays_here(void **state)
{
	AUTO(store_entry) struct store_entry *e = NULL;
	AUTO_FREE char *path = path_join(dir, "parcel");
	AUTO(error) struct error *err = NULL;

	publish("a", MIB);
	assert_int_equal(store_get(s, "a", NULL, &e, &err), 0);
	assert_int_equal(store_export(s, e, true, path, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_false(fs_exists(path));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_counts),         TEST(test_makes_room), TEST(test_is_not_forgotten),
		TEST(test_without_a_step), TEST(test_stays_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
