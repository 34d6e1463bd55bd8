/* SPDX-License-Identifier: Apache-2.0 */
#include "core/foreign.h"

static const struct attr foreign_attrs[] = {
	ATTR_VALUE(struct foreign_config, options, 0, "What the block says."),
	ATTR_VALUE(struct foreign_config, override, 0, "What it says for this source."),
	ATTR_END,
};
const struct schema foreign_schema = SCHEMA(struct foreign_config, foreign_attrs);
