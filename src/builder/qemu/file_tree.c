/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/file_tree.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "core/plan.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

void file_tree_free_node(void *value)
{
	struct file_node *n = value;

	free(n->source);
	free(n->text);
	free(n);
}

void file_tree_release(struct file_tree *t)
{
	map_release(&t->nodes);
}

void file_tree_sort(struct file_tree *t)
{
	map_sort(&t->nodes);
}

/* ---- nodes ------------------------------------------------------------------------- */

static int add_dir(struct file_tree *t, const char *path, struct error **err)
{
	const struct file_node *old = map_get(&t->nodes, path);
	struct file_node *n;

	if (old && !old->is_dir)
		return error_set(err, ERROR_EXISTS, "'%s' is both a file and a directory", path);
	if (old)
		return 0;
	n = NEW(struct file_node);
	n->is_dir = true;
	map_set(&t->nodes, path, n);
	return 0;
}

static int add_parents(struct file_tree *t, const char *path, struct error **err)
{
	AUTO_FREE char *part = xstrdup(path);

	for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (add_dir(t, part, err) < 0)
			return -1;
		*slash = '/';
	}
	return 0;
}

/* Takes the node. */
static int set_file(struct file_tree *t, const char *path, struct file_node *n, struct error **err)
{
	const struct file_node *old = map_get(&t->nodes, path);
	int r = add_parents(t, path, err);

	if (r == 0 && old && old->is_dir)
		r = error_set(err, ERROR_EXISTS, "'%s' is both a file and a directory", path);
	if (r == 0)
		map_set(&t->nodes, path, n);
	else
		file_tree_free_node(n);
	return r;
}

static int add_file(struct file_tree *t, const char *source, const char *path, struct error **err)
{
	int64_t size;

	if (fs_size(source, &size, err) < 0)
		return -1;

	struct file_node *n = NEW(struct file_node);

	*n = (struct file_node){ .source = xstrdup(source), .size = size };
	return set_file(t, path, n, err);
}

int file_tree_add_text(struct file_tree *t, const char *path, const char *text, struct error **err)
{
	/* cleaned as an absolute path, so that no ".." leads out of the medium */
	AUTO_FREE char *absolute = path_absolute("/", path);
	struct file_node *n;

	if (!absolute[1])
		return error_set(err, ERROR_INVALID, "'%s' is not the name of a file", path);
	n = NEW(struct file_node);
	*n = (struct file_node){ .text = xstrdup(text), .size = (int64_t)strlen(text) };
	return set_file(t, absolute + 1, n, err);
}

/* ---- the host's files ----------------------------------------------------------------- */

static char *below(const char *dir, const char *name)
{
	return *dir ? path_join(dir, name) : xstrdup(name);
}

/* What is in `source`, under `prefix` ("" is the root); by base name only when flat. */
static int add_content(struct file_tree *t, const char *source, const char *prefix, bool flat,
		       int depth, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (depth > MAX_DEPTH)
		return error_set(err, ERROR_INVALID,
				 "'%s' is too deep; does a link lead back to a directory above it?",
				 source);
	if (fs_list(source, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *from = path_join(source, names.v[i]);
		AUTO_FREE char *to = below(prefix, names.v[i]);
		enum fs_kind kind;
		int r = fs_stat_kind(from, &kind, err);

		if (r == 0 && kind == FS_FILE)
			r = add_file(t, from, to, err);
		if (r == 0 && kind == FS_DIR && !flat)
			r = add_dir(t, to, err);
		if (r == 0 && kind == FS_DIR)
			r = add_content(t, from, flat ? prefix : to, flat, depth + 1, err);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int add_path(struct file_tree *t, const char *source, bool open, enum tree_mode mode,
		    struct error **err)
{
	AUTO_FREE char *clean = path_clean(source);
	const char *name = path_basename(clean);
	enum fs_kind kind;

	if (fs_stat_kind(source, &kind, err) < 0)
		return -1;
	if (kind == FS_ABSENT)
		return error_set(err, ERROR_NOT_FOUND, "'%s' does not exist", source);
	if (kind != FS_DIR)
		return add_file(t, source, name, err);
	if (mode == TREE_FLAT || open || !*name)
		return add_content(t, source, "", mode == TREE_FLAT, 0, err);
	if (add_dir(t, name, err) < 0)
		return -1;
	return add_content(t, source, name, false, 0, err);
}

/* ---- patterns ------------------------------------------------------------------------- */

static bool is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

/* Paths below `dir` that match the elements of `pattern`, sorted. */
static int expand(const char *dir, const char *pattern, struct strv *ret, struct error **err)
{
	size_t len = strcspn(pattern, "/");
	const char *rest = pattern + len + strspn(pattern + len, "/");
	AUTO_FREE char *element = xstrndup(pattern, len);
	AUTO(strv) struct strv names = STRV_INIT;
	enum fs_kind kind;

	if (fs_stat_kind(dir, &kind, err) < 0)
		return -1;
	if (kind != FS_DIR)
		return 0;
	if (!is_pattern(element))
		strv_push(&names, element);
	else if (fs_list(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(dir, names.v[i]);
		bool matches = true;

		if (is_pattern(element) && glob_match(element, names.v[i], &matches, err) < 0)
			return -1;
		if (!matches)
			continue;
		if (*rest && expand(path, rest, ret, err) < 0)
			return -1;
		if (!*rest && fs_exists(path))
			strv_push(ret, path);
	}
	return 0;
}

int file_tree_add(struct file_tree *t, const char *cwd, const char *path, enum tree_mode mode,
		  struct error **err)
{
	AUTO_FREE char *full = path_absolute(cwd, path);
	bool open = mode == TREE_DEEP_OPEN && *path && path[strlen(path) - 1] == '/';
	AUTO(strv) struct strv paths = STRV_INIT;

	if (!is_pattern(path))
		return add_path(t, full, open, mode, err);
	if (expand("/", full + 1, &paths, err) < 0)
		return error_prefix(err, "bad pattern '%s'", path);
	for (size_t i = 0; i < paths.len; i++)
		if (add_path(t, paths.v[i], open, mode, err) < 0)
			return -1;
	return 0;
}

int file_tree_check(const char *cwd, const char *path, struct error **err)
{
	AUTO_FREE char *full = path_absolute(cwd, path);
	enum fs_kind kind;
	bool matches;

	if (is_pattern(path))
		return glob_match(path, "", &matches, err);
	if (fs_stat_kind(full, &kind, err) < 0)
		return -1;
	if (kind == FS_ABSENT)
		return error_set(err, ERROR_NOT_FOUND, "stat %s: no such file or directory", path);
	return 0;
}
