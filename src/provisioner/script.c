/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/script.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"
#include "provisioner/late.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

void script_check_file(const char *kind, const char *path, const char *attr,
		       const struct prepare_ctx *ctx, struct diags *diags)
{
	struct range at = decoded_range(ctx->decoded, attr);
	AUTO_FREE char *text = NULL;
	struct stat st;

	/* A value that is not known before the build runs is checked then. */
	if (strstr(path, "<unknown>"))
		return;
	if (stat(path, &st) < 0)
		text = xasprintf("Bad %s '%s': stat %s: %s", kind, path, path, fs_reason(errno));
	else if (!strcmp(kind, "script") && S_ISDIR(st.st_mode))
		text = xasprintf("Bad %s '%s': is a directory", kind, path);
	else if (access(path, R_OK) < 0)
		text = xasprintf("Bad %s '%s': open %s: %s", kind, path, path, fs_reason(errno));
	if (text)
		diags_error(diags, &at, text, "%s", "");
}

static int render_lines(const struct script_inline *in, const struct provision_ctx *ctx,
			struct strbuf *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf body = STRBUF_INIT;

	for (size_t i = 0; i < in->lines->len; i++) {
		AUTO_FREE char *line = late_render(in->lines->v[i], "inline", ctx, NULL, err);

		if (!line)
			return -1;
		strbuf_addf(&body, "%s\n", line);
	}
	if (!in->keep_own || !text_starts_with(body.buf, "#!"))
		strbuf_addf(ret, "#!%s\n", in->shebang);
	strbuf_add(ret, body.buf, body.len);
	return 0;
}

int script_write_inline(const struct script_inline *in, const struct provision_ctx *ctx,
			char **ret_path, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;

	if (render_lines(in, ctx, &text, err) < 0 ||
	    fs_temp_file(ctx->build->temp_dir, in->prefix, in->suffix, &path, &fd, err) < 0)
		return -1;
	if (fchmod(fd, in->mode) < 0)
		return error_set_errno(err, errno, "cannot change the mode of '%s'", path);
	if (io_write_all(fd, text.buf, text.len, DEADLINE_NEVER, ctx->build->cancel, err) < 0) {
		error_hint(err, "it is written to %s; TMPDIR can name another place",
			   ctx->build->temp_dir);
		return error_prefix(err, "Unable to write inline shell script");
	}
	*ret_path = TAKE(path);
	return 0;
}

void script_remove(const char *path)
{
	AUTO(error) struct error *e = NULL;

	if (fs_remove(path, &e) < 0)
		error_ignore(&e, "the build removes its temporary directory anyway");
}

bool script_exit_allowed(const struct int_list *allowed, int status)
{
	for (size_t i = 0; i < allowed->len; i++)
		if (allowed->v[i] == status)
			return true;
	return false;
}

int script_exit_error(const struct int_list *allowed, int status, struct error **err)
{
	AUTO(strbuf) struct strbuf list = STRBUF_INIT;

	for (size_t i = 0; i < allowed->len; i++)
		strbuf_addf(&list, "%s%lld", i ? " " : "", (long long)allowed->v[i]);
	error_set(err, ERROR_FAILED,
		  "Script exited with non-zero exit status: %d. Allowed exit codes are: [%s]",
		  status, list.buf);
	if (status == STATUS_NOT_EXECUTABLE)
		return error_hint(err, "126 is the shell's way to say that the script cannot be "
				       "executed: no execute permission, or it lies on a file "
				       "system mounted with noexec.");
	if (status == STATUS_NOT_FOUND)
		return error_hint(err,
				  "127 is the shell's way to say that a command does not exist; "
				  "maybe the interpreter named in the script's first line.");
	return -1;
}

void script_exit_default(struct int_list *allowed, struct arena *arena)
{
	if (allowed->len == 0)
		*allowed = (struct int_list){ ARENA_NEW(arena, int64_t), 1 };
}
