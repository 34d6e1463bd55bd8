/* SPDX-License-Identifier: Apache-2.0 */
/* Types as plugins write them (plugin-protocol.md 7.4, 8.1). Results are owned; NULL on failure. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "value/type.h"

enum { CTY_TYPE_DEPTH_MAX = 64, CTY_TYPE_BYTES_MAX = 4 * 1024 * 1024 };

MUST_CHECK struct type *cty_type_from_json(struct str text, struct error **err);
/* The gob buffer that a cty.Type makes of itself. */
MUST_CHECK struct type *cty_type_from_gob(struct str bytes, struct error **err);
