/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything lies on the disk, and the two boot sectors of the BIOS way
 * in. Pure: numbers and bytes, no files.
 *
 *   sector 0          boot.img of grub, and the protective MBR
 *   1 .. 33           GPT
 *   1 MiB             1 MiB, "bios": grub's core image     (only with BIOS)
 *   2 MiB             64 MiB, "esp": FAT32                 (only with UEFI)
 *   66 MiB .. end     "root": ext4, last so that it can grow
 *
 * Root is partition 1 in spite of its place; 14 and 15 are the other two: a
 * machine finds its root under the same name whatever firmware it has.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"
#include "os/random.h"

#include <stdbool.h>
#include <stdint.h>

enum { SECTOR = 512, LAYOUT_ROOT_NR = 1, LAYOUT_BIOS_NR = 14, LAYOUT_ESP_NR = 15 };
#define LAYOUT_DISK_MIN (INT64_C(512) << 20)

struct extent {
	int64_t start, len; /* bytes; len 0: absent */
};

struct layout {
	int64_t disk;
	struct extent bios, esp, root;
};

/* Every identifier of the disk, made from one seed. */
struct disk_ids {
	char disk[UUID_TEXT], bios[UUID_TEXT], esp[UUID_TEXT], root[UUID_TEXT];
	char filesystem[UUID_TEXT]; /* of the root file system */
	char hash_seed[UUID_TEXT];  /* of its directories */
	char fat[9];                /* the ESP's volume id, 8 hex digits */
};

void layout_plan(struct layout *l, int64_t disk, bool bios, bool uefi);
void disk_ids_make(struct disk_ids *ids, const char *seed);
/* Input of sfdisk(8). */
void layout_script(const struct layout *l, const struct disk_ids *ids, const char *root_type,
		   struct strbuf *ret);

/* Puts grub's boot.img into the first sector of a disk, which keeps its partition table.
 * `core_sector`: where the core image starts. */
MUST_CHECK int boot_sector_patch(unsigned char sector[SECTOR], const void *boot_img, size_t len,
				 int64_t core_sector, struct error **err);
/* Writes into the core image's first sector where its rest lies. `core` is whole sectors. */
MUST_CHECK int core_image_patch(unsigned char *core, size_t len, int64_t core_sector,
				struct error **err);
