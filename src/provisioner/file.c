/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/file.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "provisioner/late.h"
#include "provisioner/script.h"
#include "provisioner/staging.h"

#include <errno.h>
#include <sys/stat.h>

/* clang-format off */
static const struct attr file_attrs[] = {
	ATTR_STRING(struct file_config, direction, 0, "upload or download.", .def = "upload"),
	ATTR_STRING(struct file_config, source, ATTR_LOCAL_FILE, "What to copy: a file or a directory."),
	ATTR_STRINGS(struct file_config, sources, ATTR_LOCAL_FILE, "Several things to copy."),
	ATTR_STRING(struct file_config, content, 0, "Text to upload instead of a file."),
	ATTR_STRING(struct file_config, destination, 0, "Where to; a trailing slash means into that directory."),
	ATTR_BOOL(struct file_config, generated, 0, "The source is made while the build runs: do not look for it before."),
	ATTR_END,
};
/* clang-format on */
const struct schema file_provisioner_schema = SCHEMA(struct file_config, file_attrs);

static bool is_upload(const struct file_config *c)
{
	return text_eq(c->direction, "upload");
}

static void file_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct file_config *c = config;
	bool has_source = !text_is_empty(c->source);
	struct range at;

	if (text_is_empty(c->direction))
		c->direction = "upload";
	if (!is_upload(c) && !text_eq(c->direction, "download")) {
		at = decoded_range(ctx->decoded, "direction");
		diags_error(diags, &at, "Direction must be one of: download, upload.", "%s", "");
	}
	if (is_upload(c) && !c->generated) {
		for (size_t i = 0; i < c->sources.len; i++)
			script_check_file("source", c->sources.v[i], "sources", ctx, diags);
		if (has_source)
			script_check_file("source", c->source, "source", ctx, diags);
	}
	if (!text_is_empty(c->content) && (has_source || c->sources.len > 0)) {
		at = decoded_range(ctx->decoded, "content");
		diags_error(diags, &at, "source(s) conflicts with content.", "%s", "");
	}
	if (!has_source && c->sources.len == 0 && text_is_empty(c->content))
		diags_warning(diags, &ctx->decoded->range, "Nothing to copy",
			      "None of source, sources and content says what.");
	if (text_is_empty(c->destination)) {
		at = decoded_range(ctx->decoded, "destination");
		diags_error(diags, &at, "Destination must be specified.", "%s", "");
	}
}

static int file_local_files(const void *config, struct strv *ret, struct error **err)
{
	const struct file_config *c = config;

	if (!is_upload(c) || c->generated)
		return 0;
	for (size_t i = 0; i < c->sources.len; i++)
		if (local_files_add(c->sources.v[i], ret, err) < 0)
			return -1;
	return local_files_add(c->source, ret, err);
}

/* ---- upload --------------------------------------------------------------------------- */

static char *into_dir(const char *dst, const char *src)
{
	if (!text_ends_with(dst, "/"))
		return xstrdup(dst);
	return xasprintf("%s%s", dst, path_basename(src));
}

struct transfer {
	struct provision_ctx *ctx;
	const char *name;
};

static void progress(void *data, int64_t done, int64_t total)
{
	struct transfer *t = data;

	ui_progress(t->ctx->build->ui, t->name, done, total, UNIT_BYTES);
}

static int upload_failed(const char *dst, struct error **err)
{
	error_prefix(err, "Upload failed");
	if ((*err)->kind != ERROR_REMOTE)
		return -1;
	if (strstr((*err)->message, "Is a directory"))
		return error_hint(err,
				  "'%s' is a directory on the machine: end the destination with "
				  "a slash to copy into it.",
				  dst);
	if (strstr((*err)->message, "ermission denied"))
		return error_hint(err,
				  "The login user may not write '%s'. Upload to a place it owns, "
				  "such as /tmp, and move the file with sudo in a shell "
				  "provisioner.",
				  dst);
	if (strstr((*err)->message, "o such file or directory"))
		return error_hint(err,
				  "Directories are not created: make the parent of '%s' in a shell "
				  "provisioner first.",
				  dst);
	if (strstr((*err)->message, "o space left"))
		return error_hint(err,
				  "The file system of the machine that holds '%s' is full: enlarge "
				  "it (disk_size), or upload to another one.",
				  dst);
	return -1;
}

