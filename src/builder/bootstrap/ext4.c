/* SPDX-License-Identifier: Apache-2.0 */
/* Names of fields and their places: the kernel's Documentation/filesystems/ext4. */
#include "builder/bootstrap/ext4.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "os/fd.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
	SUPER_AT = 1024,
	SUPER_SIZE = 1024,
	S_INODES_COUNT = 0x0,
	S_BLOCKS_COUNT = 0x4,
	S_FIRST_DATA_BLOCK = 0x14,
	S_LOG_BLOCK_SIZE = 0x18,
	S_BLOCKS_PER_GROUP = 0x20,
	S_INODES_PER_GROUP = 0x28,
	S_MAGIC = 0x38,
	S_INODE_SIZE = 0x58,
	S_FEATURE_INCOMPAT = 0x60,
	S_FEATURE_RO_COMPAT = 0x64,
	S_UUID = 0x68,
	S_DESC_SIZE = 0xfe,
	S_CHECKSUM_SEED = 0x270,
	MAGIC = 0xef53,
	INCOMPAT_META_BG = 0x10,
	INCOMPAT_64BIT = 0x80,
	INCOMPAT_CSUM_SEED = 0x2000,
	RO_COMPAT_METADATA_CSUM = 0x400,

	BG_INODE_BITMAP = 0x4,
	BG_INODE_TABLE = 0x8,
	BG_FLAGS = 0x12,
	BG_INODE_TABLE_HI = 0x28,
	BG_INODE_BITMAP_HI = 0x24,
	BG_INODE_UNINIT = 1,
	OLD_DESC_SIZE = 32,

	I_ATIME = 0x8,
	I_CTIME = 0xc,
	I_MTIME = 0x10,
	I_GENERATION = 0x64,
	I_CHECKSUM = 0x7c,
	I_EXTRA_ISIZE = 0x80,
	I_CHECKSUM_HI = 0x82,
	I_CTIME_EXTRA = 0x84,
	I_MTIME_EXTRA = 0x88,
	I_ATIME_EXTRA = 0x8c,
	I_CRTIME = 0x90,
	I_CRTIME_EXTRA = 0x94,
	OLD_INODE_SIZE = 128,
	EXTRA_TO_CRTIME = 24,

	BLOCK_MAX = 65536,
};

struct ext4 {
	int fd;
	int64_t offset;
	uint32_t block, per_group, groups, inode_size, desc_size, first_block;
	uint32_t seed;
	bool checksums;
	int64_t epoch, count;
};

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (; len--; p++) {
		crc ^= *p;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return crc;
}

