/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_lab.h"

/* ---- the life of an entry ------------------------------------------------------------------ */

static void test_publish_and_get(void **state)
{
	AUTO_FREE char *layer = publish_one("aaaa", 8 * KIB);
	AUTO(store_entry) struct store_entry *e = get("aaaa");
	AUTO_FREE char *path = layer_path(layer), *memory = path_join(e->dir, "memory");
	int64_t size;
	struct error *err = NULL;

	assert_string_equal(e->key, "aaaa");
	assert_int_equal(e->layers.len, 1);
	assert_string_equal(e->layers.v[0], layer);
	assert_string_equal(json_string_value(json_object_get(e->meta, "build")), "demo");
	assert_in_range(e->bytes, 16 * KIB, 32 * KIB);
	assert_true(e->made > 0 && e->used >= e->made);
	assert_int_equal(mode_of(path), 0400);
	assert_int_equal(mode_of(memory), 0600);
	assert_int_equal(mode_of(e->dir), 0700);
	assert_int_equal(fs_size(memory, &size, &err), 0);
	assert_int_equal(size, 8 * KIB);
	assert_int_equal(count_in("staging"), 0);
	expect("bbbb", ERROR_NOT_FOUND);
	expect("../aaaa", ERROR_NOT_FOUND);
}

static void test_secret_stays(void **state)
{
	unsigned char first[STORE_SECRET];
	AUTO_FREE char *path = in_store("secret"), *layer = publish_one("aaaa", KIB);

	memcpy(first, store_secret(s), sizeof(first));
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(collect(INT64_MAX, 0), 1);
	reopen(BIG);
	assert_memory_equal(first, store_secret(s), sizeof(first));
	assert_int_equal(truncate(path, 3), 0); /* torn: another one */
	reopen(BIG);
	assert_memory_not_equal(first, store_secret(s), sizeof(first));
}

static void test_parent(void **state)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	int first = -1, second = -1;

	strv_push_take(&layers, make_layer('1', 64 * KIB, &first));
	publish("aaaa", NULL, &layers, KIB);
	strv_push_take(&layers, make_layer('2', 8 * KIB, &second));
	publish("bbbb", "aaaa", &layers, KIB);
	fd_close(first);
	fd_close(second);

	AUTO(store_entry) struct store_entry *e = get("bbbb");

	assert_int_equal(e->layers.len, 2);
	assert_in_range(e->bytes, 9 * KIB, 24 * KIB); /* the first layer is its parent's */
}

/* What stands on its layers keeps them. */
static void test_remove(void **state)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	int first = -1, second = -1;

	strv_push_take(&layers, make_layer('1', KIB, &first));
	publish("aaaa", NULL, &layers, KIB);
	strv_push_take(&layers, make_layer('2', KIB, &second));
	publish("bbbb", "aaaa", &layers, KIB);
	assert_int_equal(store_remove(s, "aaaa", &err), -1); /* its layer is held */
	assert_int_equal(err->kind, ERROR_EXISTS);
	error_ignore(&err, "looked at");
	fd_close(first);
	fd_close(second);
	assert_int_equal(store_remove(s, "aaaa", &err), 0);
	expect_keys("bbbb");
	assert_int_equal(count_in("layers"), 2);
	store_entry_free(get("bbbb"));
	assert_int_equal(store_remove(s, "bbbb", &err), 0);
	assert_int_equal(count_in("layers"), 0);
	assert_int_equal(count_in("entries"), 0);
	assert_int_equal(store_remove(s, "bbbb", &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	error_ignore(&err, "looked at");
}

/* Who uses the older one keeps it, with its content. */
static void test_replace(void **state)
{
	AUTO_FREE char *old_layer = publish_one("aaaa", KIB);
	struct store_entry *old = get("aaaa");
	AUTO_FREE char *new_layer = publish_one("aaaa", 2 * KIB);
	AUTO(store_entry) struct store_entry *new = get("aaaa");
	AUTO_FREE char *memory = path_join(old->dir, "memory");
	struct error *err = NULL;
	int64_t size;

	assert_string_equal(new->layers.v[0], new_layer);
	assert_int_equal(fs_size(memory, &size, &err), 0);
	assert_int_equal(size, KIB);
	expect_keys("aaaa");
	collect(0, INT64_MAX);
	assert_int_equal(count_in("layers"), 2);
	store_entry_free(old);
	collect(0, INT64_MAX);
	assert_int_equal(count_in("layers"), 1);
	assert_false(fs_exists(memory));
	expect_keys("aaaa");
}

/* ---- damage -------------------------------------------------------------------------------- */

static void flip_byte(const char *path)
{
	char byte = 0;
	int fd;

	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 100), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 100), 1);
	fd_close(fd);
}

