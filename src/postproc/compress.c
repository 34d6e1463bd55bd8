/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The post-processor `compress`: packs an artifact's files into one archive, or
 * compresses its only file (post-processors.md 5). What to make is read from
 * the endings of the output's name. Written beside the final name, then renamed.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "core/component.h"
#include "os/archive.h"
#include "os/fd.h"
#include "os/fs.h"
#include "postproc/bgzf.h"
#include "postproc/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1024 * 1024 };

struct compress {
	const char *output;
	const char *format;
	int64_t compression_level;
};

static const struct attr compress_attrs[] = {
	ATTR_STRING(struct compress, output, ATTR_LATE, "The file to write.",
		    .def = "packer_{{.BuildName}}_{{.BuilderType}}"),
	ATTR_STRING(struct compress, format, 0, "Ending to go by when the name has none."),
	ATTR_INT(struct compress, compression_level, 0, "1 (fast) to 9 (small); -1: the default.",
		 .def = "-1"),
	ATTR_END,
};
static const struct schema compress_schema = SCHEMA(struct compress, compress_attrs);

enum packing { PACK_NONE, PACK_TAR, PACK_ZIP };
enum method { METHOD_NONE, METHOD_GZIP, METHOD_BGZF, METHOD_LZ4, METHOD_XZ, METHOD_BZIP2 };

struct recipe {
	enum packing packing;
	enum method method;
};

