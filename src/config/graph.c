/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing here recurses: a template may chain any number of locals. Cycles
 * are the strongly connected components (Tarjan, with a stack of our own).
 */
#include "config/graph.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/vec.h"

VEC_DECLARE(node_list, size_t);

struct graph {
	struct node_list *needs;
	size_t len;
};

struct graph *graph_new(size_t nodes)
{
	struct graph *g = NEW(struct graph);
	g->needs = xcalloc(nodes + 1, sizeof(*g->needs));
	g->len = nodes;
	return g;
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->len; i++)
		vec_release(&g->needs[i]);
	free(g->needs);
	free(g);
}

void graph_need(struct graph *g, size_t node, size_t needs)
{
	struct node_list *list = &g->needs[node];
	for (size_t i = 0; i < list->len; i++)
		if (list->items[i] == needs)
			return;
	*vec_push(list) = needs;
}

const size_t *graph_needs(const struct graph *g, size_t node, size_t *ret_count)
{
	*ret_count = g->needs[node].len;
	return g->needs[node].items;
}

/* Depth-first with an explicit stack; `next[n]` is the edge of n to follow. */
struct walk {
	const struct graph *g;
	struct node_list path;
	size_t *next;
};

static void walk_init(struct walk *w, const struct graph *g)
{
	*w = (struct walk){ .g = g, .next = xcalloc(g->len + 1, sizeof(size_t)) };
}

static void walk_release(struct walk *w)
{
	vec_release(&w->path);
	free(w->next);
}

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

static bool visit(struct walk *w, size_t root, enum mark *marks, size_t *order, size_t *n)
{
	marks[root] = MARK_OPEN;
	*vec_push(&w->path) = root;
	while (w->path.len > 0) {
		size_t node = w->path.items[w->path.len - 1];
		const struct node_list *needs = &w->g->needs[node];
		if (w->next[node] == needs->len) {
			marks[node] = MARK_DONE;
			order[(*n)++] = node;
			w->path.len--;
			continue;
		}
		size_t child = needs->items[w->next[node]++];
		if (marks[child] == MARK_OPEN)
			return false;
		if (marks[child] == MARK_DONE)
			continue;
		marks[child] = MARK_OPEN;
		*vec_push(&w->path) = child;
	}
	return true;
}

bool graph_sort(const struct graph *g, size_t *order)
{
	struct walk w;
	walk_init(&w, g);
	AUTO_FREE enum mark *marks = xcalloc(g->len + 1, sizeof(*marks));
	size_t n = 0;
	bool ok = true;
	for (size_t i = 0; ok && i < g->len; i++)
		if (marks[i] == MARK_NEW)
			ok = visit(&w, i, marks, order, &n);
	walk_release(&w);
	return ok;
}

/* ---- cycles ------------------------------------------------------------------------ */

struct tarjan {
	struct walk walk;
	size_t *index, *low; /* index 0: not visited */
	bool *on_stack;
	struct node_list stack;
	size_t count;
	void (*fn)(void *data, const size_t *nodes, size_t n);
	void *data;
};

static void enter(struct tarjan *t, size_t node)
{
	t->index[node] = t->low[node] = ++t->count;
	t->on_stack[node] = true;
	*vec_push(&t->stack) = node;
	*vec_push(&t->walk.path) = node;
}

static int compare_nodes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	return (x > y) - (x < y);
}

static bool needs_itself(const struct graph *g, size_t node)
{
	for (size_t i = 0; i < g->needs[node].len; i++)
		if (g->needs[node].items[i] == node)
			return true;
	return false;
}

/* Takes the component whose first node is `node` off the stack. */
static void leave_component(struct tarjan *t, size_t node)
{
	size_t start = t->stack.len;
	do {
		start--;
		t->on_stack[t->stack.items[start]] = false;
	} while (t->stack.items[start] != node);
	size_t n = t->stack.len - start;
	size_t *nodes = &t->stack.items[start];
	t->stack.len = start;
	if (n == 1 && !needs_itself(t->walk.g, node))
		return;
	qsort(nodes, n, sizeof(*nodes), compare_nodes);
	t->fn(t->data, nodes, n);
}

static void leave(struct tarjan *t, size_t node)
{
	t->walk.path.len--;
	if (t->walk.path.len > 0) {
		size_t parent = t->walk.path.items[t->walk.path.len - 1];
		t->low[parent] = MIN(t->low[parent], t->low[node]);
	}
	if (t->low[node] == t->index[node])
		leave_component(t, node);
}

static void find_from(struct tarjan *t, size_t root)
{
	enter(t, root);
	while (t->walk.path.len > 0) {
		size_t node = t->walk.path.items[t->walk.path.len - 1];
		const struct node_list *needs = &t->walk.g->needs[node];
		if (t->walk.next[node] == needs->len) {
			leave(t, node);
			continue;
		}
		size_t child = needs->items[t->walk.next[node]++];
		if (t->index[child] == 0)
			enter(t, child);
		else if (t->on_stack[child])
			t->low[node] = MIN(t->low[node], t->index[child]);
	}
}

void graph_cycles(const struct graph *g, void (*fn)(void *data, const size_t *nodes, size_t n),
		  void *data)
{
	struct tarjan t = { .fn = fn, .data = data };
	walk_init(&t.walk, g);
	t.index = xcalloc(g->len + 1, sizeof(size_t));
	t.low = xcalloc(g->len + 1, sizeof(size_t));
	t.on_stack = xcalloc(g->len + 1, sizeof(bool));
	for (size_t i = 0; i < g->len; i++)
		if (t.index[i] == 0)
			find_from(&t, i);
	walk_release(&t.walk);
	vec_release(&t.stack);
	free(t.index);
	free(t.low);
	free(t.on_stack);
}
