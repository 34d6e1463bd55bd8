/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/tree.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	DEPTH_MAX = 40,
	FOLDER_MAX = 5000, /* files of one folder; of a larger one the whole counts */
	FILES_MAX = 50000,
	TEXT_MAX = 1024 * 1024, /* of a file whose words are read */
	WORD_MAX = 255,
};

static char here;

void tree_init(struct tree *t, const char *cwd, const char *home, struct strv *files)
{
	*t = (struct tree){
		.cwd = cwd,
		.home = home,
		.files = files,
		.roles = STRV_INIT,
		.collections = STRV_INIT,
		.versions = STRV_INIT,
		.excluded = STRV_INIT,
		.next = files->len,
	};
}

void tree_release(struct tree *t)
{
	map_release(&t->taken);
	map_release(&t->words);
	strv_release(&t->roles);
	strv_release(&t->collections);
	strv_release(&t->versions);
	strv_release(&t->excluded);
	free(t->playbook_dir);
}

/* ---- files and folders -------------------------------------------------------------------- */

bool tree_is_yaml(const char *path)
{
	return text_ends_with(path, ".yml") || text_ends_with(path, ".yaml");
}

/* What tools leave beside sources decides nothing. */
static bool is_byproduct(const char *name)
{
	return text_eq(name, "__pycache__") || text_ends_with(name, ".pyc") ||
	       text_ends_with(name, ".retry") || text_eq(name, ".git");
}

static bool is_excluded(const struct tree *t, const char *path)
{
	for (size_t i = 0; i < t->excluded.len; i++)
		if (path_is_below(path, t->excluded.v[i]))
			return true;
	return false;
}

struct folder {
	const struct folder *outer;
	dev_t dev;
	ino_t ino;
	int depth;
};

static bool is_inside_itself(const struct folder *f)
{
	for (const struct folder *o = f->outer; o; o = o->outer)
		if (o->dev == f->dev && o->ino == f->ino)
			return true;
	return f->depth > DEPTH_MAX;
}

/* Links are followed, as Ansible does. False: there are too many. */
static bool list_files(const struct tree *t, const char *dir, const struct folder *outer,
		       struct strv *ret)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	struct folder f = { .outer = outer, .depth = outer ? outer->depth + 1 : 0 };
	struct stat st;

	if (stat(dir, &st) < 0 || is_excluded(t, dir))
		return true;
	f.dev = st.st_dev;
	f.ino = st.st_ino;
	if (is_inside_itself(&f) || fs_list(dir, &names, &e) < 0)
		return true;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(dir, names.v[i]);

		if (is_byproduct(names.v[i]) || stat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && !list_files(t, path, &f, ret))
			return false;
		if (S_ISREG(st.st_mode))
			strv_push(ret, path);
		if (ret->len > FOLDER_MAX)
			return false;
	}
	return true;
}

static void take(struct tree *t, const char *path)
{
	if (map_has(&t->taken, path) || t->files->len >= FILES_MAX)
		return;
	map_set(&t->taken, path, &here);
	strv_push(t->files, path);
}

static void add_folder(struct tree *t, const char *path)
{
	AUTO(strv) struct strv found = STRV_INIT;

	if (map_has(&t->taken, path))
		return;
	if (!list_files(t, path, NULL, &found)) {
		take(t, path);
		return;
	}
	map_set(&t->taken, path, &here);
	for (size_t i = 0; i < found.len; i++)
		take(t, found.v[i]);
}

void tree_add(struct tree *t, const char *path)
{
	AUTO_FREE char *full = path_absolute(t->cwd, path);
	struct stat st;

	if (stat(full, &st) < 0 || is_excluded(t, full))
		return;
	if (S_ISREG(st.st_mode))
		take(t, full);
	else if (S_ISDIR(st.st_mode))
		add_folder(t, full);
}

/* ---- words -------------------------------------------------------------------------------- */

static bool has(const char *text, char c)
{
	return strchr(text, c) != NULL;
}

/* A folder that holds the playbook is not what a word means. */
static bool is_above(const struct tree *t, const char *path)
{
	return (t->playbook_dir && path_is_below(t->playbook_dir, path)) ||
	       path_is_below(t->cwd, path);
}

static bool add_if_there(struct tree *t, const char *dir, const char *name)
{
	AUTO_FREE char *joined = path_join(dir, name);
	AUTO_FREE char *path = path_clean(joined);

	if (!fs_exists(path) || is_above(t, path))
		return false;
	tree_add(t, path);
	return true;
}

/* "ns.collection.module": the collection, wherever it is. */
static void add_collection(struct tree *t, const char *word)
{
	const char *dot = strchr(word, '.'), *end;

	if (!dot || dot == word || has(word, '/') || !isalpha((unsigned char)dot[1]))
		return;
	end = dot + 1 + strcspn(dot + 1, ".");

	AUTO_FREE char *below = xasprintf("ansible_collections/%.*s/%.*s", (int)(dot - word), word,
					  (int)(end - dot - 1), dot + 1);

	for (size_t i = 0; i < t->collections.len; i++)
		if (add_if_there(t, t->collections.v[i], below))
			return;
	AUTO_FREE char *manifest = xasprintf("%s/MANIFEST.json", below);

	for (size_t i = 0; i < t->versions.len; i++)
		if (add_if_there(t, t->versions.v[i], manifest))
			return;
}

