/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas as gob (plugin-protocol.md 7.3, 7.4): nodes are found by the names of
 * their Go types, one function for each shape. The tree of Go's data lives only
 * as long as the reading; names are copied.
 */
#include "plugin/codec/schema.h"

#include "plugin/codec/cty_gob.h"
#include "plugin/codec/cty_type.h"
#include "plugin/codec/gob.h"
#include "plugin/codec/schema_tree.h"

#include <limits.h>

enum { LABELS_MAX = 64 };

typedef int (*node_fn)(struct schema_tree *t, const struct gob *g, struct spec *node,
		       struct error **err);

static int read_node(struct schema_tree *t, const struct gob *g, const struct spec **ret,
		     struct error **err);

static int misshapen(struct error **err)
{
	return error_set(err, ERROR_INVALID, "a node whose parts are of other types");
}

/* ---- parts of nodes -------------------------------------------------------- */

static int read_name(const struct schema_tree *t, const struct gob *g, const char *field,
		     struct spec *node, struct error **err)
{
	struct str name;

	if (!gob_field_text(g, field, &name))
		return misshapen(err);
	node->name = schema_name(t, name.p, name.len, err);
	return node->name ? 0 : -1;
}

static int read_required(const struct gob *g, struct spec *node, struct error **err)
{
	return gob_field_bool(g, "Required", &node->required) ? 0 : misshapen(err);
}

static int read_type(const struct schema_tree *t, const struct gob *g, const char *field,
		     struct spec *node, struct error **err)
{
	struct str bytes;

	if (!gob_field_opaque(g, field, &bytes))
		return misshapen(err);
	node->type = cty_type_from_gob(bytes, err);
	if (!node->type)
		return -1;
	schema_own_type(t, node->type);
	return 0;
}

/* A limit that is not positive is none. */
static int read_limit(const struct gob *g, const char *field, size_t *ret, struct error **err)
{
	int64_t n;

	if (!gob_field_int(g, field, &n))
		return misshapen(err);
	*ret = n > 0 ? (size_t)n : 0;
	return 0;
}

static int read_child(struct schema_tree *t, const struct gob *g, const char *field,
		      const struct spec **ret, struct error **err)
{
	const struct gob *child = gob_field(g, field);

	if (!child)
		return error_set(err, ERROR_INVALID, "a node without contents");
	return read_node(t, child, ret, err);
}

static int read_labels(const struct schema_tree *t, const struct gob *g, struct spec *node,
		       struct error **err)
{
	const struct gob *list = gob_field(g, "LabelNames");
	const char **labels;

	if (!list || list->kind != GOB_LIST || list->many.len < 1 || list->many.len > LABELS_MAX)
		return error_set(err, ERROR_INVALID, "a block without labels, or too many of them");
	labels = ARENA_ARRAY(t->arena, const char *, list->many.len + 1);
	for (size_t i = 0; i < list->many.len; i++) {
		const struct gob *label = &list->many.items[i];

		if (label->kind != GOB_TEXT)
			return misshapen(err);
		labels[i] = schema_name(t, label->bytes.p, label->bytes.len, err);
		if (!labels[i])
			return -1;
	}
	node->labels = labels;
	return 0;
}

/* ---- nodes ----------------------------------------------------------------- */

static int read_object(struct schema_tree *t, const struct gob *g, struct spec *node,
		       struct error **err)
{
	AUTO(map) struct map fields = MAP_INIT(NULL);

	if (g->kind != GOB_MAP)
		return misshapen(err);
	for (size_t i = 0; i < g->many.len; i++) {
		const struct gob *key = &g->many.items[2 * i];
		const struct spec *child = NULL;
		const char *name;

		if (key->kind != GOB_TEXT)
			return misshapen(err);
		name = schema_name(t, key->bytes.p, key->bytes.len, err);
		if (!name)
			return -1;
		if (read_node(t, key + 1, &child, err) < 0)
			return schema_inside(err, name);
		map_set(&fields, name, (void *)child);
	}
	schema_set_fields(t, node, &fields);
	return 0;
}

static int read_tuple(struct schema_tree *t, const struct gob *g, struct spec *node,
		      struct error **err)
{
	struct spec_field *fields;

	if (g->kind != GOB_LIST)
		return misshapen(err);
	fields = ARENA_ARRAY(t->arena, struct spec_field, g->many.len + 1);
	for (size_t i = 0; i < g->many.len; i++)
		if (read_node(t, &g->many.items[i], &fields[i].spec, err) < 0)
			return -1;
	node->fields = fields;
	node->len = g->many.len;
	return 0;
}

static int read_attr(struct schema_tree *t, const struct gob *g, struct spec *node,
		     struct error **err)
{
	if (read_name(t, g, "Name", node, err) < 0 || read_type(t, g, "Type", node, err) < 0)
		return -1;
	return read_required(g, node, err);
}

static void unref_value(void *v)
{
	value_unref(v);
}

static int read_literal(struct schema_tree *t, const struct gob *g, struct spec *node,
			struct error **err)
{
	struct str bytes;

	if (!gob_field_opaque(g, "Value", &bytes))
		return misshapen(err);
	node->value = cty_value_from_gob(bytes, err);
	if (!node->value)
		return -1;
	arena_on_free(t->arena, unref_value, node->value);
	return 0;
}

