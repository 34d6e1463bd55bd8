/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the upgrade only: what a legacy template says, as written. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "base/strv.h"
#include "base/vec.h"
#include "value/value.h"

#include <stdbool.h>
#include <stdint.h>

struct model_component {
	const char *type, *name; /* builders: NULL is no name of its own; others: may be NULL */
	struct map options;      /* name -> value, without what the loader takes out */
	struct strv only, except;
	struct value *keep_input_artifact; /* NULL: not said */
	const char *max_retries;           /* NULL: not said */
	int64_t pause_before, timeout;     /* ns */
};
VEC_DECLARE(component_list, struct model_component);
VEC_DECLARE(chain_list, struct component_list);

struct model_variable {
	const char *name;
	const char *text; /* default; NULL: required */
	bool sensitive;
};
VEC_DECLARE(variable_list, struct model_variable);

struct model {
	struct value *root;                                    /* owns the texts … */
	struct arena *arena;                                   /* … as does this */
	const char *min_version, *description;                 /* "" if not said */
	struct variable_list variables;                        /* sorted */
	struct component_list builders, provisioners, cleanup; /* cleanup: at most one */
	struct chain_list chains;
};

/* What does not have the type that the loader demands is left out. -1: not a JSON object. */
MUST_CHECK int model_read(struct model *m, const char *text, size_t len, struct error **err);
void model_release(struct model *m);
static inline void auto_model(struct model *m)
{
	model_release(m);
}
