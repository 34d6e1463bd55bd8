/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a text file that a guest or its emulator wrote: for error messages. */
#pragma once

#include "base/strbuf.h"

#include <stddef.h>

/* Appends the last `lines` non-empty lines, without control sequences and without a newline at
 * the end. A file that cannot be read adds nothing. */
void log_tail(const char *path, size_t lines, struct strbuf *ret);
