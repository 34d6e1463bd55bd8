/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two flash drives of a UEFI guest: the firmware's code, which is shared,
 * and its variables, of which each guest has a copy. Where the machine wants
 * drives of one size, smaller files are padded with nothing (holes).
 */
#pragma once

#include "builder/qemu/firmware.h"
#include "os/cancel.h"

struct flash {
	char *code, *vars;
	const char *code_format, *vars_format; /* "raw" or "qcow2" */
};

struct flash_spec {
	const struct guest_arch *arch;
	const struct firmware_pair *pair;
	const char *code_copy; /* where a padded copy of the code may lie */
	const char *vars_copy; /* where the guest's variables lie */
};

/* On failure *ret is released. */
MUST_CHECK int flash_make(struct flash *ret, const struct flash_spec *spec, struct cancel *c,
			  struct error **err);
void flash_release(struct flash *f);
/* Values of -drive; heap. */
char *flash_code_drive(const struct flash *f);
char *flash_vars_drive(const struct flash *f);
