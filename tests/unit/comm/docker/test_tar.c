/* SPDX-License-Identifier: Apache-2.0 */
/* The tar streams both ways: what goes out comes in the same, and a hostile one stays outside. */
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
#include "comm/docker/tar_in.h"
#include "comm/docker/tar_out.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"
#include "pack/tar_header.h"

static char *dir;

static int set_up(void **state)
{
	AUTO(error) struct error *e = NULL;

	(void)state;
	return fs_temp_dir("/tmp", "ingot-tar-test-", &dir, &e);
}

static int tear_down(void **state)
{
	AUTO(error) struct error *e = NULL;
	int r = fs_remove_tree(dir, &e);

	(void)state;
	free(dir);
	return r;
}

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void make(const char *name, const char *text, mode_t mode)
{
	AUTO_FREE char *path = at(name);
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_write(path, text, strlen(text), mode, &e), 0);
}

static void make_dir(const char *name)
{
	AUTO_FREE char *path = at(name);

	assert_int_equal(mkdir(path, 0750), 0);
}

static bool has(const char *name, const char *text)
{
	AUTO_FREE char *path = at(name);
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	return fs_read(path, FS_READ_MAX, &got, &e) == 0 && !strcmp(got.buf, text);
}

static char *long_name(size_t len)
{
	char *name = xmalloc(len + 1);

	memset(name, 'n', len);
	name[len] = '\0';
	return name;
}

/* In pieces of an odd size, as a pipe may give them. */
static void read_out(struct tar_out *t, struct strbuf *ret)
{
	AUTO(error) struct error *e = NULL;
	char buf[777];
	ssize_t n;

	while ((n = tar_out_read(t, buf, sizeof(buf), &e)) > 0)
		strbuf_add(ret, buf, (size_t)n);
	if (n < 0)
		fail_msg("%s", e->message);
}

static int take_in(const struct strbuf *tar, const char *to, size_t piece, struct strv *left,
		   struct error **err)
{
	AUTO_FREE char *path = at(to);
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_mkdir_all(path, 0755, &e), 0);

	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(tar_in) struct tar_in *in = tar_in_tree(fd);

	for (size_t i = 0; i < tar->len; i += piece)
		if (tar_in_feed(in, tar->buf + i, MIN(piece, tar->len - i), err) < 0)
			return -1;
	if (left)
		strv_pushv(left, tar_in_left_out(in)->v);
	return tar_in_end(in, err);
}

static void make_sample(void)
{
	AUTO_FREE char *deep = long_name(150), *link = at("src/sub/link"), *far = at("src/far");
	AUTO_FREE char *name = xasprintf("src/sub/%s", deep);

	make_dir("src");
	make_dir("src/sub");
	make("src/a", "hello", 0640);
	make("src/empty", "", 0644);
	make("src/x", "#!/bin/sh\n", 0755);
	make(name, "deep", 0644);
	assert_int_equal(symlink("../a", link), 0);
	assert_int_equal(symlink("sub", far), 0);
}

static void test_round_trip(void **state)
{
	static const size_t pieces[] = { 1, 511, 512, 513, 100000 };
	const struct tar_out_options options = { 0 };
	AUTO_FREE char *deep = long_name(150), *src = at("src");
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf tar = STRBUF_INIT;
	AUTO(tar_out) struct tar_out *t = tar_out_new(&options);

	(void)state;
	make_sample();
	assert_int_equal(tar_out_tree(t, "base", src, &err), 0);
	read_out(t, &tar);
	assert_int_equal(tar.len % TAR_BLOCK, 0);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		AUTO_FREE char *to = xasprintf("to%zu", i), *a = xasprintf("%s/a", to);
		AUTO_FREE char *x = xasprintf("%s/x", to), *full = at(x);
		AUTO_FREE char *name = xasprintf("%s/far/%s", to, deep);
		AUTO_FREE char *link = xasprintf("%s/sub/link", to);
		AUTO(strv) struct strv left = STRV_INIT;
		struct stat st;

		assert_int_equal(take_in(&tar, to, pieces[i], &left, &err), 0);
		assert_true(has(a, "hello"));
		assert_true(has(name, "deep"));
		assert_int_equal(stat(full, &st), 0);
		assert_int_equal(st.st_mode & 0111, 0111);
		assert_true(has(link, "hello"));
		assert_int_equal(left.len, 0);
	}
}

