/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/digests.h"
#include "os/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 1024 * 1024 };

static char *dir, *file, *memory;

static int setup(void **state)
{
	AUTO(error) struct error *err = NULL;

	(void)state;
	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &dir, &err), 0);
	file = path_join(dir, "big");
	memory = path_join(dir, "digests");
	return 0;
}

static int teardown(void **state)
{
	AUTO(error) struct error *err = NULL;

	(void)state;
	assert_int_equal(fs_remove_tree(dir, &err), 0);
	free(dir);
	free(file);
	free(memory);
	return 0;
}

/* As if it had been written a day before; the time of its inode cannot be set. */
static void fill(char c, size_t len)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *data = xmalloc(len);
	const struct timespec day[] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };

	memset(data, c, len);
	assert_int_equal(fs_write(file, data, len, 0644, &err), 0);
	assert_int_equal(utimensat(AT_FDCWD, file, day, 0), 0);
}

static char *get(void)
{
	AUTO(error) struct error *err = NULL;
	char *hex = NULL;

	assert_int_equal(digests_of_file(dir, file, DIGEST_SHA256, NULL, &hex, &err), 0);
	return hex;
}

static char *straight(void)
{
	AUTO(error) struct error *err = NULL;
	char *hex = NULL;

	assert_int_equal(fs_digest(file, DIGEST_SHA256, NULL, &hex, &err), 0);
	return hex;
}

/* What would stand in the memory. */
static void write_memory(const char *hex, int64_t size_off)
{
	AUTO(error) struct error *err = NULL;
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	AUTO_FREE char *text = xasprintf(
		"sha256 %llu %llu %lld %lld %lld %s\n", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino, (long long)st.st_size + (long long)size_off,
		(long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
		(long long)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec, hex);
	assert_int_equal(fs_write(memory, text, strlen(text), 0600, &err), 0);
}

#define FAKE "00000000000000000000000000000000000000000000000000000000000000ff"

/* A later change could leave its times as they are: it is not remembered. */
static void test_young(void **state)
{
	(void)state;
	fill('a', SIZE);
	AUTO_FREE char *first = get();
	AUTO_FREE char *want = straight();

	assert_string_equal(first, want);
	assert_false(fs_exists(memory));
}

static void test_recall(void **state)
{
	(void)state;
	fill('a', SIZE);
	write_memory(FAKE, 0);
	AUTO_FREE char *known = get();

	assert_string_equal(known, FAKE); /* it was not read */
	fill('b', SIZE);
	AUTO_FREE char *changed = get();
	AUTO_FREE char *want = straight();

	assert_string_equal(changed, want);
	write_memory(FAKE, 1);
	AUTO_FREE char *other_size = get();

	assert_string_equal(other_size, want);
}

/* A file of the system: old, and big enough. */
static void test_remember(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct stat st;

	(void)state;
	free(file);
	file = xstrdup("/bin/bash");
	if (stat(file, &st) < 0 || st.st_size < SIZE)
		skip();
	AUTO_FREE char *first = get();
	AUTO_FREE char *second = get();

	assert_string_equal(first, second);
	assert_int_equal(fs_read(memory, 4096, &text, &err), 0);
	assert_non_null(strstr(text.buf, first));
	assert_null(strstr(text.buf, "bash"));
	assert_int_equal(stat(memory, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* What is wrong with the memory costs time only. */
static void test_damage(void **state)
{
	AUTO(error) struct error *err = NULL;

	(void)state;
	fill('a', SIZE);
	write_memory("zz", 0);
	AUTO_FREE char *first = get();
	AUTO_FREE char *want = straight();

	assert_string_equal(first, want);
	assert_int_equal(fs_remove(memory, &err), 0);
	assert_int_equal(fs_mkdir(memory, 0700, &err), 0);
	AUTO_FREE char *second = get();

	assert_string_equal(second, want);
}

static void test_small(void **state)
{
	(void)state;
	fill('a', 100);
	write_memory(FAKE, 0);
	AUTO_FREE char *hex = get();
	AUTO_FREE char *want = straight();

	assert_string_equal(hex, want);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_young),  TEST(test_recall), TEST(test_remember),
		TEST(test_damage), TEST(test_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
