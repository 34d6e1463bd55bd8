/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/zip.h"

#include "base/bytes.h"
#include "base/macro.h"

#include <string.h>
#include <sys/stat.h>

enum {
	SIGN_HEADER = 0x04034b50,
	SIGN_ENTRY = 0x02014b50,
	SIGN_END = 0x06054b50,
	SIGN_END64 = 0x06064b50,
	SIGN_LOCATOR = 0x07064b50,

	VERSION = 20,
	VERSION64 = 45,
	MADE_BY_UNIX = 3 << 8,
	NAMES_ARE_UTF8 = 1 << 11,
	DEFLATED = 8,
	DATE_1980 = 1 << 5 | 1, /* the first that there is */
	EXTRA64 = 1,
	END64_SIZE = 44, /* of what follows in it */
	COUNT_MAX = 0xffff,
};
#define MAX32 UINT64_C(0xffffffff)

static void add_le(struct strbuf *sb, uint64_t n, int bytes)
{
	unsigned char text[8];

	put_le(text, n, bytes);
	strbuf_add(sb, text, (size_t)bytes);
}

bool zip_is_large(uint64_t size)
{
	/* what cannot be compressed grows by less than a thousandth */
	return size + size / 1000 + 65536 >= MAX32;
}

/* From the version that is needed to the sizes. */
static void add_common(struct strbuf *sb, const struct zip_member *m, bool is_large, bool says_64)
{
	add_le(sb, is_large ? VERSION64 : VERSION, 2);
	add_le(sb, NAMES_ARE_UTF8, 2);
	add_le(sb, DEFLATED, 2);
	add_le(sb, 0, 2); /* midnight */
	add_le(sb, DATE_1980, 2);
	add_le(sb, m->crc, 4);
	add_le(sb, says_64 ? MAX32 : m->packed, 4);
	add_le(sb, says_64 ? MAX32 : m->size, 4);
	add_le(sb, strlen(m->name), 2);
}

void zip_add_header(struct strbuf *sb, const struct zip_member *m)
{
	add_le(sb, SIGN_HEADER, 4);
	add_common(sb, m, m->is_large, m->is_large);
	add_le(sb, m->is_large ? 4 + 16 : 0, 2);
	strbuf_addstr(sb, m->name);
	if (!m->is_large)
		return;
	add_le(sb, EXTRA64, 2);
	add_le(sb, 16, 2);
	add_le(sb, m->size, 8);
	add_le(sb, m->packed, 8);
}

void zip_add_directory_entry(struct strbuf *sb, const struct zip_member *m)
{
	const bool is_far = m->offset >= MAX32;
	const unsigned extra = (m->is_large ? 16 : 0) + (is_far ? 8 : 0);

	add_le(sb, SIGN_ENTRY, 4);
	add_le(sb, MADE_BY_UNIX | VERSION64, 2);
	add_common(sb, m, m->is_large || is_far, m->is_large);
	add_le(sb, extra ? 4 + extra : 0, 2);
	add_le(sb, 0, 2); /* no comment */
	add_le(sb, 0, 2); /* first disk */
	add_le(sb, 0, 2); /* not known to be text */
	add_le(sb, (uint64_t)(S_IFREG | m->mode) << 16, 4);
	add_le(sb, is_far ? MAX32 : m->offset, 4);
	strbuf_addstr(sb, m->name);
	if (!extra)
		return;
	add_le(sb, EXTRA64, 2);
	add_le(sb, extra, 2);
	if (m->is_large) {
		add_le(sb, m->size, 8);
		add_le(sb, m->packed, 8);
	}
	if (is_far)
		add_le(sb, m->offset, 8);
}

static void add_end64(struct strbuf *sb, uint64_t count, uint64_t offset, uint64_t size)
{
	add_le(sb, SIGN_END64, 4);
	add_le(sb, END64_SIZE, 8);
	add_le(sb, MADE_BY_UNIX | VERSION64, 2);
	add_le(sb, VERSION64, 2);
	add_le(sb, 0, 4); /* this disk */
	add_le(sb, 0, 4); /* the directory's */
	add_le(sb, count, 8);
	add_le(sb, count, 8);
	add_le(sb, size, 8);
	add_le(sb, offset, 8);

	add_le(sb, SIGN_LOCATOR, 4);
	add_le(sb, 0, 4);
	add_le(sb, offset + size, 8);
	add_le(sb, 1, 4); /* disks */
}

void zip_add_end(struct strbuf *sb, uint64_t count, uint64_t offset, uint64_t size)
{
	if (count >= COUNT_MAX || offset >= MAX32 || size >= MAX32)
		add_end64(sb, count, offset, size);
	add_le(sb, SIGN_END, 4);
	add_le(sb, 0, 2);
	add_le(sb, 0, 2);
	add_le(sb, MIN(count, (uint64_t)COUNT_MAX), 2);
	add_le(sb, MIN(count, (uint64_t)COUNT_MAX), 2);
	add_le(sb, MIN(size, MAX32), 4);
	add_le(sb, MIN(offset, MAX32), 4);
	add_le(sb, 0, 2); /* no comment */
}
