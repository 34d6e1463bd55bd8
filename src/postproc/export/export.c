/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The post-processor `export`: one finished disk to any set of formats. The disk is read once; each image
 * is written on a thread of its own (disk/copy.h). The files appear when all of them are complete.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "core/component.h"
#include "disk/copy.h"
#include "disk/deflate.h"
#include "disk/libnbd.h"
#include "os/fs.h"
#include "os/host.h"
#include "os/proc.h"
#include "postproc/export/format.h"
#include "postproc/export/outputs.h"
#include "postproc/export/package.h"
#include "postproc/export/pick.h"
#include "postproc/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_OUTPUT "exported/{{.BuildName}}"

enum { IMAGES_MAX = 16 };

/* clang-format off */
static const struct attr image_attrs[] = {
	ATTR_STRING(struct export_image, format, ATTR_REQUIRED, "`gce`, `ova`, `qcow2`, `raw`, `vdi`, `vhd`, `vhdx` or `vmdk`."),
	ATTR_STRING(struct export_image, subformat, 0, "`dynamic` or `fixed` of `vhd`, `monolithicSparse` or `streamOptimized` of `vmdk`. Unset: the first of them."),
	ATTR_STRING(struct export_image, compression, 0, "`zstd`, `zlib` or `none` of `qcow2`. Unset: `zstd`."),
	ATTR_INT(struct export_image, level, 0, "Of the compression, 1 (fast) to 12 (small), of those that deflate: `gce`, `ova`, `streamOptimized`. Unset: 5.", .min = 0, .max = 12),
	ATTR_STRING(struct export_image, output, ATTR_LATE, "The file to write, with its ending. Unset: the post-processor's `output` and the format's ending."),
	ATTR_END,
};
static const struct schema image_schema = SCHEMA(struct export_image, image_attrs);

static const struct attr export_attrs[] = {
	ATTR_STRINGS(struct export_config, formats, 0, "Formats to make, each as its defaults are: any of gce, ova, qcow2, raw, vdi, vhd, vhdx, vmdk."),
	ATTR_BLOCKS(struct export_config, image, 0, &image_schema, "An image to make, where a word in `formats` does not say enough."),
	ATTR_BLOCK(struct export_config, ovf, 0, &export_ovf_schema, "What the descriptor of an OVA says of the machine, where it differs from the machine that was built."),
	ATTR_STRING(struct export_config, output, ATTR_LATE, "Name of the files, without the ending that each format has.", .def = DEFAULT_OUTPUT),
	ATTR_STRING(struct export_config, disk, 0, "Which of the artifact's files is the disk, where there are several."),
	ATTR_STRINGS(struct export_config, checksum_types, 0, "Any of md5, sha1, sha224, sha256, sha384, sha512: beside each file `NAME` its checksum in `NAME.sha256`, as `sha256sum -c` reads it."),
	ATTR_BOOL(struct export_config, sparse, 0, "Leave holes in raw files; false: they take all of their room.", .def = "true"),
	ATTR_END,
};
/* clang-format on */
static const struct schema export_schema = SCHEMA(struct export_config, export_attrs);

/* ---- what the template says ------------------------------------------------------------------ */

struct checking {
	const struct prepare_ctx *ctx;
	struct diags *diags;
};

PRINTF(4, 5)
static void complain(const struct checking *k, const char *where, const char *summary,
		     const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct range at = decoded_range(k->ctx->decoded, where);
	va_list args;

	va_start(args, fmt);
	strbuf_vaddf(&text, fmt, args);
	va_end(args);
	diags_error(k->diags, &at, summary, "%s", text.buf);
}

