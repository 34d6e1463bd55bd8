/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parcel comes from anywhere. Its manifest comes first and says what follows; what it does not
 * say is refused before a byte of it is written, names are ones of the store, and everything lies
 * in staging/ until all digests are right.
 */
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/map.h"
#include "base/str.h"
#include "cache/parcel.h"
#include "cache/store_internal.h"
#include "os/archive.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
	READ_BYTES = 256 * 1024,
	PIECE = 64 * 1024, /* zeroes of this much become a hole */
};
#define FILE_MAX (INT64_C(1) << 44) /* 16 TiB */

struct import {
	struct store *s;
	struct cancel *cancel;
	const char *path;
	const struct archive_library *lib;
	struct archive *a;
	struct entry_meta meta;
	struct entry_file base; /* name NULL: not in it */
	struct map seen;        /* paths in the archive */
	int64_t written;        /* holes not counted */
	struct store_stage files, layers;
	int *layer_fds; /* as in meta.layers; locked from the beginning */
	int base_fd;
};

static void auto_import(struct import *m)
{
	if (m->a)
		(void)m->lib->read_free(m->a);
	for (size_t i = 0; m->layer_fds && i < m->meta.layers.len; i++)
		fd_close(m->layer_fds[i]);
	free(m->layer_fds);
	fd_close(m->base_fd);
	store_discard(&m->files);
	store_discard(&m->layers);
	map_release(&m->seen);
	free(m->base.name);
	free(m->base.sha256);
	entry_meta_release(&m->meta);
}

PRINTF(2, 3) static int refuse(struct error **err, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&why, fmt, ap);
	va_end(ap);
	return error_set(err, ERROR_INVALID, "%s", why.buf);
}

static int fail(struct import *m, struct error **err)
{
	const char *why = m->lib->error_string(m->a);

	return refuse(err, "%s", why ? why : "it is damaged");
}

/* ---- entries of the archive -------------------------------------------------------------- */

/* 1: at one, 0: the end. */
static int next(struct import *m, struct archive_entry **ret, const char **ret_path,
		int64_t *ret_size, struct error **err)
{
	static char there;
	int r = m->lib->read_next_header(m->a, ret);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_WARN)
		return fail(m, err);
	*ret_path = m->lib->entry_pathname(*ret);
	*ret_size = m->lib->entry_size(*ret);
	if (!*ret_path || strlen(*ret_path) > 2 * NAME_LENGTH_MAX)
		return refuse(err, "a file in it has no name, or a long one");
	if (m->lib->entry_filetype(*ret) != AE_IFREG || m->lib->entry_hardlink(*ret))
		return refuse(err, "'%s' in it is no file", *ret_path);
	if (map_has(&m->seen, *ret_path))
		return refuse(err, "'%s' is in it twice", *ret_path);
	map_set(&m->seen, *ret_path, &there);
	return 1;
}

static int write_sparse(struct import *m, int fd, const char *p, size_t len, int64_t at,
			struct error **err)
{
	while (len) {
		size_t n = MIN(len, (size_t)PIECE);

		if (!is_zeros(p, n)) {
			m->written += (int64_t)n;
			if (m->written > m->s->max)
				return refuse(err, "it needs more room than the store may take");
			if (fd_write_at(fd, p, n, at) < 0)
				return error_set_errno(err, errno, "cannot write to '%s'",
						       m->s->dir);
		}
		p += n;
		at += (int64_t)n;
		len -= n;
	}
	return 0;
}

/* The content, which must have the size that was announced, into an empty file; then its digest. */
static int extract(struct import *m, int fd, const struct entry_file *f, struct error **err)
{
	AUTO_FREE char *sha256 = NULL;
	int64_t end = 0;

	for (;;) {
		const void *data;
		size_t len;
		la_int64_t at;
		int r;

		if (cancel_check(m->cancel, err) < 0)
			return -1;
		r = m->lib->read_data_block(m->a, &data, &len, &at);
		if (r == ARCHIVE_EOF)
			break;
		if (r < ARCHIVE_WARN)
			return fail(m, err);
		if (at < end || at > f->size || (int64_t)len > f->size - at)
			return refuse(err, "'%s' is larger than it says", f->name);
		if (write_sparse(m, fd, data, len, at, err) < 0)
			return -1;
		end = at + (int64_t)len;
	}
	if (ftruncate(fd, f->size) < 0)
		return error_set_errno(err, errno, "cannot write to '%s'", m->s->dir);
	if (check_digest(fd, f->name, m->cancel, &sha256, err) < 0)
		return -1;
	return strcmp(sha256, f->sha256) == 0
		       ? 0
		       : refuse(err, "'%s' has not the content that it says", f->name);
}

/* ---- the manifest ------------------------------------------------------------------------ */

