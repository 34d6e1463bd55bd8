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
/* Reports a template that does not parse. */
void output_check(const struct prepare_ctx *ctx, const char *attr, const char *output,
		  struct diags *diags);
