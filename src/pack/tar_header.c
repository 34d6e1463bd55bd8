/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/tar_header.h"

#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Places of the fields. */
enum {
	AT_NAME = 0,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_MTIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_LINK = 157,
	AT_MAGIC = 257,
	AT_PREFIX = 345,
	NAME_LEN = 100,
	SHORT_LEN = 8,
	LONG_LEN = 12,
	SUM_LEN = 8,
	PREFIX_LEN = 155,
};

void tar_number(unsigned char *at, size_t len, int64_t n)
{
	int64_t limit = INT64_C(1) << (3 * (len - 1));

	if (n >= 0 && n < limit) {
		for (size_t i = len - 1; i-- > 0; n >>= 3)
			at[i] = (unsigned char)('0' + (n & 7));
		return;
	}
	for (size_t i = len; i-- > 0; n >>= 8)
		at[i] = (unsigned char)(n & 0xff);
	at[0] |= 0x80;
}

static unsigned sum_of(const unsigned char *block)
{
	unsigned sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= AT_SUM && i < AT_SUM + SUM_LEN ? ' ' : block[i];
	return sum;
}

void tar_seal(unsigned char block[TAR_BLOCK])
{
	tar_number(block + AT_SUM, SUM_LEN - 1, sum_of(block));
	block[AT_SUM + SUM_LEN - 1] = ' ';
}

static void fill(unsigned char *block, const char *name, const struct tar_fields *f)
{
	memset(block, 0, TAR_BLOCK);
	memcpy(block + AT_NAME, name, strnlen(name, NAME_LEN));
	tar_number(block + AT_MODE, SHORT_LEN, f->mode);
	tar_number(block + AT_UID, SHORT_LEN, f->uid);
	tar_number(block + AT_GID, SHORT_LEN, f->gid);
	tar_number(block + AT_SIZE, LONG_LEN, f->size);
	tar_number(block + AT_MTIME, LONG_LEN, f->mtime);
	block[AT_TYPE] = (unsigned char)f->type;
}

static void add_block(struct strbuf *sb, const char *name, const char *link,
		      const struct tar_fields *f)
{
	unsigned char block[TAR_BLOCK];

	fill(block, name, f);
	if (link)
		memcpy(block + AT_LINK, link, strnlen(link, NAME_LEN));
	memcpy(block + AT_MAGIC, "ustar  ", 8);
	tar_seal(block);
	strbuf_add(sb, block, sizeof(block));
}

static void add_long(struct strbuf *sb, char type, const char *text)
{
	size_t len = strlen(text) + 1, over = len % TAR_BLOCK;
	const struct tar_fields f = { .type = type, .size = (int64_t)len };

	add_block(sb, "././@LongLink", NULL, &f);
	strbuf_add(sb, text, len);
	if (over)
		strbuf_addchars(sb, '\0', TAR_BLOCK - over);
}

void tar_add_header(struct strbuf *sb, const char *name, const char *link,
		    const struct tar_fields *f)
{
	if (strlen(name) > NAME_LEN)
		add_long(sb, TAR_LONG_NAME, name);
	if (link && strlen(link) > NAME_LEN)
		add_long(sb, TAR_LONG_LINK, link);
	add_block(sb, name, link, f);
}

void tar_ustar_header(unsigned char block[TAR_BLOCK], const char *name, uint64_t size)
{
	const struct tar_fields f = { .type = TAR_FILE, .mode = 0644, .size = (int64_t)size };

	assert(strlen(name) <= TAR_NAME_MAX);
	fill(block, name, &f);
	memcpy(block + AT_MAGIC, "ustar\00000", 8);
	tar_seal(block);
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool get_number(const unsigned char *at, size_t len, int64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	if (at[0] & 0x80) {
		if (at[0] & 0x40) /* negative */
			return false;
		n = at[0] & 0x3f;
		for (i = 1; i < len; i++) {
			if (n >> 55)
				return false;
			n = n << 8 | at[i];
		}
		*ret = (int64_t)n;
		return true;
	}
	while (i < len && at[i] == ' ')
		i++;
	for (; i < len && at[i] >= '0' && at[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(at[i] - '0');
	*ret = (int64_t)n;
	return i == len || !at[i] || at[i] == ' ';
}

static void get_text(const unsigned char *at, size_t len, char *ret)
{
	size_t n = strnlen((const char *)at, len);

	memcpy(ret, at, n);
	ret[n] = '\0';
}

static void get_name(const unsigned char *block, char *ret, size_t room)
{
	char name[NAME_LEN + 1], prefix[PREFIX_LEN + 1] = "";

	get_text(block + AT_NAME, NAME_LEN, name);
	if (!memcmp(block + AT_MAGIC, "ustar", 6))
		get_text(block + AT_PREFIX, PREFIX_LEN, prefix);
	(void)snprintf(ret, room, "%s%s%s", prefix, *prefix ? "/" : "", name);
}

static bool is_zero(const unsigned char *block)
{
	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

bool tar_parse_header(const unsigned char block[TAR_BLOCK], struct tar_block *ret, bool *ret_end)
{
	int64_t mode, uid, gid, sum;
	struct tar_fields *f = &ret->fields;

	*ret_end = is_zero(block);
	if (*ret_end || memcmp(block + AT_MAGIC, "ustar", 5) != 0)
		return false;
	if (!get_number(block + AT_SUM, SUM_LEN, &sum) || sum != sum_of(block) ||
	    !get_number(block + AT_MODE, SHORT_LEN, &mode) ||
	    !get_number(block + AT_UID, SHORT_LEN, &uid) ||
	    !get_number(block + AT_GID, SHORT_LEN, &gid) ||
	    !get_number(block + AT_SIZE, LONG_LEN, &f->size) ||
	    !get_number(block + AT_MTIME, LONG_LEN, &f->mtime))
		return false;
	f->type = (char)(block[AT_TYPE] ? block[AT_TYPE] : TAR_FILE);
	f->mode = (uint32_t)mode & 07777;
	f->uid = (uint32_t)uid;
	f->gid = (uint32_t)gid;
	get_name(block, ret->name, sizeof(ret->name));
	get_text(block + AT_LINK, NAME_LEN, ret->link);
	return true;
}
