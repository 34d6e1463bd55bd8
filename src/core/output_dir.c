/* SPDX-License-Identifier: Apache-2.0 */
#include "core/output_dir.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/fs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool holds(const char *dir, const char *path)
{
	return path && *path == '/' && path_is_below(path, dir);
}

static bool is_precious(const char *real, const struct build_ctx *ctx)
{
	return !strchr(real + 1, '/') || holds(real, ctx->cwd) || holds(real, ctx->dirs->home) ||
	       holds(real, ctx->dirs->state) || holds(real, ctx->dirs->cache);
}

int output_dir_clear(const char *path, const struct build_ctx *ctx, struct error **err)
{
	AUTO_FREE char *real = realpath(path, NULL);

	if (!real)
		return 0;
	if (!is_precious(real, ctx))
		return fs_remove_tree(path, err);
	error_set(err, ERROR_INVALID, "will not delete '%s', even with -force", real);
	return error_hint(err, "output_directory must name a folder that only builds write to");
}