static int upload_file(struct provision_ctx *ctx, const char *src, const char *dst,
		       struct error **err)
{
	AUTO_FREE char *to = into_dir(dst, src);
	struct transfer t = { ctx, path_basename(src) };
	const struct comm_upload up = {
		.path = src,
		.progress = progress,
		.progress_data = &t,
	};
	int r = ctx->comm->ops->upload(ctx->comm, &up, to, ctx->build->cancel, err);

	ui_progress_end(ctx->build->ui, t.name);
	return r < 0 ? upload_failed(to, err) : 0;
}

static int upload_one(struct provision_ctx *ctx, const char *src, const char *dst,
		      struct error **err)
{
	struct stat st;

	ui_say(ctx->build->ui, "Uploading %s => %s", src, dst);
	if (stat(src, &st) < 0)
		return error_set_errno(err, errno, "cannot upload '%s'", src);
	if (!S_ISDIR(st.st_mode))
		return upload_file(ctx, src, dst, err);
	if (ctx->comm->ops->upload_dir(ctx->comm, src, dst, ctx->build->cancel, err) < 0)
		return upload_failed(dst, err);
	return 0;
}

static int upload_content(struct provision_ctx *ctx, const char *content, const char *dst,
			  struct error **err)
{
	AUTO_FREE char *path = NULL;
	int fd;

	if (fs_temp_file(ctx->build->temp_dir, "pkr-file-content", "", &path, &fd, err) < 0)
		return -1;
	(void)close(fd);

	int r = fs_write(path, content, strlen(content), 0600, err);

	if (r == 0)
		r = upload_one(ctx, path, dst, err);
	script_remove(path);
	return r;
}

/* ---- download --------------------------------------------------------------------------- */

static bool is_tree(const char *src)
{
	return text_ends_with(src, "/") || strpbrk(src, "*?[");
}

/* 1 after a tree: further sources are then ignored. */
static int download_one(struct provision_ctx *ctx, const char *src, const char *dst,
			struct error **err)
{
	const struct comm_ops *ops = ctx->comm->ops;
	bool as_is = text_ends_with(src, "/") || text_ends_with(src, "*");
	AUTO_FREE char *to = as_is ? xstrdup(dst) : into_dir(dst, src);
	const char *slash = strrchr(to, '/');
	AUTO_FREE char *dir = slash ? xstrndup(to, MAX((size_t)(slash - to), (size_t)1)) : NULL;

	if (dir && fs_mkdir_all(dir, 0755, err) < 0)
		return -1;
	ui_say(ctx->build->ui, "Downloading %s => %s", src, to);
	if (is_tree(src)) {
		if (ops->download_dir(ctx->comm, src, to, ctx->build->cancel, err) < 0)
			return error_prefix(err, "Download failed");
		return 1;
	}
	if (ops->download(ctx->comm, src, to, ctx->build->cancel, err) < 0)
		return error_prefix(err, "Download failed");
	return 0;
}

/* ---- run ----------------------------------------------------------------------------------- */

static int run_source(const struct file_config *c, struct provision_ctx *ctx, const char *source,
		      const char *dst, struct error **err)
{
	AUTO_FREE char *src = late_render(source, "source", ctx, NULL, err);

	if (!src)
		return -1;
	if (is_upload(c))
		return upload_one(ctx, src, dst, err);
	return download_one(ctx, src, dst, err);
}

static int file_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	const struct file_config *c = config;
	AUTO_FREE char *dst = late_render(c->destination, "destination", ctx, NULL, err);
	int r = 0;

	if (!dst)
		return -1;
	if (!text_is_empty(c->content) && is_upload(c))
		return upload_content(ctx, c->content, dst, err);
	for (size_t i = 0; i < c->sources.len && r == 0; i++)
		r = run_source(c, ctx, c->sources.v[i], dst, err);
	if (r == 0 && !text_is_empty(c->source))
		r = run_source(c, ctx, c->source, dst, err);
	return r < 0 ? -1 : 0;
}

static const char *file_barrier(const void *config, bool declared)
{
	(void)declared;
	return is_upload(config) ? NULL : "it brings a file from the machine to this host";
}

const struct provisioner_type provisioner_file = {
	.name = "file",
	.doc = "Copies files to the machine or from it.",
	.schema = &file_provisioner_schema,
	.prepare = file_prepare,
	.run = file_run,
	.local_files = file_local_files,
	.barrier = file_barrier,
};
