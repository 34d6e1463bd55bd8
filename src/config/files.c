/* SPDX-License-Identifier: Apache-2.0 */
/* Which files make up a template, and the one place that tells their syntax by name. */
#include "base/path.h"
#include "config/loader.h"
#include "lang/json.h"
#include "os/fs.h"

/* Files are taken suffix by suffix, then by name. `.ingot.hcl` is ours: what other tools do not know, in a folder that serves both. */
static const char *const template_suffixes[] = { ".pkr.hcl", ".pkr.json", ".ingot.hcl", NULL };
static const char *const auto_suffixes[] = { ".auto.pkrvars.hcl", ".auto.pkrvars.json", NULL };

/* Whatever else a template is called, it is native; variable files have one of two names. */
static bool is_json(const struct loader *l, const struct file_list *files, const char *path)
{
	return text_ends_with(path, files == &l->files ? ".pkr.json" : ".json");
}

static void add_file(struct loader *l, struct file_list *files, const char *path)
{
	AUTO(error) struct error *e = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	if (fs_read(path, FS_READ_MAX, &text, &e) < 0) {
		diags_error(l->diags, NULL, "Failed to read file",
			    "The configuration file \"%s\" could not be read: %s.", path,
			    e->message);
		return;
	}
	const struct source *src = sources_add(l->config->sources, path, text.buf, text.len);
	struct body *body = is_json(l, files, path) ? parse_json_file(src, l->arena, l->diags)
						    : parse_file(src, l->arena, l->diags);
	*vec_push(files) = (struct config_file){ .path = src->name, .body = body };
}

/* Errors have the words of the system, as they are the whole message. */
static bool list_directory(struct loader *l, const char *dir, struct strv *ret)
{
	AUTO(error) struct error *e = NULL;
	if (fs_list(dir, ret, &e) == 0)
		return true;
	diags_error(l->diags, NULL, "Cannot read hcl directory", "%s", e->message);
	return false;
}

static bool is_directory(const char *path)
{
	AUTO(error) struct error *e = NULL;
	enum fs_kind kind = FS_ABSENT;
	if (fs_stat_kind(path, &kind, &e) < 0)
		return false;
	return kind == FS_DIR;
}

static void add_matching(struct loader *l, struct file_list *files, const struct strv *names,
			 const char *suffix)
{
	for (size_t i = 0; i < names->len; i++) {
		if (!text_ends_with(names->v[i], suffix))
			continue;
		AUTO_FREE char *joined = path_join(l->opts->path, names->v[i]);
		AUTO_FREE char *path = path_clean(joined);
		if (!is_directory(path))
			add_file(l, files, path);
	}
}

static void add_directory(struct loader *l, struct file_list *files, const char *const *suffixes)
{
	AUTO(strv) struct strv names = STRV_INIT;
	if (!list_directory(l, l->opts->path, &names))
		return;
	for (size_t i = 0; suffixes[i]; i++)
		add_matching(l, files, &names, suffixes[i]);
}

int config_is_legacy(const char *path, const char *type, bool *ret, struct error **err)
{
	enum fs_kind kind = FS_ABSENT;
	AUTO(error) struct error *e = NULL;
	*ret = !text_eq(type, "hcl2");
	if (text_is_empty(path) || text_eq(path, "-"))
		return 0;
	if (fs_stat_kind(path, &kind, &e) < 0)
		return error_set(err, ERROR_NOT_FOUND, "\"%s\": %s", path, e->message);
	if (kind == FS_ABSENT)
		return error_set(err, ERROR_NOT_FOUND, "\"%s\": stat %s: no such file or directory",
				 path, path);
	for (size_t i = 0; template_suffixes[i]; i++)
		if (text_ends_with(path, template_suffixes[i]))
			*ret = false;
	*ret = *ret && kind != FS_DIR;
	return 0;
}

void load_templates(struct loader *l)
{
	const char *path = l->opts->path;
	AUTO(error) struct error *e = NULL;
	enum fs_kind kind = FS_ABSENT;
	if (!path)
		return;
	if (fs_stat_kind(path, &kind, &e) < 0) {
		diags_error(l->diags, NULL, "", "%s", e->message);
		return;
	}
	if (kind == FS_ABSENT) {
		diags_error(l->diags, NULL, "", "stat %s: no such file or directory", path);
		return;
	}
	size_t errors = l->diags->errors;
	if (kind == FS_DIR)
		add_directory(l, &l->files, template_suffixes);
	else
		add_file(l, &l->files, path);
	if (l->files.len > 0 || l->diags->errors > errors)
		return;
	AUTO_FREE char *summary = xasprintf("Could not find any config file in %s", path);
	diags_error(l->diags, NULL, summary,
		    "A config file must be suffixed with `.pkr.hcl` or `.pkr.json`. A folder can "
		    "be referenced.");
}

static void add_var_file(struct loader *l, const char *path)
{
	if (text_ends_with(path, ".hcl") || text_ends_with(path, ".json")) {
		add_file(l, &l->var_files, path);
		return;
	}
	AUTO_FREE char *summary = xasprintf("Could not guess format of %s", path);
	diags_error(l->diags, NULL, summary, "A var file must be suffixed with `.hcl` or `.json`.");
}

void load_var_files(struct loader *l)
{
	AUTO(error) struct error *e = NULL;
	enum fs_kind kind = FS_ABSENT;
	if (l->opts->path && fs_stat_kind(l->opts->path, &kind, &e) < 0)
		diags_error(l->diags, NULL, "Failed to read file", "%s.", e->message);
	if (kind == FS_DIR)
		add_directory(l, &l->var_files, auto_suffixes);
	for (size_t i = 0; l->opts->var_files && i < l->opts->var_files->len; i++)
		add_var_file(l, l->opts->var_files->v[i]);
}
