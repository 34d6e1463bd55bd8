/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/docker/tar_out.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "base/vec.h"
#include "os/fd.h"
#include "os/fs.h"
#include "pack/tar_header.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 256, END_BLOCKS = 2 };

struct entry {
	char *name;
	char *path; /* NULL: data */
	char *link; /* where a symbolic link leads */
	const char *data;
	struct tar_fields fields;
};
VEC_DECLARE(entry_list, struct entry);

struct tar_out {
	struct tar_out_options options;
	struct entry_list entries;
	size_t next;
	struct strbuf pending; /* headers and padding, from pending_at on */
	size_t pending_at;
	const struct entry *current; /* whose content is being read */
	int fd;
	int64_t left; /* of that content */
	bool ended;
	int64_t done, total;
};

struct tar_out *tar_out_new(const struct tar_out_options *options)
{
	struct tar_out *t = NEW(struct tar_out);

	t->options = *options;
	strbuf_init(&t->pending);
	t->fd = -1;
	return t;
}

void tar_out_free(struct tar_out *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->entries.len; i++) {
		free(t->entries.items[i].name);
		free(t->entries.items[i].path);
		free(t->entries.items[i].link);
	}
	vec_release(&t->entries);
	strbuf_release(&t->pending);
	fd_close(t->fd);
	free(t);
}

/* ---- what is in it ------------------------------------------------------------------------ */

static struct entry *add(struct tar_out *t, const char *name, const char *path, char type)
{
	struct entry *e = vec_push(&t->entries);

	*e = (struct entry){ .name = xstrdup(name), .path = path ? xstrdup(path) : NULL };
	e->fields = (struct tar_fields){
		.type = type, .uid = t->options.uid, .gid = t->options.gid, .mtime = time(NULL)
	};
	return e;
}

static struct entry *add_stat(struct tar_out *t, const char *name, const char *path, char type,
			      const struct stat *st)
{
	struct entry *e = add(t, name, path, type);

	e->fields.mode = st->st_mode & 07777;
	e->fields.mtime = st->st_mtime;
	if (t->options.keep_owner) {
		e->fields.uid = st->st_uid;
		e->fields.gid = st->st_gid;
	}
	if (type == TAR_FILE) {
		e->fields.size = st->st_size;
		t->total += st->st_size;
	}
	return e;
}

int tar_out_file(struct tar_out *t, const char *name, const char *path, mode_t mode,
		 struct error **err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_INVALID, "'%s' is not a regular file", path);

	struct entry *e = add_stat(t, name, path, TAR_FILE, &st);

	if (mode)
		e->fields.mode = mode & 07777;
	return 0;
}

void tar_out_data(struct tar_out *t, const char *name, const void *data, size_t len, mode_t mode)
{
	struct entry *e = add(t, name, NULL, TAR_FILE);

	e->data = data;
	e->fields.mode = mode & 07777;
	e->fields.size = (int64_t)len;
	t->total += (int64_t)len;
}

static int add_link(struct tar_out *t, const char *name, const char *path, const struct stat *st,
		    struct error **err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	if (n < 0)
		return error_set_errno(err, errno, "cannot read the link '%s'", path);
	add_stat(t, name, path, TAR_SYMLINK, st)->link = xstrndup(target, (size_t)n);
	return 0;
}

static int add_dir(struct tar_out *t, const char *name, const char *path, int depth,
		   struct error **err);

static int add_any(struct tar_out *t, const char *name, const char *path, int depth,
		   struct error **err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return error_set_errno(err, errno, "cannot read '%s'", path);
	if (S_ISLNK(st.st_mode))
		return add_link(t, name, path, &st, err);
	if (S_ISREG(st.st_mode))
		add_stat(t, name, path, TAR_FILE, &st);
	if (!S_ISDIR(st.st_mode))
		return 0;

	AUTO_FREE char *slashed = xasprintf("%s/", name);

	add_stat(t, slashed, path, TAR_DIR, &st);
	return add_dir(t, name, path, depth + 1, err);
}

static int add_dir(struct tar_out *t, const char *name, const char *path, int depth,
		   struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_INVALID, "'%s' lies too deep", path);
	if (fs_list(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *sub = path_join(path, names.v[i]);
		AUTO_FREE char *sub_name =
			name ? xasprintf("%s/%s", name, names.v[i]) : xstrdup(names.v[i]);

		if (add_any(t, sub_name, sub, depth, err) < 0)
			return -1;
	}
	return 0;
}

int tar_out_tree(struct tar_out *t, const char *name, const char *path, struct error **err)
{
	/* a link to a directory that the template names is that directory */
	AUTO_FREE char *inside = xasprintf("%s/.", path);

	if (!name)
		return add_dir(t, NULL, path, 0, err);
	return add_any(t, name, inside, 0, err);
}

/* ---- reading it --------------------------------------------------------------------------- */

static void pad(struct tar_out *t)
{
	int64_t over = t->current->fields.size % TAR_BLOCK;

	fd_close(t->fd);
	t->fd = -1;
	t->current = NULL;
	if (over)
		strbuf_addchars(&t->pending, '\0', (size_t)(TAR_BLOCK - over));
}

static int begin_entry(struct tar_out *t, struct error **err)
{
	const struct entry *e = &t->entries.items[t->next++];

	tar_add_header(&t->pending, e->name, e->link, &e->fields);
	if (!e->fields.size)
		return 0;
	if (e->path) {
		t->fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (t->fd < 0)
			return error_set_errno(err, errno, "cannot read '%s'", e->path);
	}
	t->current = e;
	t->left = e->fields.size;
	return 0;
}

static ssize_t read_content(struct tar_out *t, char *buf, size_t len, struct error **err)
{
	const struct entry *e = t->current;
	size_t want = (size_t)MIN((int64_t)len, t->left);
	ssize_t n = (ssize_t)want;

	if (!e->path)
		memcpy(buf, e->data + (e->fields.size - t->left), want);
	else
		n = fd_read(t->fd, buf, want);
	if (n < 0)
		return error_set_errno(err, errno, "cannot read '%s'", e->path);
	if (n == 0)
		return error_set(err, ERROR_FAILED, "'%s' became shorter while it was read",
				 e->path);
	t->left -= n;
	t->done += n;
	if (t->options.progress)
		t->options.progress(t->options.progress_data, t->done, t->total);
	if (!t->left)
		pad(t);
	return n;
}

static ssize_t read_pending(struct tar_out *t, char *buf, size_t len)
{
	size_t n = MIN(len, t->pending.len - t->pending_at);

	memcpy(buf, t->pending.buf + t->pending_at, n);
	t->pending_at += n;
	if (t->pending_at == t->pending.len) {
		strbuf_truncate(&t->pending, 0);
		t->pending_at = 0;
	}
	return (ssize_t)n;
}

/* One piece of whatever is next; 0 at the end. */
static ssize_t read_piece(struct tar_out *t, char *buf, size_t len, struct error **err)
{
	while (!t->pending.len && !t->current) {
		if (t->ended)
			return 0;
		if (t->next < t->entries.len) {
			if (begin_entry(t, err) < 0)
				return -1;
		} else {
			strbuf_addchars(&t->pending, '\0', END_BLOCKS * TAR_BLOCK);
			t->ended = true;
		}
	}
	return t->pending.len ? read_pending(t, buf, len) : read_content(t, buf, len, err);
}

ssize_t tar_out_read(void *data, void *buf, size_t len, struct error **err)
{
	struct tar_out *t = data;
	size_t done = 0;

	while (done < len) {
		ssize_t n = read_piece(t, (char *)buf + done, len - done, err);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}