static void complain_of_name(const struct checking *k, const char *where, const char *format,
			     const char *name)
{
	AUTO(strv) struct strv known = STRV_INIT;

	export_format_names(format, &known);
	strv_sort(&known);

	AUTO_FREE char *list = strv_join(&known, ", ");
	const char *near = suggest(name, (const char *const *)known.v);

	if (near)
		complain(k, where, format ? "Unknown subformat" : "Unknown format",
			 "There is no %s '%s'. Did you mean '%s'?", format ? "subformat" : "format",
			 name, near);
	else if (format && !known.len)
		complain(k, where, "Unknown subformat", "The format '%s' has no subformats.",
			 format);
	else
		complain(k, where, format ? "Unknown subformat" : "Unknown format",
			 "There is no %s '%s'%s%s. There are: %s.", format ? "subformat" : "format",
			 name, format ? " of " : "", format ? format : "", list);
}

/* The first of the format's list is what it does unless told otherwise. */
static void check_compression(const struct checking *k, struct export_image *image,
			      const char *block)
{
	AUTO_FREE char *where = xasprintf("%s.compression", block);
	AUTO_FREE char *where_level = xasprintf("%s.level", block);
	const char *const *list = image->kind->compressions;
	bool is_set = image->compression && *image->compression;

	if (!is_set)
		image->compression = list ? list[0] : "none";
	else if (!list)
		complain(k, where, "No compression", "The format '%s' is not compressed.",
			 image->format);
	for (size_t i = 0; is_set && list; i++) {
		if (!list[i])
			complain(k, where, "Unknown compression",
				 "The format '%s' has no compression '%s'; the default is '%s'.",
				 image->format, image->compression, list[0]);
		if (!list[i] || !strcmp(list[i], image->compression))
			break;
	}
	if (image->level > image->kind->level_max)
		complain(k, where_level, "No such level",
			 image->kind->level_max ? "The highest level of '%s' is %d."
						: "The format '%s' has no levels.",
			 image->format, image->kind->level_max);
}

static void check_image(const struct checking *k, struct export_image *image, const char *block)
{
	AUTO_FREE char *where = xasprintf("%s.format", block);
	AUTO_FREE char *where_sub = xasprintf("%s.subformat", block);
	AUTO_FREE char *where_output = xasprintf("%s.output", block);

	output_check(k->ctx, where_output, image->output, k->diags);
	if (!image->format) /* the schema has said so */
		return;
	image->kind = export_format_find(image->format, image->subformat);
	if (image->kind)
		check_compression(k, image, block);
	else if (!export_format_find(image->format, NULL))
		complain_of_name(k, where, NULL, image->format);
	else
		complain_of_name(k, where_sub, image->format, image->subformat);
}

static const char *name_of(const struct export_config *c, const struct export_image *image)
{
	return image->output && *image->output ? image->output : c->output;
}

static const char *ending_of(const struct export_image *image)
{
	return image->output && *image->output ? "" : image->kind->ending;
}

static void check_names(const struct checking *k, const struct export_config *c)
{
	for (size_t i = 0; i < c->image_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct export_image *a = &c->images[j], *b = &c->images[i];

			if (!a->kind || !b->kind || strcmp(name_of(c, a), name_of(c, b)) != 0 ||
			    strcmp(ending_of(a), ending_of(b)) != 0)
				continue;
			complain(k, "", "Two images of one name",
				 "Both would be written to '%s%s'. Give one of them an output of "
				 "its "
				 "own.",
				 name_of(c, a), ending_of(a));
			return;
		}
}

static void collect_images(const struct checking *k, struct export_config *c)
{
	size_t count = c->formats.len + c->image.len;
	struct export_image *images = ARENA_ARRAY(k->ctx->arena, struct export_image, count + 1);

	for (size_t i = 0; i < c->formats.len; i++) {
		images[i] = (struct export_image){ .format = c->formats.v[i] };
		images[i].kind = export_format_find(images[i].format, NULL);
		if (images[i].kind)
			check_compression(k, &images[i], "formats");
		else
			complain_of_name(k, "formats", NULL, images[i].format);
	}
	for (size_t i = 0; i < c->image.len; i++) {
		AUTO_FREE char *block = xasprintf("image[%zu]", i);

		images[c->formats.len + i] = ((const struct export_image *)c->image.v)[i];
		check_image(k, &images[c->formats.len + i], block);
	}
	c->images = images;
	c->image_count = count;
	if (!count)
		complain(k, "", "Nothing to export",
			 "Name formats, or write a block `image` for each image.");
	if (count > IMAGES_MAX)
		complain(k, "", "Too many images", "At most %d images are made at once.",
			 IMAGES_MAX);
}

