/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The post-processor `manifest`: appends what was built to a JSON file that
 * other tools read (post-processors.md 3). Member order, indentation and the
 * missing final newline are part of the format.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/config.h"
#include "core/component.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"
#include "tmpl/tmpl.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOCK_TRIES = 3, LOCK_STEP_MS = 200 };

struct manifest {
	const char *output;
	bool strip_path;
	bool strip_time;
	struct text_map custom_data;
};

static const struct attr manifest_attrs[] = {
	ATTR_STRING(struct manifest, output, 0, "The file to add to.",
		    .def = "packer-manifest.json"),
	ATTR_BOOL(struct manifest, strip_path, 0, "Record base names only."),
	ATTR_BOOL(struct manifest, strip_time, 0, "Leave the build time out."),
	ATTR_MAP(struct manifest, custom_data, ATTR_LATE, "Values to record with the build."),
	ATTR_END,
};
static const struct schema manifest_schema = SCHEMA(struct manifest, manifest_attrs);

static void manifest_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct manifest *m = config;

	(void)ctx;
	(void)diags;
	if (!m->output || !*m->output)
		m->output = "packer-manifest.json";
}

static json_t *text(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("(not UTF-8)");
}

/* A name that is no file (any more) has no size. */
static int size_of(const char *path, int64_t *ret, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	*ret = 0;
	if (fs_size(path, ret, &e) == 0 || e->kind == ERROR_NOT_FOUND)
		return 0;
	return error_move(err, TAKE(e));
}

static json_t *files_json(const struct manifest *m, const struct artifact *a, struct error **err)
{
	if (!a->files.len)
		return json_null();

	json_t *files = json_array();

	for (size_t i = 0; i < a->files.len; i++) {
		const char *path = a->files.v[i];
		int64_t size;

		if (size_of(path, &size, err) < 0) {
			json_decref(files);
			return NULL;
		}

		json_t *f = json_object();

		json_object_set_new(f, "name", text(m->strip_path ? path_basename(path) : path));
		json_object_set_new(f, "size", json_integer(size));
		json_array_append_new(files, f);
	}
	return files;
}

static json_t *custom_json(const struct manifest *m, const struct component_info *info,
			   const struct artifact *a, struct error **err)
{
	struct tmpl_ctx ctx = {
		.data = a->generated_data,
		.build = a->generated_data,
		.build_names = config_build_names,
		.build_name = info->source_name,
		.build_type = info->builder_type,
		.user = info->user_variables,
		.world = info->world,
		.packer_version = COMPAT_VERSION,
	};
	json_t *custom;

	if (!m->custom_data.len)
		return json_null();
	custom = json_object();
	for (size_t i = 0; i < m->custom_data.len; i++) {
		const struct text_pair *p = &m->custom_data.v[i];
		AUTO_FREE char *value = tmpl_render(p->value, &ctx, err);

		if (!value) {
			json_decref(custom);
			error_prefix(err, "custom_data '%s'", p->key);
			return NULL;
		}
		json_object_set_new(custom, p->key, text(value));
	}
	return custom;
}

static json_t *build_json(const struct manifest *m, struct build_ctx *ctx, const struct artifact *a,
			  struct error **err)
{
	json_t *custom = custom_json(m, ctx->info, a, err);
	json_t *files = custom ? files_json(m, a, err) : NULL;

	if (!files) {
		json_decref(custom);
		return NULL;
	}

	json_t *b = json_object();

	json_object_set_new(b, "name", text(ctx->info->source_name));
	json_object_set_new(b, "builder_type", text(ctx->info->builder_type));
	if (!m->strip_time)
		json_object_set_new(b, "build_time", json_integer(clock_wall() / NSEC_PER_SEC));
	json_object_set_new(b, "files", files);
	json_object_set_new(b, "artifact_id", text(a->id));
	json_object_set_new(b, "packer_run_uuid", text(ctx->run_uuid));
	json_object_set_new(b, "custom_data", custom);
	return b;
}

/* Earlier builds of the file; an empty array when there is none. */
static int read_builds(const struct manifest *m, struct build_ctx *ctx, json_t **ret,
		       struct error **err)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT_MAX(FS_READ_MAX);
	AUTO(error) struct error *e = NULL;
	json_error_t why;

	*ret = NULL;
	if (fs_read(m->output, FS_READ_MAX, &sb, &e) < 0 && e->kind != ERROR_NOT_FOUND)
		return error_move(err, TAKE(e));
	if (sb.len) {
		json_t *root = json_loadb(sb.buf, sb.len, 0, &why);
		json_t *builds = root ? json_object_get(root, "builds") : NULL;
		const char *last = json_string_value(json_object_get(root, "last_run_uuid"));

		if (!root)
			return error_set(err, ERROR_INVALID, "Unable to parse content from %s: %s",
					 m->output, why.text);
		/* -force starts over, but not within one run. */
		if (json_is_array(builds) &&
		    !(ctx->info->force && last && strcmp(last, ctx->run_uuid)))
			*ret = json_incref(builds);
		json_decref(root);
	}
	if (!*ret)
		*ret = json_array();
	return 0;
}

static int write_manifest(const struct manifest *m, struct build_ctx *ctx, json_t *builds,
			  struct error **err)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	json_t *root = json_object();

	json_object_set(root, "builds", builds);
	json_object_set_new(root, "last_run_uuid", text(ctx->run_uuid));

	char *dump = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	strbuf_addstr(&sb, dump);
	free(dump);
	json_decref(root);
	/* As other writers of this file escape them; such characters occur in strings only. */
	strbuf_replace(&sb, "<", "\\u003c");
	strbuf_replace(&sb, ">", "\\u003e");
	strbuf_replace(&sb, "&", "\\u0026");
	strbuf_replace(&sb, "\xe2\x80\xa8", "\\u2028");
	strbuf_replace(&sb, "\xe2\x80\xa9", "\\u2029");
	if (fs_write_atomic(m->output, sb.buf, sb.len, 0664, err) < 0)
		return error_prefix(err, "Unable to write %s", m->output);
	return 0;
}

/* Other programs take the same lock: a file that must not exist. */
static bool take_lock(const char *path, struct build_ctx *ctx)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		AUTO(error) struct error *e = NULL;

		if (io_pause(clock_deadline(i * LOCK_STEP_MS * NSEC_PER_MSEC), ctx->cancel, &e) < 0)
			return false;

		AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd >= 0)
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

static int add_build(const struct manifest *m, struct build_ctx *ctx, const struct artifact *a,
		     struct error **err)
{
	json_t *builds, *build = build_json(m, ctx, a, err);

	if (!build)
		return -1;
	if (read_builds(m, ctx, &builds, err) < 0) {
		json_decref(build);
		return -1;
	}
	json_array_append_new(builds, build);

	int r = write_manifest(m, ctx, builds, err);

	json_decref(builds);
	return r;
}

static int manifest_run(const void *config, struct build_ctx *ctx, struct artifact *input,
			struct postproc_result *ret, struct error **err)
{
	const struct manifest *m = config;
	AUTO_FREE char *lock = xasprintf("%s.lock", m->output);
	bool locked = take_lock(lock, ctx);
	int r = add_build(m, ctx, input, err);

	if (locked)
		(void)unlink(lock);
	if (r < 0)
		return -1;
	*ret = (struct postproc_result){ artifact_ref(input), .keep = true, .force_keep = true };
	return 0;
}

const struct postproc_type postproc_manifest = {
	.name = "manifest",
	.doc = "Record what was built in a JSON file.",
	.schema = &manifest_schema,
	.prepare = manifest_prepare,
	.run = manifest_run,
};
