/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/medium.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/image.h"
#include "builder/qemu/unpack.h"
#include "net/checksum.h"
#include "net/download.h"
#include "net/remote.h"
#include "os/digests.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"
#include "os/qcow2.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { BACKING_MAX = 64 /* images below one another */ };

/* NULL also for a variable that is empty. */
static const char *env_set(char *const *env, const char *name)
{
	const char *value = env_get(env, name);

	return text_is_empty(value) ? NULL : value;
}

static void say(void *data, bool is_error, const char *text)
{
	struct build_ctx *ctx = data;

	if (is_error)
		ui_error(ctx->ui, "%s", text);
	else
		ui_say(ctx->ui, "%s", text);
}

static void progress(void *data, int64_t done, int64_t total)
{
	struct build_ctx *ctx = data;

	ui_progress(ctx->ui, "downloading", done, total < 0 ? 0 : total, UNIT_BYTES);
}

static int unpack(void *data, const char *type, const char *from, const char *to, struct cancel *c,
		  struct error **err)
{
	(void)data;
	return unpack_single(type, from, to, c, err);
}

static char *netrc_path(const struct build_ctx *ctx)
{
	const char *named = env_set(ctx->environ, "NETRC");

	if (named)
		return xstrdup(named);
	return ctx->dirs->home ? path_join(ctx->dirs->home, ".netrc") : NULL;
}

static int64_t request_timeout(const struct build_ctx *ctx)
{
	const char *text = env_set(ctx->environ, "PACKER_GETTER_READ_TIMEOUT");
	AUTO(error) struct error *e = NULL;
	int64_t ns = 0;

	if (text && duration_parse(text, &ns, &e) < 0)
		error_ignore(&e, "as if it were not set");
	return ns;
}

static int resolve_checksum(const struct qemu_config *c, struct build_ctx *ctx, const char *netrc,
			    char **ret, struct error **err)
{
	const struct checksum_context how = {
		.url = c->urls.v[0],
		.cwd = ctx->cwd,
		.netrc = netrc,
		.plain_proxy = env_set(ctx->environ, "HTTP_PROXY"),
	};

	return checksum_resolve(c->iso_checksum, &how, ctx->cancel, ret, err);
}

/* ---- read in place (iso_skip_cache) ----------------------------------------------- */

static int find_server(const struct qemu_config *c, struct build_ctx *ctx, char **ret_url,
		       char **ret_state, struct error **err)
{
	AUTO(strv) struct strv urls = STRV_INIT;
	const struct remote r = {
		.urls = &urls,
		.cwd = ctx->cwd,
		.plain_proxy = env_set(ctx->environ, "HTTP_PROXY"),
		.say = say,
		.data = ctx,
	};

	for (size_t i = 0; i < c->urls.len; i++)
		strv_push(&urls, c->urls.v[i]);
	ui_say(ctx->ui, "Looking for a server that the emulator can read the ISO from");
	return remote_find(&r, ctx->cancel, ret_url, ret_state, err);
}

/* Said before anything is made: QEMU may come without its HTTP driver. */
static int check_driver(struct build_ctx *ctx, const char *url, struct error **err)
{
	const struct image_ctx x = { .journal = ctx->journal,
				     .cancel = ctx->cancel,
				     .environ = ctx->environ,
				     .cwd = ctx->cwd };
	AUTO(image_info) struct image_info info = { 0 };

	if (image_probe(&x, url, &info, err) == 0)
		return 0;
	if (strstr((*err)->message, "Unknown protocol"))
		error_hint(err, "QEMU reads over HTTP with a driver of its own, which may be a "
				"package of its own (Debian: qemu-block-extra)");
	return -1;
}

static int medium_find(const struct qemu_config *c, struct build_ctx *ctx, char **ret,
		       struct error **err)
{
	AUTO_FREE char *url = NULL;

	if (find_server(c, ctx, &url, NULL, err) < 0 || check_driver(ctx, url, err) < 0)
		return -1;
	*ret = TAKE(url);
	return 0;
}

/* ---- both ---------------------------------------------------------------------------- */

static void say_errors(void *data, bool is_error, const char *text)
{
	if (is_error)
		say(data, is_error, text);
}

static void say_nothing(void *data, bool is_error, const char *text)
{
	(void)data;
	(void)is_error;
	(void)text;
}

