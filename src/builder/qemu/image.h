/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disk images through qemu-img: what an image is, new ones, growing, and the
 * standalone copy at the end. A full disk is recognised and said as such.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"
#include "core/event.h"
#include "core/journal.h"
#include "os/cancel.h"
#include "schema/schema.h"

#include <stdbool.h>
#include <stdint.h>

/* What every call needs. */
struct image_ctx {
	struct journal *journal;
	struct cancel *cancel;
	struct ui *ui; /* progress of long work; NULL: none */
	char *const *environ;
	const char *cwd;
};

struct image_info {
	char *format; /* "qcow2", "raw", "vmdk", … */
	int64_t virtual_size;
	bool has_backing; /* stands on another file */
	bool is_plain; /* a sound qcow2 of disk content alone: no backing, encryption, snapshots, … */
};
void image_info_release(struct image_info *info);
static inline void auto_image_info(struct image_info *info)
{
	image_info_release(info);
}

/* Looks at the content, whatever the name says. */
MUST_CHECK int image_probe(const struct image_ctx *x, const char *path, struct image_info *ret,
			   struct error **err);

/* "40960M", "1.5"… as validated: digits and one of b k m g t; -1 when not a size. */
int64_t image_size_parse(const char *text);

struct image_create {
	const char *path, *format;
	const char *size; /* NULL: that of the backing image */
	/* NULL: none; `backing` is absolute, or the name of a file beside `path` */
	const char *backing, *backing_format;
	const struct text_list *extra; /* NULL: none */
	bool unchecked;                /* the backing image is being written to: not opened */
};
MUST_CHECK int image_create(const struct image_ctx *x, const struct image_create *what,
			    struct error **err);

struct image_resize {
	const char *path, *format, *size;
	const struct text_list *extra;
};
MUST_CHECK int image_resize(const struct image_ctx *x, const struct image_resize *what,
			    struct error **err);

struct image_convert {
	const char *from, *from_format; /* NULL format: probed by qemu-img */
	const char *to, *to_format;
	bool compress;
	/* Below it is a server: QEMU's HTTP driver can hang when asked for several parts at once. */
	bool is_remote;
	const struct text_list *extra;
	const char *label; /* of the progress events */
};
MUST_CHECK int image_convert(const struct image_ctx *x, const struct image_convert *what,
			     struct error **err);

/* An overlay and the plain image below it become one standalone image at `to`: a copy of the
 * base (shared blocks where the file system can) into which only the changes are written. */
struct image_merge {
	const char *overlay; /* is rebased onto `to` meanwhile: of no use afterwards */
	const char *base, *to;
};
MUST_CHECK int image_merge(const struct image_ctx *x, const struct image_merge *what,
			   struct error **err);
MUST_CHECK int image_copy_base(const struct image_ctx *x, const char *base, const char *to,
			       struct error **err);

/* Writes what the layers hold, which stand on a file of the content of `to`, into that. The layers
 * stay as they are, but for the last one, which is opened for writing. */
struct image_chain {
	const struct strv *layers; /* absolute paths of qcow2 files, lowest first */
	const char *to;            /* absolute */
};
MUST_CHECK int image_write_chain(const struct image_ctx *x, const struct image_chain *what,
				 struct error **err);
