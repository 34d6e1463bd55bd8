/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/path.h"
#include "cache/parcel.h"
#include "cache/store_internal.h"
#include "os/archive.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/qcow2.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1024 * 1024 };

struct parcel {
	const struct archive_library *lib;
	struct archive *a;
	const char *path; /* for messages: the final one */
	struct cancel *cancel;
};

static void auto_parcel(struct parcel *p)
{
	if (p->a)
		(void)p->lib->write_free(p->a);
}

static int fail(struct parcel *p, struct error **err)
{
	int number = p->lib->errno_(p->a);
	const char *why = p->lib->error_string(p->a);

	if (number == ENOSPC)
		return error_set_errno(err, number, "cannot write '%s'", p->path);
	return error_set(err, ERROR_IO, "cannot write '%s': %s", p->path,
			 why ? why : "unknown error");
}

static int open_parcel(struct parcel *p, int fd, struct error **err)
{
	p->a = p->lib->write_new();
	/* a library without zstd would start a program, which may not be there either */
	if (p->lib->write_add_filter_zstd(p->a) != ARCHIVE_OK) {
		(void)p->lib->write_free(p->a);
		p->a = p->lib->write_new();
		if (p->lib->write_add_filter_gzip(p->a) != ARCHIVE_OK)
			return fail(p, err);
	}
	if (p->lib->write_set_format_gnutar(p->a) != ARCHIVE_OK ||
	    p->lib->write_open_fd(p->a, fd) != ARCHIVE_OK)
		return fail(p, err);
	return 0;
}

static int begin_file(struct parcel *p, const char *folder, const char *name, int64_t size,
		      struct error **err)
{
	AUTO_FREE char *path = xasprintf("%s%s", folder, name);
	struct archive_entry *entry = p->lib->entry_new();
	int ok;

	p->lib->entry_set_pathname(entry, path);
	p->lib->entry_set_size(entry, size);
	p->lib->entry_set_filetype(entry, AE_IFREG);
	p->lib->entry_set_perm(entry, 0600);
	p->lib->entry_set_uid(entry, 0);
	p->lib->entry_set_gid(entry, 0);
	p->lib->entry_set_mtime(entry, 0, 0);
	ok = p->lib->write_header(p->a, entry);
	p->lib->entry_free(entry);
	return ok == ARCHIVE_OK ? 0 : fail(p, err);
}

static int add_file(struct parcel *p, const char *folder, const char *name, int fd, int64_t size,
		    struct error **err)
{
	AUTO_FREE char *buf = xmalloc(CHUNK);

	if (begin_file(p, folder, name, size, err) < 0)
		return -1;
	for (int64_t at = 0; at < size;) {
		ssize_t n;

		if (cancel_check(p->cancel, err) < 0)
			return -1;
		n = fd_read_at(fd, buf, (size_t)MIN(size - at, (int64_t)CHUNK), at);
		if (n < 0)
			return error_set_errno(err, errno, "cannot read '%s'", name);
		if (n == 0)
			return error_set(err, ERROR_IO, "'%s' became shorter while it was read",
					 name);
		if (p->lib->write_data(p->a, buf, (size_t)n) < 0)
			return fail(p, err);
		at += n;
	}
	return 0;
}

static int add_manifest(struct parcel *p, const json_t *manifest, struct error **err)
{
	AUTO_FREE char *text = json_dumps(manifest, JSON_INDENT(1));
	size_t len = strlen(text);

	if (begin_file(p, "", "manifest.json", (int64_t)len, err) < 0)
		return -1;
	return p->lib->write_data(p->a, text, len) < 0 ? fail(p, err) : 0;
}

