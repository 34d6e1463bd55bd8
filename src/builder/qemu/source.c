/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/source.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"

#include <string.h>

int source_fetch(const struct qemu_config *c, struct build_ctx *ctx, char **ret_path,
		 struct error **err)
{
	const char *url = c->urls.v[0];
	enum fs_kind kind = FS_ABSENT;

	if (text_starts_with(url, "file://"))
		url += strlen("file://");

	AUTO_FREE char *path = path_absolute(ctx->cwd, url);

	if (fs_stat_kind(path, &kind, err) < 0)
		return -1;
	if (kind != FS_FILE)
		return error_set(err, ERROR_NOT_FOUND, "'%s' is no file", url);
	*ret_path = TAKE(path);
	return 0;
}
