/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as a zip with a plugin, and as an archive of plugins. Whatever
 * it says, only the one file is written, or files inside the one folder.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "os/fs.h"
#include "plugin/get/bundle.h"
#include "plugin/get/unzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "packer-plugin-x_v1.0.0_x5.0_linux_amd64"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL, *a = NULL, *b = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_FREE char *dir = NULL;

	if (fs_temp_dir("/tmp", "fuzz-zip-", &dir, &err) < 0)
		abort();

	AUTO_FREE char *file = path_join(dir, "in"), *to = path_join(dir, "out"),
		       *tree = path_join(dir, "tree");

	if (fs_write(file, data, size, 0600, &err) < 0 || fs_mkdir(tree, 0700, &err) < 0)
		abort();
	/* A file that is there is whole. */
	if (unzip_entry(file, NAME, to, NULL, &a) < 0 && fs_exists(to))
		abort();
	if (bundle_read(file, tree, NULL, &b) < 0)
		error_ignore(&b, "that is fine");
	if (fs_list(dir, &names, &err) < 0)
		abort();
	for (size_t i = 0; i < names.len; i++)
		if (strcmp(names.v[i], "in") && strcmp(names.v[i], "out") &&
		    strcmp(names.v[i], "tree"))
			abort();
	if (fs_remove_tree(dir, &err) < 0)
		abort();
	return 0;
}