static void add_relative(struct tree *t, const char *dir, const char *word)
{
	static const char *const beside[] = { ".",        "files",        "templates", "vars",
					      "../files", "../templates", "../vars",   "../tasks" };

	for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
		AUTO_FREE char *from = path_join(dir, beside[i]);

		add_if_there(t, from, word);
	}
	if (t->playbook_dir && !text_eq(dir, t->playbook_dir))
		add_if_there(t, t->playbook_dir, word);
}

/* `is_source`: it stands behind "src", where a bare or absolute name may be of this host. */
static void look_at_word(struct tree *t, const char *dir, char *word, bool is_source)
{
	char *glob = strpbrk(word, "*?");

	if (glob) { /* the folder in front of a pattern */
		*glob = '\0';
		if (!has(word, '/'))
			return;
		*strrchr(word, '/') = '\0';
	}
	for (size_t i = 0; i < t->roles.len && *word != '/'; i++)
		add_if_there(t, t->roles.v[i], word);
	add_collection(t, word);
	if (*word == '~' && t->home && word[1] == '/')
		add_if_there(t, t->home, word + 2);
	else if (*word == '/' && is_source)
		add_if_there(t, "/", word);
	else if (*word != '/' && (is_source || has(word, '.') || has(word, '/')))
		add_relative(t, dir, word);
}

static void read_word(struct tree *t, const char *dir, struct str s, bool is_source)
{
	/* "{{ playbook_dir }}/NAME" */
	if (str_starts_with(s, STR("}}/")))
		s = (struct str){ s.p + 3, s.len - 3 };
	while (s.len && strchr(":;.@", s.p[s.len - 1]))
		s.len--;
	while (s.len && strchr("-@", *s.p))
		s = (struct str){ s.p + 1, s.len - 1 };
	if (!s.len || s.len > WORD_MAX || memchr(s.p, '{', s.len) || memchr(s.p, '}', s.len))
		return;

	AUTO_FREE char *word = str_dup(s);
	AUTO_FREE char *id = xasprintf("%s %d %s", dir, is_source, word);

	if (map_has(&t->words, id))
		return;
	map_set(&t->words, id, &here);
	look_at_word(t, dir, word, is_source);
}

static void read_line(struct tree *t, const char *dir, struct str line)
{
	static const char ends[] = " \t\r\"'`,()[]=|<>#";
	bool is_source = memmem(line.p, line.len, "src", 3) != NULL;
	size_t start = 0;

	if (!line.len || *line.p == '#')
		return;
	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && (!line.p[i] || !strchr(ends, line.p[i])))
			continue;
		if (i > start)
			read_word(t, dir, (struct str){ line.p + start, i - start }, is_source);
		start = i + 1;
	}
}

static void read_text(struct tree *t, const char *dir, const char *text)
{
	struct str rest = str_of(text);

	while (rest.len) {
		struct str line = str_split(rest, '\n', &rest);

		read_line(t, dir, str_trim(line));
	}
}

static void read_file(struct tree *t, const char *path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TEXT_MAX);
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *dir = path_dirname(path);

	if (fs_read(path, TEXT_MAX, &text, &e) < 0)
		error_ignore(&e, "it takes part as a whole");
	else
		read_text(t, dir, text.buf);
}

void tree_add_words(struct tree *t, const char *text)
{
	read_text(t, t->cwd, text);
}

void tree_follow(struct tree *t)
{
	for (; t->next < t->files->len; t->next++) {
		AUTO_FREE char *path = xstrdup(t->files->v[t->next]);

		if (tree_is_yaml(path))
			read_file(t, path);
	}
}

/* ---- the playbook ------------------------------------------------------------------------- */

/* Folders in which Ansible looks without being told. */
static const char *const known[] = {
	"action_plugins",
	"cache_plugins",
	"callback_plugins",
	"collections",
	"connection_plugins",
	"defaults",
	"files",
	"filter_plugins",
	"group_vars",
	"handlers",
	"host_vars",
	"library",
	"lookup_plugins",
	"module_utils",
	"roles",
	"strategy_plugins",
	"tasks",
	"templates",
	"test_plugins",
	"vars",
	"vars_plugins",
};

/* Texts beside the playbook: names of what it includes may be known only when it runs. */
static void add_texts(struct tree *t, const char *dir)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_list(dir, &names, &e) < 0) {
		error_ignore(&e, "the playbook tells that it cannot be read");
		return;
	}
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(dir, names.v[i]);
		enum fs_kind kind = FS_ABSENT;

		if (*names.v[i] == '.' ||
		    (!tree_is_yaml(names.v[i]) && !text_ends_with(names.v[i], ".j2")))
			continue;
		if (fs_stat_kind(path, &kind, &e) == 0 && kind == FS_FILE)
			tree_add(t, path);
	}
}

void tree_add_playbook(struct tree *t, const char *path)
{
	AUTO_FREE char *full = path_absolute(t->cwd, path);

	free(t->playbook_dir);
	t->playbook_dir = path_dirname(full);
	tree_add(t, full);
	if (!tree_is_yaml(full))
		read_file(t, full);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		AUTO_FREE char *dir = path_join(t->playbook_dir, known[i]);

		tree_add(t, dir);
	}
	add_texts(t, t->playbook_dir);
}