static int read_default(struct schema_tree *t, const struct gob *g, struct spec *node,
			struct error **err)
{
	if (read_child(t, g, "Primary", &node->nested, err) < 0)
		return -1;
	return read_child(t, g, "Default", &node->fallback, err);
}

static int read_block(struct schema_tree *t, const struct gob *g, struct spec *node,
		      struct error **err)
{
	if (read_name(t, g, "TypeName", node, err) < 0 || read_required(g, node, err) < 0)
		return -1;
	return read_child(t, g, "Nested", &node->nested, err);
}

static int read_sequence(struct schema_tree *t, const struct gob *g, struct spec *node,
			 struct error **err)
{
	if (read_name(t, g, "TypeName", node, err) < 0 ||
	    read_limit(g, "MinItems", &node->items_min, err) < 0 ||
	    read_limit(g, "MaxItems", &node->items_max, err) < 0)
		return -1;
	return read_child(t, g, "Nested", &node->nested, err);
}

static int read_labelled(struct schema_tree *t, const struct gob *g, struct spec *node,
			 struct error **err)
{
	if (read_name(t, g, "TypeName", node, err) < 0 || read_labels(t, g, node, err) < 0)
		return -1;
	return read_child(t, g, "Nested", &node->nested, err);
}

static int read_block_attrs(struct schema_tree *t, const struct gob *g, struct spec *node,
			    struct error **err)
{
	if (read_name(t, g, "TypeName", node, err) < 0 ||
	    read_type(t, g, "ElementType", node, err) < 0)
		return -1;
	return read_required(g, node, err);
}

static int read_label(struct schema_tree *t, const struct gob *g, struct spec *node,
		      struct error **err)
{
	int64_t index;

	if (read_name(t, g, "Name", node, err) < 0)
		return -1;
	if (!gob_field_int(g, "Index", &index) || index < 0 || index >= LABELS_MAX)
		return error_set(err, ERROR_INVALID, "a label that no block has");
	node->index = (size_t)index;
	return 0;
}

static const struct {
	const char *name;
	enum spec_kind kind;
	node_fn read;
} nodes[] = {
	{ "hcldec.AttrSpec", SPEC_ATTR, read_attr },
	{ "hcldec.BlockAttrsSpec", SPEC_BLOCK_ATTRS, read_block_attrs },
	{ "hcldec.BlockLabelSpec", SPEC_LABEL, read_label },
	{ "hcldec.BlockListSpec", SPEC_BLOCK_LIST, read_sequence },
	{ "hcldec.BlockMapSpec", SPEC_BLOCK_MAP, read_labelled },
	{ "hcldec.BlockObjectSpec", SPEC_BLOCK_OBJECT, read_labelled },
	{ "hcldec.BlockSetSpec", SPEC_BLOCK_SET, read_sequence },
	{ "hcldec.BlockSpec", SPEC_BLOCK, read_block },
	{ "hcldec.BlockTupleSpec", SPEC_BLOCK_TUPLE, read_sequence },
	{ "hcldec.DefaultSpec", SPEC_DEFAULT, read_default },
	{ "hcldec.LiteralSpec", SPEC_LITERAL, read_literal },
	{ "hcldec.ObjectSpec", SPEC_OBJECT, read_object },
	{ "hcldec.TupleSpec", SPEC_TUPLE, read_tuple },
};

static int refuse_node(struct error **err, struct str name)
{
	if (name.len == 0)
		return error_set(err, ERROR_INVALID, "a node without contents");
	if (!schema_is_name(name.p, name.len))
		name = STR("?");
	return error_set(err, ERROR_INVALID, "a node of kind '%.*s', which is not known",
			 STR_FMT(name));
}

static int read_as(struct schema_tree *t, const struct gob *g, size_t which,
		   const struct spec **ret, struct error **err)
{
	struct spec *node = NULL;
	int r;

	if (schema_enter(t, nodes[which].kind, &node, err) < 0)
		return -1;
	r = nodes[which].read(t, g, node, err);
	schema_leave(t);
	*ret = node;
	return r;
}

static int read_node(struct schema_tree *t, const struct gob *g, const struct spec **ret,
		     struct error **err)
{
	struct str name = gob_type_name(g);

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (str_is(name, nodes[i].name))
			return read_as(t, g, i, ret, err);
	return refuse_node(err, name);
}

int schema_from_gob(const void *bytes, size_t len, struct arena *arena, const struct spec **ret,
		    struct error **err)
{
	AUTO(arena) struct arena *scratch = arena_new();
	const struct gob *g = gob_read((struct str){ bytes, len }, scratch, err);
	struct schema_tree t = { .arena = arena };
	struct spec *root = NULL;

	if (!g)
		return error_prefix(err, "cannot read the schema");
	if (g->kind != GOB_MAP)
		return error_set(err, ERROR_INVALID,
				 "cannot read the schema: what it starts with is no object");
	if (schema_enter(&t, SPEC_OBJECT, &root, err) < 0 || read_object(&t, g, root, err) < 0)
		return error_prefix(err, "cannot read the schema");
	*ret = root;
	return 0;
}
