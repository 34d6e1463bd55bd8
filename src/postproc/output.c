/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/output.h"

#include "base/path.h"
#include "base/str.h"
#include "config/config.h"
#include "tmpl/tmpl.h"

#include <string.h>
#include <sys/stat.h>

char *output_render_with(const char *text, struct build_ctx *ctx, const struct artifact *input,
			 const struct text_map *more, struct error **err)
{
	const struct value *known = input->generated_data;
	struct map fields;

	value_map_init(&fields);
	for (size_t i = 0; known && i < value_len(known); i++)
		map_set(&fields, value_key_at(known, i), value_ref(value_at(known, i)));
	map_set(&fields, "BuildName", value_string(ctx->info->source_name));
	map_set(&fields, "BuilderType", value_string(ctx->info->builder_type));
	map_set(&fields, "ArtifactId", value_string(input->id));
	for (size_t i = 0; i < more->len; i++)
		map_set(&fields, more->v[i].key, value_string(more->v[i].value));

	AUTO(value) struct value *data = value_object_take(&fields);
	struct tmpl_ctx tmpl = {
		.data = data,
		.build_name = ctx->info->source_name,
		.build_type = ctx->info->builder_type,
		.build = input->generated_data,
		.build_names = config_build_names,
		.packer_version = COMPAT_VERSION,
		.user = ctx->info->user_variables,
		.world = ctx->info->world,
	};

	return tmpl_render(text, &tmpl, err);
}

char *output_render(const char *output, struct build_ctx *ctx, const struct artifact *input,
		    const char *checksum_type, struct error **err)
{
	const struct text_pair type = { "ChecksumType", checksum_type };
	const struct text_map more = { &type, checksum_type ? 1 : 0 };
	char *path = output_render_with(output, ctx, input, &more, err);

	if (!path)
		error_prefix(err, "cannot render output '%s'", output);
	return path;
}

bool output_is_input(const struct build_ctx *ctx, const char *path, const struct strv *files)
{
	AUTO_FREE char *full = path_absolute(ctx->cwd, path);
	struct stat target, st;
	const bool exists = stat(full, &target) == 0;

	for (size_t i = 0; i < files->len; i++) {
		AUTO_FREE char *file = path_absolute(ctx->cwd, files->v[i]);

		if (!strcmp(file, full) ||
		    (exists && stat(file, &st) == 0 && st.st_dev == target.st_dev &&
		     st.st_ino == target.st_ino))
			return true;
	}
	return false;
}

int output_check_path(const struct build_ctx *ctx, const char *path, struct error **err)
{
	AUTO_FREE char *full = path_absolute(ctx->cwd, path);
	struct stat st;

	if (*path_basename(path) && (stat(full, &st) < 0 || !S_ISDIR(st.st_mode)))
		return 0;
	error_set(err, ERROR_INVALID, "output '%s' is a folder", path);
	return error_hint(err, "name a file in it");
}

void output_check(const struct prepare_ctx *ctx, const char *attr, const char *output,
		  struct diags *diags)
{
	AUTO(error) struct error *e = NULL;
	struct range at = decoded_range(ctx->decoded, attr);

	if (output && tmpl_check(output, NULL, &e) < 0)
		diags_error(diags, &at, "Invalid template", "%s", e->message);
}
