/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain YAML scalar or one with a tag means. */
#pragma once

#include "base/error.h"
#include "value/value.h"

#include <stdbool.h>
#include <stddef.h>

/* tag NULL or "": none. `plain`: neither quoted nor a block. Error texts are
 * without the place. */
struct value *yamlscalar_value(const char *text, size_t len, const char *tag, bool plain,
			       struct error **err);
