/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in the byte order of file formats. */
#pragma once

#include <stdint.h>

/* The lowest `bytes` bytes of n, the lowest first. */
static inline void put_le(unsigned char *at, uint64_t n, int bytes)
{
	for (int i = 0; i < bytes; i++, n >>= 8)
		at[i] = (unsigned char)n;
}