/* Those whose compression has levels are compressed by us. */
static bool uses_deflate(const struct export_config *c)
{
	for (size_t i = 0; i < c->image_count; i++)
		if (c->images[i].kind && c->images[i].kind->level_max)
			return true;
	return false;
}

static void check_tools(const struct checking *k, const struct export_config *c)
{
	static const char *const programs[] = { "qemu-nbd", "qemu-img" };
	AUTO(error) struct error *e = NULL;

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		AUTO_FREE char *path = NULL;

		if (proc_find(programs[i], &path, &e) == 0)
			continue;
		complain(k, "", "Missing program",
			 "Exporting a disk needs %s: install the package qemu-utils.", programs[i]);
		return;
	}
	if (!nbd_library_load(&e) || (uses_deflate(c) && deflate_check(&e) < 0))
		complain(k, "", "Missing library", "%s: %s.", e->message, e->hint);
}

static void export_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct export_config *c = config;
	const struct checking k = { ctx, diags };
	enum digest_type type;

	if (text_is_empty(c->output))
		c->output = DEFAULT_OUTPUT;
	collect_images(&k, c);
	check_names(&k, c);
	for (size_t i = 0; i < c->checksum_types.len; i++)
		if (!digest_from_name(c->checksum_types.v[i], &type))
			complain(&k, "checksum_types", "Unrecognized checksum type",
				 "Unrecognized checksum type: %s. Use md5, sha1, sha224, sha256, "
				 "sha384 or sha512.",
				 c->checksum_types.v[i]);
	output_check(ctx, "output", c->output, diags);
	package_check(c, ctx, diags);
	check_tools(&k, c);
}

/* ---- one run --------------------------------------------------------------------------------- */

struct job {
	const struct export_image *image;
	struct output_file *file; /* borrowed from the outputs */
	struct disk_writer *writer;
	struct disk_sums *sums; /* NULL: none are wanted */
};

struct export_run {
	const struct export_config *config;
	struct build_ctx *ctx;
	struct artifact *input;
	struct disk_host host;
	struct disk_source *source;
	struct outputs outputs;
	struct job jobs[IMAGES_MAX];
	size_t count;
};

static int announce(void *data, const char *what, struct strv *env, uint64_t *ret_id,
		    struct error **err)
{
	return journal_process(data, what, env, ret_id, err);
}

static int started(void *data, uint64_t id, pid_t pid, struct error **err)
{
	return journal_started(data, id, pid, err);
}

static void ended(void *data, uint64_t id)
{
	journal_done(data, id);
}

static void run_release(struct export_run *x)
{
	for (size_t i = 0; i < x->count; i++) {
		disk_writer_free(x->jobs[i].writer);
		disk_sums_free(x->jobs[i].sums);
	}
	disk_source_free(x->source);
	outputs_release(&x->outputs);
}

static void run_init(struct export_run *x, const struct export_config *config,
		     struct build_ctx *ctx, struct artifact *input)
{
	*x = (struct export_run){
		.config = config,
		.ctx = ctx,
		.input = input,
		.host = { .temp_dir = ctx->temp_dir,
			  .environ = ctx->environ,
			  .announce = announce,
			  .started = started,
			  .ended = ended,
			  .data = ctx->journal },
	};
	outputs_init(&x->outputs, ctx);
}

