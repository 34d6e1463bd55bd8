/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on paths and files. */
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "base/utf8.h"
#include "func/args.h"
#include "func/globber.h"
#include "func/rows.h"
#include "os/fs.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const struct param path_params[] = { { "path", &type_string, 0 }, { 0 } };

static const char other_home[] = "cannot expand user-specific home dir";

/* A leading ~ is the home directory. NULL: it is somebody else's. */
static char *expand_home(const struct func_call *call, const char *path)
{
	if (*path != '~')
		return xstrdup(path);
	if (path[1] && path[1] != '/')
		return NULL;
	return call->world->home ? path_join(call->world->home, path + 1 + (path[1] == '/'))
				 : xstrdup(path);
}

/* The path of argument 0, relative to the folder of the template. */
static char *base_path(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *path = expand_home(call, arg_text(call, 0));
	AUTO_FREE char *joined = NULL;

	if (!path) {
		fail(err, "failed to expand ~: %s", other_home);
		return NULL;
	}
	joined = path_join(call->world->base_dir, path);
	return path_clean(joined);
}

static struct value *call_abspath(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *path = path_absolute(call->world->cwd, arg_text(call, 0));

	return value_string(path);
}

static struct value *call_basename(const struct func_call *call, struct error **err)
{
	const char *path = arg_text(call, 0);
	size_t len = strlen(path), start;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (start = len; start && path[start - 1] != '/';)
		start--;
	if (!len)
		return value_string(".");
	return start == len ? value_string("/") : value_string_len(path + start, len - start);
}

static struct value *call_dirname(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *dir = path_dirname(arg_text(call, 0));

	return value_string(dir);
}

static struct value *call_pathexpand(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *path = expand_home(call, arg_text(call, 0));

	return path ? value_string(path) : fail(err, "%s", other_home);
}

static bool read_text(const char *path, struct strbuf *text, struct error **err)
{
	AUTO(error) struct error *why = NULL;

	if (fs_read(path, FS_READ_MAX, text, &why) == 0)
		return true;
	if (why->kind == ERROR_NOT_FOUND)
		fail(err, "no file exists at %s", path);
	else
		fail(err, "failed to read %s: %s", path,
		     why->os_errno ? strerrordesc_np(why->os_errno) : why->message);
	return false;
}

/* The text of the file at `path`, which must be UTF-8. */
static bool read_utf8(const char *path, struct strbuf *text, struct error **err)
{
	if (!read_text(path, text, err))
		return false;
	if (utf8_is_valid(text->buf, text->len))
		return true;
	fail(err,
	     "contents of %s are not valid UTF-8; use the filebase64 function to obtain the Base64 "
	     "encoded contents or the other file functions (e.g. filemd5, filesha256) to obtain "
	     "file hashing results instead",
	     path);
	return false;
}

static struct value *call_file(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *path = base_path(call, err);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!path || !read_utf8(path, &text, err))
		return NULL;
	return value_string_len(text.buf, text.len);
}

static struct value *call_filebase64(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *path = path_absolute(call->world->cwd, arg_text(call, 0));
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	AUTO(error) struct error *why = NULL;

	if (fs_read(path, FS_READ_MAX, &bytes, &why) < 0) {
		encode_go_quoted(&out, arg_text(call, 0), arg_size(call, 0));
		return fail(err, "failed to read file %s: %s", out.buf,
			    why->os_errno ? strerrordesc_np(why->os_errno) : why->message);
	}
	encode_base64(&out, bytes.buf, bytes.len);
	return value_string_len(out.buf, out.len);
}

/* As `ls -l` has it: "drwxr-xr-x". */
static void format_mode(char out[12], mode_t mode)
{
	static const char bits[] = "rwxrwxrwx";
	size_t n = 0;

	if (S_ISDIR(mode))
		out[n++] = 'd';
	else if (S_ISFIFO(mode))
		out[n++] = 'p';
	else if (S_ISSOCK(mode))
		out[n++] = 'S';
	else if (S_ISCHR(mode) || S_ISBLK(mode))
		out[n++] = 'D';
	if (S_ISCHR(mode))
		out[n++] = 'c';
	if (mode & S_ISVTX)
		out[n++] = 't';
	if (!n)
		out[n++] = '-';
	for (int i = 0; i < 9 && n < 11; i++)
		out[n++] = mode & (0400 >> i) ? bits[i] : '-';
	out[n] = '\0';
}

static struct value *call_fileexists(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *path = base_path(call, err);
	struct stat st;
	char mode[12];

	if (!path)
		return NULL;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return value_bool(false);
		return fail(err, "failed to stat %s: %s", path, strerrordesc_np(errno));
	}
	if (S_ISREG(st.st_mode))
		return value_bool(true);
	format_mode(mode, st.st_mode);
	return fail(err, "%s is not a regular file, but \"%s\"", path, mode);
}