/* What layers/base-KEY leads to, wherever that is. */
static int open_base(struct store *s, const char *name, int *ret_fd, struct stat *st,
		     struct error **err)
{
	AUTO_CLOSE int fd = openat(s->folders[IN_LAYERS], name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *below = NULL;

	if (fd < 0 || fstat(fd, st) < 0) {
		store_fail(err, errno, "open", s, IN_LAYERS, name);
		return error_hint(err,
				  "with -without-base it is left out; the other host must have it");
	}
	below = qcow2_backing(fd);
	if (S_ISREG(st->st_mode) && !below) {
		*ret_fd = fd_take(&fd);
		return 0;
	}
	error_set(err, ERROR_INVALID, "the base disk '%s' %s%s", name,
		  below ? "stands on another one: " : "is no file", below ? below : "");
	return error_hint(err, "with -without-base it is left out; the other host must have it");
}

static int add_entry(struct parcel *p, struct store *s, const struct store_entry *e,
		     struct error **err)
{
	for (size_t i = 0; i < e->layers.len; i++) {
		struct stat st;

		if (fstat(e->layer_fds[i], &st) < 0)
			return store_fail(err, errno, "examine", s, IN_LAYERS, e->layers.v[i]);
		if (add_file(p, "layers/", e->layers.v[i], e->layer_fds[i], st.st_size, err) < 0)
			return -1;
	}

	const json_t *files = json_object_get(e->meta, "files");

	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *f = json_array_get(files, i);
		const char *name = json_string_value(json_object_get(f, "name"));
		AUTO_CLOSE int fd = openat(e->lock_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return error_set_errno(err, errno, "cannot open '%s/%s'", e->dir, name);
		if (add_file(p, "files/", name, fd, json_integer_value(json_object_get(f, "size")),
			     err) < 0)
			return -1;
	}
	return 0;
}

static int write_parcel(struct parcel *p, struct store *s, const struct store_entry *e,
			bool with_base, struct error **err)
{
	json_t *manifest = json_pack("{s:i, s:O}", "format", 1, "entry", e->meta);
	const char *base = json_string_value(json_object_get(e->meta, "base"));
	AUTO_CLOSE int base_fd = -1;
	AUTO_FREE char *sha256 = NULL;
	struct stat st = { 0 };
	int r = 0;

	if (base && with_base) {
		r = open_base(s, base, &base_fd, &st, err);
		if (r == 0)
			r = check_digest(base_fd, base, p->cancel, &sha256, err);
		if (r == 0)
			json_object_set_new(manifest, "base",
					    json_pack("{s:s, s:I, s:s}", "name", base, "size",
						      (json_int_t)st.st_size, "sha256", sha256));
	}
	if (r == 0)
		r = add_manifest(p, manifest, err);
	if (r == 0 && base_fd >= 0)
		r = add_file(p, "base/", base, base_fd, st.st_size, err);
	json_decref(manifest);
	if (r < 0 || add_entry(p, s, e, err) < 0)
		return -1;
	return p->lib->write_close(p->a) == ARCHIVE_OK ? 0 : fail(p, err);
}

/* Notes on what others keep mean nothing on another host. */
bool parcel_may_hold(const struct entry_files *layers)
{
	for (size_t i = 0; i < layers->len; i++)
		if (store_is_away(layers->items[i].name))
			return false;
	return layers->len > 0;
}

static int check_layers(const struct store_entry *e, struct error **err)
{
	AUTO(entry_files) struct entry_files layers = { 0 };

	if (entry_files_parse(json_object_get(e->meta, "layers"), ENTRY_LAYERS, &layers, err) < 0)
		return -1;
	if (parcel_may_hold(&layers))
		return 0;
	error_set(err, ERROR_INVALID,
		  "it is an image that a container engine keeps, and not in the store");
	return error_hint(err, "the image that a build makes can be carried: docker-save, or "
			       "docker-push");
}

int store_export(struct store *s, const struct store_entry *e, bool with_base, const char *path,
		 struct cancel *c, struct error **err)
{
	AUTO(parcel) struct parcel p = { .path = path, .cancel = c };
	AUTO_FREE char *dir = path_dirname(path), *temp = NULL;
	AUTO_CLOSE int fd = -1;

	if (check_layers(e, err) < 0)
		return -1;
	p.lib = archive_library_load(err);
	if (!p.lib || fs_temp_file(dir, ".ingot-", ".tmp", &temp, &fd, err) < 0)
		return -1;
	if (open_parcel(&p, fd, err) == 0 && write_parcel(&p, s, e, with_base, err) == 0 &&
	    fs_rename(temp, path, err) == 0)
		return 0;
	(void)unlink(temp);
	return -1;
}
