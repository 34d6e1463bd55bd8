/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of a tar archive: headers of 512 bytes, as GNU tar writes them or as POSIX has it.
 * Pure. */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	TAR_BLOCK = 512,
	TAR_NAME_MAX = 99, /* of tar_ustar_header() */
	TAR_FILE = '0',
	TAR_HARDLINK = '1',
	TAR_SYMLINK = '2',
	TAR_DIR = '5',
	TAR_PAX = 'x',        /* fields of the next entry */
	TAR_PAX_GLOBAL = 'g', /* of all */
	TAR_LONG_NAME = 'L',  /* GNU's way for names, … */
	TAR_LONG_LINK = 'K',  /* … and for where links lead */
};

struct tar_fields {
	char type;
	uint32_t mode, uid, gid;
	int64_t size, mtime;
};

/* Header of an entry, and those before it that carry names which do not fit. */
void tar_add_header(struct strbuf *sb, const char *name, const char *link,
		    const struct tar_fields *f);

/* A regular file in the form "ustar", of nobody in particular and no time: same content, same
 * bytes. `name` has at most TAR_NAME_MAX bytes. */
void tar_ustar_header(unsigned char block[TAR_BLOCK], const char *name, uint64_t size);
/* Octal; a number that does not fit in base 256, as GNU tar began it. */
void tar_number(unsigned char *at, size_t len, int64_t n);
/* The check sum, once everything else is there. */
void tar_seal(unsigned char block[TAR_BLOCK]);

struct tar_block {
	struct tar_fields fields;
	char name[256 + 1]; /* with the prefix of POSIX archives */
	char link[100 + 1];
};
/* False: that is no header. A block of zeros ends an archive: *ret_end, no header. */
bool tar_parse_header(const unsigned char block[TAR_BLOCK], struct tar_block *ret, bool *ret_end);