static bool is_ending(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static enum method method_of(struct str ending)
{
	static const struct {
		const char *name;
		enum method method;
	} methods[] = {
		{ "gz", METHOD_GZIP }, { "bgzf", METHOD_BGZF },   { "lz4", METHOD_LZ4 },
		{ "xz", METHOD_XZ },   { "bzip2", METHOD_BZIP2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_is(ending, methods[i].name))
			return methods[i].method;
	return METHOD_NONE;
}

/* The last two `.word` pieces anywhere in the text decide. */
static struct recipe recipe_of(const char *name)
{
	struct str last = STR(""), previous = STR("");

	for (const char *p = name; *p; p++) {
		const char *q = p + 1;

		if (*p != '.' || !is_ending(*q))
			continue;
		while (is_ending(*q))
			q++;
		previous = last;
		last = (struct str){ p + 1, (size_t)(q - p - 1) };
	}

	struct recipe r = { PACK_TAR, METHOD_GZIP };

	if (str_is(last, "tar") || str_is(last, "zip"))
		return (struct recipe){ str_is(last, "tar") ? PACK_TAR : PACK_ZIP, METHOD_NONE };
	if (method_of(last) == METHOD_NONE)
		return r;
	r.method = method_of(last);
	r.packing = str_is(previous, "tar") ? PACK_TAR : PACK_NONE;
	return r;
}

static struct recipe recipe_of_config(const struct compress *c)
{
	if (!c->format || !*c->format)
		return recipe_of(c->output);

	AUTO_FREE char *name = xasprintf("%s.%s", c->output, c->format);

	return recipe_of(name);
}

static void compress_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct compress *c = config;

	if (c->compression_level > 9)
		c->compression_level = 9;
	output_check(ctx, "output", c->output, diags);
}

/* ---- writing ------------------------------------------------------------------ */

struct writer {
	const struct archive_library *lib;
	struct archive *a;
	struct build_ctx *ctx;
	const char *path; /* where it is written, for messages */
	int64_t done, total;
	bool keep_paths; /* zip */
	struct bgzf *bgzf;
	struct error *bgzf_error; /* the library knows only that something failed */
};

static int archive_error(struct writer *w, struct error **err)
{
	int number = w->lib->errno_(w->a);

	if (w->bgzf_error)
		return error_move(err, TAKE(w->bgzf_error));
	if (number == ENOSPC) {
		error_set_errno(err, number, "cannot write '%s'", w->path);
		return error_hint(err, "free some space on that file system");
	}
	return error_set(err, ERROR_IO, "cannot write '%s': %s", w->path,
			 w->lib->error_string(w->a));
}

static int set_method(struct writer *w, struct recipe r, int64_t level, struct error **err)
{
	AUTO_FREE char *text = xasprintf("%lld", (long long)level);
	int ok = ARCHIVE_OK;

	switch (r.method) {
	case METHOD_GZIP:
		ok = w->lib->write_add_filter_gzip(w->a);
		if (ok == ARCHIVE_OK) /* no time in the header: same input, same bytes */
			ok = w->lib->write_set_filter_option(w->a, "gzip", "timestamp", NULL);
		break;
	case METHOD_LZ4:
		ok = w->lib->write_add_filter_lz4(w->a);
		break;
	case METHOD_XZ:
		ok = w->lib->write_add_filter_xz(w->a);
		if (ok == ARCHIVE_OK)
			(void)w->lib->write_set_filter_option(w->a, "xz", "threads", "0");
		break;
	case METHOD_BZIP2:
		ok = w->lib->write_add_filter_bzip2(w->a);
		break;
	case METHOD_NONE:
	case METHOD_BGZF:
		ok = w->lib->write_add_filter_none(w->a);
		break;
	}
	if (ok != ARCHIVE_OK)
		return archive_error(w, err);
	if (level > 0 && r.method != METHOD_NONE && r.method != METHOD_XZ &&
	    r.method != METHOD_BGZF &&
	    w->lib->write_set_filter_option(w->a, NULL, "compression-level", text) != ARCHIVE_OK)
		return archive_error(w, err);
	return 0;
}

static int set_packing(struct writer *w, struct recipe r, struct error **err)
{
	int ok = r.packing == PACK_TAR   ? w->lib->write_set_format_gnutar(w->a)
		 : r.packing == PACK_ZIP ? w->lib->write_set_format_zip(w->a)
					 : w->lib->write_set_format_raw(w->a);

	w->keep_paths = r.packing == PACK_ZIP;
	return ok == ARCHIVE_OK ? 0 : archive_error(w, err);
}

static int copy_content(struct writer *w, const char *path, int fd, struct error **err)
{
	AUTO_FREE char *buf = xmalloc(CHUNK);
	ssize_t n;

	while ((n = fd_read(fd, buf, CHUNK)) > 0) {
		if (cancel_check(w->ctx->cancel, err) < 0)
			return -1;
		if (w->lib->write_data(w->a, buf, (size_t)n) < 0)
			return archive_error(w, err);
		w->done += n;
		ui_progress(w->ctx->ui, "compressing", w->done, w->total, UNIT_BYTES);
	}
	return n < 0 ? error_set_errno(err, errno, "cannot read '%s'", path) : 0;
}

static int add_file(struct writer *w, const char *path, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);

	struct archive_entry *entry = w->lib->entry_new();

	w->lib->entry_set_pathname(entry, w->keep_paths ? path : path_basename(path));
	w->lib->entry_set_size(entry, st.st_size);
	w->lib->entry_set_filetype(entry, AE_IFREG);
	w->lib->entry_set_perm(entry, st.st_mode & 07777);
	w->lib->entry_set_uid(entry, st.st_uid);
	w->lib->entry_set_gid(entry, st.st_gid);
	w->lib->entry_set_mtime(entry, 0, 0);

	int ok = w->lib->write_header(w->a, entry);

	w->lib->entry_free(entry);
	return ok == ARCHIVE_OK ? copy_content(w, path, fd, err) : archive_error(w, err);
}

static la_ssize_t write_bgzf(struct archive *a, void *data, const void *bytes, size_t len)
{
	struct writer *w = data;

	(void)a;
	if (!w->bgzf) /* the library's last words after a failure */
		return -1;
	return bgzf_write(w->bgzf, bytes, len, &w->bgzf_error) < 0 ? -1 : (la_ssize_t)len;
}

static int add_files(struct writer *w, const struct artifact *input, struct error **err)
{
	for (size_t i = 0; i < input->files.len; i++)
		if (add_file(w, input->files.v[i], err) < 0)
			return -1;
	return w->lib->write_close(w->a) == ARCHIVE_OK ? 0 : archive_error(w, err);
}

/* The library makes the tar file, or passes the only file on; the blocks are ours. */
static int write_through_bgzf(struct writer *w, const struct artifact *input, int level,
			      struct error **err)
{
	AUTO_CLOSE int fd = open(w->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int r = 0;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", w->path);
	w->bgzf = bgzf_new(fd, w->path, level > 0 ? level : -1);
	if (w->lib->write_set_bytes_in_last_block(w->a, 1) != ARCHIVE_OK ||
	    w->lib->write_open(w->a, w, NULL, write_bgzf, NULL) != ARCHIVE_OK)
		r = archive_error(w, err);
	if (r == 0)
		r = add_files(w, input, err);
	if (r == 0)
		r = bgzf_finish(w->bgzf, err);
	bgzf_free(TAKE(w->bgzf));
	return r;
}

static int write_archive(const struct compress *c, struct writer *w, const struct artifact *input,
			 struct error **err)
{
	struct recipe r = recipe_of_config(c);

