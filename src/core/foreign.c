/* SPDX-License-Identifier: Apache-2.0 */
#include "core/foreign.h"

static const struct attr foreign_attrs[] = {
	ATTR_VALUE(struct foreign_config, options, 0, "What the block says."),
	ATTR_VALUE(struct foreign_config, override, 0, "What it says for this source."),
	ATTR_END,
};
const struct schema foreign_schema = SCHEMA(struct foreign_config, foreign_attrs);

struct foreign_config *foreign_take(const struct foreign *f, struct value *options,
				    struct arena *arena)
{
	struct foreign_config *config = ARENA_NEW(arena, struct foreign_config);

	*config = (struct foreign_config){ .of = f, .options = value_keep(arena, options) };
	return config;
}

struct foreign_config *foreign_decode(const struct foreign *f, const struct body *body,
				      const struct scope *scope, struct range range,
				      struct arena *arena, struct diags *diags)
{
	AUTO(error) struct error *e = NULL;
	const struct spec *spec = f->spec(f, &e);

	if (spec)
		return foreign_take(f, spec_decode(spec, body, scope, arena, diags), arena);
	diags_error(diags, &range, e->message, "%s", e->hint ? e->hint : "");
	return NULL;
}
