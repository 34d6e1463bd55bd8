/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulator's command line (qemu-builder.md 5, 6). Pure: configuration plus
 * what start() found out -> argument vector, golden-tested.
 */
#pragma once

#include "base/strv.h"
#include "builder/qemu/config.h"
#include "builder/qemu/flash.h"

#include <stdbool.h>

struct qemu_argv {
	const struct qemu_config *config;
	const char *accel;         /* as chosen; "none": no accel in -machine */
	const struct strv *disks;  /* paths, main disk first */
	const char *iso;           /* NULL: none (disk_image) */
	const char *floppy;        /* so too */
	const char *cd;            /* made from files; NULL: none */
	const struct flash *flash; /* NULL: no UEFI */
	int host_cpus;             /* how many the host has for us */
	int host_port;             /* forwarded to the guest's communicator; 0: none */
	const char *mac;           /* of the network card; NULL: QEMU's choice */
	int vnc_port;
	int tpm_fd;             /* connected to the TPM; 0: none */
	const char *console;    /* file for the serial console */
	const char *credential; /* value of -smbios that hands the guest a key; NULL: none */
	const struct text_table *overrides; /* qemuargs, rendered */
	bool layered;   /* the disks are layers: qcow2, whatever the format of the result is */
	bool installed; /* the system is on the disk already: boot that, not the medium */
	bool incoming;  /* wait for the state of another machine */
};

enum qemu_keyboard {
	QEMU_KEYBOARD_PS2,    /* an i8042 */
	QEMU_KEYBOARD_USB,    /* the one that we add, on QEMU_USB_ID */
	QEMU_KEYBOARD_UNKNOWN /* what the template adds */
};
#define QEMU_USB_ID    "ingot-usb"
#define QEMU_NETDEV_ID "user.0" /* also on a bridge: templates know it */

/* What became of the command line. */
struct qemu_argv_facts {
	bool own_console; /* false: qemuargs takes the serial port */
	bool own_pvpanic; /* a device by which the guest can say that its kernel panicked */
	enum qemu_keyboard keyboard;
};

/* argv[0] included. */
void qemu_argv_build(const struct qemu_argv *in, struct strv *ret, struct qemu_argv_facts *facts);

/* sockets x cores x threads, as far as they are said; 0: none is. */
int64_t qemu_argv_cpu_product(const struct qemu_config *c);
/* The value of -smp (2.1); `unsaid` is the count when the configuration has none. Heap. */
char *qemu_argv_smp(const struct qemu_config *c, int unsaid);
/* A file name inside an option value: commas doubled. Heap. */
char *qemu_argv_escape(const char *path);
