/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash_of(const char *key)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return h;
}

void map_init(struct map *m, map_destroy_fn destroy)
{
	*m = (struct map)MAP_INIT(destroy);
}

void map_release(struct map *m)
{
	for (size_t i = 0; i < m->len; i++) {
		free(m->entries[i].key);
		if (m->destroy && m->entries[i].value)
			m->destroy(m->entries[i].value);
	}
	free(m->entries);
	free(m->slots);
	map_init(m, m->destroy);
}

static void rebuild(struct map *m, size_t slot_count)
{
	free(m->slots);
	m->slots = xcalloc(slot_count, sizeof(*m->slots));
	m->slot_count = slot_count;
	for (size_t i = 0; i < m->len; i++) {
		size_t s = m->entries[i].hash & (slot_count - 1);

		while (m->slots[s])
			s = (s + 1) & (slot_count - 1);
		m->slots[s] = (uint32_t)i + 1;
	}
}

static struct map_entry *find(const struct map *m, const char *key, uint32_t hash)
{
	if (!m->slot_count)
		return NULL;
	for (size_t s = hash & (m->slot_count - 1); m->slots[s];
	     s = (s + 1) & (m->slot_count - 1)) {
		struct map_entry *e = &m->entries[m->slots[s] - 1];

		if (e->hash == hash && !strcmp(e->key, key))
			return e;
	}
	return NULL;
}

void *map_get(const struct map *m, const char *key)
{
	struct map_entry *e = find(m, key, hash_of(key));

	return e ? e->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
	return find(m, key, hash_of(key)) != NULL;
}

void map_set(struct map *m, const char *key, void *value)
{
	uint32_t hash = hash_of(key);
	struct map_entry *e = find(m, key, hash);

	if (e) {
		if (m->destroy && e->value && e->value != value)
			m->destroy(e->value);
		e->value = value;
		return;
	}
	if (m->len == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 8;
		m->entries = xreallocarray(m->entries, m->cap, sizeof(*m->entries));
	}
	m->entries[m->len++] = (struct map_entry){ xstrdup(key), value, hash };
	if (m->len * 2 > m->slot_count) {
		rebuild(m, m->slot_count ? m->slot_count * 2 : 16);
		return;
	}

	size_t s = hash & (m->slot_count - 1);

	while (m->slots[s])
		s = (s + 1) & (m->slot_count - 1);
	m->slots[s] = (uint32_t)m->len;
}

bool map_remove(struct map *m, const char *key)
{
	struct map_entry *e = find(m, key, hash_of(key));

	if (!e)
		return false;
	free(e->key);
	if (m->destroy && e->value)
		m->destroy(e->value);

	size_t at = (size_t)(e - m->entries);

	memmove(e, e + 1, (m->len - at - 1) * sizeof(*e));
	m->len--;
	rebuild(m, m->slot_count);
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

void map_sort(struct map *m)
{
	if (m->len < 2)
		return;
	qsort(m->entries, m->len, sizeof(*m->entries), compare);
	rebuild(m, m->slot_count);
}
