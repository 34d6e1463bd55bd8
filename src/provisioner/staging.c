/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/staging.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "provisioner/remote.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* What a POSIX shell takes as one word. */
static char *quoted(const char *path)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, path);
	strbuf_replace(&sb, "'", "'\\''");
	return xasprintf("'%s'", sb.buf);
}

int staging_run(const struct staging *s, const char *command, int *ret_status, struct error **err)
{
	if (remote_run(s->ctx, command, NULL, ret_status, err) < 0)
		return -1;
	if (*ret_status != COMM_DISCONNECTED)
		return 0;
	return error_set(err, ERROR_DISCONNECTED,
			 "the connection to the machine was lost while it ran '%s'", command);
}

static int do_command(const struct staging *s, const char *command, const char *what,
		      struct error **err)
{
	int status = 0;

	if (staging_run(s, command, &status, err) < 0)
		return -1;
	if (status == 0)
		return 0;
	error_set(err, ERROR_FAILED, "%s: '%s' exited with status %d", what, command, status);
	if (!s->sudo || s->windows)
		return -1;
	return error_hint(err, "Where the login user is root or there is no sudo: "
			       "prevent_sudo = true.");
}

struct staging staging_of(struct provision_ctx *ctx, const char *dir, const char *guest_os_type,
			  bool sudo)
{
	bool windows = text_eq(guest_os_type, "windows");

	return (struct staging){
		.ctx = ctx, .dir = dir, .sudo = sudo && !windows, .windows = windows
	};
}

int staging_make(const struct staging *s, const char *dir, struct error **err)
{
	AUTO_FREE char *word = quoted(dir), *command = NULL;
	const char *sudo = s->sudo ? "sudo " : "";

	if (s->windows)
		command = xasprintf("powershell.exe -Command \"New-Item -ItemType directory -Force "
				    "-ErrorAction SilentlyContinue -Path %s\"",
				    dir);
	else if (s->sudo)
		command = xasprintf("%smkdir -p %s && %schmod 0777 %s", sudo, word, sudo, word);
	else
		command = xasprintf("mkdir -p %s", word);
	return do_command(s, command, "cannot make a folder on the machine", err);
}

int staging_remove(const struct staging *s, struct error **err)
{
	AUTO_FREE char *word = quoted(s->dir);
	AUTO_FREE char *command =
		s->windows ? xasprintf("powershell.exe -Command \"rm %s -recurse -force\"", s->dir)
			   : xasprintf("%srm -rf %s", s->sudo ? "sudo " : "", word);

	return do_command(s, command, "cannot remove a folder on the machine", err);
}

static int upload(const struct staging *s, const struct comm_upload *up, const char *dst,
		  struct error **err)
{
	struct comm *m = s->ctx->comm;

	return m->ops->upload(m, up, dst, s->ctx->build->cancel, err);
}

int staging_file(const struct staging *s, const char *src, const char *dst, struct error **err)
{
	const struct comm_upload up = { .path = src };

	if (upload(s, &up, dst, err) < 0)
		return error_prefix(err, "cannot upload '%s'", src);
	return 0;
}

int staging_text(const struct staging *s, const char *text, const char *dst, struct error **err)
{
	const struct comm_upload up = { .data = text, .len = strlen(text) };

	if (upload(s, &up, dst, err) < 0)
		return error_prefix(err, "cannot upload to '%s'", dst);
	return 0;
}

int staging_folder(const struct staging *s, const char *src, const char *dst, struct error **err)
{
	struct comm *m = s->ctx->comm;
	AUTO_FREE char *content = text_ends_with(src, "/") ? xstrdup(src) : xasprintf("%s/", src);

	if (staging_make(s, dst, err) < 0)
		return -1;
	if (m->ops->upload_dir(m, content, dst, s->ctx->build->cancel, err) < 0)
		return error_prefix(err, "cannot upload '%s'", src);
	return 0;
}

/* ---- prepare ------------------------------------------------------------------------------ */

static char *look_at(const char *name, const char *path, enum staging_want want)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return xasprintf("%s: %s is invalid: stat %s: %s", name, path, path,
				 fs_reason(errno));
	if (want == STAGING_FILE && !S_ISREG(st.st_mode))
		return xasprintf("%s: %s must point to a file", name, path);
	if (want == STAGING_FOLDER && !S_ISDIR(st.st_mode))
		return xasprintf("%s: %s must point to a directory", name, path);
	return NULL;
}

void staging_check(const char *name, const char *path, enum staging_want want,
		   const struct prepare_ctx *ctx, struct diags *diags)
{
	AUTO_FREE char *text = NULL;
	struct range at;

	/* A value that is not known before the build runs is looked at then. */
	if (text_is_empty(path) || strstr(path, "<unknown>"))
		return;
	text = look_at(name, path, want);
	if (!text)
		return;
	at = decoded_range(ctx->decoded, name);
	diags_error(diags, &at, text, "%s", "");
}

void staging_check_all(const char *name, const struct text_list *paths, enum staging_want want,
		       const struct prepare_ctx *ctx, struct diags *diags)
{
	for (size_t i = 0; i < paths->len; i++)
		staging_check(name, paths->v[i], want, ctx, diags);
}

void staging_check_os(const char **type, const struct prepare_ctx *ctx, struct diags *diags)
{
	if (text_is_empty(*type))
		*type = "unix";
	if (text_eq(*type, "unix") || text_eq(*type, "windows"))
		return;

	AUTO_FREE char *text = xasprintf("Invalid guest_os_type: \"%s\"", *type);
	struct range at = decoded_range(ctx->decoded, "guest_os_type");

	diags_error(diags, &at, text, "It is \"unix\" or \"windows\".");
}

int local_files_add(const char *path, struct strv *ret, struct error **err)
{
	enum fs_kind kind;

	if (text_is_empty(path))
		return 0;
	if (fs_stat_kind(path, &kind, err) < 0)
		return -1;
	if (kind == FS_DIR)
		return fs_walk_files(path, ret, err);
	strv_push(ret, path);
	return 0;
}

int local_files_add_all(const struct text_list *paths, struct strv *ret, struct error **err)
{
	for (size_t i = 0; i < paths->len; i++)
		if (local_files_add(paths->v[i], ret, err) < 0)
			return -1;
	return 0;
}