static int fetch(const struct qemu_config *c, struct build_ctx *ctx,
		 void (*tell)(void *data, bool is_error, const char *text), char **ret_path,
		 struct error **err)
{
	AUTO_FREE char *netrc = netrc_path(ctx);
	AUTO_FREE char *checksum = NULL;
	AUTO(strv) struct strv urls = STRV_INIT;
	struct download_result result = { 0 };

	if (resolve_checksum(c, ctx, netrc, &checksum, err) < 0)
		return -1;
	for (size_t i = 0; i < c->urls.len; i++)
		strv_push(&urls, c->urls.v[i]);

	const struct download d = {
		.what = "ISO",
		.urls = &urls,
		.checksum = checksum,
		.cache_dir = ctx->dirs->cache,
		.target_path = text_is_empty(c->iso_target_path) ? NULL : c->iso_target_path,
		.extension = c->iso_target_extension,
		.cwd = ctx->cwd,
		.netrc = netrc,
		.plain_proxy = env_set(ctx->environ, "HTTP_PROXY"),
		.request_timeout = request_timeout(ctx),
		.look_only = ctx->look_only,
		.say = tell,
		.progress = ctx->look_only ? NULL : progress,
		.unpack = unpack,
		.data = ctx,
	};
	int r = download_run(&d, ctx->cancel, &result, err);

	if (!ctx->look_only)
		ui_progress_end(ctx->ui, "downloading");
	if (r == 0)
		*ret_path = TAKE(result.path);
	download_result_release(&result);
	return r;
}

int medium_fetch(const struct qemu_config *c, struct build_ctx *ctx, char **ret_path,
		 struct error **err)
{
	if (c->iso_skip_cache)
		return medium_find(c, ctx, ret_path, err);
	return fetch(c, ctx, say, ret_path, err);
}

/* What the image stands on, down to the lowest: a change there changes the disk. */
static int add_backing(struct digest *d, const char *path, struct build_ctx *ctx,
		       struct error **err)
{
	AUTO_FREE char *at = xstrdup(path);

	for (int i = 0; i < BACKING_MAX; i++) {
		AUTO_CLOSE int fd = open(at, O_RDONLY | O_CLOEXEC);
		AUTO_FREE char *name = fd < 0 ? NULL : qcow2_backing(fd);
		AUTO_FREE char *dir = NULL, *hex = NULL;

		if (!name)
			return 0;
		if (strstr(name, "://") || text_starts_with(name, "json:") ||
		    text_starts_with(name, "nbd:"))
			return error_set(
				err, ERROR_INVALID,
				"nobody can tell whether '%s' changes, which '%s' stands on", name,
				at);
		dir = path_dirname(at);
		free(at);
		at = path_absolute(dir, name);
		if (digests_of_file(ctx->dirs->cache, at, DIGEST_SHA256, ctx->cancel, &hex, err) <
		    0)
			return -1;
		digest_add_field(d, "backing file", hex, strlen(hex));
	}
	return error_set(err, ERROR_INVALID, "'%s' stands on too many other images", path);
}

/* start() says what it fetches; here that would be said twice. */
int medium_fingerprint(const struct qemu_config *c, struct build_ctx *ctx, struct digest *d,
		       struct error **err)
{
	AUTO_FREE char *where = NULL;
	AUTO_FREE char *state = NULL;
	const char *name = c->disk_image ? "base image" : "install medium";
	int r;

	if (c->iso_skip_cache && ctx->look_only)
		return error_set(err, ERROR_NOT_FOUND,
				 "only the server of the %s knows what it is now", name);
	if (c->iso_skip_cache)
		r = find_server(c, ctx, &where, &state, err);
	else if ((r = fetch(c, ctx, ctx->look_only ? say_nothing : say_errors, &where, err)) == 0)
		r = digests_of_file(ctx->dirs->cache, where, DIGEST_SHA256, ctx->cancel, &state,
				    err);
	if (r == 0) {
		digest_add_field(d, name, state, strlen(state));
		return c->iso_skip_cache ? 0 : add_backing(d, where, ctx, err);
	}
	if (ctx->look_only && (*err)->kind == ERROR_NOT_FOUND)
		error_prefix(err, "the %s is not at hand", name);
	return r;
}