/* The ending that comes after it would be the whole name. */
static int check_name(const char *name, struct error **err)
{
	if (*path_basename(name))
		return 0;
	error_set(err, ERROR_INVALID, "output '%s' is a folder", name);
	return error_hint(err, "name a file in it");
}

/* The names of all files, before anything is made. */
static int name_files(struct export_run *x, struct error **err)
{
	const struct export_config *c = x->config;

	for (size_t i = 0; i < c->image_count; i++) {
		const struct export_image *image = &c->images[i];
		AUTO_FREE char *name =
			output_render(name_of(c, image), x->ctx, x->input, NULL, err);
		AUTO_FREE char *path = name ? xasprintf("%s%s", name, ending_of(image)) : NULL;
		struct job *job = &x->jobs[x->count++];

		*job = (struct job){ .image = image };
		if (!path || check_name(name, err) < 0 ||
		    outputs_add(&x->outputs, path, x->input, &job->file, err) < 0)
			return -1;
	}
	return 0;
}

static int name_sums(struct export_run *x, struct error **err)
{
	const struct text_list *types = &x->config->checksum_types;

	for (size_t i = 0; i < x->count * types->len; i++) {
		AUTO_FREE char *path = xasprintf("%s.%s", x->jobs[i / types->len].file->path,
						 types->v[i % types->len]);
		struct output_file *f;

		if (outputs_add(&x->outputs, path, x->input, &f, err) < 0)
			return -1;
	}
	return 0;
}

static int open_source(struct export_run *x, struct error **err)
{
	const char *disk = pick_disk(x->input, x->config->disk, err);
	AUTO(strv) struct strv known = STRV_INIT;

	if (!disk)
		return -1;

	AUTO_FREE char *full = path_absolute(x->ctx->cwd, disk);

	for (size_t i = 0; i < x->input->files.len; i++) {
		AUTO_FREE char *file = path_absolute(x->ctx->cwd, x->input->files.v[i]);

		strv_push(&known, file);
	}
	if (disk_source_open(&x->host, full, &known, x->ctx->cancel, &x->source, err) < 0)
		return -1;
	ui_say(x->ctx->ui, "Exporting %s (%" PRIu64 " MiB) to %zu image%s", disk,
	       disk_source_size(x->source) >> 20, x->count, x->count == 1 ? "" : "s");
	return 0;
}

static int check_size(const struct export_run *x, const struct export_image *image,
		      struct error **err)
{
	uint64_t size = disk_source_size(x->source), max = image->kind->size_max;

	if (!max || size <= max)
		return 0;
	return error_set(err, ERROR_INVALID,
			 "the disk has %" PRIu64 " GiB, an image in the format %s at most %" PRIu64
			 " GiB",
			 (size + (1 << 30) - 1) >> 30, image->format, max >> 30);
}

static int make_writer(struct export_run *x, struct job *job, struct error **err)
{
	const struct text_list *types = &x->config->checksum_types;
	enum digest_type list[DIGEST_TYPE_COUNT] = { 0 };

	for (size_t i = 0; i < MIN(types->len, (size_t)DIGEST_TYPE_COUNT); i++)
		(void)digest_from_name(types->v[i], &list[i]);
	if (types->len)
		job->sums = disk_sums_new(list, MIN(types->len, (size_t)DIGEST_TYPE_COUNT));

	const struct export_making m = {
		.config = x->config,
		.image = job->image,
		.ctx = x->ctx,
		.input = x->input,
		.host = &x->host,
		.path = job->file->path,
		.target = { job->file->part, disk_source_size(x->source), host_cpus() },
		.sums = job->sums,
	};

	return job->image->kind->make(&m, &job->writer, err);
}

