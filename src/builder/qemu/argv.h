/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulator's command line (qemu-builder.md 5, 6). Pure: configuration plus
 * what start() found out -> argument vector, golden-tested.
 */
#pragma once

#include "base/strv.h"
#include "builder/qemu/config.h"

#include <stdbool.h>

struct qemu_argv {
	const struct qemu_config *config;
	const char *accel;        /* as chosen; "none": no accel in -machine */
	const struct strv *disks; /* paths, main disk first */
	const char *iso;          /* NULL: none (disk_image) */
	const char *efivars;      /* our copy of the variables; NULL: no UEFI */
	int host_cpus;            /* how many the host has for us */
	int host_port;            /* forwarded to the guest's communicator; 0: none */
	int vnc_port;
	const char *console;    /* file for the serial console */
	const char *credential; /* value of -smbios that hands the guest a key; NULL: none */
	const struct text_table *overrides; /* qemuargs, rendered */
};

/* argv[0] included. *ret_own_console: false when qemuargs takes the serial port. */
void qemu_argv_build(const struct qemu_argv *in, struct strv *ret, bool *ret_own_console);

/* The value of -smp (2.1); `unsaid` is the count when the configuration has none. Heap. */
char *qemu_argv_smp(const struct qemu_config *c, int unsaid);
/* A file name inside an option value: commas doubled. Heap. */
char *qemu_argv_escape(const char *path);
