/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "value/value.h"

/* The gob buffer that a cty.Value makes of itself (plugin-protocol.md 8.4), as it is in a larger
 * one. Owned; NULL on failure. */
MUST_CHECK struct value *cty_value_from_gob(struct str bytes, struct error **err);