static void test_damaged_layer(void **state)
{
	AUTO_FREE char *layer = publish_one("aaaa", KIB), *path = layer_path(layer);

	store_entry_free(get("aaaa"));
	flip_byte(path);
	expect("aaaa", ERROR_INVALID);
	expect("aaaa", ERROR_NOT_FOUND);
	assert_false(fs_exists(path));
}

static void test_damaged_file(void **state)
{
	AUTO_FREE char *layer = publish_one("aaaa", KIB);
	struct store_entry *e = get("aaaa");
	AUTO_FREE char *path = path_join(e->dir, "memory");

	store_entry_free(e);
	flip_byte(path);
	expect("aaaa", ERROR_INVALID);
	expect("aaaa", ERROR_NOT_FOUND);
}

/* A file that looks as it did is not read again; in another boot it is. */
static void test_note(void **state)
{
	AUTO_FREE char *layer = publish_one("aaaa", KIB), *path = layer_path(layer);
	AUTO_FREE char *name = xasprintf("checked/layer-%s", layer), *note = in_store(name);
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct stat st;

	/* file times tick slowly: what is too fresh to be recognized is read again */
	for (int i = 0; !fs_exists(note) && i < 100; i++) {
		assert_int_equal(io_pause(clock_deadline(10 * NSEC_PER_MSEC), NULL, &err), 0);
		store_entry_free(get("aaaa"));
	}
	assert_int_equal(fs_read(note, KIB, &text, &err), 0);

	/* damage that nothing shows, as if the disk had lost it: made known as being right */
	flip_byte(path);
	assert_int_equal(stat(path, &st), 0);

	char *end = strrchr(text.buf, ' ');
	AUTO_FREE char *boot = xstrndup(text.buf, strcspn(text.buf, " "));
	AUTO_FREE char *identity = fs_identity_of(&st);
	AUTO_FREE char *lie = xasprintf("%s %s%s", boot, identity, end);

	assert_int_equal(io_pause(clock_deadline(60 * NSEC_PER_MSEC), NULL, &err), 0);
	assert_int_equal(fs_write(note, lie, strlen(lie), 0600, &err), 0);
	store_entry_free(get("aaaa"));
	lie[0] = lie[0] == '0' ? '1' : '0';
	assert_int_equal(fs_write(note, lie, strlen(lie), 0600, &err), 0);
	expect("aaaa", ERROR_INVALID);
}

static void test_missing_layer(void **state)
{
	AUTO_FREE char *layer = publish_one("aaaa", KIB), *path = layer_path(layer);

	assert_int_equal(unlink(path), 0);
	expect("aaaa", ERROR_INVALID);
	expect("aaaa", ERROR_NOT_FOUND);
}

/* ---- making room --------------------------------------------------------------------------- */

static void use(const char *key)
{
	AUTO(error) struct error *err = NULL;

	/* file times tick slowly */
	assert_int_equal(io_pause(clock_deadline(20 * NSEC_PER_MSEC), NULL, &err), 0);
	store_entry_free(get(key));
}

static void test_eviction_order(void **state)
{
	AUTO_FREE char *a = publish_one("aaaa", 100 * KIB), *b = publish_one("bbbb", 100 * KIB);
	AUTO_FREE char *c = publish_one("cccc", 100 * KIB);

	use("bbbb");
	use("aaaa");
	use("cccc");
	assert_int_equal(collect(0, 500 * KIB), 1);
	expect_keys("aaaa cccc");

	/* publishing makes the same room */
	reopen(500 * KIB);

	AUTO_FREE char *d = publish_one("dddd", 100 * KIB);

	expect_keys("cccc dddd");
	assert_int_equal(count_in("layers"), 2);
	(void)a, (void)b, (void)c;
}

static void test_chain_in_use(void **state)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	int fd = -1;

	strv_push_take(&layers, make_layer('1', 100 * KIB, &fd));
	publish("aaaa", NULL, &layers, 100 * KIB);

	AUTO_FREE char *b = publish_one("bbbb", 100 * KIB);

	/* aaaa is the older one, but a machine runs on its layer */
	assert_int_equal(collect(0, 300 * KIB), 1);
	expect_keys("aaaa");
	assert_int_equal(collect(INT64_MAX, 0), 0);
	expect_keys("aaaa");

	/* nothing can go */
	reopen(250 * KIB);
	assert_int_equal(try_publish("cccc", "aaaa", &layers, 100 * KIB, &err), -1);
	assert_int_equal(err->kind, ERROR_IO);
	assert_int_equal(err->os_errno, ENOSPC);
	error_ignore(&err, "looked at");
	assert_int_equal(count_in("staging"), 0);
	fd_close(fd);
	assert_int_equal(collect(INT64_MAX, INT64_MAX), 1);
	assert_int_equal(count_in("layers"), 0);
}

