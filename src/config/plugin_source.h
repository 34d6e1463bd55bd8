/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of plugins, "github.com/hashicorp/amazon" (cli.md 8.1). */
#pragma once

#include "base/error.h"

/* The message is Packer's own text. */
MUST_CHECK int plugin_source_check(const char *text, struct error **err);
/* Is `name` a normalised plugin name? The message says why not. */
MUST_CHECK int plugin_name_check(const char *name, struct error **err);
