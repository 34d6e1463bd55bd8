/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of config/ only: an order in which every node comes after the nodes
 * it needs, or the cycles that prevent one.
 */
#pragma once

#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>

struct graph;

struct graph *graph_new(size_t nodes);
void graph_free(struct graph *g);
DEFINE_AUTO(graph, struct graph *, graph_free);
void graph_need(struct graph *g, size_t node, size_t needs); /* repeated edges are fine */
const size_t *graph_needs(const struct graph *g, size_t node, size_t *ret_count);

/* Fills order[nodes] (ties: by number); false if there is a cycle. */
bool graph_sort(const struct graph *g, size_t *order);
/* Calls back for each cycle: its nodes in ascending order; one node means it needs itself. */
void graph_cycles(const struct graph *g, void (*fn)(void *data, const size_t *nodes, size_t n),
		  void *data);
