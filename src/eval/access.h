/* SPDX-License-Identifier: Apache-2.0 */
/* Inside eval/ only: one step into a value, with the messages of language.md 7.6 and 7.7. */
#pragma once

#include "eval/evaluator.h"

struct access {
	const struct expr *about;
	struct range range; /* of the step, dot or brackets included */
};

struct value *access_attr(const struct evaluator *ev, struct value *object, const char *name,
			  const struct access *a);
struct value *access_index(const struct evaluator *ev, struct value *collection, struct value *key,
			   const struct access *a);
