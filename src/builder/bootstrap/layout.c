/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/layout.h"

#include "base/alloc.h"
#include "base/bytes.h"

#include <string.h>

#define MIB (INT64_C(1) << 20)

/* Types of partitions (UEFI specification 5.3.3, grub's manual for BIOS boot). */
#define TYPE_BIOS_BOOT "21686148-6449-6E6F-744E-656564454649"
#define TYPE_ESP       "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"

enum {
	BIOS_MIB = 1,
	ESP_MIB = 64, /* more than the 65525 clusters of 512 bytes that make a FAT32 */

	/* grub's include/grub/i386/pc/boot.h */
	BOOT_BPB_START = 0x3,
	BOOT_BPB_END = 0x5a,
	BOOT_KERNEL_SECTOR = 0x5c,
	BOOT_DRIVE_CHECK = 0x66,
	BOOT_CODE_END = 0x1b8, /* the disk signature and the partition table follow */
	BLOCKLIST_START = 0x1f4,
	BLOCKLIST_LEN = 0x1fc,
	BLOCKLIST_SEGMENT = 0x1fe,
	CORE_SEGMENT = 0x820,
	OPCODE_NOP = 0x90,
};

/* Names this program's identifiers among all UUIDs of version 5. */
static const unsigned char uuid_namespace[16] = {
	0x6d, 0x1c, 0x2f, 0x0a, 0x3b, 0x57, 0x4e, 0x0f,
	0x9a, 0x61, 0x51, 0x8e, 0xd4, 0x7c, 0x20, 0xb3,
};

void layout_plan(struct layout *l, int64_t disk, bool bios, bool uefi)
{
	int64_t at = MIB;

	*l = (struct layout){ .disk = disk };
	if (bios) {
		l->bios = (struct extent){ at, BIOS_MIB * MIB };
		at += l->bios.len;
	}
	if (uefi) {
		l->esp = (struct extent){ at, ESP_MIB * MIB };
		at += l->esp.len;
	}
	/* the last MiB holds the second partition table */
	l->root = (struct extent){ at, (disk / MIB - 1) * MIB - at };
}

static void make_id(char out[UUID_TEXT], const char *seed, const char *what)
{
	AUTO_FREE char *name = xasprintf("%s/%s", what, seed);

	uuid_v5(uuid_namespace, name, out);
}

void disk_ids_make(struct disk_ids *ids, const char *seed)
{
	char fat[UUID_TEXT];

	make_id(ids->disk, seed, "disk");
	make_id(ids->bios, seed, "partition/bios");
	make_id(ids->esp, seed, "partition/esp");
	make_id(ids->root, seed, "partition/root");
	make_id(ids->filesystem, seed, "filesystem/root");
	make_id(ids->hash_seed, seed, "filesystem/root/hash");
	make_id(fat, seed, "filesystem/esp");
	memcpy(ids->fat, fat, 8);
	ids->fat[8] = '\0';
}

static void add_partition(struct strbuf *ret, int nr, const struct extent *e, const char *type,
			  const char *id, const char *name)
{
	if (e->len)
		strbuf_addf(ret, "%d : start=%lld, size=%lld, type=%s, uuid=%s, name=%s\n", nr,
			    (long long)(e->start / SECTOR), (long long)(e->len / SECTOR), type, id,
			    name);
}

void layout_script(const struct layout *l, const struct disk_ids *ids, const char *root_type,
		   struct strbuf *ret)
{
	strbuf_addf(ret, "label: gpt\nlabel-id: %s\nunit: sectors\nfirst-lba: 34\n", ids->disk);
	add_partition(ret, LAYOUT_ROOT_NR, &l->root, root_type, ids->root, "root");
	add_partition(ret, LAYOUT_BIOS_NR, &l->bios, TYPE_BIOS_BOOT, ids->bios, "bios");
	add_partition(ret, LAYOUT_ESP_NR, &l->esp, TYPE_ESP, ids->esp, "esp");
}

int boot_sector_patch(unsigned char sector[SECTOR], const void *boot_img, size_t len,
		      int64_t core_sector, struct error **err)
{
	unsigned char code[SECTOR];

	if (len != SECTOR)
		return error_set(err, ERROR_INVALID, "grub's boot.img has %zu bytes, not %d", len,
				 SECTOR);
	memcpy(code, boot_img, SECTOR);
	memcpy(code + BOOT_BPB_START, sector + BOOT_BPB_START, BOOT_BPB_END - BOOT_BPB_START);
	put_le(code + BOOT_KERNEL_SECTOR, (uint64_t)core_sector, 8);
	/* a jump over the check of the drive number: hard disks need the check, for firmware
	 * that passes a wrong one */
	memset(code + BOOT_DRIVE_CHECK, OPCODE_NOP, 2);
	memcpy(sector, code, BOOT_CODE_END);
	return 0;
}

int core_image_patch(unsigned char *core, size_t len, int64_t core_sector, struct error **err)
{
	size_t sectors = len / SECTOR;

	if (len % SECTOR || sectors < 2 || sectors > BIOS_MIB * MIB / SECTOR)
		return error_set(err, ERROR_INVALID,
				 "grub's core image has %zu bytes, which its partition cannot hold",
				 len);
	put_le(core + BLOCKLIST_START, (uint64_t)core_sector + 1, 8);
	put_le(core + BLOCKLIST_LEN, sectors - 1, 2);
	put_le(core + BLOCKLIST_SEGMENT, CORE_SEGMENT, 2);
	return 0;
}
