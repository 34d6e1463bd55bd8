/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local files in keys: name, mode and content, never the folder they are in. Links are followed, as
 * uploads do; where they lead takes part, too.
 */
#include "core/key_making.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/utf8.h"
#include "func/globber.h"
#include "os/digests.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CONTENT_MAX = 4 * 1024 * 1024, /* what is read into memory and looked through */
	DEPTH_MAX = 200,
	SHOWN_MAX = 500, /* files of one directory that are told apart */
};

struct folder {
	const struct folder *outer;
	dev_t dev;
	ino_t ino;
	int depth;
};

struct walk {
	struct key_making *k;
	const char *what;
	const char *shown; /* name of the whole */
	bool is_script;
	size_t count;
};

/* ---- one file --------------------------------------------------------------------------- */

static bool is_text(const char *data, size_t len)
{
	return !memchr(data, '\0', len) && utf8_is_valid(data, len);
}

/* Of a file that stands below others: `field` says all about it but its content. */
static int add_content(struct walk *w, int fd, const struct stat *st, const char *path,
		       const char *field, const char *name, struct error **err)
{
	struct key_making *k = w->k;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	if (st->st_size > CONTENT_MAX) {
		const struct host_dirs *dirs = k->m->ctx->dirs;
		const char *cache = dirs ? dirs->cache : NULL;
		AUTO_FREE char *hex = NULL;
		if (digests_of_file(cache, path, DIGEST_SHA256, k->m->ctx->cancel, &hex, err) < 0)
			return -1;
		k->key->names_build = true; /* nobody looks into it: an archive of scripts */
		key_add_digest(k, field, name, hex);
		return 0;
	}
	for (;;) {
		enum { PIECE = 64 * 1024 };
		ssize_t n = fd_read(fd, strbuf_reserve(&text, PIECE), PIECE);
		if (n < 0)
			return error_set_errno(err, errno, "cannot read '%s'", path);
		if (n == 0)
			break;
		strbuf_advance(&text, (size_t)n);
		if (text.len > 2 * (size_t)CONTENT_MAX)
			return error_set(err, ERROR_FAILED, "'%s' grows while it is read", path);
	}
	bool readable = is_text(text.buf, text.len);
	k->key->names_build |= !readable || key_names_build(text.buf, text.len);
	key_add(k, field, name, text.buf, text.len, readable ? KEY_TEXT : KEY_BYTES);
	return 0;
}

static void add_link(struct strbuf *field, const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target));
	if (n >= 0)
		strbuf_addf(field, " -> %.*s", (int)n, target);
}

/* Absent, also behind a link that leads nowhere: what is there is recorded without content. */
static void add_absent(struct walk *w, const char *field, const char *path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	strbuf_addstr(&text, field);
	add_link(&text, path);
	key_add_hidden(w->k, "absent", text.buf, text.len);
}

static int add_dir(struct walk *w, const char *path, const char *name, const struct stat *st,
		   const struct folder *outer, struct error **err);