static void test_held_entry_stays(void **state)
{
	AUTO_FREE char *layer = publish_one("aaaa", KIB);
	struct store_entry *e = get("aaaa");
	AUTO(error) struct error *err = NULL;

	assert_int_equal(collect(INT64_MAX, 0), 0);
	assert_int_equal(store_remove(s, "aaaa", &err), -1);
	assert_int_equal(err->kind, ERROR_EXISTS);
	error_ignore(&err, "looked at");
	store_entry_free(e);
	assert_int_equal(collect(INT64_MAX, 0), 1);
	assert_int_equal(count_in("checked"), 0);
}

/* ---- what others put there ------------------------------------------------------------------ */

/* Replaces the meta of aaaa. */
static void set_meta(const char *text)
{
	struct store_entry *e;
	struct error *err = NULL;

	free(publish_one("aaaa", KIB));
	e = get("aaaa");

	AUTO_FREE char *path = path_join(e->dir, "meta.json");

	store_entry_free(e);
	assert_int_equal(fs_write(path, text, strlen(text), 0600, &err), 0);
}

static void test_hostile_meta(void **state)
{
#define ONE(name) "{\"name\": \"" name "\", \"size\": 0, \"sha256\": \"" DIGEST "\"}"
#define DIGEST    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD      "{\"format\": 1, \"key\": \"aaaa\", \"made\": 1, \"files\": [], \"layers\": "
	static const char *const metas[] = {
		"",
		"[]",
		"{\"format\": 2}",
		HEAD "[" ONE("../../victim") "]}",
		HEAD "[" ONE("/etc/passwd") "]}",
		HEAD "[" ONE("..") "]}",
		HEAD
		"[" ONE("0123456789abcdef0123.qcow2") ", " ONE("0123456789abcdef0123.qcow2") "]}",
		HEAD "[" ONE("base-aaaa") "]}",
		HEAD "{}}",
		HEAD
		"[{\"name\": \"0123456789abcdef0123.qcow2\", \"size\": -1, \"sha256\": \"" DIGEST
		"\"}]}",
		HEAD
		"[{\"name\": \"0123456789abcdef0123.qcow2\", \"size\": 1, \"sha256\": \"x\"}]}",
		HEAD "[], \"base\": \"../../victim\"}",
		HEAD "[], \"parent\": \"../x\"}",
		"{\"format\": 1, \"key\": \"bbbb\", \"made\": 1, \"files\": [], \"layers\": []}",
	};
	AUTO_FREE char *victim = path_join(dir, "victim");

	write_file(victim, 'v', KIB);
	for (size_t i = 0; i < ARRAY_LEN(metas); i++) {
		set_meta(metas[i]);
		expect_keys("");
		assert_null(store_peek(s, "aaaa"));
		expect("aaaa", ERROR_INVALID);
		expect("aaaa", ERROR_NOT_FOUND);
		set_meta(metas[i]);
		assert_int_equal(collect(0, INT64_MAX), 1);
		expect("aaaa", ERROR_NOT_FOUND);
		assert_int_equal(count_in("layers"), 0);
	}
	assert_true(fs_exists(victim));
}

static void test_foreign_files(void **state)
{
	AUTO_FREE char *outside = path_join(dir, "outside"), *kept = path_join(outside, "kept");
	static const char *const links[] = { "entries/bbbb",  "entries/README",
					     "layers/readme", "layers/0123456789abcdef0123.qcow2",
					     "staging/new-x", "locks/bbbb",
					     "checked/x" };
	struct error *err = NULL;
	AUTO_FREE char *pipe_path = in_store("staging/pipe"), *layer = publish_one("aaaa", KIB);

	assert_int_equal(fs_mkdir(outside, 0700, &err), 0);
	write_file(kept, 'k', KIB);
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		AUTO_FREE char *path = in_store(links[i]);

		assert_int_equal(symlink(outside, path), 0);
	}
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	expect("bbbb", ERROR_NOT_FOUND);
	expect_keys("aaaa");
	collect(0, INT64_MAX);
	expect_keys("aaaa");
	assert_int_equal(collect(INT64_MAX, 0), 1);
	assert_true(fs_exists(kept));

	/* what is in the way of a key gives way */
	AUTO_FREE char *other = publish_one("bbbb", KIB);

	store_entry_free(get("bbbb"));
	assert_true(fs_exists(kept));
}

