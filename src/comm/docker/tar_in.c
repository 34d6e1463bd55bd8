/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/tar_in.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fd.h"
#include "pack/tar_header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	META_MAX = 64 * 1024, /* names and the like before an entry */
	LINKS_MAX = 1024 * 1024,
	LEFT_OUT_MAX = 20,
	MODE_MAX =
		0777, /* who runs as another user through a file of a container is not our guest */
};

enum part { PART_HEADER, PART_META, PART_CONTENT, PART_PADDING, PART_END };

struct tar_in {
	bool is_tree;
	int out;    /* the file, or the directory */
	int fd;     /* of the entry that comes; -1: it is dropped */
	bool owned; /* fd is to be closed */
	enum part part;
	unsigned char block[TAR_BLOCK];
	size_t have; /* of the block */
	struct tar_block entry;
	int64_t left, padding;
	struct strbuf meta;
	char *long_name, *long_link; /* of the next entry */
	int64_t long_size;           /* -1: none */
	bool found;                  /* the one file */
	char *link;
	struct strv links; /* pairs: where, whereto */
	struct strv left_out;
};

static struct tar_in *new (int fd, bool is_tree)
{
	struct tar_in *t = NEW(struct tar_in);

	t->out = fd;
	t->is_tree = is_tree;
	t->fd = -1;
	t->long_size = -1;
	strbuf_init_max(&t->meta, META_MAX);
	strv_init(&t->links);
	strv_init(&t->left_out);
	return t;
}

struct tar_in *tar_in_file(int fd)
{
	return new (fd, false);
}

struct tar_in *tar_in_tree(int dir_fd)
{
	return new (dir_fd, true);
}

static void close_entry(struct tar_in *t)
{
	if (t->owned)
		fd_close(t->fd);
	t->fd = -1;
	t->owned = false;
}

void tar_in_free(struct tar_in *t)
{
	if (!t)
		return;
	close_entry(t);
	strbuf_release(&t->meta);
	strv_release(&t->links);
	strv_release(&t->left_out);
	free(t->long_name);
	free(t->long_link);
	free(t->link);
	free(t);
}

const char *tar_in_link(const struct tar_in *t)
{
	return t->link;
}

const struct strv *tar_in_left_out(const struct tar_in *t)
{
	return &t->left_out;
}

/* ---- places ------------------------------------------------------------------------------- */

static int bad_name(const char *name, struct error **err)
{
	return error_set(err, ERROR_REMOTE,
			 "the archive from the container names '%s', which leads out of it", name);
}

/* Splits "a/b/c" without the first `drop` elements; refuses what is not plain. */
static int split_name(const char *name, size_t drop, struct strv *ret, struct error **err)
{
	struct str rest = str_of(name);

	if (rest.len && rest.p[0] == '/')
		return bad_name(name, err);
	while (rest.len) {
		struct str part = str_split(rest, '/', &rest);

		if (!part.len || str_is(part, "."))
			continue;
		if (str_is(part, ".."))
			return bad_name(name, err);
		if (drop)
			drop--;
		else
			strv_push_take(ret, str_dup(part));
	}
	return 0;
}