static struct value *call_fileset(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *dir = base_path(call, err);
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(value_vec) struct value_vec items = { 0 };

	if (!dir)
		return NULL;
	AUTO(error) struct error *why = NULL;

	if (globber_files(dir, arg_text(call, 1), &files, &why) < 0)
		return fail(err, "failed to glob pattern (%s): %s", arg_text(call, 1),
			    why->message);
	for (size_t i = 0; i < files.len; i++)
		*vec_push(&items) = value_string(files.v[i]);
	return value_vec_set(&items, type_string);
}

static bool is_variable_name(const char *s)
{
	if (!isalpha((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

static struct value *check_vars(const struct func_call *call, struct error **err)
{
	struct value *vars = call->args[1];

	if (!is_mapping(value_type(vars)))
		return fail_arg(call, 1, err, "invalid vars value: must be a map");
	for (size_t i = 0; value_is_known(vars) && i < value_len(vars); i++) {
		const char *name = value_key_at(vars, i);
		AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

		encode_go_quoted(&quoted, name, strlen(name));
		if (!is_variable_name(name))
			return fail_arg(call, 1, err,
					"invalid template variable name %s: must start with a "
					"letter, followed by zero or more letters, digits, and "
					"underscores",
					quoted.buf);
	}
	return vars;
}

static struct value *call_templatefile(const struct func_call *call, struct error **err)
{
	AUTO_FREE char *path = base_path(call, err);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct value *v;

	if (!path || !read_utf8(path, &text, err) || !check_vars(call, err))
		return NULL;
	assert(call->world->render);
	v = call->world->render(call->world, path, text.buf, call->args[1], err);
	if (!v && (*err)->kind == ERROR_INVALID)
		*call->ret_bad_arg = 1;
	return v;
}

const struct func_def func_abspath = {
	.name = "abspath",
	.params = path_params,
	.call = call_abspath,
	.returns = &type_string,
	.doc = "Makes a path absolute, from the working directory.",
	.example = "abspath(\"/etc/../tmp\")",
	.result = "\"/tmp\"",
};

const struct func_def func_basename = {
	.name = "basename",
	.params = path_params,
	.call = call_basename,
	.returns = &type_string,
	.doc = "Gives the last element of a path.",
	.example = "basename(\"files/app.conf\")",
	.result = "\"app.conf\"",
};

const struct func_def func_dirname = {
	.name = "dirname",
	.params = path_params,
	.call = call_dirname,
	.returns = &type_string,
	.doc = "Gives a path without its last element.",
	.example = "dirname(\"files/app.conf\")",
	.result = "\"files\"",
};

const struct func_def func_file = {
	.name = "file",
	.params = path_params,
	.call = call_file,
	.returns = &type_string,
	.doc = "Reads a text file; a relative path starts at the folder of the template.",
	.example = "file(\"motd.txt\")",
	.result = "\"Welcome to the golden image.\\n\"",
};

const struct func_def func_filebase64 = {
	.name = "filebase64",
	.params = path_params,
	.call = call_filebase64,
	.returns = &type_string,
	.doc = "Reads any file as base64; a relative path starts at the working directory.",
	.example = "filebase64(\"logo.png\")",
	.result = "\"iVBORw0K\"",
};

const struct func_def func_fileexists = {
	.name = "fileexists",
	.params = path_params,
	.call = call_fileexists,
	.returns = &type_bool,
	.doc = "Tells whether there is a file; a relative path starts at the folder of the "
	       "template.",
	.example = "fileexists(\"no-such-file\")",
	.result = "false",
};

const struct func_def func_fileset = {
	.name = "fileset",
	.params = PARAMS({ "path", &type_string, 0 }, { "pattern", &type_string, 0 }),
	.call = call_fileset,
	.returns = &type_set_string,
	.doc = "Gives the files below a folder that match a pattern with *, ?, [], {} and **.",
	.example = "fileset(\"scripts\", \"**/*.sh\")",
	.result = "[\"lib/say.sh\", \"setup.sh\"]",
};

const struct func_def func_pathexpand = {
	.name = "pathexpand",
	.params = path_params,
	.call = call_pathexpand,
	.returns = &type_string,
	.doc = "Replaces a leading ~ by the home directory.",
	.example = "pathexpand(\"/etc/hosts\")",
	.result = "\"/etc/hosts\"",
};

const struct func_def func_templatefile = {
	.name = "templatefile",
	.params = PARAMS({ "path", &type_string, 0 }, { "vars", NULL, 0 }),
	.call = call_templatefile,
	.doc = "Reads a file as a template and renders it with the given variables.",
	.example = "templatefile(\"motd.tmpl\", { name = \"web\" })",
	.result = "\"Welcome to web.\\n\"",
};
