/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions and constraints of templates (language.md 14.2):
 * ">= 1.2.0, < 2.0.0", "~> 1.4".
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VERSION_SEGMENTS = 8 };

struct version {
	int64_t segments[VERSION_SEGMENTS];
	size_t given; /* how many were written; the rest are 0 */
	char pre[64]; /* without the dash; "" for a release */
};

bool version_parse(const char *text, struct version *ret);
int version_compare(const struct version *a, const struct version *b);

/* Is every part of the list met? Fails when the list is malformed. */
MUST_CHECK int version_matches(const char *constraints, const struct version *v, bool *ret,
			       struct error **err);
/* The first part that names a pre-release, for the message that refuses it; heap or NULL. */
char *version_find_prerelease(const char *constraints);
