/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a zip file has besides its members' deflated bytes (PKWARE's
 * APPNOTE.TXT): a header before each, the directory at the end. Sizes and
 * places that do not fit into 32 bits are told in an extra field. Pure.
 */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

enum { ZIP_NAME_MAX = 65535 };

struct zip_member {
	char *name;
	uint32_t mode, crc;
	uint64_t size, packed; /* before and after */
	uint64_t offset;       /* of its header */
	bool is_large;         /* its header has room for 64-bit sizes */
};
/* Must its header have that room, so that it fits whatever it is compressed to? */
bool zip_is_large(uint64_t size);
/* Of the same length whatever the sizes are. */
void zip_add_header(struct strbuf *sb, const struct zip_member *m);
void zip_add_directory_entry(struct strbuf *sb, const struct zip_member *m);
/* After the directory of `size` bytes at `offset`. */
void zip_add_end(struct strbuf *sb, uint64_t count, uint64_t offset, uint64_t size);
