/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The post-processor `compress`: packs an artifact's files into one archive, or
 * compresses its only file (post-processors.md 5). What to make is read from
 * the endings of the output's name. Written beside the final name, then renamed.
 */
#include "base/alloc.h"
#include "base/map.h"
#include "base/path.h"
#include "base/str.h"
#include "core/component.h"
#include "os/fd.h"
#include "os/fs.h"
#include "pack/packing.h"
#include "postproc/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_OUTPUT "packer_{{.BuildName}}_{{.BuilderType}}"

struct compress {
	const char *output;
	const char *format;
	int64_t compression_level;
};

static const struct attr compress_attrs[] = {
	ATTR_STRING(struct compress, output, ATTR_LATE, "The file to write.",
		    .def = DEFAULT_OUTPUT),
	ATTR_STRING(struct compress, format, 0, "Ending to go by when the name has none."),
	ATTR_INT(struct compress, compression_level, 0,
		 "1 (fast) to 9 (small), zstd to 19; -1: the default.", .def = "-1"),
	ATTR_END,
};
static const struct schema compress_schema = SCHEMA(struct compress, compress_attrs);

struct recipe {
	enum packing_kind packing;
	enum encoding encoding;
};

static bool is_ending(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static enum encoding encoding_of(struct str ending)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} encodings[] = {
		{ "gz", ENCODING_GZIP },  { "bgzf", ENCODING_BGZF },   { "lz4", ENCODING_LZ4 },
		{ "xz", ENCODING_XZ },    { "bzip2", ENCODING_BZIP2 }, { "bz2", ENCODING_BZIP2 },
		{ "zst", ENCODING_ZSTD },
	};

	for (size_t i = 0; i < ARRAY_LEN(encodings); i++)
		if (str_is(ending, encodings[i].name))
			return encodings[i].encoding;
	return ENCODING_NONE;
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

	struct recipe r = { PACKING_TAR, ENCODING_GZIP };

	if (str_is(last, "tar") || str_is(last, "zip"))
		return (struct recipe){ str_is(last, "tar") ? PACKING_TAR : PACKING_ZIP,
					ENCODING_NONE };
	if (encoding_of(last) == ENCODING_NONE)
		return r;
	r.encoding = encoding_of(last);
	r.packing = str_is(previous, "tar") ? PACKING_TAR : PACKING_NONE;
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

	if (text_is_empty(c->output))
		c->output = DEFAULT_OUTPUT;
	output_check(ctx, "output", c->output, diags);
}

/* ---- names in the archive ---------------------------------------------------------------------- */

/* The directory that all lie in, up to and with its slash. */
static size_t common_prefix(const struct strv *paths)
{
	const char *first = paths->v[0];
	size_t len = (size_t)(path_basename(first) - first);

	for (size_t i = 1; i < paths->len; i++)
		while (len && strncmp(first, paths->v[i], len) != 0)
			for (len--; len && first[len - 1] != '/'; len--)
				;
	return len;
}

static bool base_names_differ(const struct strv *paths)
{
	struct map seen;
	bool differ = true;

	map_init(&seen, NULL);
	for (size_t i = 0; i < paths->len && differ; i++) {
		const char *name = path_basename(paths->v[i]);

		differ = !map_get(&seen, name);
		map_set(&seen, name, (void *)(uintptr_t)name);
	}
	map_release(&seen);
	return differ;
}

/* Readers refuse names that lead out of where they unpack. */
static const char *inside(const char *path)
{
	for (;;) {
		if (*path == '/')
			path++;
		else if (!strncmp(path, "./", 2))
			path += 2;
		else if (!strncmp(path, "../", 3))
			path += 3;
		else
			return path;
	}
}

/* A tar file has base names. Where two would be the same, one would be lost when it is unpacked, so
 * all tell then in which folder of the common one they were. */
static void name_members(enum packing_kind packing, const struct strv *paths, struct strv *ret)
{
	const bool by_base = packing != PACKING_ZIP && base_names_differ(paths);
	const size_t prefix = packing == PACKING_ZIP || by_base ? 0 : common_prefix(paths);

	for (size_t i = 0; i < paths->len; i++)
		strv_push(ret, by_base ? path_basename(paths->v[i]) : inside(paths->v[i] + prefix));
}

/* An artifact may name a file twice. */
static void distinct_files(const struct artifact *input, struct strv *ret)
{
	for (size_t i = 0; i < input->files.len; i++) {
		AUTO_FREE char *path = path_clean(input->files.v[i]);

		if (!strv_contains(ret, path))
			strv_push(ret, path);
	}
}

/* ---- writing ----------------------------------------------------------------------------------- */

struct job {
	const struct compress *config;
	struct build_ctx *ctx;
	struct recipe recipe;
	struct strv files, names;
	const char *target;
	int64_t done, total;
};

static void show_progress(void *data, int64_t bytes)
{
	struct job *j = data;

	j->done += bytes;
	ui_progress(j->ctx->ui, "compressing", j->done, j->total, UNIT_BYTES);
}

