/* SPDX-License-Identifier: Apache-2.0 */
/* Streams through every encoding, read back by libarchive. */
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
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "pack/encoder.h"

enum { MIB = 1024 * 1024, ZEROS = 7 * MIB + 12345, NOISE = 300 * 1000, WORDS = 700 * 1000 };

static char *dir;

static int set_up(void **state)
{
	AUTO(error) struct error *e = NULL;

	return fs_temp_dir("/tmp", "ingot-pack-test-", &dir, &e);
}

static int tear_down(void **state)
{
	AUTO(error) struct error *e = NULL;
	int r = fs_remove_tree(dir, &e);

	free(dir);
	return r;
}

/* Zeros first, then what gets smaller and what does not, and a hole in between. */
static void add_sample(struct strbuf *sb)
{
	uint32_t x = 1;

	strbuf_addchars(sb, '\0', ZEROS);
	for (int i = 0; i < NOISE; i++) {
		x = x * 1664525 + 1013904223;
		strbuf_addch(sb, (char)(x >> 24));
	}
	strbuf_addchars(sb, '\0', ZEROS);
	for (int i = 0; i < WORDS / 8; i++)
		strbuf_addf(sb, "word%04d", i % 1000);
}

/* In pieces of `piece` bytes; runs of zeros are told. */
static int feed(struct encoder *e, const struct strbuf *sb, size_t piece, struct error **err)
{
	if (!sb->len)
		return encoder_finish(e, err);
	if (encoder_zeros(e, ZEROS, err) < 0)
		return -1;
	for (size_t at = ZEROS; at < sb->len; at += piece)
		if (encoder_write(e, sb->buf + at, MIN(piece, sb->len - at), err) < 0)
			return -1;
	return encoder_finish(e, err);
}

static char *encode(enum encoding encoding, const struct strbuf *sb, int threads, size_t piece)
{
	char *path = xasprintf("%s/%s-%d-%zu", dir, encoding_name(encoding), threads, piece);
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const struct encoder_options o = { .encoding = encoding,
					   .level = 1,
					   .threads = threads,
					   .size = -1,
					   .fd = fd,
					   .path = path };
	AUTO(error) struct error *err = NULL;
	AUTO(encoder) struct encoder *e = encoder_new(&o, &err);
	struct stat st;

	assert_non_null(e);
	assert_int_equal(feed(e, sb, piece, &err), 0);
	assert_int_equal(encoder_totals(e).in, sb->len);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(encoder_totals(e).out, st.st_size);
	return path;
}

static void assert_decodes(const char *path, const struct strbuf *want)
{
	AUTO(error) struct error *err = NULL;
	const struct archive_library *lib = archive_library_load(&err);
	struct archive *a = lib->read_new();
	struct archive_entry *entry;
	const void *data;
	size_t len, at = 0;
	la_int64_t offset;

	lib->read_support_filter_all(a);
	lib->read_support_format_raw(a);
	assert_int_equal(lib->read_open_filename(a, path, 65536), ARCHIVE_OK);
	assert_int_equal(lib->read_next_header(a, &entry), ARCHIVE_OK);
	while (lib->read_data_block(a, &data, &len, &offset) == ARCHIVE_OK) {
		assert_true(at + len <= want->len);
		assert_memory_equal(data, want->buf + at, len);
		at += len;
	}
	assert_int_equal(at, want->len);
	lib->read_free(a);
}

static void assert_same_files(const char *a, const char *b)
{
	AUTO(strbuf) struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_read(a, FS_READ_MAX, &x, &err), 0);
	assert_int_equal(fs_read(b, FS_READ_MAX, &y, &err), 0);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.buf, y.buf, x.len);
}

