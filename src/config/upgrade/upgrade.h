/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hcl2_upgrade`: a legacy JSON template as a template in HCL (legacy-json.md
 * 11). What cannot be translated is kept as it was written, below a comment
 * that says why.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>

struct upgrade_options {
	const char *text; /* of a legacy template that loads */
	size_t len;
	bool annotate; /* say above each part what it is */
};

/*
 * The file (heap). NULL only when the text is no JSON object. *ret_types gets
 * the types of the builders, each once, in the order of their blocks.
 */
char *upgrade_template(const struct upgrade_options *opts, struct strv *ret_types,
		       struct error **err);
