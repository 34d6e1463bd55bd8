/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "config/graph.h"

static void note(void *data, const size_t *nodes, size_t n)
{
	struct strbuf *sb = data;
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sb, "%s%zu", i ? "," : "", nodes[i]);
	strbuf_addch(sb, ';');
}

static void test_order(void **state)
{
	(void)state;
	AUTO(graph) struct graph *g = graph_new(4);
	size_t order[4];
	graph_need(g, 0, 3);
	graph_need(g, 3, 1);
	graph_need(g, 3, 1);
	assert_true(graph_sort(g, order));
	const size_t want[] = { 1, 3, 0, 2 };
	assert_memory_equal(order, want, sizeof(want));
}

static void test_cycles(void **state)
{
	(void)state;
	AUTO(graph) struct graph *g = graph_new(7);
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	size_t order[7];
	graph_need(g, 0, 1);
	graph_need(g, 1, 2);
	graph_need(g, 2, 1);
	graph_need(g, 2, 3);
	graph_need(g, 4, 4);
	graph_need(g, 5, 6);
	graph_need(g, 6, 5);
	assert_false(graph_sort(g, order));
	graph_cycles(g, note, &got);
	assert_string_equal(got.buf, "1,2;4;5,6;");
}

/* A chain as long as a hostile template could make it. */
static void test_long_chain(void **state)
{
	(void)state;
	enum { LEN = 200000 };
	AUTO(graph) struct graph *g = graph_new(LEN);
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO_FREE size_t *order = xcalloc(LEN, sizeof(*order));
	for (size_t i = 0; i + 1 < LEN; i++)
		graph_need(g, i, i + 1);
	assert_true(graph_sort(g, order));
	assert_int_equal(order[0], LEN - 1);
	graph_need(g, LEN - 1, 0);
	assert_false(graph_sort(g, order));
	graph_cycles(g, note, &got);
	assert_true(got.len > LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_long_chain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