static int run_tar(const struct strbuf *tar, const char *flags, struct strbuf *ret)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct proc_run run = {
		.spec = { .argv = &argv }, .input = tar->buf, .input_len = tar->len, .output = ret
	};

	strv_pushl(&argv, "tar", "--numeric-owner", flags, "-", NULL);
	return proc_run(&run, NULL, NULL, &err);
}

/* Another reader agrees. */
static void test_gnu_tar_reads_it(void **state)
{
	const struct tar_out_options options = { .uid = 1000, .gid = 4000000 };
	AUTO_FREE char *name = long_name(300), *src = at("src");
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf tar = STRBUF_INIT, list = STRBUF_INIT;
	AUTO(tar_out) struct tar_out *t = tar_out_new(&options);

	(void)state;
	make_sample();
	tar_out_data(t, name, "data", 4, 0600);
	assert_int_equal(tar_out_tree(t, NULL, src, &err), 0);
	read_out(t, &tar);
	assert_int_equal(run_tar(&tar, "-tvf", &list), 0);
	assert_non_null(strstr(list.buf, "-rw------- 1000/4000000"));
	assert_non_null(strstr(list.buf, name));
	assert_non_null(strstr(list.buf, "sub/link -> ../a"));
	assert_non_null(strstr(list.buf, "-rw-r----- 1000/4000000"));
	assert_non_null(strstr(list.buf, "drwxr-x--- 1000/4000000"));
}

static void test_numbers_of_owners_stay(void **state)
{
	const struct tar_out_options options = { .keep_owner = true };
	AUTO_FREE char *path = at("f");
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf tar = STRBUF_INIT;
	AUTO(tar_out) struct tar_out *t = tar_out_new(&options);
	struct tar_block block;
	bool end;

	(void)state;
	make("f", "x", 0604);
	assert_int_equal(tar_out_file(t, "f", path, 0, &err), 0);
	read_out(t, &tar);
	assert_true(tar_parse_header((const unsigned char *)tar.buf, &block, &end));
	assert_int_equal(block.fields.uid, getuid());
	assert_int_equal(block.fields.mode, 0604);
	assert_int_equal(block.fields.size, 1);
}

static void test_large_sizes(void **state)
{
	const int64_t sizes[] = { 0, 511, 0x1ffffffff, 0x200000000, INT64_C(1) << 50 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct tar_fields f = { .type = TAR_FILE, .size = sizes[i] };
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
		struct tar_block block;
		bool end;

		tar_add_header(&sb, "x", NULL, &f);
		assert_true(tar_parse_header((const unsigned char *)sb.buf, &block, &end));
		assert_int_equal(block.fields.size, sizes[i]);
	}
}

/* ---- strangers ---------------------------------------------------------------------------- */

static void add(struct strbuf *sb, const char *name, char type, const char *link, const char *text)
{
	const struct tar_fields f = { .type = type, .mode = 06755, .size = (int64_t)strlen(text) };
	size_t over = strlen(text) % TAR_BLOCK;

	tar_add_header(sb, name, link, &f);
	strbuf_addstr(sb, text);
	if (over)
		strbuf_addchars(sb, '\0', TAR_BLOCK - over);
}

static void test_names_that_lead_out(void **state)
{
	static const char *const names[] = { "/etc/x", "top/../../x", "../x", "top/a/../../../x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(strbuf) struct strbuf tar = STRBUF_INIT;
		AUTO(error) struct error *err = NULL;

		add(&tar, names[i], TAR_FILE, NULL, "evil");
		assert_int_equal(take_in(&tar, "to", 512, NULL, &err), -1);
		assert_non_null(strstr(err->message, "leads out"));
		assert_false(has("x", "evil"));
	}
}

/* A link that was there before, or comes first in the archive, is not followed. */
static void test_links_are_not_followed(void **state)
{
	AUTO_FREE char *to = at("to"), *link = at("to/out"), *outside = at("outside");
	AUTO(strbuf) struct strbuf tar = STRBUF_INIT, other = STRBUF_INIT;
	AUTO(error) struct error *err = NULL, *bad = NULL;
	AUTO(strv) struct strv left = STRV_INIT;

	(void)state;
	make_dir("outside");
	make_dir("to");
	assert_int_equal(symlink(outside, link), 0);
	add(&tar, "top/out/x", TAR_FILE, NULL, "evil");
	assert_int_equal(take_in(&tar, "to", 512, NULL, &bad), -1);
	assert_false(has("outside/x", "evil"));

	add(&other, "top/in", TAR_SYMLINK, "a/b", "");
	add(&other, "top/abs", TAR_SYMLINK, outside, "");
	add(&other, "top/up", TAR_SYMLINK, "../outside", "");
	add(&other, "top/abs/x", TAR_FILE, NULL, "evil");
	add(&other, "top/dev", '3', NULL, "");
	assert_int_equal(take_in(&other, "second", 512, &left, &err), 0);
	assert_false(has("outside/x", "evil"));
	assert_true(has("second/abs/x", "evil"));
	assert_int_equal(left.len, 3);
}

