/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/image.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/path.h"
#include "os/fd.h"
#include "os/qcow2.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HEAD_SIZE = 512,
	DEPTH_MAX = 16, /* of images that stand on each other */
	/* a qcow2 header: version 3 has features */
	QCOW2_VERSION = 4,
	QCOW2_CRYPT = 32,
	QCOW2_FEATURES = 72,
	FEATURE_CORRUPT = 1 << 1,
	FEATURE_EXTERNAL_DATA = 1 << 2,
};

STRING_TABLE(disk_kind, DISK_KIND_COUNT, "raw", "qcow2");

const char *disk_kind_name(enum disk_kind kind)
{
	return disk_kind_names[kind];
}

void disk_image_release(struct disk_image *image)
{
	free(image->options);
	*image = (struct disk_image){ 0 };
}

/* What begins like this is a disk, too, but none that a builder of ours makes. */
static const char *foreign_format(const unsigned char *head)
{
	static const struct {
		size_t at;
		const char *magic, *name;
	} formats[] = {
		{ 0, "KDMV", "VMDK" },
		{ 0, "COWD", "VMDK" },
		{ 0, "# Disk Desc", "VMDK" },
		{ 0, "conectix", "VHD" },
		{ 0, "vhdxfile", "VHDX" },
		{ 64, "\x7f\x10\xda\xbe", "VDI" },
		{ 0, "QED", "QED" },
		{ 0, "LUKS\xba\xbe", "LUKS" },
		{ 0, "\x1f\x8b", "gzip" },
		{ 0, "\x28\xb5\x2f\xfd", "zstd" },
		{ 0,
		  "\xfd"
		  "7zXZ",
		  "xz" },
	};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (!memcmp(head + formats[i].at, formats[i].magic, strlen(formats[i].magic)))
			return formats[i].name;
	return NULL;
}

static int check_qcow2(const unsigned char *head, const char *path, struct error **err)
{
	uint32_t version = (uint32_t)get_be(head + QCOW2_VERSION, 4);
	uint32_t features = version >= 3 ? (uint32_t)get_be(head + QCOW2_FEATURES + 4, 4) : 0;

	if (version < 2 || version > 3)
		return error_set(err, ERROR_INVALID,
				 "'%s' is a qcow file of version %u, which is not supported", path,
				 version);
	if ((uint32_t)get_be(head + QCOW2_CRYPT, 4))
		return error_set(err, ERROR_INVALID, "'%s' is encrypted", path);
	if (features & FEATURE_EXTERNAL_DATA)
		return error_set(err, ERROR_INVALID, "'%s' has its content in another file", path);
	if (features & FEATURE_CORRUPT) {
		error_set(err, ERROR_INVALID, "'%s' is marked as corrupt", path);
		return error_hint(err, "`qemu-img check` tells what is wrong with it");
	}
	return 0;
}

static int look_at_head(int fd, const char *path, enum disk_kind *ret, struct error **err)
{
	unsigned char head[HEAD_SIZE] = { 0 };
	struct stat st;

	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		return error_set(err, ERROR_INVALID, "'%s' is not a file", path);

	ssize_t n = fd_read_at(fd, head, sizeof(head), 0);

	if (n < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	if (n == 0)
		return error_set(err, ERROR_INVALID, "'%s' is empty", path);
	if (foreign_format(head))
		return error_set(err, ERROR_INVALID,
				 "'%s' is in the format %s: only qcow2 and raw disks are read",
				 path, foreign_format(head));
	if (memcmp(head, QCOW2_MAGIC, 4) != 0) {
		*ret = DISK_RAW;
		return 0;
	}
	*ret = DISK_QCOW2;
	return check_qcow2(head, path, err);
}

int disk_kind_of(const char *path, enum disk_kind *ret, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	return look_at_head(fd, path, ret, err);
}

static bool is_known(const struct strv *known, const char *path)
{
	for (size_t i = 0; i < known->len; i++)
		if (!strcmp(known->v[i], path))
			return true;
	return false;
}

static json_t *options_of(const char *path, const struct strv *known, int depth,
			  enum disk_kind *ret, struct error **err);

static json_t *backing_options(int fd, const char *path, const struct strv *known, int depth,
			       struct error **err)
{
	AUTO_FREE char *name = qcow2_backing(fd);
	AUTO_FREE char *dir = path_dirname(path);
	AUTO_FREE char *below = name ? path_absolute(dir, name) : NULL;
	enum disk_kind kind;

	if (!name)
		return json_null();
	if (!is_known(known, below)) {
		error_set(err, ERROR_INVALID,
			  "'%s' is not whole: it stands on '%s', which is no part of the artifact",
			  path, name);
		error_hint(err,
			   "build it without use_backing_file, or `qemu-img rebase -b \"\"` it");
		return NULL;
	}
	if (depth == DEPTH_MAX) {
		error_set(err, ERROR_INVALID, "'%s' stands on too many images", path);
		return NULL;
	}
	return options_of(below, known, depth + 1, &kind, err);
}

/* The driver of each layer is named, and so is what is below it, also that there is nothing. */
static json_t *options_of(const char *path, const struct strv *known, int depth,
			  enum disk_kind *ret, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		error_set_errno(err, errno, "cannot read '%s'", path);
		return NULL;
	}
	if (look_at_head(fd, path, ret, err) < 0)
		return NULL;

	json_t *below = *ret == DISK_QCOW2 ? backing_options(fd, path, known, depth, err) : NULL;

	if (*ret == DISK_QCOW2 && !below)
		return NULL;

	json_t *options = json_object();
	json_t *file = json_object();

	json_object_set_new(file, "driver", json_string("file"));
	json_object_set_new(file, "filename", json_string_nocheck(path));
	json_object_set_new(options, "driver", json_string(disk_kind_name(*ret)));
	json_object_set_new(options, "file", file);
	if (below)
		json_object_set_new(options, "backing", below);
	return options;
}

int disk_image_look(const char *path, const struct strv *known, struct disk_image *ret,
		    struct error **err)
{
	enum disk_kind kind;
	json_t *options = options_of(path, known, 0, &kind, err);

	if (!options)
		return -1;
	*ret = (struct disk_image){ kind, json_dumps(options, JSON_COMPACT) };
	json_decref(options);
	return ret->options ? 0 : error_set(err, ERROR_INVALID, "the name '%s' is not UTF-8", path);
}
