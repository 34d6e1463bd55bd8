/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/late.h"

#include "base/alloc.h"
#include "config/config.h"
#include "tmpl/tmpl.h"

static struct value *merge(struct value *generated, const struct late_field *fields)
{
	struct map all;

	value_map_init(&all);
	for (size_t i = 0; generated && i < value_len(generated); i++)
		map_set(&all, value_key_at(generated, i), value_ref(value_at(generated, i)));
	for (size_t i = 0; fields && fields[i].name; i++)
		map_set(&all, fields[i].name, value_string(fields[i].text));
	return value_object_take(&all);
}

char *late_render(const char *text, const char *what, const struct provision_ctx *ctx,
		  const struct late_field *fields, struct error **err)
{
	if (!strstr(text, "{{"))
		return xstrdup(text);

	AUTO(value) struct value *data = merge(ctx->generated, fields);
	const struct tmpl_ctx t = {
		.data = data,
		.build_name = ctx->build->info->source_name,
		.build_type = ctx->build->info->builder_type,
		.build = ctx->generated,
		.build_names = config_build_names,
		.packer_version = COMPAT_VERSION,
		.user = ctx->build->info->user_variables,
		.world = ctx->build->info->world,
	};
	char *result = tmpl_render(text, &t, err);

	if (!result)
		error_prefix(err, "Error processing %s", what);
	return result;
}
