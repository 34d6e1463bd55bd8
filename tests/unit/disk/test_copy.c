/* SPDX-License-Identifier: Apache-2.0 */
/* The pump between a real qemu-nbd and writers of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "disk/copy.h"
#include "disk/raw.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"
#include "os/wait.h"

enum { MIB = 1024 * 1024, SIZE = 40 * MIB + 3 * DISK_SECTOR };

extern char **environ;
static char *dir, *path;
static struct disk_host host;
static const struct strv nobody = STRV_INIT;

/* Data at the start, at the end and in most of the middle; 12 MiB of holes. */
static int make_disk(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE unsigned char *bytes = xmalloc(MIB);
	int fd;

	memset(bytes, 7, MIB);
	if (fs_temp_dir("/tmp", "ingot-test-", &dir, &err) < 0)
		return -1;
	path = path_join(dir, "disk");
	host = (struct disk_host){ .temp_dir = dir, .environ = environ };
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	int r = ftruncate(fd, SIZE);

	for (int i = 14; r == 0 && i < 40; i++)
		r = fd_write_at(fd, bytes, MIB, i * (off_t)MIB);
	if (r == 0)
		r = fd_write_at(fd, "begin", 5, 0);
	if (r == 0)
		r = fd_write_at(fd, "end", 3, SIZE - 3);
	fd_close(fd);
	return r;
}

static int remove_disk(void **state)
{
	AUTO(error) struct error *err = NULL;
	int r = fs_remove_tree(dir, &err);

	free(path);
	free(dir);
	return r;
}

static struct disk_source *open_disk(void)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *tool = NULL;
	struct disk_source *s = NULL;

	if (proc_find("qemu-nbd", &tool, &err) < 0)
		skip();
	assert_int_equal(disk_source_open(&host, path, &nobody, NULL, &s, &err), 0);
	assert_int_equal(disk_source_size(s), SIZE);
	return s;
}

/* ---- a writer that counts ------------------------------------------------------------------ */

struct counting {
	struct disk_writer base;
	uint64_t bytes, at;
	uint64_t fail_at; /* at that many bytes; 0: never */
	int hang_fd;      /* waits for this one with the first bytes; -1: does not */
	bool finished, in_order;
};

static int count_write(struct disk_writer *base, uint64_t offset, const void *bytes, size_t len,
		       struct cancel *c, struct error **err)
{
	struct counting *w = (struct counting *)base;

	if (w->hang_fd >= 0 && io_wait(w->hang_fd, POLLIN, DEADLINE_NEVER, c, err) < 0)
		return -1;
	w->in_order &= offset >= w->at && offset % DISK_CHUNK == 0 &&
		       (len % DISK_CHUNK == 0 || offset + len == SIZE);
	w->at = offset + len;
	w->bytes += len;
	if (w->fail_at && w->bytes >= w->fail_at)
		return error_set(err, ERROR_IO, "this one is full");
	return 0;
}

static int count_finish(struct disk_writer *base, struct cancel *c, struct error **err)
{
	((struct counting *)base)->finished = true;
	return cancel_check(c, err);
}

static void count_free(struct disk_writer *base)
{
}

static const struct disk_writer_ops count_ops = { count_write, count_finish, count_free };

static struct counting counting(void)
{
	return (struct counting){ .base = { &count_ops }, .hang_fd = -1, .in_order = true };
}

static void test_only_data_is_given_and_in_order(void **state)
{
	AUTO(disk_source) struct disk_source *s = open_disk();
	AUTO(error) struct error *err = NULL;
	struct counting a = counting(), b = counting();
	const struct disk_lane lanes[] = { { .writer = &a.base }, { .writer = &b.base } };
	const struct disk_copy copy = { .source = s, .lanes = lanes, .lane_count = 2 };

	assert_int_equal(disk_copy_run(&copy, NULL, &err), 0);
	assert_true(a.finished && b.finished && a.in_order && b.in_order);
	assert_int_equal(a.bytes, DISK_CHUNK + 26 * MIB + 3 * DISK_SECTOR);
	assert_int_equal(b.bytes, a.bytes);
}

