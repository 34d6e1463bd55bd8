/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/tar.h"

#include <assert.h>
#include <string.h>

enum {
	MODE = 100,
	UID = 108,
	GID = 116,
	SIZE = 124,
	MTIME = 136,
	CHECKSUM = 148,
	TYPE = 156,
	MAGIC = 257,
	CHECKSUM_LEN = 8,
};

void tar_number(unsigned char *field, size_t len, uint64_t n)
{
	size_t digits = len - 1;

	if (digits * 3 < 64 && n >> (digits * 3)) {
		for (size_t i = len; i-- > 1; n >>= 8)
			field[i] = (unsigned char)n;
		field[0] = 0x80;
		return;
	}
	field[digits] = '\0';
	for (; digits--; n >>= 3)
		field[digits] = (unsigned char)('0' + (n & 7));
}

void tar_seal(unsigned char h[TAR_BLOCK])
{
	unsigned sum = 0;

	memset(h + CHECKSUM, ' ', CHECKSUM_LEN); /* how it counts itself */
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	tar_number(h + CHECKSUM, CHECKSUM_LEN - 1, sum);
}

void tar_header(unsigned char h[TAR_BLOCK], const char *name, uint64_t size)
{
	assert(strlen(name) <= TAR_NAME_MAX);
	memset(h, 0, TAR_BLOCK);
	memcpy(h, name, strlen(name));
	tar_number(h + MODE, 8, 0644);
	tar_number(h + UID, 8, 0);
	tar_number(h + GID, 8, 0);
	tar_number(h + SIZE, 12, size);
	tar_number(h + MTIME, 12, 0);
	h[TYPE] = '0';
	memcpy(h + MAGIC, "ustar\00000", 8);
	tar_seal(h);
}
