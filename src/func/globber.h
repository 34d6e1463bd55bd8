/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File name patterns: `*` and `?` within one path element, [a-z] and [!a],
 * {a,b}, ** for any folders, and \ before a character that is meant itself.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"

/* Regular files below `dir` (links to them too) whose path from `dir` matches; sorted.
 * Folders that are not there or not for us have no files. */
MUST_CHECK int globber_files(const char *dir, const char *pattern, struct strv *ret,
			     struct error **err);
