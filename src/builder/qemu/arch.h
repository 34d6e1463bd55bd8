/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the architecture of the guest decides, told by the name of the
 * emulator: which machine and processor to take when the template does not
 * say, what such a machine lacks, which Debian package brings the emulator.
 */
#pragma once

#include <stdbool.h>

struct guest_arch {
	const char *name;       /* the end of "qemu-system-…", or its beginning */
	const char *package;    /* of Debian */
	const char *machine;    /* machine_type when the template has none */
	const char *soft_cpu;   /* cpu_model likewise, on "virt", emulated; NULL: QEMU's choice */
	const char *soft_host;  /* what "host" becomes when emulated; NULL: QEMU's choice */
	const char *hard_cpu;   /* … and accelerated */
	const char *cdrom;      /* cdrom_interface likewise, on "virt"; NULL: QEMU's choice */
	const char *tpm_device; /* tpm_device_type likewise */
	const char *pvpanic;    /* device by which it can say that it panicked, on machines that
				   guest_arch_has_pvpanic(); NULL: none */
	bool hears_boot_order;  /* -boot means something; elsewhere QEMU may refuse it */
	bool needs_uefi;        /* the machine has no firmware of its own */
	bool has_ps2;           /* an i8042, which tells whether the guest has read a key */
	bool is_bare;           /* "virt" has neither screen nor keyboard unless they are added */
};

/* By name or path; of anything but "qemu-system-…" the host's. Never NULL. */
const struct guest_arch *guest_arch_of(const char *binary);

/* "aarch64", inside `binary`, also when no row knows it; NULL when the name does not tell. */
const char *guest_arch_named(const char *binary);

/* The Debian package that brings an emulator: "qemu-system-x86". */
const char *guest_arch_package(const char *binary);

/* Can this host run such guests on its own processor? */
bool guest_arch_is_native(const char *binary);

/* Can the pvpanic device be added? It is on the ISA bus of a PC and on PCI of a "virt". */
bool guest_arch_has_pvpanic(const struct guest_arch *arch, const char *machine_type);

/* Can the device be added that tells a kernel that it is a copy? */
bool guest_arch_has_vmgenid(const struct guest_arch *arch, const char *machine_type);

/* The machine's name, whatever its version: "virt-7.2" is a "virt". */
bool guest_arch_is_bare(const struct guest_arch *arch, const char *machine_type);
