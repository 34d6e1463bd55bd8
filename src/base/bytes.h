/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in the byte order of file formats, and runs of zeros. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The lowest `bytes` bytes of n, the lowest first. */
static inline void put_le(unsigned char *at, uint64_t n, int bytes)
{
	for (int i = 0; i < bytes; i++, n >>= 8)
		at[i] = (unsigned char)n;
}

/* Of `bytes` bytes, the highest first. */
static inline uint64_t get_be(const unsigned char *at, int bytes)
{
	uint64_t n = 0;

	for (int i = 0; i < bytes; i++)
		n = n << 8 | at[i];
	return n;
}

/* Nothing but zeros? Data mostly says no within its first bytes. */
static inline bool is_zeros(const void *data, size_t len)
{
	const unsigned char *p = data;

	return !len || (!p[0] && !memcmp(p, p + 1, len - 1));
}
