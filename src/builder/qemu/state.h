/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a machine (memory and devices) to a file and back.
 *
 * QEMU migrates into a file in memory, which takes a fifth of the time that compressing it takes; zstd reads
 * that when the guest runs again. Where memory is short, zstd sits at the other end of a pipe that QEMU writes
 * to, and the guest waits for it. No shell, no path in a command, and zstd's own exit status.
 */
#pragma once

#include "builder/qemu/guest.h"
#include "core/component.h"
#include "os/proc.h"

struct state_file {
	struct proc zstd;
	uint64_t journal_id;
	int pipe_fd; /* QEMU's end, until it has it */
	int raw_fd;  /* the file in memory; -1: a pipe */
	int base_fd; /* one that it is kept as a difference to; -1: none */
	char *path;
	char *log;
};
#define STATE_FILE_INIT                                                                            \
	{                                                                                          \
		.zstd = PROC_INIT, .pipe_fd = -1, .raw_fd = -1, .base_fd = -1                      \
	}

/* Before the guest is stopped: a new file, 0600. f->raw_fd: a file in memory that may be written over, or -1. */
MUST_CHECK int state_create(struct state_file *f, struct guest *g, struct build_ctx *ctx,
			    const char *path, struct error **err);
/* One that is a file in memory, which is taken. */
void state_open(struct state_file *f, int fd);
/* Decompresses one to a file in memory. */
MUST_CHECK int state_unpack(struct build_ctx *ctx, const char *path, int *ret_fd,
			    struct error **err);
/* Of a stopped guest. ERROR_INVALID: it has something that cannot be saved. On failure the guest is
 * as it was. */
MUST_CHECK int state_write(struct state_file *f, struct guest *g, struct build_ctx *ctx,
			   struct error **err);
/* The guest runs again: what is not compressed yet is from now on. */
MUST_CHECK int state_compress(struct state_file *f, struct build_ctx *ctx, struct error **err);
/* Into a guest that waits for it. After a failure QEMU is of no use any more. */
MUST_CHECK int state_read(struct state_file *f, struct guest *g, struct build_ctx *ctx,
			  struct error **err);
/* The rest is on disk, and all went well? ERROR_IO with ENOSPC: the disk is full. */
MUST_CHECK int state_finish(struct state_file *f, struct cancel *c, struct error **err);
void state_release(struct state_file *f, struct build_ctx *ctx);
/* Does QEMU say now already that this machine cannot be saved? ERROR_INVALID with its words. */
MUST_CHECK int state_check(struct guest *g, struct build_ctx *ctx, struct error **err);