/* `name`: below the whole; "" is the whole itself. */
static int add_entry(struct walk *w, const char *path, const char *name, const struct folder *outer,
		     struct error **err)
{
	AUTO(strbuf) struct strbuf field = STRBUF_INIT;
	struct stat st;
	if (cancel_check(w->k->m->ctx->cancel, err) < 0)
		return -1;
	if (stat(path, &st) < 0) {
		if (errno != ENOENT && errno != ELOOP)
			return error_set_errno(err, errno, "cannot read '%s'", path);
		add_absent(w, name, path);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return add_dir(w, path, name, &st, outer, err);
	strbuf_addf(&field, "%s %o", name, (unsigned)st.st_mode & (S_IFMT | 07777));
	add_link(&field, path);
	if (!S_ISREG(st.st_mode)) {
		key_add_hidden(w->k, "special", field.buf, field.len);
		return 0;
	}
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	AUTO_FREE char *identity = fs_identity_of(&st);
	digest_add_field(w->k->stamp, name, identity, strlen(identity));
	AUTO_FREE char *shown = xasprintf("%s %s%s", w->what, w->shown, name);
	w->count++;
	return add_content(w, fd, &st, path, field.buf, w->count > SHOWN_MAX ? NULL : shown, err);
}

static bool is_inside_itself(const struct folder *f)
{
	for (const struct folder *o = f->outer; o; o = o->outer)
		if (o->dev == f->dev && o->ino == f->ino)
			return true;
	return false;
}

static int add_dir(struct walk *w, const char *path, const char *name, const struct stat *st,
		   const struct folder *outer, struct error **err)
{
	const struct folder here = { outer, st->st_dev, st->st_ino, outer ? outer->depth + 1 : 0 };
	AUTO(strbuf) struct strbuf field = STRBUF_INIT;
	AUTO(strv) struct strv names = STRV_INIT;
	strbuf_addf(&field, "%s/ %o", name, (unsigned)st->st_mode & 07777);
	if (outer)
		add_link(&field, path);
	key_add_hidden(w->k, "folder", field.buf, field.len);
	if (is_inside_itself(&here))
		return 0;
	if (here.depth > DEPTH_MAX)
		return error_set(err, ERROR_INVALID, "'%s' is nested too deeply", path);
	if (fs_list(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *below = path_join(path, names.v[i]);
		AUTO_FREE char *inner = xasprintf("%s/%s", name, names.v[i]);
		if (add_entry(w, below, inner, &here, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what the template names --------------------------------------------------------------- */

/* Which of the paths that have taken part holds it, from 1; 0: none. */
static size_t taken_with(const struct key_making *k, const char *absolute)
{
	for (size_t i = 0; i < k->paths.len; i++)
		if (path_is_below(absolute, k->paths.v[i]))
			return i + 1;
	return 0;
}

/* Once more: which one it is counts, its content is known. */
static void add_again(struct key_making *k, size_t which, const char *absolute)
{
	AUTO_FREE char *text = xasprintf("%zu %s", which, absolute + strlen(k->paths.v[which - 1]));
	key_add_hidden(k, "again", text, strlen(text));
}

static int add_whole(struct walk *w, const char *absolute, const char *given, struct error **err)
{
	struct key_making *k = w->k;
	AUTO(error) struct error *e = NULL;
	if (add_entry(w, absolute, "", NULL, &e) == 0)
		return 0;
	if (e->kind == ERROR_CANCELLED || !k->may_lack)
		return error_move(err, TAKE(e));
	error_ignore(&e, "the step is not reused anyway");
	key_never(k, "'%s' cannot be read", given);
	return 0;
}

int key_add_path(struct key_making *k, const char *what, const char *path, bool is_script,
		 struct error **err)
{
	AUTO_FREE char *absolute = path_absolute(k->m->ctx->cwd, path);
	AUTO_FREE char *clean = path_clean(path);
	bool only_inside = text_ends_with(path, "/");
	AUTO_FREE char *shown = xasprintf("%s%s", path_basename(clean), only_inside ? "/" : "");
	struct walk w = { .k = k, .what = what, .shown = shown, .is_script = is_script };
	struct stat st;
	const char *name = only_inside ? "/" : shown;
	key_add_hidden(k, what, name, strlen(name));
	size_t which = taken_with(k, absolute);
	if (which) {
		add_again(k, which, absolute);
		return 0;
	}
	if (stat(absolute, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		key_never(k, "'%s' is not there yet", path);
		return 0;
	}
	strv_push(&k->paths, absolute);
	if (only_inside)
		shown[strlen(shown) - 1] = '\0';
	return add_whole(&w, absolute, path, err);
}

/* The folder before the first element with a pattern in it; *ret_rest is that element and what follows,
 * "" when there is none. Heap. */
static char *fixed_part(const char *pattern, const char **ret_rest)
{
	const char *first = strpbrk(pattern, "*?[{\\");
	if (!first) {
		*ret_rest = "";
		return xstrdup(pattern);
	}
	while (first > pattern && first[-1] != '/')
		first--;
	*ret_rest = first;
	return first == pattern ? xstrdup(".") : xstrndup(pattern, (size_t)(first - pattern));
}

int key_add_further(struct key_making *k, const char *path, struct error **err)
{
	AUTO_FREE char *absolute = path_absolute(k->m->ctx->cwd, path);
	return taken_with(k, absolute) ? 0 : key_add_path(k, "file", path, false, err);
}

/* From the working directory, where it is below that. */
static void add_pattern_name(struct key_making *k, const char *dir, const char *rest)
{
	const char *cwd = k->m->ctx->cwd;
	const char *below = path_is_below(dir, cwd) ? dir + strlen(cwd) : dir;
	AUTO_FREE char *name = xasprintf("%s %s", below, rest);
	key_add_hidden(k, "pattern", name, strlen(name));
}

int key_add_pattern(struct key_making *k, const char *pattern, struct error **err)
{
	const char *rest;
	AUTO_FREE char *dir = fixed_part(pattern, &rest);
	AUTO_FREE char *absolute = path_absolute(k->m->ctx->cwd, dir);
	AUTO(strv) struct strv files = STRV_INIT;
	struct walk w = { .k = k, .what = "input", .shown = "" };
	if (!*rest)
		return key_add_path(k, "input", pattern, false, err);
	if (globber_files(absolute, rest, &files, err) < 0)
		return error_prefix(err, "cache_inputs: '%s'", pattern);
	add_pattern_name(k, absolute, rest);
	/* A slip of the pen would leave out what was meant. */
	if (!files.len)
		key_never(k, "no file matches '%s' of cache_inputs", pattern);
	for (size_t i = 0; i < files.len; i++) {
		AUTO_FREE char *path = path_join(absolute, files.v[i]);
		static char here;
		if (map_has(&k->globbed, path) || taken_with(k, path))
			continue;
		map_set(&k->globbed, path, &here);
		w.shown = files.v[i];
		key_add_hidden(k, "input", files.v[i], strlen(files.v[i]));
		if (add_whole(&w, path, files.v[i], err) < 0)
			return -1;
	}
	return 0;
}
