/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What templatefile() needs from the evaluator (func_world.render). The
 * template sees exactly the given variables, and all functions except
 * templatefile() itself.
 */
#pragma once

#include "value/function.h"

/* Lets functions called through `w` render templates with `table`. Both are borrowed. */
void render_enable(struct func_world *w, const struct func_def *const *table);
