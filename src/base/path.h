/* SPDX-License-Identifier: Apache-2.0 */
/* Path text only; nothing here looks at the file system. POSIX paths. */
#pragma once

#include "base/macro.h"
#include "base/str.h"

#include <stdbool.h>

char *path_join(const char *dir, const char *name); /* an absolute name wins; heap */
char *path_clean(const char *path);          /* lexical: //, ., .. resolved; "" gives "."; heap */
char *path_dirname(const char *path);        /* cleaned parent; no slash gives "."; heap */
const char *path_basename(const char *path); /* borrowed tail after the last slash */
struct str path_extension(
	const char *path); /* of the last element, without the dot; may be empty */
/* Makes `path` absolute against `cwd` (absolute), cleaned; heap. */
char *path_absolute(const char *cwd, const char *path);
/* True if the cleaned `path` is `dir` or lies below it (both absolute). */
bool path_is_below(const char *path, const char *dir);
