/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/export/outputs.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/fs.h"
#include "postproc/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void outputs_init(struct outputs *o, struct build_ctx *ctx)
{
	*o = (struct outputs){ .ctx = ctx, .dirs = STRV_INIT };
}

static void remove_file(struct outputs *o, const char *path)
{
	AUTO(error) struct error *e = NULL;

	if (fs_remove(path, &e) < 0)
		ui_error(o->ctx->ui, "warning: %s", e->message);
}

void outputs_release(struct outputs *o)
{
	for (size_t i = 0; i < o->len; i++) {
		struct output_file *f = o->items[i];

		if (f->journal_id && !o->kept)
			remove_file(o, f->placed ? f->full : f->part);
		journal_done(o->ctx->journal, f->journal_id);
		free(f->path);
		free(f->full);
		free(f->part);
		free(f);
	}
	/* the deepest first; one that somebody uses stays */
	for (size_t i = o->dirs.len; i-- > 0 && !o->kept;)
		(void)rmdir(o->dirs.v[i]);
	strv_release(&o->dirs);
	vec_release(o);
}

static int refuse(const struct outputs *o, const struct output_file *f,
		  const struct artifact *input, struct error **err)
{
	if (output_is_input(o->ctx, f->path, &input->files))
		return error_set(err, ERROR_INVALID,
				 "'%s' is a file of the artifact that is exported", f->path);
	if (output_check_path(o->ctx, f->path, err) < 0)
		return -1;
	for (size_t i = 0; i < o->len; i++)
		if (o->items[i] != f && !strcmp(o->items[i]->full, f->full))
			return error_set(err, ERROR_INVALID, "two files would be named '%s'",
					 f->path);
	return 0;
}

int outputs_add(struct outputs *o, const char *path, const struct artifact *input,
		struct output_file **ret, struct error **err)
{
	struct output_file *f = NEW(struct output_file);

	f->path = xstrdup(path);
	f->full = path_absolute(o->ctx->cwd, path);
	f->part = xasprintf("%s.ingot-part", f->full);
	*vec_push(o) = f;
	*ret = f;
	return refuse(o, f, input, err);
}

/* As mkdir -p, and notes which ones were not there. */
static int make_dir(struct outputs *o, const char *dir, struct error **err)
{
	struct strv missing = STRV_INIT;
	AUTO_FREE char *at = xstrdup(dir);

	while (!fs_exists(at)) {
		char *above = path_dirname(at);

		strv_push(&missing, at);
		free(at);
		at = above;
	}

	int r = fs_mkdir_all(dir, 0755, err);

	for (size_t i = missing.len; r == 0 && i-- > 0;)
		strv_push(&o->dirs, missing.v[i]);
	strv_release(&missing);
	return r;
}

int outputs_prepare(struct outputs *o, struct output_file *f, struct error **err)
{
	AUTO_FREE char *dir = path_dirname(f->full);

	if (make_dir(o, dir, err) < 0 ||
	    journal_path(o->ctx->journal, f->part, &f->journal_id, err) < 0)
		return -1;
	return fs_remove(f->part, err);
}

int outputs_place(struct outputs *o, struct error **err)
{
	for (size_t i = 0; i < o->len; i++) {
		if (fs_rename(o->items[i]->part, o->items[i]->full, err) < 0)
			return -1;
		o->items[i]->placed = true;
	}
	o->kept = true;
	return 0;
}
