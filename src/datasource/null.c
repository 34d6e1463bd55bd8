/* SPDX-License-Identifier: Apache-2.0 */
#include "core/component.h"

struct null_source {
	const char *input;
};

static const struct attr null_attrs[] = {
	ATTR_STRING(struct null_source, input, 0, "Text that comes out as `output`."),
	ATTR_END,
};
static const struct schema null_schema = SCHEMA(struct null_source, null_attrs);

static const struct datasource_output null_outputs[] = {
	{ "output", &type_string, "What `input` was." },
	{ 0 },
};

static struct value *null_read(const void *config, const struct datasource_ctx *ctx,
			       struct error **err)
{
	const struct null_source *s = config;
	struct map fields;

	value_map_init(&fields);
	map_set(&fields, "output", value_string(s->input ? s->input : ""));
	return value_object_take(&fields);
}

const struct datasource_type datasource_null = {
	.name = "null",
	.doc = "Gives back what it is given: for trying how data sources depend on each other.",
	.schema = &null_schema,
	.outputs = null_outputs,
	.read = null_read,
};
