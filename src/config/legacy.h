/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of config/ only: legacy JSON templates (config/legacy/). */
#pragma once

#include "config/loader.h"

/* All of the load; false when there is nothing to show, after reporting. */
bool legacy_load(struct loader *l);