static int read_text(struct import *m, int64_t size, struct strbuf *text, struct error **err)
{
	if (size < 0 || size > META_MAX)
		return refuse(err, "its manifest is too large");
	while (!text->overflow) {
		const void *data;
		size_t len;
		la_int64_t at;
		int r = m->lib->read_data_block(m->a, &data, &len, &at);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_WARN)
			return fail(m, err);
		if (at != (la_int64_t)text->len)
			break;
		strbuf_add(text, data, len);
	}
	return refuse(err, "its manifest is too large");
}

/* Checked as any meta.json, by way of its text. */
static int read_manifest_text(struct import *m, const struct strbuf *text, struct error **err)
{
	json_t *manifest = json_loadb(text->buf, text->len, JSON_REJECT_DUPLICATES, NULL);
	json_t *entry = json_object_get(manifest, "entry"),
	       *base = json_object_get(manifest, "base");
	AUTO_FREE char *meta = json_is_object(entry) ? json_dumps(entry, JSON_COMPACT) : NULL;
	struct entry_files bases = { 0 };
	int r = -1;

	if (json_integer_value(json_object_get(manifest, "format")) != 1 || !meta)
		refuse(err, "it is no step that ingot has exported");
	else if (entry_meta_parse(meta, strlen(meta), &m->meta, err) == 0)
		r = base ? entry_files_parse(base, ENTRY_BASE, &bases, err) : 0;
	if (r == 0 && !parcel_may_hold(&m->meta.layers))
		r = refuse(err, "what it stands for is kept by somebody else");
	json_decref(manifest);
	if (r == 0 && base &&
	    (bases.len != 1 || !m->meta.base || strcmp(bases.items[0].name, m->meta.base) != 0))
		r = refuse(err, "its base is not the one that it needs");
	if (r == 0 && bases.len) {
		m->base = bases.items[0];
		bases.len = 0;
	}
	entry_files_release(&bases);
	return r;
}

