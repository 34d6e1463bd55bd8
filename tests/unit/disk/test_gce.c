/* SPDX-License-Identifier: Apache-2.0 */
/* Read back by zlib and a reader of sparse tar members of the test's own; the integration test has GNU
 * tar read such a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "../temp_dir.h"
#include "base/alloc.h"
#include "base/path.h"
#include "disk/gce.h"
#include "os/fs.h"

enum { KIB = 1024, MIB = 1024 * KIB, CHUNK = 64 * KIB };
#define GIB (UINT64_C(1) << 30)

static char *path;

static int name_file(void **state)
{
	if (make_dir(state) < 0)
		return -1;
	path = path_join(dir, "image.tar.gz");
	return 0;
}

static int remove_file(void **state)
{
	free(path);
	return remove_dir(state);
}

/* ---- the reader ---------------------------------------------------------------------------- */

static void gunzip(struct strbuf *out)
{
	gzFile f = gzopen(path, "rb");
	int n;

	assert_non_null(f);
	while ((n = gzread(f, strbuf_reserve(out, MIB), MIB)) > 0)
		strbuf_advance(out, (size_t)n);
	assert_int_equal(n, 0);
	gzclose(f);
}

static uint64_t number(const char *field, size_t len)
{
	uint64_t n = 0;

	if ((unsigned char)field[0] == 0x80) {
		for (size_t i = 1; i < len; i++)
			n = n << 8 | (unsigned char)field[i];
		return n;
	}
	assert_int_equal(field[len - 1], '\0');
	return strtoull(field, NULL, 8);
}

struct segment {
	uint64_t at, len;
};

struct image {
	struct strbuf tar;
	uint64_t size, stored;
	struct segment segments[20000];
	size_t count;
	size_t data_at; /* in the tar file */
};

static void read_entries(struct image *i, const char *at, int n)
{
	for (; n-- && at[0]; at += 24) {
		assert_true(i->count < ARRAY_LEN(i->segments));
		i->segments[i->count++] = (struct segment){ number(at, 12), number(at + 12, 12) };
	}
}

static struct image *read_image(void)
{
	static struct image i;
	const char *h;
	unsigned sum = 0;
	bool more;

	memset(&i, 0, sizeof(i));
	strbuf_init(&i.tar);
	gunzip(&i.tar);
	h = i.tar.buf;
	assert_string_equal(h, "disk.raw");
	assert_memory_equal(h + 257, "ustar  ", 8);
	assert_int_equal(h[156], 'S');
	for (int b = 0; b < 512; b++)
		sum += b >= 148 && b < 156 ? ' ' : (unsigned char)h[b];
	assert_int_equal(number(h + 148, 7), sum);
	i.stored = number(h + 124, 12);
	i.size = number(h + 483, 12);
	read_entries(&i, h + 386, 4);
	more = h[482];
	for (h += 512; more; h += 512) {
		read_entries(&i, h, 21);
		more = h[504];
	}
	i.data_at = (size_t)(h - i.tar.buf);
	assert_int_equal(i.tar.len, i.data_at + i.stored + 1024);
	return &i;
}

/* The byte of the disk that was read, whatever holds it. */
static int byte_at(const struct image *i, uint64_t at)
{
	size_t before = i->data_at;

	for (size_t s = 0; s < i->count; s++) {
		if (at >= i->segments[s].at && at < i->segments[s].at + i->segments[s].len)
			return (unsigned char)i->tar.buf[before + at - i->segments[s].at];
		before += i->segments[s].len;
	}
	return 0;
}

/* ---- tests ------------------------------------------------------------------------------------ */

static struct disk_writer *start(uint64_t size)
{
	AUTO(error) struct error *err = NULL;
	const struct disk_target target = { path, size, 2 };
	struct disk_writer *w = gce_new(&target, 0, &err);

	assert_non_null(w);
	return w;
}

static void put(struct disk_writer *w, uint64_t at, size_t len, unsigned char first)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE unsigned char *p = xmalloc(len);

	memset(p, 0xaa, len);
	p[0] = first;
	assert_int_equal(w->ops->write(w, at, p, len, NULL, &err), 0);
}

static struct image *finish(struct disk_writer *w)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(w->ops->finish(w, NULL, &err), 0);
	disk_writer_free(w);

	struct image *i = read_image();

	assert_int_equal(fs_remove(path, &err), 0);
	return i;
}