static void test_hard_links_stay_inside(void **state)
{
	AUTO(strbuf) struct strbuf tar = STRBUF_INIT, bad_tar = STRBUF_INIT;
	AUTO(error) struct error *err = NULL, *bad = NULL;
	AUTO_FREE char *file = at("ok/one");
	struct stat st;

	(void)state;
	make("secret", "secret", 0600);
	add(&tar, "top/one", TAR_FILE, NULL, "1");
	add(&tar, "top/two", TAR_HARDLINK, "top/one", "");
	assert_int_equal(take_in(&tar, "ok", 512, NULL, &err), 0);
	assert_true(has("ok/two", "1"));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 06000, 0);
	add(&bad_tar, "top/two", TAR_HARDLINK, "top/../secret", "");
	assert_int_equal(take_in(&bad_tar, "bad", 512, NULL, &bad), -1);
}

static void test_pax_and_garbage(void **state)
{
	static const char *const records[] = { "9 path=x", "x path=y\n", "-1 a=b\n", "99 path=x\n",
					       "13 size=-44\n\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		AUTO(strbuf) struct strbuf bad = STRBUF_INIT;
		AUTO(error) struct error *e = NULL;

		add(&bad, "pax", TAR_PAX, NULL, records[i]);
		add(&bad, "top/f", TAR_FILE, NULL, "text");
		assert_int_equal(take_in(&bad, "to", 512, NULL, &e), -1);
	}

	AUTO(strbuf) struct strbuf good = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	add(&good, "pax", TAR_PAX, NULL, "17 path=top/real\n");
	add(&good, "top/short", TAR_FILE, NULL, "text");
	assert_int_equal(take_in(&good, "to", 100, NULL, &e), 0);
	assert_true(has("to/real", "text"));
}

static void test_cut_short(void **state)
{
	AUTO(strbuf) struct strbuf tar = STRBUF_INIT;

	(void)state;
	add(&tar, "top/f", TAR_FILE, NULL, "text");
	for (size_t len = 1; len < TAR_BLOCK * 2; len += 73) {
		AUTO(strbuf) struct strbuf cut = STRBUF_INIT;
		AUTO(error) struct error *err = NULL;

		strbuf_add(&cut, tar.buf, len);
		assert_int_equal(take_in(&cut, "to", 512, NULL, &err), -1);
		assert_string_equal(err->message,
				    "what came from the container ended in the middle of a file");
	}
}

static int take_file(const struct strbuf *tar, char **ret_link, struct error **err)
{
	AUTO_FREE char *path = at("file");
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	AUTO(tar_in) struct tar_in *in = tar_in_file(fd);

	*ret_link = NULL;
	if (tar_in_feed(in, tar->buf, tar->len, err) < 0 || tar_in_end(in, err) < 0)
		return -1;
	*ret_link = xstrdup(tar_in_link(in));
	return 0;
}

static void test_one_file(void **state)
{
	AUTO(strbuf) struct strbuf one = STRBUF_INIT, link = STRBUF_INIT, folder = STRBUF_INIT;
	AUTO_FREE char *target = NULL, *none = NULL, *no = NULL;
	AUTO(error) struct error *err = NULL;

	(void)state;
	add(&one, "f", TAR_FILE, NULL, "first");
	add(&one, "g", TAR_FILE, NULL, "second");
	assert_int_equal(take_file(&one, &none, &err), 0);
	assert_true(has("file", "first"));
	assert_null(none);
	add(&link, "f", TAR_SYMLINK, "../g", "");
	assert_int_equal(take_file(&link, &target, &err), 0);
	assert_string_equal(target, "../g");
	add(&folder, "f/", TAR_DIR, NULL, "");
	assert_int_equal(take_file(&folder, &no, &err), -1);
	assert_non_null(strstr(err->message, "is a directory"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_gnu_tar_reads_it),
		TEST(test_numbers_of_owners_stay),
		TEST(test_names_that_lead_out),
		TEST(test_links_are_not_followed),
		TEST(test_hard_links_stay_inside),
		TEST(test_pax_and_garbage),
		TEST(test_cut_short),
		TEST(test_one_file),
		cmocka_unit_test(test_large_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
