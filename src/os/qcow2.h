/* SPDX-License-Identifier: Apache-2.0 */
/* The one thing that we read of QEMU's disk format ourselves: what an image stands on. */
#pragma once

/* The name of the backing file as the image has it, heap; NULL: there is none, or it is no qcow2. */
char *qcow2_backing(int fd);
