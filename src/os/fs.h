/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file system seam: reading, atomic writing, copying, removing, temporary
 * places. Errors name the path. Files are made 0666 & ~umask unless said.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { FS_READ_MAX = 64 * 1024 * 1024 };

enum fs_kind { FS_ABSENT, FS_FILE, FS_DIR, FS_OTHER };
/* Follows symlinks. ABSENT for ENOENT/ENOTDIR; other failures too are errors. */
MUST_CHECK int fs_stat_kind(const char *path, enum fs_kind *ret, struct error **err);
/* Why a file cannot be had, in the words that messages about templates have always had. */
const char *fs_reason(int error_number);
bool fs_exists(const char *path);
bool fs_is_link(const char *path); /* a symbolic one, wherever it leads */
/* A text that differs once the file was written to or replaced (device, inode, size, times); heap. It says
 * nothing about writes within the clock's grain of the look. */
MUST_CHECK int fs_identity(const char *path, char **ret, struct error **err);
struct stat;
char *fs_identity_of(const struct stat *st); /* the same of one that was looked at; heap */
MUST_CHECK int fs_size(const char *path, int64_t *ret, struct error **err);

MUST_CHECK int fs_read(const char *path, size_t max, struct strbuf *ret, struct error **err);
/* Beside the final name, fsync'ed, then renamed: a reader sees the old or the new. A file that was
 * there keeps its owner and mode, and must be writable; a device or a pipe is written to. */
MUST_CHECK int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
			       struct error **err);
MUST_CHECK int fs_write(const char *path, const void *data, size_t len, mode_t mode,
			struct error **err);
/* Writes everything to an open file; `path` is for the message. */
MUST_CHECK int fs_write_all(int fd, const void *data, size_t len, const char *path,
			    struct error **err);
/* One new directory; its parent must exist and it must not. */
MUST_CHECK int fs_mkdir(const char *path, mode_t mode, struct error **err);
MUST_CHECK int fs_mkdir_all(const char *path, mode_t mode, struct error **err);
MUST_CHECK int fs_remove(const char *path, struct error **err); /* absent is fine */
MUST_CHECK int fs_remove_tree(const char *path,
			      struct error **err); /* absent is fine; never follows links */
/* Removes the files of a directory that were written before `before` (wall, ns), then the oldest until
 * there are at most `max`. Names that begin with a dot are of files being made: they go by age only. An
 * absent directory is fine. */
MUST_CHECK int fs_prune(const char *dir, int64_t before, size_t max, int *ret_removed,
			struct error **err);
MUST_CHECK int fs_rename(const char *from, const char *to, struct error **err);

struct cancel;
typedef void (*fs_progress_fn)(void *data, int64_t done, int64_t total);
/* Reflink if possible, else a copy that keeps holes; cancellable. */
MUST_CHECK int fs_copy(const char *from, const char *to, mode_t mode, fs_progress_fn progress,
		       void *data, struct cancel *c, struct error **err);

/* Names in a directory, sorted bytewise, without "." and "..". */
MUST_CHECK int fs_list(const char *dir, struct strv *ret, struct error **err);
/* Regular files below dir (not following links), paths start with dir; sorted. */
MUST_CHECK int fs_walk_files(const char *dir, struct strv *ret, struct error **err);

char *fs_cwd(void); /* heap */
/* Expands a leading ~ or ~/ with `home` (NULL: fails). */
MUST_CHECK int fs_expand_home(const char *path, const char *home, char **ret, struct error **err);
/* A fresh directory (0700) or file (0600, open fd) below dir. */
MUST_CHECK int fs_temp_dir(const char *dir, const char *prefix, char **ret_path,
			   struct error **err);
MUST_CHECK int fs_temp_file(const char *dir, const char *prefix, const char *suffix,
			    char **ret_path, int *ret_fd, struct error **err);
/* Lower-case hex digest of a file. */
MUST_CHECK int fs_digest(const char *path, enum digest_type type, struct cancel *c, char **ret_hex,
			 struct error **err);
/* Bytes free for us on the file system that holds `path` (or its nearest existing parent). */
MUST_CHECK int fs_free_space(const char *path, int64_t *ret, struct error **err);
/* How large that file system is. */
MUST_CHECK int fs_total_space(const char *path, int64_t *ret, struct error **err);