/* More than the queue holds is to come: the other one would wait for ever. */
static void test_a_writer_that_fails_ends_all(void **state)
{
	AUTO(disk_source) struct disk_source *s = open_disk();
	AUTO(error) struct error *err = NULL;
	struct counting a = counting(), b = counting();
	int never[2];
	const struct disk_lane lanes[] = { { .writer = &a.base }, { .writer = &b.base } };
	const struct disk_copy copy = { .source = s, .lanes = lanes, .lane_count = 2 };

	assert_int_equal(fd_pipe(never, &err), 0);
	a.fail_at = 3 * MIB;
	b.hang_fd = never[0];
	assert_int_equal(disk_copy_run(&copy, NULL, &err), -1);
	assert_string_equal(err->message, "this one is full");
	assert_false(a.finished || b.finished);
	fd_close(never[0]);
	fd_close(never[1]);
}

static void interrupt(void *data, uint64_t done, uint64_t total)
{
	assert_int_equal(total, SIZE);
	if (done > 16 * MIB)
		cancel_trigger(data);
}

static void test_an_interrupt_ends_a_writer_that_hangs(void **state)
{
	AUTO(disk_source) struct disk_source *s = open_disk();
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	AUTO(error) struct error *err = NULL;
	struct counting a = counting();
	int never[2];
	const struct disk_lane lane = { .writer = &a.base };
	const struct disk_copy copy = {
		.source = s, .lanes = &lane, .lane_count = 1, .progress = interrupt, .data = c
	};

	assert_int_equal(fd_pipe(never, &err), 0);
	a.hang_fd = never[0];
	assert_int_equal(disk_copy_run(&copy, c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	fd_close(never[0]);
	fd_close(never[1]);
}

static void test_a_raw_copy_has_holes_and_checksums(void **state)
{
	AUTO(disk_source) struct disk_source *s = open_disk();
	AUTO(error) struct error *err = NULL;
	const enum digest_type types[] = { DIGEST_SHA256, DIGEST_MD5 };
	AUTO(disk_sums) struct disk_sums *sums = disk_sums_new(types, 2);
	AUTO_FREE char *to = path_join(dir, "copy");
	AUTO_FREE char *want = NULL;
	const struct disk_target target = { to, SIZE, 1 };
	struct disk_writer *w = NULL;

	assert_int_equal(disk_raw_new(&target, false, sums, &w, &err), 0);

	const struct disk_lane lane = { .writer = w };
	const struct disk_copy copy = { .source = s, .lanes = &lane, .lane_count = 1 };

	assert_int_equal(disk_copy_run(&copy, NULL, &err), 0);
	disk_writer_free(w);
	assert_true(disk_sums_are_made(sums));
	assert_int_equal(fs_digest(path, DIGEST_SHA256, NULL, &want, &err), 0);
	assert_string_equal(disk_sums_hex(sums, 0), want);
	/* the same by reading what was written */
	assert_int_equal(disk_sums_of_file(sums, to, NULL, &err), 0);
	assert_string_equal(disk_sums_hex(sums, 0), want);
}

static void test_an_unfinished_file_goes(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *to = path_join(dir, "part");
	const struct disk_target target = { to, SIZE, 1 };
	struct disk_writer *w = NULL;

	assert_int_equal(disk_raw_new(&target, false, NULL, &w, &err), 0);
	assert_true(fs_exists(to));
	disk_writer_free(w);
	assert_false(fs_exists(to));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_data_is_given_and_in_order),
		cmocka_unit_test(test_a_writer_that_fails_ends_all),
		cmocka_unit_test(test_an_interrupt_ends_a_writer_that_hangs),
		cmocka_unit_test(test_a_raw_copy_has_holes_and_checksums),
		cmocka_unit_test(test_an_unfinished_file_goes),
	};

	return cmocka_run_group_tests(tests, make_disk, remove_disk);
}
