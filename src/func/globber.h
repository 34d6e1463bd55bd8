/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File name patterns: `*` and `?` within one path element, [a-z] and [!a],
 * {a,b}, ** for any folders, and \ before a character that is meant itself.
 */
#pragma once

#include "base/strv.h"

#include <stdbool.h>

/* Regular files below `dir` (links to them too) whose path from `dir` matches; sorted.
 * False: the pattern is malformed. */
bool globber_files(const char *dir, const char *pattern, struct strv *ret);
