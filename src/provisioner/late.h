/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering of templates when a step runs: hook data plus fields of the provisioner. */
#pragma once

#include "core/component.h"

struct late_field {
	const char *name, *text;
};

/* Heap; NULL on failure. `what` names the option in messages; fields end with name NULL. */
char *late_render(const char *text, const char *what, const struct provision_ctx *ctx,
		  const struct late_field *fields, struct error **err);
