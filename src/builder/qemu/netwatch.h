/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when the guest's network comes up, from what the guest sends: QEMU's filter-dump object
 * writes it to a file. A port that QEMU forwards accepts connections long before, and a connection
 * made too early is answered seconds late or never; who knows the moment need not try all the time.
 *
 * Only while somebody waits: each packet costs the emulator a write, and the file grows.
 */
#pragma once

#include "builder/qemu/qmp.h"
#include "core/comm.h"

struct netwatch {
	struct qmp *monitor;
	const char *temp_dir; /* borrowed */
	char *path;           /* NULL: not begun */
	int file, inotify_fd;
	int64_t at, freed; /* what was looked at; what is no longer on the disk */
	bool was_up;
};

void netwatch_init(struct netwatch *w, struct qmp *monitor, const char *temp_dir);
/* For comm_target; `data` is the netwatch. */
extern const struct comm_sign_ops netwatch_ops;
