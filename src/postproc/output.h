/* SPDX-License-Identifier: Apache-2.0 */
/* Names of output files: `{{ }}` templates rendered when the post-processor runs. */
#pragma once

#include "core/component.h"

/* Fields BuildName, BuilderType, ArtifactId and, when given, ChecksumType; heap. */
char *output_render(const char *output, struct build_ctx *ctx, const struct artifact *input,
		    const char *checksum_type, struct error **err);
/* Any text, with further fields. */
char *output_render_with(const char *text, struct build_ctx *ctx, const struct artifact *input,
			 const struct text_map *more, struct error **err);
/* Whether `path` is one of these files, also by another name: to write it would destroy its input. */
bool output_is_input(const struct build_ctx *ctx, const char *path, const struct strv *files);
/* Refuses what a file cannot be named: a folder, or a path that ends like one. */
MUST_CHECK int output_check_path(const struct build_ctx *ctx, const char *path, struct error **err);
/* Reports a template that does not parse. */
void output_check(const struct prepare_ctx *ctx, const char *attr, const char *output,
		  struct diags *diags);
