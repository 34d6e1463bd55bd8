/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we know of distributions and processor architectures, as const tables:
 * which releases exist and how their archive is laid out, what a disk needs to
 * boot, how the boot loader is called.
 */
#pragma once

#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>

struct distro_release {
	const char *name;        /* code name or suite */
	bool updates;            /* has NAME-updates and NAME-security */
	bool resolved_package;   /* systemd-resolved is a package of its own */
	bool prefer_is_merged;   /* usrmerge would pull in all of perl: take usr-is-merged */
	const char *compression; /* of the initial RAM disk */
};

struct distro {
	const char *name;
	const char *title; /* in the boot menu */
	const char *mirror, *security_mirror;
	const char *host_keyring;              /* on this host */
	const char *keyring_package;           /* that brings it */
	const char *image_keyring;             /* inside the image */
	const struct distro_release *releases; /* name NULL ends */
	const char *const *packages;           /* what every image gets; NULL-terminated */
};

struct arch {
	const char *name;    /* Debian's */
	const char *machine; /* uname -m of a host that runs it natively */
	const char *binfmt;  /* of the user-mode emulator */
	const char *kernel_package;
	const char *bios_platform; /* grub's, NULL: has no BIOS */
	const char *efi_platform;
	const char *efi_package;         /* brings /usr/lib/grub/EFI_PLATFORM */
	const char *efi_name;            /* EFI/BOOT/… */
	const char *const *grub_modules; /* beyond those of every platform; NULL-terminated */
	const char *serial;              /* the console's device */
	const char *virtual_options;     /* kernel options that only virtual machines get */
	const char *root_type;           /* GPT type of its root partition */
};

const struct distro *distro_find(const char *name);
const struct distro_release *distro_release_find(const struct distro *d, const char *name);
const struct arch *arch_find(const char *name);
const struct arch *arch_of_machine(const char *machine);
/* Names for messages and suggestions; NULL-terminated, static. */
const char *const *distro_names(void);
const char *const *arch_names(void);

/* Modules of every boot loader platform, NULL-terminated. */
extern const char *const grub_common_modules[];
/* Drivers of the initial RAM disk: the disks of the usual hypervisors. */
extern const char *const initrd_modules[];
