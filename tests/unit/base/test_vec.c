/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assert.h>

#include "base/vec.h"

struct point {
	int x, y;
};
VEC_DECLARE(point_list, struct point);

static void test_vec(void **state)
{
	struct point_list list = { 0 };

	for (int i = 0; i < 100; i++) {
		struct point *p = vec_push(&list);

		assert_int_equal(p->x, 0);
		*p = (struct point){ i, -i };
	}
	assert_int_equal(list.len, 100);
	vec_remove(&list, 0);
	vec_remove(&list, 98);
	assert_int_equal(list.len, 98);
	assert_int_equal(list.items[0].x, 1);
	assert_int_equal(list.items[97].y, -98);
	/* a slot that was used before is zeroed all the same */
	assert_int_equal(vec_push(&list)->x, 0);
	vec_release(&list);
	assert_null(list.items);
	assert_int_equal(list.len + list.cap, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vec) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