static int make_writers(struct export_run *x, struct error **err)
{
	for (size_t i = 0; i < x->count; i++)
		if (check_size(x, x->jobs[i].image, err) < 0)
			return -1;
	for (size_t i = 0; i < x->outputs.len; i++)
		if (outputs_prepare(&x->outputs, x->outputs.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < x->count; i++)
		if (make_writer(x, &x->jobs[i], err) < 0)
			return -1;
	return 0;
}

/* Of a format that is not written from the start to the end: while its pages are in memory. */
static int sum_file(void *data, struct cancel *c, struct error **err)
{
	struct job *job = data;

	if (!job->sums || disk_sums_are_made(job->sums))
		return 0;
	return disk_sums_of_file(job->sums, job->file->part, c, err);
}

static void progress(void *data, uint64_t done, uint64_t total)
{
	ui_progress(data, "exporting", (int64_t)done, (int64_t)total, UNIT_BYTES);
}

static int copy(struct export_run *x, struct error **err)
{
	struct disk_lane lanes[IMAGES_MAX];
	const struct disk_copy spec = { .source = x->source,
					.lanes = lanes,
					.lane_count = x->count,
					.progress = progress,
					.data = x->ctx->ui };

	for (size_t i = 0; i < x->count; i++)
		lanes[i] = (struct disk_lane){ x->jobs[i].writer, sum_file, &x->jobs[i] };

	int r = disk_copy_run(&spec, x->ctx->cancel, err);

	ui_progress_end(x->ctx->ui, "exporting");
	return r;
}

/* In the order in which they were named. */
static int write_sums(struct export_run *x, struct error **err)
{
	const struct text_list *types = &x->config->checksum_types;

	for (size_t i = 0; i < x->count * types->len; i++) {
		const struct job *job = &x->jobs[i / types->len];
		const struct output_file *f = x->outputs.items[x->count + i];
		AUTO_FREE char *line =
			xasprintf("%s  %s\n", disk_sums_hex(job->sums, i % types->len),
				  path_basename(job->file->full));

		if (fs_write(f->part, line, strlen(line), 0666, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the artifact ---------------------------------------------------------------------------- */

static struct value *state_of(const struct export_run *x)
{
	struct map state;

	value_map_init(&state);
	for (size_t i = 0; i < x->count; i++) {
		const struct job *job = &x->jobs[i];
		const char *sub = job->image->kind->subformat;
		AUTO_FREE char *longer = xasprintf("%s/%s", job->image->format, sub ? sub : "");

		if (!map_get(&state, job->image->format))
			map_set(&state, job->image->format, value_string(job->file->path));
		if (sub)
			map_set(&state, longer, value_string(job->file->path));
	}
	return value_object_take(&state);
}

static struct artifact *make_artifact(const struct export_run *x)
{
	AUTO(strv) struct strv names = STRV_INIT;

	for (size_t i = 0; i < x->count; i++)
		strv_push(&names, x->jobs[i].file->path);

	AUTO_FREE char *list = strv_join(&names, ", ");
	AUTO_FREE char *text = xasprintf("Exported images: %s", list);
	struct artifact *a = artifact_new("ingot.post-processor.export", "", text);

	for (size_t i = 0; i < x->outputs.len; i++)
		strv_push(&a->files, x->outputs.items[i]->path);
	a->state = state_of(x);
	a->destroy = artifact_destroy_files;
	return a;
}

static int export_all(struct export_run *x, struct error **err)
{
	if (name_files(x, err) < 0 || name_sums(x, err) < 0 || open_source(x, err) < 0 ||
	    make_writers(x, err) < 0 || copy(x, err) < 0 || write_sums(x, err) < 0)
		return -1;
	return outputs_place(&x->outputs, err);
}

static int export_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		      struct postproc_result *ret, struct error **err)
{
	struct export_run x;

	run_init(&x, config, ctx, input);

	int r = export_all(&x, err);

	if (r == 0)
		*ret = (struct postproc_result){ .artifact = make_artifact(&x), .keep = true };
	run_release(&x);
	return r;
}

const struct postproc_type postproc_export = {
	.name = "export",
	.doc = "Write the artifact's disk in other image formats.",
	.schema = &export_schema,
	.prepare = export_prepare,
	.run = export_run,
};
