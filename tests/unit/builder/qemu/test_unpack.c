/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/unpack.h"
#include "lab.h"

enum { SIZE = 3 * 1024 * 1024 + 17 };

/* A disk of mostly nothing, and packings of it by the usual programs. */
static int setup(void **state)
{
	static struct lab lab;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *disk = xcalloc(1, SIZE);

	lab_open(&lab);
	memcpy(disk + 1000000, "middle", 6);
	memcpy(disk + SIZE - 3, "end", 3);

	AUTO_FREE char *path = path_join(lab.dir, "disk");
	struct proc_run run = { .spec = { .argv = &argv, .dir = lab.dir } };

	assert_int_equal(fs_write(path, disk, SIZE, 0644, &err), 0);
	strv_pushl(
		&argv, "/bin/sh", "-ec",
		"gzip -k disk; echo >two; tar cf one.tar disk; tar cf two.tar disk two; mkdir d; "
		"tar czf none.tar.gz d; head -c 500 disk.gz >cut.gz",
		NULL);
	if (proc_run(&run, NULL, NULL, &err) < 0)
		fail_msg("%s", err->message);
	*state = &lab;
	return 0;
}

static int teardown(void **state)
{
	lab_close(*state);
	return 0;
}

static int unpack(const struct lab *lab, const char *name, struct error **err)
{
	AUTO_FREE char *from = path_join(lab->dir, name);
	AUTO_FREE char *to = path_join(lab->dir, "out");

	return unpack_single(strchr(name, '.') ? strchr(name, '.') + 1 : "gz", from, to, NULL, err);
}

static void check_same(const struct lab *lab, const char *name)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *disk = path_join(lab->dir, "disk");
	AUTO_FREE char *out = path_join(lab->dir, "out");
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	struct stat st;

	if (unpack(lab, name, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(fs_read(disk, SIZE, &want, &err), 0);
	assert_int_equal(fs_read(out, SIZE, &got, &err), 0);
	assert_int_equal(got.len, SIZE);
	assert_memory_equal(got.buf, want.buf, SIZE);
	assert_int_equal(stat(out, &st), 0);
	assert_true(st.st_blocks * 512 < SIZE / 2); /* holes stay holes */
}

static void test_good(void **state)
{
	check_same(*state, "disk.gz");
	check_same(*state, "one.tar");
}

static void test_bad(void **state)
{
	static const struct {
		const char *name, *why;
	} rows[] = {
		{ "two.tar", "holds more than one file" },
		{ "none.tar.gz", "holds no file" },
		{ "cut.gz", "cannot unpack" },
		{ "absent", "cannot unpack" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(error) struct error *err = NULL;

		assert_int_equal(unpack(*state, rows[i].name, &err), -1);
		if (!strstr(err->message, rows[i].why))
			fail_msg("%s", err->message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
