/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"
#include "os/archive.h"
#include "os/fs.h"
#include "plugin/get/unzip.h"

#define NAME "packer-plugin-x_v1.0.0_x5.0_linux_amd64"

struct member {
	const char *name, *text;
	unsigned int type; /* 0: a plain file */
};

struct bench {
	char *dir, *zip, *to;
};

static int setup(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct bench *b = NEW(struct bench);

	assert_int_equal(fs_temp_dir("/tmp", "unzip-", &b->dir, &err), 0);
	b->zip = path_join(b->dir, "x.zip");
	b->to = path_join(b->dir, "out");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct bench *b = *state;

	assert_int_equal(fs_remove_tree(b->dir, &err), 0);
	free(b->dir);
	free(b->zip);
	free(b->to);
	free(b);
	return 0;
}

static void make_zip(const struct bench *b, const struct member *members, size_t n)
{
	AUTO(error) struct error *err = NULL;
	const struct archive_library *lib = archive_library_load(&err);
	struct archive *a = lib->write_new();

	assert_int_equal(lib->write_set_format_zip(a), ARCHIVE_OK);
	assert_int_equal(lib->write_open_filename(a, b->zip), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++) {
		struct archive_entry *e = lib->entry_new();
		size_t len = strlen(members[i].text);

		lib->entry_set_pathname(e, members[i].name);
		lib->entry_set_filetype(e, members[i].type ? members[i].type : AE_IFREG);
		lib->entry_set_perm(e, 0644);
		lib->entry_set_size(e, (la_int64_t)len);
		assert_int_equal(lib->write_header(a, e), ARCHIVE_OK);
		(void)lib->write_data(a, members[i].text, len);
		lib->entry_free(e);
	}
	assert_int_equal(lib->write_close(a), ARCHIVE_OK);
	lib->write_free(a);
}

static void check_refused(const struct bench *b, const char *want)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(unzip_entry(b->zip, NAME, b->to, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	if (!strstr(err->message, want))
		fail_msg("%s", err->message);
	assert_false(fs_exists(b->to));
}

static void test_entry(void **state)
{
	static const struct member members[] = { { "LICENSE", "x" },
						 { NAME, "#!/bin/sh\n" },
						 { "../" NAME, "evil" },
						 { "/" NAME, "evil" },
						 { "a/" NAME, "evil" } };
	const struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(strv) struct strv files = STRV_INIT;
	struct stat st;

	make_zip(b, members, ARRAY_LEN(members));
	if (unzip_entry(b->zip, NAME, b->to, NULL, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(fs_read(b->to, 100, &got, &err), 0);
	assert_string_equal(got.buf, "#!/bin/sh\n");
	assert_int_equal(stat(b->to, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	/* The zip and the one file: nothing else was written. */
	assert_int_equal(fs_list(b->dir, &files, &err), 0);
	assert_int_equal(files.len, 2);
}

static void test_no_entry(void **state)
{
	static const struct member members[] = { { "../" NAME, "evil" }, { NAME ".exe", "other" } };

	make_zip(*state, members, ARRAY_LEN(members));
	check_refused(*state, "the zip has no '" NAME "'");
}

static void test_twice(void **state)
{
	static const struct member members[] = { { NAME, "one" }, { NAME, "two" } };

	make_zip(*state, members, ARRAY_LEN(members));
	check_refused(*state, "more than once");
}

static void test_link(void **state)
{
	static const struct member members[] = { { NAME, "", AE_IFLNK } };
	static const struct member dirs[] = { { NAME "/", "", AE_IFDIR } };

	make_zip(*state, members, ARRAY_LEN(members));
	check_refused(*state, "not a plain file");
	make_zip(*state, dirs, ARRAY_LEN(dirs));
	check_refused(*state, "the zip has no");
}

static void test_no_zip(void **state)
{
	const struct bench *b = *state;
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_write(b->zip, "<html>\n", 7, 0600, &err), 0);
	check_refused(b, "the zip is damaged");
}

static void test_cut_off(void **state)
{
	static const struct member members[] = { { NAME, "#!/bin/sh\necho something\n" } };
	const struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;

	make_zip(b, members, ARRAY_LEN(members));
	assert_int_equal(fs_read(b->zip, 10000, &bytes, &err), 0);
	bytes.buf[90] ^= 1; /* in the content: its checksum is wrong */
	assert_int_equal(fs_write(b->zip, bytes.buf, bytes.len, 0600, &err), 0);
	check_refused(b, "the zip is damaged");
	assert_int_equal(fs_write(b->zip, bytes.buf, 60, 0600, &err), 0);
	check_refused(b, "");
}

static void test_target_is_there(void **state)
{
	static const struct member members[] = { { NAME, "new" } };
	const struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	make_zip(b, members, ARRAY_LEN(members));
	assert_int_equal(fs_write(b->to, "old", 3, 0600, &err), 0);
	assert_int_equal(unzip_entry(b->zip, NAME, b->to, NULL, &err), -1);

	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_read(b->to, 100, &got, &e), 0);
	assert_string_equal(got.buf, "old");
}

static void test_cancelled(void **state)
{
	static const struct member members[] = { { NAME, "new" } };
	const struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, INT64_MAX);

	make_zip(b, members, ARRAY_LEN(members));
	cancel_trigger(c);
	assert_int_equal(unzip_entry(b->zip, NAME, b->to, c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	assert_false(fs_exists(b->to));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_entry),           CASE(test_no_entry),
		CASE(test_twice),           CASE(test_link),
		CASE(test_no_zip),          CASE(test_cut_off),
		CASE(test_target_is_there), CASE(test_cancelled),
	};

	return cmocka_run_group_tests_name("plugin/unzip", tests, NULL, NULL);
}
