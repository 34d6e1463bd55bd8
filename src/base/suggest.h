/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the first candidate within Levenshtein distance < 3 (language.md 7.1, 8). */
#pragma once

#include <stddef.h>

size_t levenshtein(const char *a, const char *b);
/* `candidates` is NULL-terminated; returns a borrowed candidate or NULL. */
const char *suggest(const char *given, const char *const *candidates);
