/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes. Most hold a handful of names for the length of one loop, so a scope
 * is a small map and a pointer; looking a name up walks the chain.
 */
#include "eval/scope.h"

#include "base/alloc.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "eval/evaluator.h"

struct scope {
	const struct scope *parent;
	struct map names;
	const struct func_def *const *functions;
	const struct func_world *world;
};

struct scope *scope_new(const struct scope *parent)
{
	struct scope *s = NEW(struct scope);

	s->parent = parent;
	value_map_init(&s->names);
	return s;
}

void scope_free(struct scope *s)
{
	if (!s)
		return;
	map_release(&s->names);
	free(s);
}

void scope_set(struct scope *s, const char *name, struct value *v)
{
	map_set(&s->names, name, value_ref(v));
}

struct value *scope_get(const struct scope *s, const char *name)
{
	for (; s; s = s->parent) {
		struct value *v = map_get(&s->names, name);

		if (v)
			return v;
	}
	return NULL;
}

void scope_set_functions(struct scope *s, const struct func_def *const *table,
			 const struct func_world *world)
{
	s->functions = table;
	s->world = world;
}

const struct func_def *const *scope_functions(const struct scope *s,
					      const struct func_world **world)
{
	for (; s; s = s->parent) {
		if (s->functions) {
			*world = s->world;
			return s->functions;
		}
	}
	*world = NULL;
	return NULL;
}

bool scope_has_variables(const struct scope *s)
{
	for (; s; s = s->parent) {
		if (s->names.len > 0)
			return true;
	}
	return false;
}

char *scope_suggest(const struct scope *s, const char *name)
{
	AUTO(strv) struct strv names = STRV_INIT;

	for (; s; s = s->parent) {
		for (size_t i = 0; i < s->names.len; i++)
			strv_push(&names, s->names.entries[i].key);
	}
	return xstrdup(suggest(name, (const char *const *)names.v));
}
