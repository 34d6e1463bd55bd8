/* SPDX-License-Identifier: Apache-2.0 */
#include "os/archive.h"

#include "os/library.h"

#include <pthread.h>
#include <stdbool.h>

/* clang-format off */
#define SYMBOL(name) { "archive_" #name, offsetof(struct archive_library, name) }
static const struct library_symbol symbols[] = {
	{ "archive_errno", offsetof(struct archive_library, errno_) },
	SYMBOL(error_string), SYMBOL(entry_new), SYMBOL(entry_free), SYMBOL(entry_filetype),
	SYMBOL(entry_hardlink), SYMBOL(entry_pathname), SYMBOL(entry_size),
	SYMBOL(entry_set_filetype), SYMBOL(entry_set_gid), SYMBOL(entry_set_mtime),
	SYMBOL(entry_set_pathname), SYMBOL(entry_set_perm), SYMBOL(entry_set_size),
	SYMBOL(entry_set_uid), SYMBOL(read_new), SYMBOL(read_free), SYMBOL(read_data_block),
	SYMBOL(read_next_header), SYMBOL(read_open_filename), SYMBOL(read_support_filter_all),
	SYMBOL(read_support_filter_gzip), SYMBOL(read_support_filter_zstd),
	SYMBOL(read_support_format_raw), SYMBOL(read_support_format_tar),
	SYMBOL(read_support_format_zip), SYMBOL(write_new), SYMBOL(write_free), SYMBOL(write_close),
	SYMBOL(write_data), SYMBOL(write_header), SYMBOL(write_open), SYMBOL(write_open_fd),
	SYMBOL(write_open_filename), SYMBOL(write_add_filter_zstd),
	SYMBOL(write_set_bytes_in_last_block),
	SYMBOL(write_add_filter_bzip2), SYMBOL(write_add_filter_gzip),
	SYMBOL(write_add_filter_lz4), SYMBOL(write_add_filter_none), SYMBOL(write_add_filter_xz),
	SYMBOL(write_set_filter_option), SYMBOL(write_set_format_gnutar),
	SYMBOL(write_set_format_iso9660), SYMBOL(write_set_format_option),
	SYMBOL(write_set_format_raw), SYMBOL(write_set_format_zip),
};
/* clang-format on */

static const struct library_spec spec = {
	.soname = "libarchive.so.13",
	.package = "libarchive13",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the two below */
static struct archive_library library;
static bool loaded;

const struct archive_library *archive_library_load(struct error **err)
{
	pthread_mutex_lock(&mutex);
	if (!loaded)
		loaded = library_load(&spec, &library, err) == 0;
	pthread_mutex_unlock(&mutex);
	return loaded ? &library : NULL;
}