/* The directory that holds the last of `parts`, made if need be; never through a link. */
static int open_parent(const struct tar_in *t, const struct strv *parts, struct error **err)
{
	int dir = openat(t->out, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; dir >= 0 && i + 1 < parts->len; i++) {
		int sub;

		if (mkdirat(dir, parts->v[i], 0777) < 0 && errno != EEXIST)
			sub = -1;
		else
			sub = openat(dir, parts->v[i],
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd_close(dir);
		dir = sub;
	}
	if (dir < 0)
		return error_set_errno(err, errno, "cannot make the directory of '%s'",
				       parts->v[parts->len - 1]);
	return dir;
}

static void leave_out(struct tar_in *t, const char *name)
{
	if (t->left_out.len < LEFT_OUT_MAX)
		strv_push(&t->left_out, name);
}

/* Seen from `depth` directories below the top: not absolute, never above it. */
static bool stays_inside(size_t depth, const char *target)
{
	struct str rest = str_of(target);

	if (!rest.len || rest.p[0] == '/')
		return false;
	while (rest.len) {
		struct str part = str_split(rest, '/', &rest);

		if (str_is(part, "..") && depth-- == 0)
			return false;
		if (part.len && !str_is(part, ".") && !str_is(part, ".."))
			depth++;
	}
	return true;
}

static int begin_tree_file(struct tar_in *t, const struct strv *parts, struct error **err)
{
	const char *name = parts->v[parts->len - 1];
	AUTO_CLOSE int dir = open_parent(t, parts, err);

	if (dir < 0)
		return -1;
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return error_set_errno(err, errno, "cannot replace '%s'", name);
	t->fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       t->entry.fields.mode & MODE_MAX);
	if (t->fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", name);
	t->owned = true;
	return 0;
}

static int make_dir(struct tar_in *t, const struct strv *parts, struct error **err)
{
	const char *name = parts->v[parts->len - 1];
	AUTO_CLOSE int dir = open_parent(t, parts, err);

	if (dir < 0)
		return -1;
	if (mkdirat(dir, name, 0777) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "cannot make the directory '%s'", name);
	return 0;
}

/* The same file under a second name. */
static int make_hardlink(struct tar_in *t, const struct strv *parts, const char *target,
			 struct error **err)
{
	AUTO(strv) struct strv from = STRV_INIT;
	AUTO_CLOSE int dir = -1, from_dir = -1;

	if (split_name(target, 1, &from, err) < 0)
		return -1;
	if (!from.len)
		return bad_name(target, err);
	dir = open_parent(t, parts, err);
	if (dir < 0)
		return -1;
	from_dir = open_parent(t, &from, err);
	if (from_dir < 0)
		return -1;
	(void)unlinkat(dir, parts->v[parts->len - 1], 0);
	if (linkat(from_dir, from.v[from.len - 1], dir, parts->v[parts->len - 1], 0) < 0)
		return error_set_errno(err, errno, "cannot create '%s'", parts->v[parts->len - 1]);
	return 0;
}

static int begin_tree(struct tar_in *t, const char *name, const char *link, struct error **err)
{
	AUTO(strv) struct strv parts = STRV_INIT;

	if (split_name(name, 1, &parts, err) < 0)
		return -1;
	switch (t->entry.fields.type) {
	case TAR_DIR:
		return parts.len ? make_dir(t, &parts, err) : 0;
	case TAR_FILE:
		if (!parts.len)
			return error_set(err, ERROR_REMOTE,
					 "'%s' in the container is not a directory", name);
		return begin_tree_file(t, &parts, err);
	case TAR_HARDLINK:
		return parts.len ? make_hardlink(t, &parts, link, err) : 0;
	case TAR_SYMLINK:
		if (!parts.len)
			t->link = xstrdup(link);
		else if (!stays_inside(parts.len - 1, link) || t->links.len >= LINKS_MAX)
			leave_out(t, name);
		else
			strv_pushl(&t->links, name, link, NULL);
		return 0;
	default:
		leave_out(t, name);
		return 0;
	}
}

static int begin_file(struct tar_in *t, const char *name, const char *link, struct error **err)
{
	if (t->found || t->link)
		return 0;
	if (t->entry.fields.type == TAR_SYMLINK) {
		t->link = xstrdup(link);
		return 0;
	}
	if (t->entry.fields.type != TAR_FILE)
		return error_set(err, ERROR_REMOTE, "'%s' in the container is %s", name,
				 t->entry.fields.type == TAR_DIR ? "a directory"
								 : "not a regular file");
	t->found = true;
	t->fd = t->out;
	return 0;
}

/* ---- the stream --------------------------------------------------------------------------- */

static bool is_meta(char type)
{
	return type == TAR_PAX || type == TAR_LONG_NAME || type == TAR_LONG_LINK;
}

static int broken(struct error **err)
{
	return error_set(err, ERROR_REMOTE, "what came from the container is not a tar archive");
}

/* A record is "LENGTH key=value\n". */
static bool take_pax(struct tar_in *t)
{
	struct str rest = { t->meta.buf, t->meta.len };

	while (rest.len) {
		struct str tail, number = str_split(rest, ' ', &tail);
		AUTO_FREE char *digits = str_dup(number);
		int64_t len;

		if (!parse_int64(digits, 10, &len) || len <= (int64_t)number.len + 1 ||
		    len > (int64_t)rest.len)
			return false;

		struct str record = { rest.p + number.len + 1, (size_t)len - number.len - 2 };
		struct str value, key = str_split(record, '=', &value);
		AUTO_FREE char *text = str_dup(value);

		if (str_is(key, "path")) {
			free(t->long_name);
			t->long_name = TAKE(text);
		} else if (str_is(key, "linkpath")) {
			free(t->long_link);
			t->long_link = TAKE(text);
		} else if (str_is(key, "size") &&
			   (!parse_int64(text, 10, &t->long_size) || t->long_size < 0)) {
			return false;
		}
		rest = (struct str){ rest.p + len, rest.len - (size_t)len };
	}
	return true;
}

static int end_meta(struct tar_in *t, struct error **err)
{
	char **place = t->entry.fields.type == TAR_LONG_LINK ? &t->long_link : &t->long_name;

	if (t->entry.fields.type == TAR_PAX) {
		if (!take_pax(t))
			return broken(err);
	} else {
		free(*place);
		*place = xstrndup(t->meta.buf, strlen(t->meta.buf));
	}
	strbuf_truncate(&t->meta, 0);
	return 0;
}

static int begin_entry(struct tar_in *t, struct error **err)
{
	const struct tar_fields *f = &t->entry.fields;
	AUTO_FREE char *name = t->long_name ? TAKE(t->long_name) : xstrdup(t->entry.name);
	AUTO_FREE char *link = t->long_link ? TAKE(t->long_link) : xstrdup(t->entry.link);
	int64_t size = t->long_size >= 0 ? t->long_size : f->size;

	t->long_size = -1;
	if (f->type != TAR_FILE && f->type != TAR_PAX_GLOBAL)
		size = 0;
	t->left = size;
	t->padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
	t->part = PART_CONTENT;
	if (f->type == TAR_PAX_GLOBAL)
		return 0;
	return t->is_tree ? begin_tree(t, name, link, err) : begin_file(t, name, link, err);
}

static int take_header(struct tar_in *t, struct error **err)
{
	bool ended;

	t->have = 0;
	if (!tar_parse_header(t->block, &t->entry, &ended)) {
		if (!ended)
			return broken(err);
		t->part = PART_END;
		return 0;
	}
	if (!is_meta(t->entry.fields.type))
		return begin_entry(t, err);
	if (t->entry.fields.size > META_MAX)
		return error_set(err, ERROR_REMOTE,
				 "the archive from the container has a name of more than %d bytes",
				 META_MAX);
	t->left = t->entry.fields.size;
	t->padding = (TAR_BLOCK - t->left % TAR_BLOCK) % TAR_BLOCK;
	t->part = PART_META;
	return 0;
}

static int end_part(struct tar_in *t, struct error **err)
{
	if (t->part == PART_META && end_meta(t, err) < 0)
		return -1;
	close_entry(t);
	t->part = PART_PADDING;
	return 0;
}

static int write_content(struct tar_in *t, const char *bytes, size_t len, struct error **err)
{
	while (t->fd >= 0 && len > 0) {
		ssize_t n = write(t->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "cannot write what is downloaded");
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Some of the bytes, as far as the part goes; returns how many. */
static ssize_t take_some(struct tar_in *t, const char *bytes, size_t len, struct error **err)
{
	size_t n = 0;

	switch (t->part) {
	case PART_HEADER:
		n = MIN(len, TAR_BLOCK - t->have);
		memcpy(t->block + t->have, bytes, n);
		t->have += n;
		if (t->have == TAR_BLOCK && take_header(t, err) < 0)
			return -1;
		break;
	case PART_META:
	case PART_CONTENT:
		n = (size_t)MIN((int64_t)len, t->left);
		if (t->part == PART_META)
			strbuf_add(&t->meta, bytes, n);
		else if (write_content(t, bytes, n, err) < 0)
			return -1;
		t->left -= (int64_t)n;
		break;
	case PART_PADDING:
		n = (size_t)MIN((int64_t)len, t->padding);
		t->padding -= (int64_t)n;
		break;
	case PART_END:
		return (ssize_t)len;
	}
	return (ssize_t)n;
}

/* What has no bytes left is over. */
static int settle(struct tar_in *t, struct error **err)
{
	if ((t->part == PART_META || t->part == PART_CONTENT) && !t->left && end_part(t, err) < 0)
		return -1;
	if (t->part == PART_PADDING && !t->padding)
		t->part = PART_HEADER;
	return 0;
}

int tar_in_feed(struct tar_in *t, const void *bytes, size_t len, struct error **err)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = take_some(t, p, len, err);

		if (n < 0 || settle(t, err) < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int make_links(struct tar_in *t, struct error **err)
{
	for (size_t i = 0; i + 1 < t->links.len; i += 2) {
		AUTO(strv) struct strv parts = STRV_INIT;
		AUTO_CLOSE int dir = -1;

		if (split_name(t->links.v[i], 1, &parts, err) < 0)
			return -1;
		dir = open_parent(t, &parts, err);
		if (dir < 0)
			return -1;
		(void)unlinkat(dir, parts.v[parts.len - 1], 0);
		if (symlinkat(t->links.v[i + 1], dir, parts.v[parts.len - 1]) < 0)
			return error_set_errno(err, errno, "cannot make the link '%s'",
					       parts.v[parts.len - 1]);
	}
	return 0;
}

int tar_in_end(struct tar_in *t, struct error **err)
{
	if (t->part != PART_END && !(t->part == PART_HEADER && !t->have))
		return error_set(err, ERROR_REMOTE,
				 "what came from the container ended in the middle of a file");
	if (!t->is_tree && !t->found && !t->link)
		return error_set(err, ERROR_REMOTE, "nothing came from the container");
	return make_links(t, err);
}
