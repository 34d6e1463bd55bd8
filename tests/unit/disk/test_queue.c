/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "disk/queue.h"
#include "os/clock.h"

enum { PIECES = 3, LANES = 4, GIVEN = 2000 };

static struct disk_queue *new_queue(size_t lanes)
{
	AUTO(error) struct error *err = NULL;
	struct disk_queue *q = NULL;

	assert_int_equal(disk_queue_new(lanes, PIECES, &q, &err), 0);
	return q;
}

static void test_a_piece_is_empty_when_all_lanes_are_done(void **state)
{
	AUTO(disk_queue) struct disk_queue *q = new_queue(2);
	AUTO(error) struct error *err = NULL;
	struct disk_piece *p, *got;

	p = disk_queue_try(q);
	assert_non_null(p);
	assert_non_null(disk_queue_try(q));
	assert_non_null(disk_queue_try(q));
	assert_null(disk_queue_try(q));
	disk_queue_give(q, p);
	assert_int_equal(disk_queue_next(q, 0, NULL, &got, &err), 0);
	assert_ptr_equal(got, p);
	disk_queue_done(q, got);
	assert_null(disk_queue_try(q)); /* the other lane has it still */
	assert_int_equal(disk_queue_next(q, 1, NULL, &got, &err), 0);
	disk_queue_done(q, got);
	assert_ptr_equal(disk_queue_try(q), p);
}

static void test_the_end_comes_after_the_last_piece(void **state)
{
	AUTO(disk_queue) struct disk_queue *q = new_queue(1);
	AUTO(error) struct error *err = NULL;
	struct disk_piece *p = disk_queue_try(q), *got;

	disk_queue_give(q, p);
	disk_queue_end(q);
	assert_int_equal(disk_queue_next(q, 0, NULL, &got, &err), 0);
	assert_ptr_equal(got, p);
	assert_int_equal(disk_queue_next(q, 0, NULL, &got, &err), 0);
	assert_null(got);
	assert_int_equal(disk_queue_next(q, 0, NULL, &got, &err), 0);
	assert_null(got);
}

static void test_a_cancelled_wait_ends(void **state)
{
	AUTO(disk_queue) struct disk_queue *q = new_queue(1);
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	AUTO(error) struct error *lane = NULL;
	AUTO(error) struct error *reader = NULL;
	struct disk_piece *p;

	for (int i = 0; i < PIECES; i++)
		assert_non_null(disk_queue_try(q));
	cancel_trigger(c);
	assert_int_equal(disk_queue_next(q, 0, c, &p, &lane), -1);
	assert_int_equal(lane->kind, ERROR_CANCELLED);
	assert_int_equal(disk_queue_take(q, c, &p, &reader), -1);
	assert_int_equal(reader->kind, ERROR_CANCELLED);
}

/* ---- threads ------------------------------------------------------------------------------ */

struct lane {
	struct disk_queue *q;
	size_t index;
	uint64_t seen;
	bool in_order;
};

static void *drain(void *data)
{
	struct lane *l = data;
	struct error *err = NULL;
	struct disk_piece *p;

	l->in_order = true;
	while (disk_queue_next(l->q, l->index, NULL, &p, &err) == 0 && p) {
		l->in_order &= p->offset == l->seen && p->bytes[0] == (unsigned char)l->seen;
		l->seen++;
		disk_queue_done(l->q, p);
	}
	error_free(err);
	return NULL;
}

static void test_each_lane_gets_all_in_order(void **state)
{
	AUTO(disk_queue) struct disk_queue *q = new_queue(LANES);
	AUTO(error) struct error *err = NULL;
	struct lane lanes[LANES];
	pthread_t threads[LANES];
	struct disk_piece *p;

	for (size_t i = 0; i < LANES; i++) {
		lanes[i] = (struct lane){ .q = q, .index = i };
		assert_int_equal(pthread_create(&threads[i], NULL, drain, &lanes[i]), 0);
	}
	for (uint64_t i = 0; i < GIVEN; i++) {
		assert_int_equal(disk_queue_take(q, NULL, &p, &err), 0);
		p->offset = i;
		p->bytes[0] = (unsigned char)i;
		disk_queue_give(q, p);
	}
	disk_queue_end(q);
	for (size_t i = 0; i < LANES; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(lanes[i].seen, GIVEN);
		assert_true(lanes[i].in_order);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_piece_is_empty_when_all_lanes_are_done),
		cmocka_unit_test(test_the_end_comes_after_the_last_piece),
		cmocka_unit_test(test_a_cancelled_wait_ends),
		cmocka_unit_test(test_each_lane_gets_all_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
