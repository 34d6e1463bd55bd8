/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as the meta.json of a kept step. What is accepted has only names that stay in
 * their folders, each once, and sizes and digests that can be right.
 */
#include "base/str.h"
#include "cache/store_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_files(const struct entry_files *files)
{
	for (size_t i = 0; i < files->len; i++) {
		const struct entry_file *f = &files->items[i];

		require(!strchr(f->name, '/') && f->name[0] != '.' && *f->name);
		require(entry_files_find(files, f->name) == f);
		require(f->size >= 0 && strlen(f->sha256) == 64);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(entry_meta) struct entry_meta meta = { 0 };
	AUTO(error) struct error *err = NULL;

	if (entry_meta_parse((const char *)data, size, &meta, &err) < 0) {
		require(err->kind == ERROR_INVALID);
		error_ignore(&err, "anything may come");
		return 0;
	}
	require(!strchr(meta.key, '/') && (!meta.parent || !strchr(meta.parent, '/')));
	require(!meta.base || (text_starts_with(meta.base, "base-") && !strchr(meta.base, '/')));
	check_files(&meta.layers);
	check_files(&meta.files);
	return 0;
}
