/* SPDX-License-Identifier: Apache-2.0 */
/* The builder `file`: writes one file; its machine is nobody (provisioners.md 16). */
#include "base/alloc.h"
#include "base/path.h"
#include "core/component.h"
#include "os/digests.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

struct file {
	const char *target;
	const char *source;
	const char *content;
};

static const struct attr file_attrs[] = {
	ATTR_STRING(struct file, target, 0, "Where the file is written."),
	ATTR_STRING(struct file, source, ATTR_LOCAL_FILE, "The file to copy."),
	ATTR_STRING(struct file, content, 0, "What to write into the file."),
	ATTR_END,
};
static const struct schema file_schema = SCHEMA(struct file, file_attrs);

static bool is_set(const char *s)
{
	return s && *s;
}

static void file_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct file *f = config;
	struct range at = decoded_range(ctx->decoded, "target");

	if (!is_set(f->target))
		diags_error(diags, &at, "target required", "%s", "");
	if (is_set(f->source) && is_set(f->content)) {
		at = decoded_range(ctx->decoded, "content");
		diags_error(diags, &at, "Cannot specify source file AND content", "%s", "");
	}
	if (!is_set(f->source) && !is_set(f->content))
		diags_warning(
			diags, &at,
			"Both source file and contents are blank; target will have no content",
			"%s", "");
}

static int file_fingerprint(const void *config, struct build_ctx *ctx, struct digest *d,
			    struct error **err)
{
	const struct file *f = config;
	AUTO_FREE char *hex = NULL;

	if (is_set(f->source) &&
	    digests_of_file(ctx->dirs->cache, f->source, DIGEST_SHA256, ctx->cancel, &hex, err) < 0)
		return -1;
	digest_add_field(d, "target", f->target, strlen(f->target));
	digest_add_field(d, "source", hex ? hex : "", hex ? strlen(hex) : 0);
	digest_add_field(d, "content", f->content ? f->content : "",
			 f->content ? strlen(f->content) : 0);
	return 0;
}

/* Beside the target, then renamed: a copy that was cut short is never taken for the whole. */
static int copy_source(const struct file *f, struct build_ctx *ctx, struct error **err)
{
	AUTO_FREE char *target = path_absolute(ctx->cwd, f->target);
	AUTO_FREE char *part = xasprintf("%s.ingot-part", target);
	AUTO(error) struct error *e = NULL;
	uint64_t id;

	if (journal_path(ctx->journal, part, &id, err) < 0)
		return -1;

	int r = fs_copy(f->source, part, 0666, NULL, NULL, ctx->cancel, err);

	if (r == 0)
		r = fs_rename(part, target, err);
	if (r < 0 && fs_remove(part, &e) < 0)
		ui_error(ctx->ui, "warning: %s", e->message);
	else
		journal_done(ctx->journal, id);
	return r;
}

static int write_target(const struct file *f, struct build_ctx *ctx, struct error **err)
{
	AUTO_FREE char *dir = path_dirname(f->target);
	int64_t size;

	if (fs_mkdir_all(dir, 0755, err) < 0)
		return -1;
	if (!is_set(f->source)) {
		const char *text = f->content ? f->content : "";

		return fs_write_atomic(f->target, text, strlen(text), 0600, err);
	}
	ui_say(ctx->ui, "Copying %s to %s", f->source, f->target);
	if (copy_source(f, ctx, err) < 0 || fs_size(f->target, &size, err) < 0)
		return -1;
	ui_say(ctx->ui, "Copied %lld bytes", (long long)size);
	return 0;
}

struct file_machine {
	struct machine machine;
	const struct file *config;
	bool is_new; /* else somebody else counts on a file of that name */
};

static int file_finish(struct machine *m, struct build_ctx *ctx, struct artifact **ret,
		       struct error **err)
{
	const struct file *f = ((struct file_machine *)m)->config;
	AUTO_FREE char *text = xasprintf("Stored file: %s", f->target);

	(void)ctx;
	(void)err;
	*ret = artifact_new("packer.file", "File", text);
	strv_push(&(*ret)->files, f->target);
	(*ret)->destroy = artifact_destroy_files;
	return 0;
}

static void file_destroy(struct machine *m, struct build_ctx *ctx, bool keep_output)
{
	AUTO(error) struct error *e = NULL;
	struct file_machine *fm = (struct file_machine *)m;

	if (!keep_output && fm->is_new && fs_remove(fm->config->target, &e) < 0)
		ui_error(ctx->ui, "warning: %s", e->message);
	map_release(&m->generated);
	free(m);
}

static const struct machine_ops file_ops = {
	.finish = file_finish,
	.destroy = file_destroy,
};

static struct machine *file_start(const void *config, struct build_ctx *ctx,
				  struct checkpoint *from, struct error **err)
{
	const struct file *f = config;
	enum fs_kind kind;

	(void)from;
	if (fs_stat_kind(f->target, &kind, err) < 0 || write_target(f, ctx, err) < 0)
		return NULL;

	struct file_machine *fm = NEW(struct file_machine);

	fm->config = f;
	fm->is_new = kind == FS_ABSENT;
	fm->machine = (struct machine){
		.ops = &file_ops,
		.watch_fd = -1,
		.comm_type = "none",
		.swallow_transfers = true,
	};
	value_map_init(&fm->machine.generated);
	return &fm->machine;
}

const struct builder_type builder_file = {
	.name = "file",
	.doc = "Write one file, to try templates and post-processors out.",
	.schema = &file_schema,
	.prepare = file_prepare,
	.fingerprint = file_fingerprint,
	.start = file_start,
};
