/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../temp_dir.h"
#include "base/alloc.h"
#include "base/path.h"
#include "os/cancel.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"

static int begin(void **state)
{
	umask(022);
	return make_dir(state);
}

/* A path below the test's directory; valid until the fourth next call. */
static const char *at(const char *name)
{
	static char paths[4][300];
	static int next;
	char *p = paths[next++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const char *text)
{
	AUTO(error) struct error *err = NULL;

	if (fs_write(at(name), text, strlen(text), 0666, &err) < 0)
		fail_msg("%s", err->message);
}

static void check_content(const char *name, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (fs_read(at(name), FS_READ_MAX, &text, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(text.buf, want);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(at(name), &st), 0);
	return st.st_mode & 07777;
}

static void test_kinds(void **state)
{
	AUTO(error) struct error *err = NULL;
	enum fs_kind kind;
	int64_t size = 0;

	put("file", "12345");
	assert_int_equal(symlink("file", at("link")), 0);
	assert_int_equal(symlink("nowhere", at("dangling")), 0);
	assert_int_equal(fs_stat_kind(at("file"), &kind, &err), 0);
	assert_int_equal(kind, FS_FILE);
	assert_int_equal(fs_stat_kind(at("link"), &kind, &err), 0);
	assert_int_equal(kind, FS_FILE);
	assert_int_equal(fs_stat_kind(dir, &kind, &err), 0);
	assert_int_equal(kind, FS_DIR);
	assert_int_equal(fs_stat_kind("/dev/null", &kind, &err), 0);
	assert_int_equal(kind, FS_OTHER);
	assert_int_equal(fs_stat_kind(at("dangling"), &kind, &err), 0);
	assert_int_equal(kind, FS_ABSENT);
	assert_int_equal(fs_stat_kind(at("file/below"), &kind, &err), 0);
	assert_int_equal(kind, FS_ABSENT);
	assert_true(fs_exists(at("file")));
	assert_false(fs_exists(at("dangling")));
	assert_int_equal(fs_size(at("file"), &size, &err), 0);
	assert_int_equal(size, 5);
	assert_int_equal(fs_size(at("none"), &size, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
}

static void test_read(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *want = NULL;

	put("f", "12345");
	assert_int_equal(fs_read(at("f"), 5, &text, &err), 0);
	assert_string_equal(text.buf, "12345");
	assert_int_equal(fs_read(at("f"), 4, &text, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	want = xasprintf("cannot read '%s': larger than 4 bytes", at("f"));
	assert_string_equal(err->message, want);
	assert_int_equal(text.len, 5);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_read(at("none"), 10, &text, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	free(want);
	want = xasprintf("cannot open '%s': No such file or directory", at("none"));
	assert_string_equal(err->message, want);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_read(dir, 10, &text, &err), -1);
	assert_int_equal(err->os_errno, EISDIR);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_read("/dev/zero", 1 << 20, &text, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	error_ignore(&err, "looked at");
	/* one whose size is not known beforehand */
	strbuf_truncate(&text, 0);
	assert_int_equal(fs_read("/proc/self/stat", 1 << 20, &text, &err), 0);
	assert_true(text.len > 10);
}

static void test_write_atomic(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv names = STRV_INIT;

	assert_int_equal(fs_write_atomic(at("f"), "one", 3, 0600, &err), 0);
	check_content("f", "one");
	assert_int_equal(mode_of("f"), 0600);
	assert_int_equal(fs_write_atomic(at("f"), "two", 3, 0666, &err), 0);
	check_content("f", "two");
	assert_int_equal(mode_of("f"), 0600); /* what was private stays so */
	assert_int_equal(symlink("f", at("link")), 0);
	assert_int_equal(fs_write_atomic(at("link"), "three", 5, 0666, &err), 0);
	check_content("f", "three"); /* the link stayed one */
	assert_int_equal(fs_write_atomic(at("none/f"), "x", 1, 0666, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	error_ignore(&err, "looked at");
	assert_int_equal(mkdir(at("d"), 0777), 0);
	assert_int_equal(fs_write_atomic(at("d"), "x", 1, 0666, &err), -1);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_list(dir, &names, &err), 0);

	AUTO_FREE char *all = strv_join(&names, " ");

	assert_string_equal(all, "d f link"); /* no temporary file is left */
}

/* Devices and pipes are no files: they are written to, never replaced by one. */
static void test_write_atomic_elsewhere(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct stat st;
	char got[4] = "";

	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	assert_int_equal(fs_write_atomic(at("pipe"), "x", 1, 0666, &err), -1);
	assert_int_equal(err->os_errno, ENXIO); /* nobody reads */
	error_ignore(&err, "looked at");

	AUTO_CLOSE int fd = open(at("pipe"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	assert_int_equal(symlink("pipe", at("to-pipe")), 0);
	assert_int_equal(fs_write_atomic(at("to-pipe"), "one", 3, 0666, &err), 0);
	assert_int_equal(read(fd, got, 3), 3);
	assert_string_equal(got, "one");
	assert_int_equal(lstat(at("pipe"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(lstat(at("to-pipe"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(fs_write_atomic("/dev/null", "one", 3, 0666, &err), 0);
	assert_int_equal(lstat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void test_mkdir_all(void **state)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_mkdir_all(at("a/b//c/"), 0750, &err), 0);
	assert_int_equal(mode_of("a/b/c"), 0750);
	assert_int_equal(fs_mkdir_all(at("a/b/c"), 0777, &err), 0);
	assert_int_equal(fs_mkdir_all("/", 0777, &err), 0);
	assert_int_equal(fs_mkdir_all(".", 0777, &err), 0);
	put("file", "");
	assert_int_equal(fs_mkdir_all(at("file/x"), 0777, &err), -1);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_mkdir_all(at("file"), 0777, &err), -1);
	assert_int_equal(err->kind, ERROR_EXISTS);
}

static void test_mkdir(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *one = path_join(dir, "one");
	AUTO_FREE char *deep = path_join(dir, "two/three");
	struct stat st;

	assert_int_equal(fs_mkdir(one, 0700, &err), 0);
	assert_int_equal(stat(one, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fs_mkdir(one, 0700, &err), -1);
	assert_int_equal(err->kind, ERROR_EXISTS);
	error_ignore(&err, "as expected");
	assert_int_equal(fs_mkdir(deep, 0700, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
}

static void test_remove_and_rename(void **state)
{
	AUTO(error) struct error *err = NULL;

	put("a", "x");
	assert_int_equal(fs_rename(at("a"), at("b"), &err), 0);
	check_content("b", "x");
	assert_int_equal(fs_rename(at("a"), at("b"), &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_remove(at("b"), &err), 0);
	assert_int_equal(fs_remove(at("b"), &err), 0);
	assert_int_equal(fs_remove(dir, &err), -1);
}

static void test_remove_tree(void **state)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_mkdir_all(at("keep"), 0777, &err), 0);
	put("keep/f", "precious");
	assert_int_equal(fs_mkdir_all(at("t/a/b/c"), 0777, &err), 0);
	put("t/a/f", "");
	put("t/a/b/g", "");
	assert_int_equal(symlink("../keep", at("t/link")), 0);
	assert_int_equal(symlink("../../keep/f", at("t/a/link")), 0);
	assert_int_equal(symlink("keep", at("top")), 0);
	assert_int_equal(fs_remove_tree(at("top"), &err), 0); /* the link alone */
	assert_int_equal(fs_remove_tree(at("t/"), &err), 0);
	assert_false(fs_exists(at("t")));
	assert_false(fs_exists(at("top")));
	check_content("keep/f", "precious");
	assert_int_equal(fs_remove_tree(at("t"), &err), 0); /* absent is fine */
	assert_int_equal(fs_remove_tree(at("keep/f"), &err), 0);
	assert_false(fs_exists(at("keep/f")));
}

static void lock_up(const char *name, mode_t mode)
{
	assert_int_equal(chmod(at(name), mode), 0);
}

/* As a user that permissions mean something to; returns the exit code. */
static int as_user(int (*what)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(99);
		_exit(what());
	}

	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int remove_locked_up(void)
{
	AUTO(error) struct error *err = NULL;

	return fs_remove_tree(at("t"), &err) < 0;
}

static int remove_foreign(void)
{
	AUTO(error) struct error *err = NULL;

	return fs_remove_tree(at("t"), &err) < 0 && err->os_errno == EACCES &&
			       text_ends_with(err->message, "Permission denied")
		       ? 7
		       : 1;
}

static int give(const char *name)
{
	return geteuid() ? 0 : lchown(at(name), 65534, 65534);
}

/* Directories of ours without permissions: a module cache of Go is such a one. */
static void test_remove_unreadable(void **state)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_mkdir_all(at("t/read-only/x"), 0777, &err), 0);
	assert_int_equal(fs_mkdir_all(at("t/unsearchable/x"), 0777, &err), 0);
	assert_int_equal(fs_mkdir_all(at("t/nothing/x"), 0777, &err), 0);
	put("t/nothing/f", "");
	put("t/read-only/f", "");
	put("t/unsearchable/f", "");
	lock_up("t/nothing", 0);
	lock_up("t/read-only", 0500);
	lock_up("t/unsearchable", 0600);

	static const char *const all[] = { "",
					   "t",
					   "t/nothing",
					   "t/nothing/f",
					   "t/nothing/x",
					   "t/read-only",
					   "t/read-only/f",
					   "t/read-only/x",
					   "t/unsearchable",
					   "t/unsearchable/f",
					   "t/unsearchable/x" };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(give(all[i]), 0);
	assert_int_equal(as_user(remove_locked_up), 0);
	assert_false(fs_exists(at("t")));
}

static void test_remove_foreign(void **state)
{
	AUTO(error) struct error *err = NULL;

	if (geteuid())
		skip();
	assert_int_equal(fs_mkdir_all(at("t/x"), 0777, &err), 0);
	lock_up("", 0755);
	assert_int_equal(as_user(remove_foreign), 7);
	assert_true(fs_exists(at("t/x")));
}

static void test_list_and_walk(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv names = STRV_INIT, files = STRV_INIT;

	assert_int_equal(fs_mkdir_all(at("a/b"), 0777, &err), 0);
	put("z", "");
	put("a/b/f", "");
	put("a.x", "");
	put(".hidden", "");
	assert_int_equal(symlink("z", at("link")), 0);
	assert_int_equal(symlink("..", at("a/up")), 0);
	assert_int_equal(fs_list(dir, &names, &err), 0);

	AUTO_FREE char *all = strv_join(&names, " ");

	assert_string_equal(all, ".hidden a a.x link z");
	assert_int_equal(fs_walk_files(dir, &files, &err), 0);
	assert_int_equal(files.len, 4);
	assert_string_equal(files.v[0], at(".hidden"));
	assert_string_equal(files.v[1], at("a.x"));
	assert_string_equal(files.v[2], at("a/b/f"));
	assert_string_equal(files.v[3], at("z"));
	assert_int_equal(fs_list(at("none"), &names, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	assert_int_equal(names.len, 5);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_walk_files(at("z"), &names, &err), -1);
}

static void check_home(const char *path, const char *home, const char *want)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *got = NULL;

	assert_int_equal(fs_expand_home(path, home, &got, &err), 0);
	assert_string_equal(got, want);
}

static void test_expand_home(void **state)
{
	AUTO(error) struct error *err = NULL;
	char *got = NULL;

	check_home("~", "/h", "/h");
	check_home("~/", "/h", "/h");
	check_home("~/a/b", "/h", "/h/a/b");
	check_home("a/~", "/h", "a/~");
	check_home("/a", NULL, "/a");
	assert_int_equal(fs_expand_home("~/a", NULL, &got, &err), -1);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_expand_home("~root/a", "/h", &got, &err), -1);
	assert_string_equal(err->message, "cannot expand user-specific home dir");
}

static void test_temporary(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *d = NULL, *f = NULL;
	AUTO_CLOSE int fd = -1;
	struct stat st;

	assert_int_equal(fs_temp_dir(dir, "d-", &d, &err), 0);
	assert_int_equal(stat(d, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(fs_temp_file(d, "f-", ".iso", &f, &fd, &err), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(text_ends_with(f, ".iso"));
	assert_true(path_is_below(f, d));

	char *none = NULL;

	assert_int_equal(fs_temp_dir(at("none"), "", &none, &err), -1);
	assert_null(none);
}

static void test_cwd(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *before = fs_cwd();

	assert_int_equal(fs_mkdir_all(at("gone"), 0777, &err), 0);
	assert_int_equal(chdir(at("gone")), 0);

	AUTO_FREE char *there = fs_cwd();

	assert_string_equal(there, at("gone"));
	assert_int_equal(rmdir(at("gone")), 0);

	AUTO_FREE char *gone = fs_cwd();

	assert_true(gone[0] == '/');
	assert_int_equal(chdir(before), 0);
}

static void test_digest(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	AUTO_FREE char *hex = NULL;

	put("f", "abc");
	assert_int_equal(fs_digest(at("f"), DIGEST_MD5, c, &hex, &err), 0);
	assert_string_equal(hex, "900150983cd24fb0d6963f7d28e17f72");
	cancel_trigger(c);
	assert_int_equal(fs_digest(at("f"), DIGEST_MD5, c, &hex, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_digest(at("none"), DIGEST_MD5, NULL, &hex, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
}

static void test_free_space(void **state)
{
	AUTO(error) struct error *err = NULL;
	int64_t here = 0, later = 0;

	assert_int_equal(fs_free_space(dir, &here, &err), 0);
	assert_int_equal(fs_free_space(at("not/yet/there"), &later, &err), 0);
	assert_true(here > 0 && later > 0);
	assert_int_equal(fs_free_space("not/yet/there", &later, &err), 0);
	put("f", "");
	assert_int_equal(fs_free_space(at("f/x"), &later, &err), -1);
	assert_int_equal(err->os_errno, ENOTDIR);
}

static void count(void *data, int64_t done, int64_t total)
{
	int64_t *seen = data;

	assert_true(done >= seen[0] && done <= total);
	seen[0] = done;
	seen[1] = total;
	seen[2]++;
}

static void test_copy(void **state)
{
	AUTO(error) struct error *err = NULL;
	int64_t seen[3] = { 0 };

	put("a", "some text");
	put("b", "something much longer that was here before");
	assert_int_equal(fs_copy(at("a"), at("b"), 0600, count, seen, NULL, &err), 0);
	check_content("b", "some text");
	assert_int_equal(seen[0], 9);
	assert_int_equal(seen[1], 9);
	assert_int_equal(fs_copy(at("a"), at("c"), 0640, NULL, NULL, NULL, &err), 0);
	assert_int_equal(mode_of("c"), 0640);
	put("empty", "");
	assert_int_equal(fs_copy(at("empty"), at("e"), 0666, NULL, NULL, NULL, &err), 0);
	check_content("e", "");
	/* a file without a size of its own */
	assert_int_equal(fs_copy("/proc/version", at("v"), 0666, NULL, NULL, NULL, &err), 0);

	int64_t size = 0;

	assert_int_equal(fs_size(at("v"), &size, &err), 0);
	assert_true(size > 10);
}

static void test_copy_refuses(void **state)
{
	AUTO(error) struct error *err = NULL;

	put("a", "text");
	assert_int_equal(link(at("a"), at("same")), 0);
	assert_int_equal(fs_copy(at("a"), at("same"), 0666, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	check_content("a", "text");
	error_ignore(&err, "looked at");
	assert_int_equal(fs_copy(dir, at("x"), 0666, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	error_ignore(&err, "looked at");
	assert_int_equal(fs_copy(at("none"), at("x"), 0666, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	assert_false(fs_exists(at("x")));
	error_ignore(&err, "looked at");
	assert_int_equal(fs_copy(at("a"), at("none/x"), 0666, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
}

/* Data, hole, data, hole: 64 MiB that take next to no space. */
static void test_copy_keeps_holes(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *a = NULL, *b = NULL;
	AUTO_CLOSE int fd = open(at("sparse"), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	struct stat st;

	assert_int_equal(pwrite(fd, "head", 4, 0), 4);
	assert_int_equal(pwrite(fd, "middle", 6, 20 << 20), 6);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	assert_int_equal(fs_copy(at("sparse"), at("copy"), 0666, NULL, NULL, NULL, &err), 0);
	assert_int_equal(stat(at("copy"), &st), 0);
	assert_int_equal(st.st_size, 64 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);

	AUTO_CLOSE int copy = open(at("copy"), O_RDONLY | O_CLOEXEC);
	char buf[6];

	assert_int_equal(pread(copy, buf, 6, 20 << 20), 6);
	assert_memory_equal(buf, "middle", 6);
	assert_int_equal(pread(copy, buf, 6, 10 << 20), 6);
	assert_memory_equal(buf, "\0\0\0\0\0\0", 6);
	assert_int_equal(pread(copy, buf, 4, 0), 4);
	assert_memory_equal(buf, "head", 4);
}

/* Between file systems the kernel may refuse: then it goes through a buffer. */
static void test_copy_across(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *other = NULL;

	if (fs_temp_dir("/dev/shm", "ingot-test-", &other, &err) < 0)
		skip();

	AUTO_FREE char *to = path_join(other, "copy");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	put("a", "across");
	assert_int_equal(fs_copy(at("a"), to, 0666, NULL, NULL, NULL, &err), 0);
	assert_int_equal(fs_read(to, 100, &text, &err), 0);
	assert_string_equal(text.buf, "across");
	assert_int_equal(fs_remove_tree(other, &err), 0);
}

static void test_copy_cancelled(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);

	put("a", "text");
	cancel_trigger(c);
	assert_int_equal(fs_copy(at("a"), at("b"), 0666, NULL, NULL, c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	assert_false(fs_exists(at("b")));
}

static void with_size_limit(rlim_t limit, void (*what)(void))
{
	struct rlimit before, tight;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = limit;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	what();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
}

static void copy_and_write_too_much(void)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *data = xcalloc(1, 100000);

	assert_int_equal(fs_copy(at("big"), at("b"), 0666, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_IO);
	assert_int_equal(err->os_errno, EFBIG);
	assert_false(fs_exists(at("b")));
	error_ignore(&err, "looked at");
	assert_int_equal(fs_write_atomic(at("f"), data, 100000, 0666, &err), -1);
	assert_int_equal(err->os_errno, EFBIG);
}

/* A write that fails half-way leaves the old file, or none, and nothing else. */
static void test_half_written(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_FREE char *data = xcalloc(1, 100000);

	memset(data, 'x', 100000);
	assert_int_equal(fs_write(at("big"), data, 100000, 0666, &err), 0);
	put("f", "old");
	with_size_limit(5000, copy_and_write_too_much);
	check_content("f", "old");
	assert_int_equal(fs_list(dir, &names, &err), 0);

	AUTO_FREE char *all = strv_join(&names, " ");

	assert_string_equal(all, "big f");
}

static void test_full_disk_hint(void **state)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_write("/dev/full", "x", 1, 0666, &err), -1);
	assert_int_equal(err->os_errno, ENOSPC);
	assert_string_equal(err->message, "cannot write '/dev/full': No space left on device");
	assert_string_equal(err->hint,
			    "free space on the file system of '/dev/full', or use another place");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(test_kinds),
		TEST(test_read),
		TEST(test_write_atomic),
		TEST(test_write_atomic_elsewhere),
		TEST(test_mkdir_all),
		TEST(test_mkdir),
		TEST(test_remove_and_rename),
		TEST(test_remove_tree),
		TEST(test_remove_unreadable),
		TEST(test_remove_foreign),
		TEST(test_list_and_walk),
		TEST(test_expand_home),
		TEST(test_temporary),
		TEST(test_cwd),
		TEST(test_digest),
		TEST(test_free_space),
		TEST(test_copy),
		TEST(test_copy_refuses),
		TEST(test_copy_keeps_holes),
		TEST(test_copy_across),
		TEST(test_copy_cancelled),
		TEST(test_half_written),
		TEST(test_full_disk_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