static void test_an_empty_disk(void **state)
{
	struct image *i = finish(start(MIB));

	assert_int_equal(i->size, GIB);
	assert_int_equal(i->stored, 0);
	assert_int_equal(i->count, 1);
	assert_int_equal(i->segments[0].at, GIB);
	strbuf_release(&i->tar);
}

static void test_data_and_holes(void **state)
{
	struct disk_writer *w = start(GIB + 512);

	put(w, 0, CHUNK, 1);
	put(w, CHUNK, 3 * CHUNK, 2); /* next to it */
	put(w, 300 * MIB, CHUNK, 3);
	put(w, GIB, 512, 4);

	struct image *i = finish(w);

	assert_int_equal(i->size, 2 * GIB);
	assert_int_equal(i->count, 4);
	assert_int_equal(i->segments[0].len, 4 * CHUNK);
	assert_int_equal(i->segments[1].at, 300 * MIB);
	assert_int_equal(i->segments[1].len, CHUNK);
	assert_int_equal(i->segments[2].at, GIB);
	assert_int_equal(i->segments[3].at, 2 * GIB);
	assert_int_equal(i->segments[3].len, 0);
	assert_int_equal(byte_at(i, 0), 1);
	assert_int_equal(byte_at(i, CHUNK), 2);
	assert_int_equal(byte_at(i, 4 * CHUNK - 1), 0xaa);
	assert_int_equal(byte_at(i, 4 * CHUNK), 0);
	assert_int_equal(byte_at(i, 300 * MIB), 3);
	assert_int_equal(byte_at(i, GIB), 4);
	assert_int_equal(byte_at(i, GIB + 511), 0xaa);
	assert_int_equal(byte_at(i, GIB + 512), 0);
	strbuf_release(&i->tar);
}

/* More segments than fit into the header, and into one block behind it. */
static void test_a_long_map(void **state)
{
	struct disk_writer *w = start(GIB);

	for (unsigned n = 0; n < 60; n++)
		put(w, n * 3 * CHUNK, CHUNK, (unsigned char)(n + 1));

	struct image *i = finish(w);

	assert_int_equal(i->count, 61);
	for (unsigned n = 0; n < 60; n++) {
		assert_int_equal(i->segments[n].at, n * 3 * CHUNK);
		assert_int_equal(byte_at(i, n * 3 * CHUNK), n + 1);
	}
	strbuf_release(&i->tar);
}

/* 64 GiB are looked at in pieces of 2 MiB; numbers beyond 8 GiB are in base 256. */
static void test_a_large_disk(void **state)
{
	struct disk_writer *w = start(64 * GIB);
	uint64_t far = 63 * GIB + 5 * MIB;

	put(w, 2 * MIB + CHUNK, CHUNK, 7);
	put(w, 2 * MIB + 4 * CHUNK, CHUNK, 8);
	put(w, far, CHUNK, 9);

	struct image *i = finish(w);

	assert_int_equal(i->size, 64 * GIB);
	assert_int_equal(i->count, 3);
	assert_int_equal(i->segments[0].at, 2 * MIB);
	assert_int_equal(i->segments[0].len, 2 * MIB);
	assert_int_equal(i->segments[1].at, far - MIB);
	assert_int_equal(byte_at(i, 2 * MIB + CHUNK), 7);
	assert_int_equal(byte_at(i, 2 * MIB + 2 * CHUNK), 0);
	assert_int_equal(byte_at(i, 2 * MIB + 4 * CHUNK), 8);
	assert_int_equal(byte_at(i, far - 1), 0);
	assert_int_equal(byte_at(i, far), 9);
	strbuf_release(&i->tar);
}

static void test_an_unfinished_file_is_removed(void **state)
{
	struct disk_writer *w = start(GIB);

	put(w, 0, CHUNK, 1);
	disk_writer_free(w);
	assert_false(fs_exists(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_disk),
		cmocka_unit_test(test_data_and_holes),
		cmocka_unit_test(test_a_long_map),
		cmocka_unit_test(test_a_large_disk),
		cmocka_unit_test(test_an_unfinished_file_is_removed),
	};

	return cmocka_run_group_tests(tests, name_file, remove_file);
}
