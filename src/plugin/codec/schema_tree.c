/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/codec/schema_tree.h"

#include "base/utf8.h"

int schema_enter(struct schema_tree *t, enum spec_kind kind, struct spec **ret, struct error **err)
{
	if (t->depth == SCHEMA_DEPTH_MAX)
		return error_set(err, ERROR_INVALID, "more than %d levels", SCHEMA_DEPTH_MAX);
	if (t->nodes == SCHEMA_NODES_MAX)
		return error_set(err, ERROR_INVALID, "more than %d options", SCHEMA_NODES_MAX);
	t->depth++;
	t->nodes++;
	*ret = ARENA_NEW(t->arena, struct spec);
	(*ret)->kind = kind;
	return 0;
}

void schema_leave(struct schema_tree *t)
{
	t->depth--;
}

bool schema_is_name(const char *p, size_t len)
{
	if (len == 0 || len > SCHEMA_NAME_MAX || !utf8_is_valid(p, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return false;
	return true;
}

const char *schema_name(const struct schema_tree *t, const char *p, size_t len, struct error **err)
{
	if (schema_is_name(p, len))
		return arena_strndup(t->arena, p, len);
	if (len == 0)
		error_set(err, ERROR_INVALID, "an option without a name");
	else
		error_set(err, ERROR_INVALID,
			  "the name of an option is no text of at most %d bytes", SCHEMA_NAME_MAX);
	return NULL;
}

static void unref_type(void *type)
{
	type_unref(type);
}

void schema_own_type(const struct schema_tree *t, struct type *type)
{
	arena_on_free(t->arena, unref_type, type);
}

void schema_set_fields(const struct schema_tree *t, struct spec *node, struct map *fields)
{
	struct spec_field *to = ARENA_ARRAY(t->arena, struct spec_field, fields->len + 1);

	map_sort(fields);
	for (size_t i = 0; i < fields->len; i++)
		to[i] = (struct spec_field){ arena_strdup(t->arena, fields->entries[i].key),
					     fields->entries[i].value };
	node->fields = to;
	node->len = fields->len;
}

int schema_inside(struct error **err, const char *name)
{
	return error_prefix(err, "'%s'", name);
}
