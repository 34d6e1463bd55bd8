/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the host keeps UEFI firmware for guests: pairs of code and variables.
 * Half of a pair finds the other half, because a mixed pair hangs the guest
 * without a word.
 */
#pragma once

#include "base/error.h"
#include "builder/qemu/arch.h"

#include <stdint.h>

struct firmware_pair {
	const char *code, *vars; /* vars NULL: start with empty ones */
};

/* The first pair for such guests that is there; ERROR_NOT_FOUND with the package in the hint. */
MUST_CHECK int firmware_find(const struct guest_arch *arch, struct firmware_pair *ret,
			     struct error **err);

/* The other half of a pair we know; NULL when we do not. */
const char *firmware_vars_of(const char *code);
const char *firmware_code_of(const char *vars);

/* It waits for ever on a machine without system management mode (any but q35). */
bool firmware_needs_smm(const char *code);

/* Fails with a hint when a file of the pair is missing. */
MUST_CHECK int firmware_check(const struct guest_arch *arch, const struct firmware_pair *pair,
			      struct error **err);
/* Sizes of two different pairs: heap text that says so, or NULL. The files exist. */
char *firmware_mismatch(const struct firmware_pair *pair);

/* The size that the machine wants a flash file to have; 0: as it is. */
int64_t firmware_flash_size(const struct guest_arch *arch);
