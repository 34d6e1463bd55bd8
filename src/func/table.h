/* SPDX-License-Identifier: Apache-2.0 */
/* All functions of the language (language.md 20), sorted by name; NULL ends. */
#pragma once

#include "value/function.h"

extern const struct func_def *const builtin_functions[];
/* What the default of a variable may call. */
extern const struct func_def *const variable_default_functions[];
