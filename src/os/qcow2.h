/* SPDX-License-Identifier: Apache-2.0 */
/* What we read of QEMU's disk format ourselves: that it is one, and what an image stands on. */
#pragma once

#define QCOW2_MAGIC "QFI\xfb" /* its first four bytes */

/* The name of the backing file as the image has it, heap; NULL: there is none, or it is no qcow2. */
char *qcow2_backing(int fd);
