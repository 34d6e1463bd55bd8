/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of a few hundred bytes that show whether a processor runs guests:
 * each counts in memory and ends its machine only if the count is right.
 */
#pragma once

#include "builder/qemu/arch.h"

#include <stddef.h>

struct accel_rom_piece {
	const unsigned char *bytes; /* NULL: no such piece */
	size_t len, at;
};

struct accel_rom {
	const char *arch;                 /* of struct guest_arch */
	const char *const *argv;          /* the machine around it; NULL-terminated */
	size_t size;                      /* of the firmware file; zeroes between the pieces */
	struct accel_rom_piece pieces[3]; /* a later one overwrites */
	int ran;                          /* exit status of the emulator when the guest counted */
};

/* NULL: there is none for that architecture. */
const struct accel_rom *accel_rom_of(const struct guest_arch *arch);
