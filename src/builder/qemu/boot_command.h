/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot command language (qemu-builder.md 8): text -> what to press and
 * when to wait. Pure. Characters are typed on a US keyboard.
 */
#pragma once

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct boot_event {
	int64_t wait;      /* ns; 0: a key */
	const char *qcode; /* QEMU's name of the key; static */
	bool down;
};
VEC_DECLARE(boot_events, struct boot_event);

/* Appends to `ret`, which the caller releases. *ret_untyped (may be NULL) counts the characters
 * that no key makes; they are left out. */
MUST_CHECK int boot_command_parse(const char *text, struct boot_events *ret, size_t *ret_untyped,
				  struct error **err);
