/* SPDX-License-Identifier: Apache-2.0 */
/* Where the host keeps UEFI firmware for guests: a pair of code and variables. */
#pragma once

#include "base/error.h"

struct firmware_pair {
	const char *code, *vars;
};

/* The first pair that is there; ERROR_NOT_FOUND with the package in the hint. */
MUST_CHECK int firmware_find(struct firmware_pair *ret, struct error **err);
/* Fails with a hint when a file of the pair is missing. */
MUST_CHECK int firmware_check(const struct firmware_pair *pair, struct error **err);
