/* SPDX-License-Identifier: Apache-2.0 */
/* The command lines of a cast. Pure, so that golden files can show them. */
#pragma once

#include "base/strv.h"
#include "builder/bootstrap/config.h"
#include "builder/bootstrap/layout.h"

/* Places of one cast; absolute paths. */
struct cast_paths {
	const char *stage; /* stage.h */
	const char *tree;  /* the image's files */
	const char *disk;  /* the raw disk */
	bool as_root;
};

void argv_mmdebstrap(const struct bootstrap *b, const struct cast_paths *p, struct strv *ret);
void argv_mke2fs(const struct bootstrap *b, const struct cast_paths *p, const struct layout *l,
		 const struct disk_ids *ids, struct strv *ret);
void argv_sfdisk(const struct cast_paths *p, struct strv *ret);
void argv_mkfs_vfat(const struct cast_paths *p, const struct layout *l, const struct disk_ids *ids,
		    struct strv *ret);
void argv_mmd(const struct cast_paths *p, const struct layout *l, struct strv *ret);
void argv_mcopy(const struct bootstrap *b, const struct cast_paths *p, const struct layout *l,
		const char *file, struct strv *ret);
void argv_grub_mkimage(const struct bootstrap *b, const struct cast_paths *p, bool uefi,
		       const char *out, struct strv *ret);
void argv_qemu_img(const struct bootstrap *b, const char *from, const char *to, struct strv *ret);
void argv_remove_tree(const struct cast_paths *p, struct strv *ret);
