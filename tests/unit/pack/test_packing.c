/* SPDX-License-Identifier: Apache-2.0 */
/* Files in archives, and files that are not what they were. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "os/archive.h"
#include "os/fd.h"
#include "os/fs.h"
#include "pack/packing.h"
#include "pack/zip.h"

static char *dir;

static int set_up(void **state)
{
	AUTO(error) struct error *e = NULL;

	return fs_temp_dir("/tmp", "ingot-packing-test-", &dir, &e);
}

static int tear_down(void **state)
{
	AUTO(error) struct error *e = NULL;
	int r = fs_remove_tree(dir, &e);

	free(dir);
	return r;
}

static char *make_file(const char *name, off_t size)
{
	char *path = xasprintf("%s/%s", dir, name);
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, size), 0);
	if (size)
		assert_int_equal(fd_write_at(fd, "end", 3, size - 3), 0);
	return path;
}

struct change {
	const char *path;
	off_t size; /* what it becomes when the first bytes were read */
};

static void on_progress(void *data, int64_t bytes)
{
	const struct change *c = data;

	if (c->path)
		assert_int_equal(truncate(c->path, c->size), 0);
}

static int pack(enum packing_kind kind, const char *out, const struct change *change,
		struct packing_entry *entries, const char *const *paths, size_t n,
		struct error **err)
{
	AUTO_CLOSE int fd = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const struct packing_options o = {
		.kind = kind,
		.to = { .encoding = ENCODING_GZIP, .size = -1, .fd = fd, .path = out },
		.progress = change ? on_progress : NULL,
		.data = (void *)(uintptr_t)change,
	};
	AUTO(packing) struct packing *p = packing_new(&o, err);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		if (packing_add_file(p, &entries[i], paths[i], err) < 0)
			return -1;
	if (kind != PACKING_NONE) {
		const struct packing_entry text = { .name = "text", .mode = 0640, .mtime = 7 };

		assert_int_equal(packing_add_data(p, &text, "hello", 5, err), 0);
	}
	return packing_finish(p, err);
}

static void assert_archive(const char *path, const char *const *names, const int64_t *sizes)
{
	AUTO(error) struct error *err = NULL;
	const struct archive_library *lib = archive_library_load(&err);
	struct archive *a = lib->read_new();
	struct archive_entry *entry;
	size_t n = 0;

	lib->read_support_filter_all(a);
	lib->read_support_format_tar(a);
	lib->read_support_format_zip(a);
	assert_int_equal(lib->read_open_filename(a, path, 65536), ARCHIVE_OK);
	for (; lib->read_next_header(a, &entry) == ARCHIVE_OK; n++) {
		const void *data;
		size_t len;
		la_int64_t offset, total = 0;
		int r;

		assert_string_equal(lib->entry_pathname(entry), names[n]);
		assert_int_equal(lib->entry_size(entry), sizes[n]);
		while ((r = lib->read_data_block(a, &data, &len, &offset)) == ARCHIVE_OK)
			total = offset + (la_int64_t)len;
		assert_int_equal(r, ARCHIVE_EOF);
		assert_int_equal(total, sizes[n]);
	}
	assert_int_equal(n, 4);
	lib->read_free(a);
}

static void test_members_come_back_in_order(void **state)
{
	AUTO_FREE char *empty = make_file("empty", 0);
	AUTO_FREE char *small = make_file("small", 1000);
	AUTO_FREE char *sparse = make_file("sparse", 3 * 1024 * 1024 + 1);
	AUTO_FREE char *out = xasprintf("%s/out", dir);
	char long_name[301] = "";
	struct packing_entry entries[] = {
		{ .name = "empty" },
		{ .name = long_name },
		{ .name = "d/sparse" },
	};
	const char *const paths[] = { empty, small, sparse };
	const char *const names[] = { "empty", long_name, "d/sparse", "text" };
	const int64_t sizes[] = { 0, 1000, 3 * 1024 * 1024 + 1, 5 };
	AUTO(error) struct error *err = NULL;

	memset(long_name, 'n', sizeof(long_name) - 1);
	assert_int_equal(pack(PACKING_TAR, out, NULL, entries, paths, 3, &err), 0);
	assert_archive(out, names, sizes);
	assert_int_equal(pack(PACKING_ZIP, out, NULL, entries, paths, 3, &err), 0);
	assert_archive(out, names, sizes);
}

static void assert_refused(const char *path, const struct change *change, const char *why)
{
	const enum packing_kind kinds[] = { PACKING_NONE, PACKING_TAR, PACKING_ZIP };
	AUTO_FREE char *out = xasprintf("%s/out", dir);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct packing_entry entry = { .name = "x" };
		AUTO(error) struct error *err = NULL;

		if (change)
			free(make_file("x", 5 * 1024 * 1024));
		assert_int_equal(pack(kinds[i], out, change, &entry, &path, 1, &err), -1);
		assert_non_null(strstr(err->message, path));
		assert_non_null(strstr(err->message, why));
	}
}

static void test_a_file_that_changes_its_size_meanwhile(void **state)
{
	AUTO_FREE char *path = xasprintf("%s/x", dir);
	const struct change grows = { path, 6 * 1024 * 1024 }, shrinks = { path, 1000 };

	assert_refused(path, &grows, "grew while it was read");
	assert_refused(path, &shrinks, "became shorter while it was read");
}

static void test_only_regular_files(void **state)
{
	AUTO_FREE char *fifo = xasprintf("%s/fifo", dir);
	AUTO_FREE char *absent = xasprintf("%s/absent", dir);

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_refused(fifo, NULL, "not a regular file");
	assert_refused(dir, NULL, "not a regular file");
	assert_refused(absent, NULL, "No such file");
}

/* What readers look for where 32 bits do not suffice. */
static void test_large_zip_members(void **state)
{
	const struct zip_member large = { .name = (char[]){ "x" },
					  .size = UINT64_C(5) << 30,
					  .packed = 1000,
					  .offset = UINT64_C(6) << 30,
					  .is_large = true };
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	assert_false(zip_is_large(UINT64_C(4000) * 1000 * 1000));
	assert_true(zip_is_large(UINT64_C(0xffffffff)));
	zip_add_header(&sb, &large);
	assert_int_equal(sb.len, 30 + 1 + 20);
	strbuf_truncate(&sb, 0);
	zip_add_directory_entry(&sb, &large);
	assert_int_equal(sb.len, 46 + 1 + 28);
	assert_memory_equal(sb.buf + 42, "\xff\xff\xff\xff", 4);
	strbuf_truncate(&sb, 0);
	zip_add_end(&sb, 1, large.offset, 75);
	assert_int_equal(sb.len, 56 + 20 + 22);
	strbuf_truncate(&sb, 0);
	zip_add_end(&sb, 1, 100, 75);
	assert_int_equal(sb.len, 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_come_back_in_order),
		cmocka_unit_test(test_a_file_that_changes_its_size_meanwhile),
		cmocka_unit_test(test_only_regular_files),
		cmocka_unit_test(test_large_zip_members),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