static int read_manifest(struct import *m, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(META_MAX);
	struct archive_entry *entry;
	const char *path;
	int64_t size;
	int r = next(m, &entry, &path, &size, err);

	if (r < 0)
		return -1;
	if (r == 0 || strcmp(path, "manifest.json") != 0)
		return refuse(err, "it is no step that ingot has exported");
	if (read_text(m, size, &text, err) < 0 || read_manifest_text(m, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < m->meta.layers.len; i++)
		if (m->meta.layers.items[i].size > FILE_MAX)
			return refuse(err, "'%s' is too large", m->meta.layers.items[i].name);
	for (size_t i = 0; i < m->meta.files.len; i++)
		if (m->meta.files.items[i].size > FILE_MAX)
			return refuse(err, "'%s' is too large", m->meta.files.items[i].name);
	if (m->base.size > FILE_MAX)
		return refuse(err, "'%s' is too large", m->base.name);
	m->layer_fds = xcalloc(m->meta.layers.len + 1, sizeof(*m->layer_fds));
	for (size_t i = 0; i < m->meta.layers.len; i++)
		m->layer_fds[i] = -1;
	return 0;
}

/* ---- files ------------------------------------------------------------------------------- */

/* What the path in the archive is, and where its descriptor stays; NULL: nothing of ours. */
static const struct entry_file *find(struct import *m, const char *path, struct store_stage **stage,
				     int **ret_fd)
{
	const struct entry_file *f;

	*ret_fd = NULL;
	if (text_starts_with(path, "files/")) {
		*stage = &m->files;
		return entry_files_find(&m->meta.files, path + 6);
	}
	*stage = &m->layers;
	if (text_starts_with(path, "layers/")) {
		f = entry_files_find(&m->meta.layers, path + 7);
		*ret_fd = f ? &m->layer_fds[f - m->meta.layers.items] : NULL;
		return f;
	}
	*ret_fd = &m->base_fd;
	return text_starts_with(path, "base/") && m->base.name && !strcmp(path + 5, m->base.name)
		       ? &m->base
		       : NULL;
}

/* 1: one more is in staging, 0: that was all. */
static int extract_next(struct import *m, struct error **err)
{
	struct archive_entry *entry;
	struct store_stage *stage;
	const struct entry_file *f;
	AUTO_CLOSE int fd = -1;
	int *keep, r;
	const char *path;
	int64_t size;

	r = next(m, &entry, &path, &size, err);
	if (r <= 0)
		return r;
	f = find(m, path, &stage, &keep);
	if (!f)
		return refuse(err, "'%s' in it is nothing of its step", path);
	if (size != f->size)
		return refuse(err, "'%s' has another size than it says", path);
	/* the lock stays with the file when it moves to layers/ */
	if (hold_try(stage->lock_fd, f->name, O_RDWR | O_CREAT | O_EXCL, LOCK_SH, &fd) <= 0)
		return error_set_errno(err, errno, "cannot create '%s/%s'", stage->dir, f->name);
	if (extract(m, fd, f, err) < 0)
		return -1;
	if (keep)
		*keep = fd_take(&fd);
	return 1;
}

static int check_complete(struct import *m, struct error **err)
{
	for (size_t i = 0; i < m->meta.layers.len; i++)
		if (m->layer_fds[i] < 0)
			return refuse(err, "the layer '%s' is missing",
				      m->meta.layers.items[i].name);
	for (size_t i = 0; i < m->meta.files.len; i++) {
		AUTO_FREE char *path = xasprintf("files/%s", m->meta.files.items[i].name);

		if (!map_has(&m->seen, path))
			return refuse(err, "'%s' is missing", path);
	}
	if (m->base.name && m->base_fd < 0)
		return refuse(err, "the base '%s' is missing", m->base.name);
	return 0;
}

/* ---- into the store ---------------------------------------------------------------------- */

/* A layer of that name that is here already must be the same one; it is used then. */
static int move_layer(struct import *m, size_t i, struct error **err)
{
	const struct entry_file *f = &m->meta.layers.items[i];
	int folder = m->s->folders[IN_LAYERS];
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *note = layer_note(f->name);

	for (;;) {
		if (renameat2(m->layers.lock_fd, f->name, folder, f->name, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return store_fail(err, errno, "create", m->s, IN_LAYERS, f->name);
		if (hold_wait(folder, f->name, O_RDONLY, LOCK_SH, m->cancel, &fd) == 0)
			break;
		if (errno != ENOENT)
			return store_fail(err, errno, "open", m->s, IN_LAYERS, f->name);
	}
	if (check_file(m->s, fd, note, f, m->cancel, err) < 0)
		return error_prefix(err, "another layer has the same name");
	fd_close(m->layer_fds[i]);
	m->layer_fds[i] = fd_take(&fd);
	return 0;
}

/* Unless the base is here: a file, or a link that leads to one. */
static int move_base(struct import *m, struct error **err)
{
	struct stat st;
	int folder = m->s->folders[IN_LAYERS];

	if (!m->base.name || (fstatat(folder, m->base.name, &st, 0) == 0 && S_ISREG(st.st_mode)))
		return 0;
	if (fchmod(m->base_fd, 0400) < 0 ||
	    renameat(m->layers.lock_fd, m->base.name, folder, m->base.name) < 0)
		return store_fail(err, errno, "create", m->s, IN_LAYERS, m->base.name);
	return 0;
}

static int import(struct import *m, struct error **err)
{
	AUTO(strv) struct strv layers = STRV_INIT;
	int r;

	m->lib = archive_library_load(err);
	if (!m->lib)
		return -1;
	m->a = m->lib->read_new();
	/* only what export makes: other packings are unpacked by programs */
	(void)m->lib->read_support_filter_zstd(m->a);
	(void)m->lib->read_support_filter_gzip(m->a);
	(void)m->lib->read_support_format_tar(m->a);
	if (m->lib->read_open_filename(m->a, m->path, READ_BYTES) != ARCHIVE_OK)
		return fail(m, err);
	if (read_manifest(m, err) < 0 || store_stage(m->s, &m->files, err) < 0 ||
	    store_stage(m->s, &m->layers, err) < 0)
		return -1;
	while ((r = extract_next(m, err)) > 0)
		;
	if (r < 0 || check_complete(m, err) < 0 || move_base(m, err) < 0)
		return -1;
	for (size_t i = 0; i < m->meta.layers.len; i++) {
		if (move_layer(m, i, err) < 0)
			return -1;
		strv_push(&layers, m->meta.layers.items[i].name);
	}
	return publish_known(m->s, &m->files, &m->meta, &layers, m->cancel, err);
}

int store_import(struct store *s, const char *path, struct cancel *c, char **ret_key,
		 struct error **err)
{
	enum fs_kind kind;
	int r;

	if (fs_stat_kind(path, &kind, err) < 0)
		return -1;
	if (kind == FS_ABSENT)
		return error_set(err, ERROR_NOT_FOUND, "'%s' does not exist", path);
	{
		AUTO(import) struct import m = { .s = s, .path = path, .cancel = c, .base_fd = -1 };

		m.files.lock_fd = m.layers.lock_fd = -1;
		map_init(&m.seen, NULL);
		r = import(&m, err);
		if (r == 0)
			*ret_key = xstrdup(m.meta.key);
	}
	if (r < 0)
		collect_layers_quietly(s); /* those that were in already */
	return r < 0 ? error_prefix(err, "cannot import '%s'", path) : 0;
}
