/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The post-processor `artifice`: from here on the artifact is these files,
 * whatever it was before (post-processors.md 6). It deletes nothing.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "core/component.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

struct artifice {
	struct text_list files;
};

static const struct attr artifice_attrs[] = {
	ATTR_STRINGS(struct artifice, files, 0,
		     "The files: patterns with `*`, `?` and `[…]`, looked up when it runs."),
	ATTR_END,
};
static const struct schema artifice_schema = SCHEMA(struct artifice, artifice_attrs);

static void artifice_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct artifice *a = config;

	if (!a->files.len)
		diags_error(diags, &ctx->decoded->range,
			    "No files specified in artifice configuration", "%s", "");
}

/* `*` matches names that begin with a dot, but never the folder itself or the one above. */
static bool is_dots(const char *path)
{
	const char *name = path_basename(path);

	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int add_matches(const char *pattern, struct strv *files, struct error **err)
{
	glob_t found = { 0 };
	int r = glob(pattern, GLOB_PERIOD, NULL, &found);

	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
		if (!is_dots(found.gl_pathv[i]))
			strv_push(files, found.gl_pathv[i]);
	globfree(&found);
	if (r == 0 || r == GLOB_NOMATCH)
		return 0;
	return error_set_errno(err, r == GLOB_NOSPACE ? ENOMEM : EIO, "cannot look for '%s'",
			       pattern);
}

static int artifice_run(const void *config, struct build_ctx *ctx, struct artifact *input,
			struct postproc_result *ret, struct error **err)
{
	const struct artifice *c = config;
	AUTO(strv) struct strv files = STRV_INIT;

	for (size_t i = 0; i < c->files.len; i++)
		if (add_matches(c->files.v[i], &files, err) < 0)
			return -1;

	AUTO_FREE char *before = strv_join(&input->files, ", ");
	AUTO_FREE char *names = strv_join(&files, ", ");
	AUTO_FREE char *text = xasprintf("Created artifact from files: %s", names);

	if (input->files.len)
		ui_say(ctx->ui, "Discarding files from artifact: %s", before);
	ui_say(ctx->ui, "Using these artifact files: %s", names);

	struct artifact *a = artifact_new("packer.post-processor.artifice", "", text);

	strv_pushv(&a->files, files.v);
	a->destroy = artifact_destroy_files;
	*ret = (struct postproc_result){ a, .keep = true };
	return 0;
}

const struct postproc_type postproc_artifice = {
	.name = "artifice",
	.doc = "Replace the artifact's files by others.",
	.schema = &artifice_schema,
	.prepare = artifice_prepare,
	.run = artifice_run,
	.never_reused = "artifice takes files that others made",
};