static void announce(struct job *j, int threads)
{
	const char *name = encoding_name(j->recipe.encoding);

	if (*name)
		ui_say(j->ctx->ui, "Using %s compression with %d core%s for %s", name, threads,
		       threads == 1 ? "" : "s", j->target);
	if (j->recipe.packing == PACKING_ZIP)
		ui_say(j->ctx->ui, "Zipping %s", j->target);
	else if (j->recipe.packing == PACKING_TAR)
		ui_say(j->ctx->ui, *name ? "Tarring %s with %s" : "Tarring %s", j->target, name);
	else
		ui_say(j->ctx->ui, "Archiving %s with %s", j->target, name);
}

static int add_files(struct job *j, struct packing *p, struct error **err)
{
	for (size_t i = 0; i < j->files.len; i++) {
		const struct packing_entry entry = { .name = j->names.v[i], .keep_owner = true };

		if (packing_add_file(p, &entry, j->files.v[i], err) < 0)
			return -1;
	}
	return packing_finish(p, err);
}

static int write_part(struct job *j, const char *part, struct error **err)
{
	AUTO_CLOSE int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	const struct packing_options options = {
		.kind = j->recipe.packing,
		.to = { .encoding = j->recipe.encoding,
			.level = (int)j->config->compression_level,
			.size = j->total,
			.fd = fd,
			.path = part,
			.cancel = j->ctx->cancel },
		.progress = show_progress,
		.data = j,
	};
	AUTO(packing) struct packing *p = NULL;
	int r;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot write '%s'", part);
	p = packing_new(&options, err);
	if (!p)
		return -1;
	announce(j, packing_threads(p));
	r = add_files(j, p, err);
	ui_progress_end(j->ctx->ui, "compressing");
	return r;
}

/* Writes beside `target` and renames; nothing is left on failure. */
static int write_target(struct job *j, struct error **err)
{
	struct build_ctx *ctx = j->ctx;
	AUTO_FREE char *full = path_absolute(ctx->cwd, j->target);
	AUTO_FREE char *dir = path_dirname(full);
	AUTO_FREE char *part = xasprintf("%s.ingot-part", full);
	AUTO(error) struct error *e = NULL;
	uint64_t id = 0;

	if (fs_mkdir_all(dir, 0755, err) < 0 || journal_path(ctx->journal, part, &id, err) < 0)
		return -1;

	int r = write_part(j, part, err);

	if (r == 0)
		r = fs_rename(part, full, err);
	if (r < 0 && fs_remove(part, &e) < 0)
		ui_error(ctx->ui, "warning: %s", e->message);
	else
		journal_done(ctx->journal, id);
	return r;
}

/* ---- running ----------------------------------------------------------------------------------- */

/* The file made would be removed together with its input. */
static int check_target(const struct job *j, struct error **err)
{
	if (output_check_path(j->ctx, j->target, err) < 0)
		return -1;
	if (!output_is_input(j->ctx, j->target, &j->files))
		return 0;
	error_set(err, ERROR_INVALID, "cannot compress '%s' into itself", j->target);
	return error_hint(err, "give output another name");
}

static int check_input(const struct job *j, struct error **err)
{
	/* As the reference: an image of a container has none, and chains like that are there. */
	if (!j->files.len && j->recipe.packing != PACKING_NONE)
		ui_error(j->ctx->ui, "warning: the artifact has no files, so '%s' holds nothing",
			 j->target);
	if (j->recipe.packing != PACKING_NONE || j->files.len == 1)
		return check_target(j, err);

	AUTO_FREE char *names = strv_join(&j->files, " ");

	return error_set(err, ERROR_INVALID,
			 "Can only have 1 input file when not using tar/zip. Found %zu files: [%s]",
			 j->files.len, names);
}

static int measure(struct job *j, struct error **err)
{
	for (size_t i = 0; i < j->files.len; i++) {
		int64_t size;

		if (fs_size(j->files.v[i], &size, err) < 0)
			return -1;
		j->total += size;
	}
	return 0;
}

static int do_job(struct job *j, const struct artifact *input, struct error **err)
{
	distinct_files(input, &j->files);
	if (check_input(j, err) < 0 || measure(j, err) < 0)
		return -1;
	name_members(j->recipe.packing, &j->files, &j->names);
	return write_target(j, err);
}

static int compress_run(const void *config, struct build_ctx *ctx, struct artifact *input,
			struct postproc_result *ret, struct error **err)
{
	const struct compress *c = config;
	AUTO_FREE char *target = output_render(c->output, ctx, input, NULL, err);
	struct job job = { c, ctx, .recipe = recipe_of_config(c), .target = target };
	int r;

	if (!target)
		return -1;
	strv_init(&job.files);
	strv_init(&job.names);
	r = do_job(&job, input, err);
	strv_release(&job.files);
	strv_release(&job.names);
	if (r < 0)
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