static void test_every_encoding_reads_back_and_does_not_depend_on_threads(void **state)
{
	AUTO(strbuf) struct strbuf sample = STRBUF_INIT;

	add_sample(&sample);
	for (enum encoding e = ENCODING_NONE; e < ENCODING_COUNT; e++) {
		AUTO_FREE char *one = encode(e, &sample, 1, 100 * 1000);
		AUTO_FREE char *many = encode(e, &sample, 3, 4097);

		assert_decodes(one, &sample);
		assert_same_files(one, many);
	}
}

static void test_nothing_is_a_file_too(void **state)
{
	AUTO(strbuf) struct strbuf nothing = STRBUF_INIT;

	for (enum encoding e = ENCODING_NONE; e < ENCODING_COUNT; e++) {
		AUTO_FREE char *path = encode(e, &nothing, 2, 1);
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_true(e == ENCODING_NONE ? st.st_size == 0 : st.st_size > 0);
	}
}

static void test_holes_stay_holes_and_cost_nothing(void **state)
{
	const int64_t huge = INT64_C(64) << 30;

	for (enum encoding e = ENCODING_NONE; e < ENCODING_ZSTD; e++) {
		AUTO_FREE char *path = xasprintf("%s/huge", dir);
		AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		const struct encoder_options o = {
			.encoding = e, .level = 1, .threads = 1, .size = -1, .fd = fd, .path = path
		};
		const int64_t n = e == ENCODING_NONE ? huge : huge / 256;
		AUTO(error) struct error *err = NULL;
		AUTO(encoder) struct encoder *enc = encoder_new(&o, &err);
		struct stat st;

		assert_int_equal(encoder_zeros(enc, n, &err), 0);
		assert_int_equal(encoder_finish(enc, &err), 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_true(st.st_blocks * 512 < 16 * MIB);
		if (e == ENCODING_NONE)
			assert_int_equal(st.st_size, huge);
	}
}

static void test_a_full_disk_is_an_error_with_advice(void **state)
{
	AUTO(strbuf) struct strbuf sample = STRBUF_INIT;
	AUTO_CLOSE int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	add_sample(&sample);
	for (enum encoding e = ENCODING_GZIP; e < ENCODING_COUNT; e++) {
		const struct encoder_options o = {
			.encoding = e, .threads = 2, .size = -1, .fd = fd, .path = "the file"
		};
		AUTO(error) struct error *err = NULL;
		AUTO(encoder) struct encoder *enc = encoder_new(&o, &err);

		assert_int_equal(feed(enc, &sample, MIB, &err), -1);
		assert_non_null(strstr(err->message, "the file"));
		assert_non_null(strstr(err->message, "No space left on device"));
		assert_non_null(err->hint);
	}
}

static void test_an_interrupt_ends_it_at_once(void **state)
{
	AUTO(strbuf) struct strbuf sample = STRBUF_INIT;
	AUTO_FREE char *path = xasprintf("%s/cancelled", dir);

	add_sample(&sample);
	for (enum encoding e = ENCODING_NONE; e < ENCODING_COUNT; e++) {
		AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		AUTO(cancel) struct cancel *cancel = cancel_new(NULL, DEADLINE_NEVER);
		const struct encoder_options o = { .encoding = e,
						   .level = 4,
						   .threads = 2,
						   .size = -1,
						   .fd = fd,
						   .path = path,
						   .cancel = cancel };
		AUTO(error) struct error *err = NULL;
		AUTO(encoder) struct encoder *enc = encoder_new(&o, &err);

		assert_int_equal(encoder_write(enc, sample.buf + ZEROS, NOISE, &err), 0);
		cancel_trigger(cancel);
		assert_int_equal(encoder_write(enc, sample.buf, sample.len, &err), -1);
		assert_int_equal(err->kind, ERROR_CANCELLED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_encoding_reads_back_and_does_not_depend_on_threads),
		cmocka_unit_test(test_nothing_is_a_file_too),
		cmocka_unit_test(test_holes_stay_holes_and_cost_nothing),
		cmocka_unit_test(test_a_full_disk_is_an_error_with_advice),
		cmocka_unit_test(test_an_interrupt_ends_it_at_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
