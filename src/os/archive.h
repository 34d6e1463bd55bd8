/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive, loaded when the first archive is read or written (os/library.h).
 * The functions keep their names without the prefix: a->write_new().
 */
#pragma once

#include "base/error.h"

#include <archive.h>
#include <archive_entry.h>

struct archive_library {
	__typeof__(archive_errno) *errno_;
	__typeof__(archive_error_string) *error_string;
	__typeof__(archive_entry_new) *entry_new;
	__typeof__(archive_entry_free) *entry_free;
	__typeof__(archive_entry_filetype) *entry_filetype;
	__typeof__(archive_entry_hardlink) *entry_hardlink;
	__typeof__(archive_entry_pathname) *entry_pathname;
	__typeof__(archive_entry_size) *entry_size;
	__typeof__(archive_entry_set_filetype) *entry_set_filetype;
	__typeof__(archive_entry_set_gid) *entry_set_gid;
	__typeof__(archive_entry_set_mtime) *entry_set_mtime;
	__typeof__(archive_entry_set_pathname) *entry_set_pathname;
	__typeof__(archive_entry_set_perm) *entry_set_perm;
	__typeof__(archive_entry_set_size) *entry_set_size;
	__typeof__(archive_entry_set_uid) *entry_set_uid;
	__typeof__(archive_read_new) *read_new;
	__typeof__(archive_read_free) *read_free;
	__typeof__(archive_read_data_block) *read_data_block;
	__typeof__(archive_read_next_header) *read_next_header;
	__typeof__(archive_read_open_filename) *read_open_filename;
	__typeof__(archive_read_support_filter_all) *read_support_filter_all;
	__typeof__(archive_read_support_filter_gzip) *read_support_filter_gzip;
	__typeof__(archive_read_support_filter_zstd) *read_support_filter_zstd;
	__typeof__(archive_read_support_format_raw) *read_support_format_raw;
	__typeof__(archive_read_support_format_tar) *read_support_format_tar;
	__typeof__(archive_read_support_format_zip) *read_support_format_zip;
	__typeof__(archive_write_new) *write_new;
	__typeof__(archive_write_free) *write_free;
	__typeof__(archive_write_close) *write_close;
	__typeof__(archive_write_data) *write_data;
	__typeof__(archive_write_header) *write_header;
	__typeof__(archive_write_open) *write_open;
	__typeof__(archive_write_open_fd) *write_open_fd;
	__typeof__(archive_write_open_filename) *write_open_filename;
	__typeof__(archive_write_add_filter_bzip2) *write_add_filter_bzip2;
	__typeof__(archive_write_add_filter_gzip) *write_add_filter_gzip;
	__typeof__(archive_write_add_filter_lz4) *write_add_filter_lz4;
	__typeof__(archive_write_add_filter_none) *write_add_filter_none;
	__typeof__(archive_write_add_filter_xz) *write_add_filter_xz;
	__typeof__(archive_write_add_filter_zstd) *write_add_filter_zstd;
	__typeof__(archive_write_set_bytes_in_last_block) *write_set_bytes_in_last_block;
	__typeof__(archive_write_set_filter_option) *write_set_filter_option;
	__typeof__(archive_write_set_format_gnutar) *write_set_format_gnutar;
	__typeof__(archive_write_set_format_iso9660) *write_set_format_iso9660;
	__typeof__(archive_write_set_format_option) *write_set_format_option;
	__typeof__(archive_write_set_format_raw) *write_set_format_raw;
	__typeof__(archive_write_set_format_zip) *write_set_format_zip;
};

/* Thread-safe; NULL with a hint when the library is not there. */
const struct archive_library *archive_library_load(struct error **err);