static void test_bad_stage(void **state)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct store_stage stage;
	json_t *meta = json_object();

	assert_int_equal(store_stage(s, &stage, &err), 0);

	AUTO_FREE char *link = path_join(stage.dir, "link"), *dir_of = xstrdup(stage.dir);

	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(store_publish(s, &stage, "aaaa", &layers, meta, NULL, &err), -1);
	error_ignore(&err, "looked at");
	assert_false(fs_exists(dir_of));
	assert_int_equal(store_stage(s, &stage, &err), 0);
	strv_push(&layers, "0123456789abcdef0123.qcow2");
	assert_int_equal(store_publish(s, &stage, "aaaa", &layers, meta, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	error_ignore(&err, "looked at");
	json_decref(meta);
	expect_keys("");
}

/* ---- bases ---------------------------------------------------------------------------------- */

/* A layer that says what it stands on, as qcow2 does. */
static void write_qcow2(const char *path, const char *base)
{
	unsigned char data[512] = "QFI\xfb";
	struct error *err = NULL;

	data[14] = 1; /* at 256 */
	data[19] = (unsigned char)strlen(base);
	memcpy(data + 256, base, strlen(base));
	assert_int_equal(fs_write(path, data, sizeof(data), 0600, &err), 0);
}

static void test_base(void **state)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	AUTO_FREE char *path = NULL, *link = NULL, *real = in_store("layers/base-bbbb");
	struct error *err = NULL;
	char target[32] = "";
	int fd, other = -1;

	assert_int_equal(store_base(s, "aaaa", "/some/disk", &link, &err), 0);
	assert_int_equal(readlink(link, target, sizeof(target) - 1), 10);
	assert_string_equal(target, "/some/disk");
	free(TAKE(link));
	assert_int_equal(store_base(s, "aaaa", "/other/disk", &link, &err), 0);
	assert_int_equal(readlink(link, target, sizeof(target) - 1), 11);
	assert_int_equal(count_in("layers"), 1);

	/* one that is a file stays as long as something stands on it */
	write_file(real, 'b', KIB);
	assert_int_equal(store_layer_new(s, "qcow2", &path, &fd, &err), 0);
	write_qcow2(path, "base-bbbb");
	strv_push_take(&layers, make_layer('1', KIB, &other)); /* another disk's, without one */
	strv_push(&layers, path_basename(path));
	publish("cccc", NULL, &layers, KIB);
	fd_close(other);
	fd_close(fd);
	collect(0, INT64_MAX);
	assert_true(fs_exists(real));

	AUTO(store_entry) struct store_entry *e = get("cccc");

	assert_string_equal(json_string_value(json_object_get(e->meta, "base")), "base-bbbb");
	assert_true(e->base_fd >= 0);
	store_entry_free(TAKE(e));
	assert_int_equal(collect(INT64_MAX, 0), 1);
	assert_false(fs_exists(real));
	assert_true(fs_is_link(link)); /* made just now */
}

static void test_usage(void **state)
{
	AUTO_FREE char *a = publish_one("aaaa", 100 * KIB), *b = publish_one("bbbb", 100 * KIB);
	struct store_usage u;
	struct error *err = NULL;

	assert_int_equal(store_usage(s, &u, &err), 0);
	assert_int_equal(u.entries, 2);
	assert_int_equal(u.layers, 2);
	assert_int_equal(u.max, BIG);
	assert_in_range(u.bytes, 400 * KIB, 440 * KIB);
	store_close(s);
	assert_int_equal(store_open(steps, 0, &s, &err), 0);
	assert_int_equal(store_usage(s, &u, &err), 0);
	assert_true(u.max > 0 && u.max <= INT64_C(20) << 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_publish_and_get), TEST(test_secret_stays),
		TEST(test_parent),          TEST(test_remove),
		TEST(test_replace),         TEST(test_damaged_layer),
		TEST(test_damaged_file),    TEST(test_note),
		TEST(test_missing_layer),   TEST(test_eviction_order),
		TEST(test_chain_in_use),    TEST(test_held_entry_stays),
		TEST(test_hostile_meta),    TEST(test_foreign_files),
		TEST(test_bad_stage),       TEST(test_base),
		TEST(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
