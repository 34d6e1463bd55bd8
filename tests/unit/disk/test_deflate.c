/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "base/alloc.h"
#include "disk/deflate.h"

enum { PIECE = 4096, PIECES = 300 };

struct outcome {
	uint64_t next;     /* the tag that has to come */
	uint64_t fails_at; /* this piece cannot be written */
	unsigned char last[PIECE];
	size_t last_len;
};

static int inflate_out(void *data, uint64_t tag, const void *bytes, size_t len, struct error **err)
{
	struct outcome *o = data;
	uLongf size = sizeof(o->last);

	if (tag == o->fails_at)
		return error_set(err, ERROR_IO, "the disk is full");
	assert_int_equal(tag, o->next++);
	assert_int_equal(uncompress(o->last, &size, bytes, len), Z_OK);
	o->last_len = size;
	for (size_t i = 0; i < size; i++)
		assert_int_equal(o->last[i], (unsigned char)(tag * 7 + i / 3));
	return 0;
}

static int run(struct outcome *o, int threads, struct error **err)
{
	const struct deflate_spec spec = { .form = DEFLATE_ZLIB,
					   .threads = threads,
					   .piece_max = PIECE,
					   .out = inflate_out,
					   .data = o };
	AUTO(deflater) struct deflater *d = deflater_new(&spec, err);

	assert_non_null(d);
	for (uint64_t n = 0; n < PIECES; n++) {
		unsigned char *room = deflater_room(d, err);
		size_t len = 1 + (n * 37) % PIECE;

		if (!room)
			return -1;
		for (size_t i = 0; i < len; i++)
			room[i] = (unsigned char)(n * 7 + i / 3);
		if (deflater_push(d, n, len, err) < 0)
			return -1;
	}
	return deflater_flush(d, err);
}

static void test_pieces_come_out_in_order(void **state)
{
	for (int threads = 1; threads <= 8; threads += 7) {
		AUTO(error) struct error *err = NULL;
		struct outcome o = { .fails_at = UINT64_MAX };

		assert_int_equal(run(&o, threads, &err), 0);
		assert_int_equal(o.next, PIECES);
		assert_int_equal(o.last_len, 1 + ((PIECES - 1) * 37) % PIECE);
	}
}

static void test_what_cannot_be_written_ends_it(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct outcome o = { .fails_at = 100 };

	assert_int_equal(run(&o, 4, &err), -1);
	assert_string_equal(err->message, "the disk is full");
	assert_int_equal(o.next, 100);
}

static void test_pieces_that_are_under_way_can_be_left(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct outcome o = { .fails_at = 0 };
	const struct deflate_spec spec = {
		.threads = 2, .piece_max = PIECE, .out = inflate_out, .data = &o
	};
	struct deflater *d = deflater_new(&spec, &err);

	for (int i = 0; i < 4; i++) {
		unsigned char *room = deflater_room(d, &err);

		if (!room)
			break; /* the first was ready already */
		memset(room, i, PIECE);
		assert_int_equal(deflater_push(d, (uint64_t)i, PIECE, &err), 0);
	}
	deflater_free(d);
}

static void test_a_piece_of_gzip(void **state)
{
	AUTO(error) struct error *err = NULL;
	const char text[] = "nine nine nine nine nine";
	char back[sizeof(text)];
	unsigned char out[256];
	size_t bound;

	assert_int_equal(deflate_bound(DEFLATE_GZIP, sizeof(text), &bound, &err), 0);
	assert_true(bound <= sizeof(out));

	z_stream z = { .next_in = out, .next_out = (Bytef *)back, .avail_out = sizeof(back) };

	z.avail_in = (uInt)deflate_piece(DEFLATE_GZIP, text, sizeof(text), out, sizeof(out), &err);
	assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_string_equal(back, text);
	inflateEnd(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_come_out_in_order),
		cmocka_unit_test(test_what_cannot_be_written_ends_it),
		cmocka_unit_test(test_pieces_that_are_under_way_can_be_left),
		cmocka_unit_test(test_a_piece_of_gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
