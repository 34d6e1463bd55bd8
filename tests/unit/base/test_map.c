/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"

static void test_basics(void **state)
{
	AUTO(map) struct map m = MAP_INIT(free);

	assert_null(map_get(&m, "a"));
	assert_false(map_has(&m, "a"));
	assert_false(map_remove(&m, "a"));
	map_set(&m, "a", xstrdup("1"));
	map_set(&m, "", xstrdup("empty key"));
	map_set(&m, "b", NULL);
	assert_string_equal(map_get(&m, "a"), "1");
	assert_string_equal(map_get(&m, ""), "empty key");
	assert_null(map_get(&m, "b"));
	assert_true(map_has(&m, "b"));
	map_set(&m, "a", xstrdup("2"));
	assert_string_equal(map_get(&m, "a"), "2");
	map_set(&m, "a", map_get(&m, "a")); /* the same value is not destroyed */
	assert_string_equal(map_get(&m, "a"), "2");
	assert_int_equal(m.len, 3);
	assert_string_equal(m.entries[0].key, "a");
	assert_true(map_remove(&m, "a"));
	assert_string_equal(m.entries[0].key, "");
	map_release(&m);
	assert_int_equal(m.len, 0);
	map_set(&m, "again", xstrdup("x")); /* is usable and still owns */
	assert_true(map_has(&m, "again"));
}

static void test_order_and_sort(void **state)
{
	static const char *const keys[] = { "z", "a", "m", "\303\244", "B" };
	AUTO(map) struct map m = MAP_INIT(NULL);
	char joined[32] = "";

	map_sort(&m);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		map_set(&m, keys[i], (void *)keys[i]);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_string_equal(m.entries[i].key, keys[i]);
	map_sort(&m);
	for (size_t i = 0; i < m.len; i++)
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s ",
			 m.entries[i].key);
	assert_string_equal(joined, "B a m z \303\244 ");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_ptr_equal(map_get(&m, keys[i]), keys[i]);
}

static int destroyed;

static void count_destroyed(void *value)
{
	destroyed++;
}

static void test_destroys(void **state)
{
	static char value[2];
	struct map m;

	map_init(&m, count_destroyed);
	map_set(&m, "a", value);
	map_set(&m, "a", value + 1);
	assert_int_equal(destroyed, 1);
	map_set(&m, "b", value);
	map_remove(&m, "b");
	assert_int_equal(destroyed, 2);
	map_release(&m);
	assert_int_equal(destroyed, 3);
}

/* The reference: a plain array, searched from the front. */
struct pair {
	char key[8];
	uintptr_t value;
};

enum { KEYS = 400, ROUNDS = 20000 };

struct model {
	struct pair pairs[KEYS];
	size_t len;
};

static struct pair *model_find(struct model *md, const char *key)
{
	for (size_t i = 0; i < md->len; i++)
		if (!strcmp(md->pairs[i].key, key))
			return &md->pairs[i];
	return NULL;
}

static void model_set(struct model *md, const char *key, uintptr_t value)
{
	struct pair *p = model_find(md, key);

	if (!p) {
		p = &md->pairs[md->len++];
		snprintf(p->key, sizeof(p->key), "%s", key);
	}
	p->value = value;
}

static bool model_remove(struct model *md, const char *key)
{
	struct pair *p = model_find(md, key);

	if (!p)
		return false;
	memmove(p, p + 1, (size_t)(md->pairs + md->len - p - 1) * sizeof(*p));
	md->len--;
	return true;
}

static void check_same(const struct map *m, struct model *md)
{
	assert_int_equal(m->len, md->len);
	for (size_t i = 0; i < md->len; i++) {
		assert_string_equal(m->entries[i].key, md->pairs[i].key);
		assert_int_equal((uintptr_t)m->entries[i].value, md->pairs[i].value);
		assert_int_equal((uintptr_t)map_get(m, md->pairs[i].key), md->pairs[i].value);
	}
}

static void test_against_array(void **state)
{
	AUTO(map) struct map m = MAP_INIT(NULL);
	struct model *md = NEW(struct model);
	uint32_t seed = 12345;

	for (uintptr_t i = 1; i <= ROUNDS; i++) {
		char key[8];

		seed = seed * 1664525 + 1013904223;
		snprintf(key, sizeof(key), "k%u", (seed >> 8) % KEYS);
		/* grows and shrinks in turns */
		if ((seed >> 28) < (i / 4000 % 2 ? 4u : 12u)) {
			map_set(&m, key, (void *)i);
			model_set(md, key, i);
		} else {
			assert_int_equal(map_remove(&m, key), model_remove(md, key));
		}
		assert_int_equal(map_has(&m, key), model_find(md, key) != NULL);
		if (i % 500 == 0)
			check_same(&m, md);
	}
	free(md);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basics),
		cmocka_unit_test(test_order_and_sort),
		cmocka_unit_test(test_destroys),
		cmocka_unit_test(test_against_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
