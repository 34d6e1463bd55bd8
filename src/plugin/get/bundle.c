/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/bundle.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/archive.h"
#include "os/fd.h"
#include "os/fs.h"
#include "plugin/binary.h"
#include "plugin/get/place.h"
#include "plugin/get/platform.h"
#include "plugin/get/unzip.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIECE = 256 * 1024,
	PARTS_MIN = 4, /* HOST/NAMESPACE/NAME/FILE */
	PARTS_MAX = 17,
	FILE_MODE = 0644,
	BINARY_MODE = 0755,
};
#define BYTES_MAX (INT64_C(32) << 30) /* of all files together */
#define INDEX     "index.json"

/* ---- names --------------------------------------------------------------------------------- */

bool bundle_name_is_valid(const char *file)
{
	return text_ends_with(file, ".tar.zst") || text_ends_with(file, ".tar.gz") ||
	       text_ends_with(file, ".tgz");
}

/* HOST/NAMESPACE/NAME/packer-plugin-… or index.json, and nothing else. */
static bool is_of_layout(const char *name)
{
	size_t parts = 0;

	if (*name == '/' || text_ends_with(name, "/"))
		return false;
	for (struct str rest = str_of(name), part; rest.len; parts++) {
		part = str_split(rest, '/', &rest);
		if (!part.len || *part.p == '.')
			return false;
	}
	return parts >= PARTS_MIN && parts <= PARTS_MAX &&
	       (text_eq(path_basename(name), INDEX) ||
		text_starts_with(path_basename(name), PLUGIN_FILE_PREFIX));
}

static bool is_sum(const char *name)
{
	return text_ends_with(name, PLUGIN_SUM_SUFFIX);
}

/* ---- writing ------------------------------------------------------------------------------- */

struct packing {
	const struct archive_library *lib;
	struct archive *a;
	const char *file;
	struct cancel *cancel;
};

static void auto_packing(struct packing *p)
{
	if (p->a)
		(void)p->lib->write_free(p->a);
}

static int packing_failed(struct packing *p, struct error **err)
{
	const char *why = p->lib->error_string(p->a);

	return error_set(err, ERROR_IO, "cannot write '%s': %s", p->file, why ? why : "failed");
}

static int add_content(struct packing *p, int fd, const char *path, int64_t size,
		       struct error **err)
{
	AUTO_FREE char *piece = xmalloc(PIECE);

	while (size > 0) {
		ssize_t n;

		if (cancel_check(p->cancel, err) < 0)
			return -1;
		n = fd_read(fd, piece, (size_t)MIN(size, (int64_t)PIECE));
		if (n < 0)
			return error_set_errno(err, errno, "cannot read '%s'", path);
		if (n == 0)
			return error_set(err, ERROR_IO, "'%s' became shorter", path);
		if (p->lib->write_data(p->a, piece, (size_t)n) != n)
			return packing_failed(p, err);
		size -= n;
	}
	return 0;
}

/* Owner, group and times are left out: the same plugins give the same archive. */
static int add_file(struct packing *p, const char *path, const char *name, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct archive_entry *entry;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	entry = p->lib->entry_new();
	p->lib->entry_set_pathname(entry, name);
	p->lib->entry_set_size(entry, st.st_size);
	p->lib->entry_set_filetype(entry, AE_IFREG);
	p->lib->entry_set_perm(entry, st.st_mode & 0100 ? BINARY_MODE : FILE_MODE);
	p->lib->entry_set_uid(entry, 0);
	p->lib->entry_set_gid(entry, 0);
	p->lib->entry_set_mtime(entry, 0, 0);
	r = p->lib->write_header(p->a, entry);
	p->lib->entry_free(entry);
	if (r != ARCHIVE_OK)
		return packing_failed(p, err);
	return add_content(p, fd, path, st.st_size, err);
}

