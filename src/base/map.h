/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map from strings to pointers that remembers insertion order. Keys are
 * copied; values are destroyed with the function given at init (NULL: the map
 * does not own them). Iterate with
 *   for (size_t i = 0; i < map.len; i++) use(map.entries[i].key, map.entries[i].value);
 */
#pragma once

#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*map_destroy_fn)(void *value);

struct map_entry {
	char *key;
	void *value;
	uint32_t hash;
};

struct map {
	struct map_entry *entries; /* in insertion order */
	size_t len;
	size_t cap;
	uint32_t *slots; /* open addressing: index + 1 into entries, 0 = free */
	size_t slot_count;
	map_destroy_fn destroy;
};

#define MAP_INIT(destroy_fn)                                                                       \
	{                                                                                          \
		.destroy = (destroy_fn)                                                            \
	}

void map_init(struct map *m, map_destroy_fn destroy);
void map_release(struct map *m); /* leaves it empty and usable */
static inline void auto_map(struct map *m)
{
	map_release(m);
}

void *map_get(const struct map *m, const char *key); /* NULL if absent */
bool map_has(const struct map *m, const char *key);
/* Inserts or replaces (the old value is destroyed, its place in the order kept). */
void map_set(struct map *m, const char *key, void *value);
bool map_remove(struct map *m, const char *key);
void map_sort(struct map *m); /* by key, bytewise; changes iteration order */