	for (size_t i = 0; i < input->files.len; i++) {
		int64_t size;

		if (fs_size(input->files.v[i], &size, err) < 0)
			return -1;
		w->total += size;
	}
	if (set_method(w, r, c->compression_level, err) < 0 || set_packing(w, r, err) < 0)
		return -1;
	if (r.method == METHOD_BGZF)
		return write_through_bgzf(w, input, (int)c->compression_level, err);
	if (w->lib->write_open_filename(w->a, w->path) != ARCHIVE_OK)
		return archive_error(w, err);
	return add_files(w, input, err);
}

static int write_part(const struct compress *c, struct build_ctx *ctx, const char *part,
		      const struct artifact *input, struct error **err)
{
	struct writer w = { .lib = archive_library_load(err), .ctx = ctx, .path = part };

	if (!w.lib)
		return -1;
	w.a = w.lib->write_new();

	int r = write_archive(c, &w, input, err);

	w.lib->write_free(w.a); /* writes what it still has */
	error_free(w.bgzf_error);
	ui_progress_end(ctx->ui, "compressing");
	return r;
}

/* Writes beside `target` and renames; nothing is left on failure. */
static int write_target(const struct compress *c, struct build_ctx *ctx, const char *target,
			const struct artifact *input, struct error **err)
{
	AUTO_FREE char *full = path_absolute(ctx->cwd, target);
	AUTO_FREE char *dir = path_dirname(full);
	AUTO_FREE char *part = xasprintf("%s.ingot-part", full);
	AUTO(error) struct error *e = NULL;
	uint64_t id = 0;

	if (fs_mkdir_all(dir, 0755, err) < 0 || journal_path(ctx->journal, part, &id, err) < 0)
		return -1;

	int r = write_part(c, ctx, part, input, err);

	if (r == 0)
		r = fs_rename(part, full, err);
	if (r < 0 && fs_remove(part, &e) < 0)
		ui_error(ctx->ui, "warning: %s", e->message);
	else
		journal_done(ctx->journal, id);
	return r;
}

static int check_input(const struct compress *c, const struct artifact *input, struct error **err)
{
	if (recipe_of_config(c).packing != PACK_NONE || input->files.len == 1)
		return 0;

	AUTO_FREE char *names = strv_join(&input->files, " ");

	return error_set(err, ERROR_INVALID,
			 "Can only have 1 input file when not using tar/zip. Found %zu files: [%s]",
			 input->files.len, names);
}

static void announce(const struct compress *c, struct build_ctx *ctx, const char *target)
{
	static const char *const methods[] = { "", "gzip", "bgzf", "lz4", "xz", "bzip2" };
	struct recipe r = recipe_of_config(c);

	if (r.packing == PACK_ZIP)
		ui_say(ctx->ui, "Zipping %s", target);
	else if (r.packing == PACK_TAR)
		ui_say(ctx->ui, r.method ? "Tarring %s with %s" : "Tarring %s", target,
		       methods[r.method]);
	else
		ui_say(ctx->ui, "Archiving %s with %s", target, methods[r.method]);
}

static int compress_run(const void *config, struct build_ctx *ctx, struct artifact *input,
			struct postproc_result *ret, struct error **err)
{
	const struct compress *c = config;

	if (check_input(c, input, err) < 0)
		return -1;

	AUTO_FREE char *target = output_render(c->output, ctx, input, NULL, err);

	if (!target)
		return -1;
	announce(c, ctx, target);
	if (write_target(c, ctx, target, input, err) < 0)
		return -1;
	ui_say(ctx->ui, "Archive %s completed", target);

	AUTO_FREE char *text = xasprintf("compressed artifacts in: %s", target);
	struct artifact *a = artifact_new("packer.post-processor.compress", "", text);

	strv_push(&a->files, target);
	a->destroy = artifact_destroy_files;
	*ret = (struct postproc_result){ .artifact = a };
	return 0;
}

const struct postproc_type postproc_compress = {
	.name = "compress",
	.doc = "Pack or compress the artifact's files.",
	.schema = &compress_schema,
	.prepare = compress_prepare,
	.run = compress_run,
};
