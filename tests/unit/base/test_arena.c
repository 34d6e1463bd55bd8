/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/strbuf.h"

static void test_alloc(void **state)
{
	AUTO(arena) struct arena *a = arena_new();

	for (size_t size = 0; size < 500; size++) {
		unsigned char *p = arena_alloc(a, size);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		if (size)
			memset(p, 0xff, size); /* the next one must be zeroed all the same */
	}
}

static void test_large(void **state)
{
	AUTO(arena) struct arena *a = arena_new();
	char *small = arena_strdup(a, "small");
	char *large = arena_alloc(a, 1 << 20);
	char *after = arena_strdup(a, "after");

	memset(large, 'x', 1 << 20);
	assert_string_equal(small, "small");
	assert_string_equal(after, "after");
}

static void test_text(void **state)
{
	AUTO(arena) struct arena *a = arena_new();

	assert_null(arena_strdup(a, NULL));
	assert_string_equal(arena_strdup(a, ""), "");
	assert_string_equal(arena_strndup(a, "abc", 2), "ab");
	assert_string_equal(arena_printf(a, "%d/%s", 3, "x"), "3/x");
	assert_int_equal(strlen(arena_printf(a, "%40000d", 1)), 40000);

	int *numbers = ARENA_ARRAY(a, int, 10);

	assert_int_equal(numbers[9], 0);
}

struct note {
	struct strbuf *log;
	char c;
};

static void write_note(void *p)
{
	struct note *n = p;

	strbuf_addch(n->log, n->c);
}

static void test_on_free(void **state)
{
	AUTO(strbuf) struct strbuf log = STRBUF_INIT;
	struct note notes[] = { { &log, 'a' }, { &log, 'b' }, { &log, 'c' } };
	struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		arena_on_free(a, write_note, &notes[i]);
	arena_on_free(a, free, xstrdup("owned by the arena"));
	assert_string_equal(log.buf, "");
	arena_free(a);
	assert_string_equal(log.buf, "cba");
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_on_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
