/* SPDX-License-Identifier: Apache-2.0 */
/* A command line taken apart as a shell does it. */
#pragma once

#include "base/strv.h"

/* False when it is not only words and quotes: variables, patterns, several commands. */
bool words_split(const char *line, struct strv *ret);
