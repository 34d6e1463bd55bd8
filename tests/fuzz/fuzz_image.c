/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as two disks, `a` and `b`, that may stand on each other. QEMU
 * is told of no other file, and nothing is left for it to guess.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "disk/image.h"
#include "os/fs.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 160 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_layer(const json_t *o, const struct strv *known)
{
	const char *driver = json_string_value(json_object_get(o, "driver"));
	const json_t *file = json_object_get(o, "file"), *below = json_object_get(o, "backing");

	require(text_eq(driver, "qcow2") ? below != NULL : text_eq(driver, "raw") && !below);
	require(text_eq(json_string_value(json_object_get(file, "driver")), "file"));
	require(strv_contains(known, json_string_value(json_object_get(file, "filename"))));
	if (below && !json_is_null(below))
		check_layer(below, known);
}

static void look(const char *path, const struct strv *known)
{
	AUTO(disk_image) struct disk_image image = { 0 };
	AUTO(error) struct error *err = NULL, *e = NULL;
	enum disk_kind kind;

	if (disk_image_look(path, known, &image, &err) < 0) {
		require(err->kind == ERROR_INVALID && !image.options);
		return;
	}
	require(disk_kind_of(path, &kind, &e) == 0 && kind == image.kind);

	json_t *options = json_loads(image.options, 0, NULL);

	check_layer(options, known);
	json_decref(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv known = STRV_INIT;
	AUTO_FREE char *dir = NULL;
	size_t first = MIN(size, (size_t)FIRST_SIZE);

	require(fs_temp_dir("/tmp", "fuzz-image-", &dir, &err) == 0);
	strv_push_take(&known, path_join(dir, "a"));
	strv_push_take(&known, path_join(dir, "b"));
	require(fs_write(known.v[0], data, first, 0600, &err) == 0);
	require(fs_write(known.v[1], data + first, size - first, 0600, &err) == 0);
	look(known.v[0], &known);
	look(known.v[1], &known);
	require(fs_remove_tree(dir, &err) == 0);
	return 0;
}