static uint32_t get32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t get16(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static void put32(unsigned char *p, uint32_t n)
{
	put_le(p, n, 4);
}

static int read_at(const struct ext4 *fs, void *buf, size_t len, int64_t at, struct error **err)
{
	ssize_t n = fd_read_at(fs->fd, buf, len, fs->offset + at);

	if (n < 0)
		return error_set_errno(err, errno, "cannot read the file system");
	if ((size_t)n < len)
		return error_set(err, ERROR_IO, "the file system ends too early");
	return 0;
}

static int write_at(const struct ext4 *fs, const void *buf, size_t len, int64_t at,
		    struct error **err)
{
	if (fd_write_at(fs->fd, buf, len, fs->offset + at) < 0)
		return error_set_errno(err, errno, "cannot write the file system");
	return 0;
}

static int open_super(struct ext4 *fs, struct error **err)
{
	unsigned char s[SUPER_SIZE];

	if (read_at(fs, s, sizeof(s), SUPER_AT, err) < 0)
		return -1;

	uint32_t incompat = get32(s + S_FEATURE_INCOMPAT), log = get32(s + S_LOG_BLOCK_SIZE);
	uint32_t inodes = get32(s + S_INODES_COUNT);

	fs->per_group = get32(s + S_INODES_PER_GROUP);
	fs->inode_size = get16(s + S_INODE_SIZE);
	fs->first_block = get32(s + S_FIRST_DATA_BLOCK);
	fs->desc_size = incompat & INCOMPAT_64BIT ? get16(s + S_DESC_SIZE) : OLD_DESC_SIZE;
	if (get16(s + S_MAGIC) != MAGIC || log > 6 || incompat & INCOMPAT_META_BG ||
	    !fs->per_group || fs->inode_size < OLD_INODE_SIZE || fs->desc_size < OLD_DESC_SIZE)
		return error_set(err, ERROR_INVALID, "the file system is not the ext4 we made");
	fs->block = 1024u << log;
	if (fs->inode_size > fs->block || fs->desc_size > fs->block ||
	    fs->per_group % (fs->block / fs->inode_size) || fs->per_group > fs->block * 8)
		return error_set(err, ERROR_INVALID, "the file system is not the ext4 we made");
	fs->groups = inodes / fs->per_group;
	fs->checksums = get32(s + S_FEATURE_RO_COMPAT) & RO_COMPAT_METADATA_CSUM;
	fs->seed = incompat & INCOMPAT_CSUM_SEED ? get32(s + S_CHECKSUM_SEED)
						 : crc32c(~0u, s + S_UUID, 16);
	return 0;
}

static uint32_t inode_checksum(const struct ext4 *fs, uint32_t nr, const unsigned char *inode)
{
	unsigned char number[4];
	uint32_t crc;

	put32(number, nr);
	crc = crc32c(fs->seed, number, sizeof(number));
	crc = crc32c(crc, inode + I_GENERATION, 4);
	return crc32c(crc, inode, fs->inode_size);
}

static void settle(const struct ext4 *fs, uint32_t nr, unsigned char *inode)
{
	bool large = fs->inode_size > OLD_INODE_SIZE;
	uint32_t extra = large ? get16(inode + I_EXTRA_ISIZE) : 0;
	uint32_t mtime = get32(inode + I_MTIME);

	/* all times of ours fit 31 bits; beyond that (and before 1970) is clamped too */
	if (mtime > (uint64_t)fs->epoch)
		mtime = (uint32_t)fs->epoch;
	put32(inode + I_MTIME, mtime);
	put32(inode + I_ATIME, mtime);
	put32(inode + I_CTIME, mtime);
	if (extra >= EXTRA_TO_CRTIME) {
		put32(inode + I_MTIME_EXTRA, 0);
		put32(inode + I_ATIME_EXTRA, 0);
		put32(inode + I_CTIME_EXTRA, 0);
		put32(inode + I_CRTIME, mtime);
		put32(inode + I_CRTIME_EXTRA, 0);
	}
	if (!fs->checksums)
		return;
	memset(inode + I_CHECKSUM, 0, 2);
	if (extra >= 4)
		memset(inode + I_CHECKSUM_HI, 0, 2);

	uint32_t crc = inode_checksum(fs, nr, inode);

	inode[I_CHECKSUM] = (unsigned char)crc;
	inode[I_CHECKSUM + 1] = (unsigned char)(crc >> 8);
	if (extra >= 4) {
		inode[I_CHECKSUM_HI] = (unsigned char)(crc >> 16);
		inode[I_CHECKSUM_HI + 1] = (unsigned char)(crc >> 24);
	}
}

/* One block of a group's inode table; `first` counts from 0 in the group. */
static int settle_block(struct ext4 *fs, uint32_t group, uint32_t first, int64_t at,
			const unsigned char *bitmap, struct error **err)
{
	unsigned char buf[BLOCK_MAX];
	uint32_t n = fs->block / fs->inode_size, used = 0;

	for (uint32_t i = first; i < first + n; i++)
		used += bitmap[i / 8] >> i % 8 & 1;
	if (!used)
		return 0;
	if (read_at(fs, buf, fs->block, at, err) < 0)
		return -1;
	for (uint32_t i = first; i < first + n; i++)
		if (bitmap[i / 8] >> i % 8 & 1)
			settle(fs, group * fs->per_group + i + 1,
			       buf + (size_t)(i - first) * fs->inode_size);
	fs->count += used;
	return write_at(fs, buf, fs->block, at, err);
}

static int settle_group(struct ext4 *fs, uint32_t group, struct error **err)
{
	unsigned char desc[64] = { 0 }, bitmap[BLOCK_MAX];
	int64_t table = (int64_t)(fs->first_block + 1) * fs->block, bits;
	uint32_t per_block = fs->block / fs->inode_size;

	if (read_at(fs, desc, MIN(fs->desc_size, sizeof(desc)),
		    table + (int64_t)group * fs->desc_size, err) < 0)
		return -1;
	if (get16(desc + BG_FLAGS) & BG_INODE_UNINIT)
		return 0;
	bits = get32(desc + BG_INODE_BITMAP) | (int64_t)get32(desc + BG_INODE_BITMAP_HI) << 32;
	table = get32(desc + BG_INODE_TABLE) | (int64_t)get32(desc + BG_INODE_TABLE_HI) << 32;
	if (read_at(fs, bitmap, fs->block, bits * fs->block, err) < 0)
		return -1;
	for (uint32_t i = 0; i < fs->per_group; i += per_block)
		if (settle_block(fs, group, i, (table + i / per_block) * fs->block, bitmap, err) <
		    0)
			return -1;
	return 0;
}

int ext4_settle_times(int fd, int64_t offset, int64_t epoch, struct cancel *c, int64_t *ret_count,
		      struct error **err)
{
	struct ext4 fs = { .fd = fd, .offset = offset, .epoch = epoch };

	if (open_super(&fs, err) < 0)
		return -1;
	for (uint32_t group = 0; group < fs.groups; group++)
		if (cancel_check(c, err) < 0 || settle_group(&fs, group, err) < 0)
			return -1;
	*ret_count = fs.count;
	return 0;
}