static int open_packing(struct packing *p, int fd, struct error **err)
{
	int r;

	p->a = p->lib->write_new();
	if (text_ends_with(p->file, ".zst")) {
		r = p->lib->write_add_filter_zstd(p->a);
	} else {
		r = p->lib->write_add_filter_gzip(p->a);
		if (r == ARCHIVE_OK)
			r = p->lib->write_set_filter_option(p->a, "gzip", "timestamp", NULL);
	}
	if (r != ARCHIVE_OK || p->lib->write_set_format_gnutar(p->a) != ARCHIVE_OK ||
	    p->lib->write_open_fd(p->a, fd) != ARCHIVE_OK)
		return packing_failed(p, err);
	return 0;
}

static int pack(struct packing *p, const char *tree, int fd, struct error **err)
{
	AUTO(strv) struct strv files = STRV_INIT;

	if (fs_walk_files(tree, &files, err) < 0 || open_packing(p, fd, err) < 0)
		return -1;
	for (size_t i = 0; i < files.len; i++)
		if (add_file(p, files.v[i], files.v[i] + strlen(tree) + 1, err) < 0)
			return -1;
	if (p->lib->write_close(p->a) != ARCHIVE_OK)
		return packing_failed(p, err);
	if (fchmod(fd, FILE_MODE) < 0 || fsync(fd) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", p->file);
	return 0;
}

int bundle_write(const char *tree, const char *file, struct cancel *c, struct error **err)
{
	AUTO_FREE char *dir = path_dirname(file), *temp = NULL;
	AUTO_CLOSE int fd = -1;
	AUTO(error) struct error *e = NULL;
	int r;

	if (fs_temp_file(dir, ".ingot-vendor-", "", &temp, &fd, err) < 0)
		return -1;

	AUTO(packing) struct packing p = { .file = file, .cancel = c };

	p.lib = archive_library_load(err);
	r = p.lib ? pack(&p, tree, fd, err) : -1;
	if (r == 0)
		r = fs_rename(temp, file, err);
	if (r < 0 && fs_remove(temp, &e) < 0)
		error_ignore(&e, "the first failure counts");
	return r;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct unpacking {
	const struct archive_library *lib;
	struct archive *a;
	const char *file, *to;
	struct cancel *cancel;
	int64_t bytes; /* written so far */
};

static void auto_unpacking(struct unpacking *u)
{
	if (u->a)
		(void)u->lib->read_free(u->a);
}

static int unpacking_failed(struct unpacking *u, struct error **err)
{
	const char *why = u->lib->error_string(u->a);

	return error_set(err, ERROR_INVALID, "'%s' is damaged: %s", u->file,
			 why ? why : "unreadable");
}

static int write_content(struct unpacking *u, const char *path, int fd, struct error **err)
{
	for (;;) {
		const void *block;
		size_t len;
		la_int64_t at;
		int r;

		if (cancel_check(u->cancel, err) < 0)
			return -1;
		r = u->lib->read_data_block(u->a, &block, &len, &at);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return unpacking_failed(u, err);
		u->bytes += (int64_t)len;
		if (at < 0 || at > UNZIP_BYTES_MAX || (int64_t)len > UNZIP_BYTES_MAX - at ||
		    u->bytes > BYTES_MAX)
			return error_set(err, ERROR_INVALID, "'%s' has more in it than plugins",
					 u->file);
		if (fd_write_at(fd, block, len, at) < 0)
			return error_set_errno(err, errno, "cannot write '%s'", path);
	}
}

static int unpack_entry(struct unpacking *u, struct archive_entry *entry, struct error **err)
{
	const char *name = u->lib->entry_pathname(entry);

	if (name && text_starts_with(name, "./"))
		name += 2;
	if (u->lib->entry_filetype(entry) == AE_IFDIR)
		return 0;
	if (!name || !is_of_layout(name) || u->lib->entry_filetype(entry) != AE_IFREG ||
	    u->lib->entry_hardlink(entry))
		return error_set(err, ERROR_INVALID,
				 "'%s' is no archive of plugins: there is '%s' in it", u->file,
				 name ? name : "?");

	AUTO_FREE char *path = path_join(u->to, name), *dir = path_dirname(path);

	if (fs_mkdir_all(dir, 0777, err) < 0)
		return -1;

	AUTO_CLOSE int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

	if (fd < 0 && errno == EEXIST)
		return error_set(err, ERROR_INVALID, "'%s' has '%s' more than once", u->file, name);
	if (fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", path);
	return write_content(u, path, fd, err);
}

int bundle_read(const char *file, const char *to, struct cancel *c, struct error **err)
{
	AUTO(unpacking) struct unpacking u = { .file = file, .to = to, .cancel = c };
	int64_t size;

	/* A file that is not there has a better message than the library's. */
	u.lib = archive_library_load(err);
	if (!u.lib || fs_size(file, &size, err) < 0)
		return -1;
	u.a = u.lib->read_new();
	if (u.lib->read_support_format_tar(u.a) != ARCHIVE_OK ||
	    u.lib->read_support_filter_gzip(u.a) != ARCHIVE_OK ||
	    u.lib->read_support_filter_zstd(u.a) < ARCHIVE_WARN ||
	    u.lib->read_open_filename(u.a, file, PIECE) != ARCHIVE_OK)
		return unpacking_failed(&u, err);
	for (int n = 0;; n++) {
		struct archive_entry *entry;
		int r = u.lib->read_next_header(u.a, &entry);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return unpacking_failed(&u, err);
		if (n >= BUNDLE_ENTRIES_MAX)
			return error_set(err, ERROR_INVALID, "'%s' has more than %d entries", file,
					 BUNDLE_ENTRIES_MAX);
		if (cancel_check(c, err) < 0 || unpack_entry(&u, entry, err) < 0)
			return -1;
	}
}

/* ---- what is in a tree ---------------------------------------------------------------------- */

int bundle_sources(const char *tree, const char *platform, struct strv *ret, struct error **err)
{
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO_FREE char *end = xasprintf("_%s%s", platform ? platform : "",
					platform_suffix(platform ? platform : ""));

	if (fs_walk_files(tree, &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.len; i++) {
		const char *name = files.v[i] + strlen(tree) + 1;
		AUTO_FREE char *source = path_dirname(name);

		if (is_of_layout(name) && !is_sum(name) && !text_eq(path_basename(name), INDEX) &&
		    (!platform || text_ends_with(name, end)) && !strv_contains(ret, source))
			strv_push(ret, source);
	}
	strv_sort(ret);
	return 0;
}

/* The versions of the binaries in a folder, as the releases host lists them. */
static char *make_index(const struct strv *names)
{
	json_t *versions = json_object(), *index = json_pack("{s:o}", "versions", versions);
	char *text;

	for (size_t i = 0; i < names->len; i++) {
		const char *begin = strstr(names->v[i], "_v");
		struct str rest;
		AUTO_FREE char *version =
			begin ? str_dup(str_split(str_of(begin + 2), '_', &rest)) : NULL;

		if (version && !is_sum(names->v[i]))
			json_object_set_new(versions, version,
					    json_pack("{s:s}", "version", version));
	}
	text = json_dumps(index, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(index);
	return text;
}

int bundle_index(const char *tree, struct error **err)
{
	AUTO(strv) struct strv sources = STRV_INIT;

	if (bundle_sources(tree, NULL, &sources, err) < 0)
		return -1;
	for (size_t i = 0; i < sources.len; i++) {
		AUTO_FREE char *folder = path_join(tree, sources.v[i]);
		AUTO_FREE char *path = path_join(folder, INDEX);
		AUTO(strv) struct strv names = STRV_INIT;
		AUTO_FREE char *text = NULL;

		if (fs_list(folder, &names, err) < 0)
			return -1;
		text = make_index(&names);
		if (fs_write(path, text, strlen(text), FILE_MODE, err) < 0)
			return -1;
	}
	return 0;
}
