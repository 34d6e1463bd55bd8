/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of tar files that we lay out ourselves, because their place or size is known only later. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 99 };

/* A regular file in the form "ustar", of nobody in particular and no time: same content, same
 * bytes. `name` has at most TAR_NAME_MAX bytes. */
void tar_header(unsigned char h[TAR_BLOCK], const char *name, uint64_t size);
/* Octal; a number that is too large for that in base 256, as GNU tar began it. */
void tar_number(unsigned char *field, size_t len, uint64_t n);
/* Once everything else is there. */
void tar_seal(unsigned char h[TAR_BLOCK]);
