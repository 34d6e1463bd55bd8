/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind os/fs.h share. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* "cannot WHAT 'PATH': why", with advice when the disk is full; returns -1. */
int fs_set_error(struct error **err, int os_errno, const char *what, const char *path);
/* Writes everything; -1 with errno. */
int fs_write_fd(int fd, const void *data, size_t len);
/* Closes *fd, which becomes -1; -1 with errno when data was lost. */
int fs_close_checked(int *fd);
