/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a checkpoint says of its machine: DIR/machine.json (docs/internals/qemu.md, Checkpoints). Beside it
 * lie, as far as there are any, the firmware's variables and the files of the TPM.
 */
#pragma once

#include "builder/qemu/layers.h"

#define SAVED_MACHINE "machine.json"
#define SAVED_EFIVARS "efivars.fd"
#define SAVED_TPM     "tpm." /* then the name of the file */

struct saved {
	char *qemu;                  /* version and package of the emulator */
	char *binary, *accel, *arch; /* arch: as in the emulator's name, or NULL */
	char *machine_type, *cpu;    /* cpu NULL: QEMU's default */
	char *vm_name;
	/* As launch_describe() has it: what runs, with @{name} for what differs from run to run. */
	struct strv argv; /* empty: it holds a secret */
	struct chain_list disks;
	char *source,
		*iso; /* absolute path of the disk image, of the medium in the drive; NULL: none */
	int64_t source_size, source_mtime; /* of that file, ns; 0: not known */
	char *efi_code, *firmware;         /* paths of the firmware, of a BIOS; NULL: none */
	char *mac;                         /* NULL: QEMU's */
	char *comm, *user;                 /* communicator and login */
	int64_t guest_port;
	char *private_pem, *public_line; /* of the key made for the first build; NULL: none */
	char *key_file;                  /* path of the user's own; NULL: none */
	char *credential;                /* value of -smbios that hands it over; NULL: none */
	bool has_state;                  /* memory and devices are there */
	bool is_synced; /* the disks have all that the guest wrote: they can be booted without its memory */
	struct strv memory; /* layers with them: a whole state; or one, and what differs from it */
	bool has_tpm, tpm_1;
	int64_t made; /* wall, ns */
};

MUST_CHECK int saved_write(const char *dir, const struct saved *s, struct error **err);
/* ERROR_INVALID: it says nothing that we understand. */
MUST_CHECK int saved_read(const char *dir, struct saved *ret, struct error **err);
void saved_release(struct saved *s);
static inline void auto_saved(struct saved *s)
{
	saved_release(s);
}
#define SAVED_INIT                                                                                 \
	{                                                                                          \
		.argv = STRV_INIT, .memory = STRV_INIT                                             \
	}
