/* SPDX-License-Identifier: Apache-2.0 */
/* Times are settled in a real file system, which stays sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/bootstrap/ext4.h"

#include "base/alloc.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"

#include <fcntl.h>
#include <unistd.h>

enum { EPOCH = 1700000000, OFFSET = 1 << 20, SIZE_KIB = 8192 };

static void test_crc(void **state)
{
	(void)state;
	assert_true(~crc32c(~0u, "123456789", 9) == 0xe3069283u);
}

/* Absolute names: the directories of administrators are not in everyone's PATH. */
static bool run(const char *program, const char *a, const char *b, const char *c)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { .spec.argv = &argv };

	strv_push(&argv, program);
	for (size_t i = 0; i < 3; i++) {
		const char *word = i == 0 ? a : i == 1 ? b : c;

		if (word)
			strv_push(&argv, word);
	}
	if (proc_run(&run, NULL, NULL, &err) == 0)
		return true;
	print_message("# %s\n", err->message);
	return false;
}

/* A file system of 8 MiB at OFFSET with one directory tree in it. */
static void make(const char *dir, const char *image)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *file = xasprintf("%s/tree/a/file", dir);
	AUTO_FREE char *tree = xasprintf("%s/tree/a", dir);
	struct proc_run mke2fs = { .spec.argv = &argv };

	assert_int_equal(fs_mkdir_all(tree, 0755, &err), 0);
	assert_int_equal(fs_write(file, "text", 4, 0644, &err), 0);

	AUTO_CLOSE int fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	assert_int_equal(ftruncate(fd, OFFSET + SIZE_KIB * 1024), 0);
	strv_pushl(&argv, "/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-O", "metadata_csum,64bit",
		   "-U", "6d1c2f0a-3b57-4e0f-9a61-518ed47c20b3", "-E", NULL);
	strv_pushf(&argv, "offset=%d,hash_seed=6d1c2f0a-3b57-4e0f-9a61-518ed47c20b3", OFFSET);
	strv_push(&argv, "-d");
	strv_pushf(&argv, "%s/tree", dir);
	strv_push(&argv, image);
	strv_pushf(&argv, "%dk", SIZE_KIB);
	if (proc_run(&mke2fs, NULL, NULL, &err) < 0)
		fail_msg("%s", err->message);
}

static void test_times(void **state)
{
	AUTO_FREE char *dir = NULL;
	AUTO(error) struct error *err = NULL;
	int64_t count = 0;

	(void)state;
	if (access("/sbin/mke2fs", X_OK) < 0 || access("/sbin/e2fsck", X_OK) < 0)
		skip();
	assert_int_equal(fs_temp_dir("/tmp", "ext4", &dir, &err), 0);

	AUTO_FREE char *image = xasprintf("%s/image", dir);
	AUTO_FREE char *part = xasprintf("%s/part", dir);

	make(dir, image);

	AUTO_CLOSE int fd = open(image, O_RDWR | O_CLOEXEC);

	assert_int_equal(ext4_settle_times(fd, OFFSET, EPOCH, NULL, &count, &err), 0);
	assert_true(count >= 13); /* reserved ones, lost+found, a, file */

	/* e2fsck looks at whole files only */
	AUTO_FREE char *data = xmalloc(SIZE_KIB * 1024);

	assert_int_equal(pread(fd, data, SIZE_KIB * 1024, OFFSET), SIZE_KIB * 1024);
	assert_int_equal(fs_write(part, data, SIZE_KIB * 1024, 0644, &err), 0);
	assert_true(run("/sbin/e2fsck", "-fn", part, NULL));

	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	struct proc_run stat = { .spec.argv = &argv, .output = &out };

	strv_pushl(&argv, "/sbin/debugfs", "-R", "stat /a/file", part, NULL);
	assert_int_equal(proc_run(&stat, NULL, NULL, &err), 0);
	assert_non_null(strstr(out.buf, "ctime: 0x6553f100:00000000"));
	assert_non_null(strstr(out.buf, "atime: 0x6553f100:00000000"));
	assert_non_null(strstr(out.buf, "mtime: 0x6553f100:00000000"));
	assert_non_null(strstr(out.buf, "crtime: 0x6553f100:00000000"));
	assert_int_equal(fs_remove_tree(dir, &err), 0);
}

static void test_garbage(void **state)
{
	AUTO_FREE char *path = NULL;
	AUTO(error) struct error *err = NULL;
	AUTO_CLOSE int fd = -1;
	int64_t count;

	(void)state;
	assert_int_equal(fs_temp_file("/tmp", "ext4", "", &path, &fd, &err), 0);
	assert_int_equal(ext4_settle_times(fd, 0, EPOCH, NULL, &count, &err), -1);
	assert_int_equal(err->kind, ERROR_IO);
	error_free(TAKE(err));
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(ext4_settle_times(fd, 0, EPOCH, NULL, &count, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	error_free(TAKE(err));
	assert_int_equal(fs_remove(path, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
