/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins say of themselves, remembered by the digest of their binaries. */
#pragma once

#include "plugin/find.h"

/* As plugin_describe() of the binary with this SHA-256. `cache_dir` NULL: it is asked. What is
 * wrong with the memory is no error. */
MUST_CHECK int plugin_describe_once(const char *cache_dir, const char *digest, const char *path,
				    struct cancel *c, struct plugin_description *ret,
				    struct error **err);
