/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder goes over a temporary one here, in both directions: only then the
 * communicator can take it as a whole.
 */
#include "comm/proxy/scp_server.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "comm/proxy/words.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIECE = 256 * 1024,
	SMALL_MAX = 1024 * 1024, /* a file up to this size is kept in memory */
	LINE_MAX_BYTES = 8192,
	DEPTH_MAX = 64,
	IS_THERE = 9, /* what our question to the machine answers */
	FAILED = 1,
};

/* ---- the command -------------------------------------------------------------------------- */

static bool parse_option(struct scp_request *r, const char *letters, int *ret_modes)
{
	for (; *letters; letters++) {
		switch (*letters) {
		case 't':
		case 'f':
			r->is_upload = *letters == 't';
			++*ret_modes;
			break;
		case 'r':
			r->recursive = true;
			break;
		case 'd':
			r->into = true;
			break;
		case 'p':
		case 'v':
		case 'q':
			break;
		default:
			return false;
		}
	}
	return true;
}

bool scp_request_parse(struct scp_request *ret, const char *command)
{
	AUTO(strv) struct strv words = STRV_INIT;
	struct scp_request r = { 0 };
	int modes = 0;
	size_t i;

	if (!text_starts_with(command, "scp ") || !words_split(command, &words))
		return false;
	for (i = 1; i < words.len && words.v[i][0] == '-' && words.v[i][1]; i++) {
		if (text_eq(words.v[i], "--")) {
			i++;
			break;
		}
		if (!parse_option(&r, words.v[i] + 1, &modes))
			return false;
	}
	if (modes != 1 || i + 1 != words.len || !*words.v[i])
		return false;

	/* Whoever is not given a full path starts at home. */
	const char *path = words.v[i];

	if (path[0] == '~' && path[1] != '/' && path[1])
		return false;
	r.path = xstrdup(path[0] == '~' ? (path[1] && path[2] ? path + 2 : ".") : path);
	*ret = r;
	return true;
}

void scp_request_release(struct scp_request *r)
{
	free(r->path);
}

/* ---- the protocol ------------------------------------------------------------------------- */

struct scp {
	struct job *j;
	const struct scp_request *r;
	char *buf; /* of PIECE bytes */
	bool failed;
};

static int say(struct scp *s, const char *text)
{
	return job_write(s->j, false, text, strlen(text));
}

static int acknowledge(struct scp *s)
{
	return job_write(s->j, false, "", 1);
}

/* What the user shall see; the transfer goes on, if there is more. What is on further lines of it the client
 * would take for the next answers. */
static int complain(struct scp *s, const char *text)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;

	strbuf_addstr(&line, text);
	strbuf_rtrim(&line);
	strbuf_replace(&line, "\n", " ");

	AUTO_FREE char *answer = xasprintf("\1scp: %s\n", line.buf);

	s->failed = true;
	proxy_set_trouble(s->j->proxy, text);
	return say(s, answer);
}

static int complain_error(struct scp *s, struct error **e)
{
	int r = complain(s, (*e)->message);

	error_ignore(e, "the client has been told");
	return r;
}

/* 1: a byte, 0: the end. */
static int take_byte(struct scp *s, char *ret)
{
	return (int)job_read(s->j, ret, 1);
}

/* A line without its end. 1: there is one, 0: the end, -1: nobody waits, or it is too long. */
static int take_line(struct scp *s, struct strbuf *line)
{
	char c;
	int r;

	strbuf_truncate(line, 0);
	while ((r = take_byte(s, &c)) > 0 && c != '\n') {
		strbuf_addch(line, c);
		if (line->len > LINE_MAX_BYTES)
			return -1;
	}
	return r;
}

static int expect_go(struct scp *s)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	char c;
	int r = take_byte(s, &c);

	if (r <= 0)
		return -1;
	if (!c)
		return 0;
	s->failed = true;
	/* 1 is a warning, with a line that the user has seen already */
	return c == 1 && take_line(s, &text) > 0 ? 1 : -1;
}

/* ---- to the machine ----------------------------------------------------------------------- */

/* "C0644 12 name", "D0755 0 name" */
struct entry {
	mode_t mode;
	int64_t size;
	const char *name;
};

static bool parse_entry(const char *line, struct entry *ret)
{
	AUTO(strv) struct strv words = STRV_INIT;
	const char *size = strchr(line, ' '), *name = size ? strchr(size + 1, ' ') : NULL;
	int64_t mode;

	if (!name)
		return false;
	strv_push_take(&words, xstrndup(line + 1, (size_t)(size - line - 1)));
	strv_push_take(&words, xstrndup(size + 1, (size_t)(name - size - 1)));
	if (!parse_int64(words.v[0], 8, &mode) || !parse_int64(words.v[1], 10, &ret->size))
		return false;
	ret->mode = (mode_t)mode & 07777;
	ret->name = name + 1;
	return ret->size >= 0 && *ret->name && !strchr(ret->name, '/') &&
	       !text_eq(ret->name, ".") && !text_eq(ret->name, "..");
}

/* The bytes of a file, into memory or a descriptor. A full disk is no reason to stop reading. */
static int take_content(struct scp *s, int64_t size, struct strbuf *memory, int fd,
			struct error **err)
{
	while (size > 0) {
		ssize_t n = job_read(s->j, s->buf, (size_t)MIN(size, (int64_t)PIECE));

		if (n <= 0)
			return -1;
		size -= n;
		if (fd < 0)
			strbuf_add(memory, s->buf, (size_t)n);
		else if (!*err && fs_write_all(fd, s->buf, (size_t)n, "a temporary file", err) < 0)
			continue;
	}
	return expect_go(s) < 0 ? -1 : 0;
}

static char *target_of(const struct scp *s, const char *name)
{
	const char *path = s->r->path;

	if (s->r->into || text_ends_with(path, "/") || text_eq(path, "."))
		return path_join(path, name);
	return xstrdup(path);
}

static int put(struct scp *s, const struct comm_upload *up, const char *dst, struct error **err)
{
	struct comm *m = s->j->comm;
	int quick = up->path || !up->len ? 0 : comm_quick_put(m, up, dst, s->j->c, err);

	if (quick)
		return quick < 0 ? -1 : 0;
	return m->ops->upload(m, up, dst, s->j->c, err);
}

static int take_small(struct scp *s, const struct entry *e, struct error **err)
{
	AUTO(strbuf) struct strbuf content = STRBUF_INIT;
	AUTO_FREE char *dst = target_of(s, e->name);

	if (take_content(s, e->size, &content, -1, err) < 0)
		return -1;

	const struct comm_upload up = { .data = content.buf, .len = content.len, .mode = e->mode };

	return put(s, &up, dst, err);
}

static int take_large(struct scp *s, const struct entry *e, struct error **err)
{
	AUTO_FREE char *path = NULL, *dst = target_of(s, e->name);
	AUTO_CLOSE int fd = -1;
	int r;

	if (fs_temp_file(s->j->temp_dir, "scp-", "", &path, &fd, err) < 0)
		return -1;

	const struct comm_upload up = { .path = path, .mode = e->mode };

	r = take_content(s, e->size, NULL, fd, err);
	if (r == 0 && !*err)
		r = put(s, &up, dst, err);
	(void)unlink(path);
	return *err ? -1 : r;
}

/* Of a folder: to its place below the temporary one. */
static int take_inner(struct scp *s, const struct entry *e, const char *dir, struct error **err)
{
	AUTO_FREE char *path = path_join(dir, e->name);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", path);
	if (take_content(s, e->size, NULL, fd, err) < 0)
		return -1;
	if (!*err && fchmod(fd, e->mode) < 0)
		error_set_errno(err, errno, "cannot change the mode of '%s'", path);
	return *err ? -1 : 0;
}

/* After the bytes of a file: -1 without an error means that nobody waits any more. */
static int answer(struct scp *s, int r, struct error **e)
{
	if (*e)
		return complain_error(s, e);
	return r < 0 ? -1 : acknowledge(s);
}

/* `dir`: of a folder; NULL: straight to the machine. */
static int take_file(struct scp *s, const struct entry *e, const char *dir)
{
	AUTO(error) struct error *err = NULL;
	int r;

	if (acknowledge(s) < 0)
		return -1;
	if (dir)
		r = take_inner(s, e, dir, &err);
	else if (e->size <= SMALL_MAX)
		r = take_small(s, e, &err);
	else
		r = take_large(s, e, &err);
	return answer(s, r, &err);
}

/* What a shell takes as one word. */
static char *quote(const char *text)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, text);
	strbuf_replace(&sb, "'", "'\\''");
	return xasprintf("'%s'", sb.buf);
}

static int ask_machine(struct scp *s, const char *format, const char *path, int *ret_status,
		       struct error **err)
{
	AUTO_FREE char *word = quote(path);
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;

	strbuf_addstr(&line, format);
	strbuf_replace(&line, "@", word);

	const struct comm_cmd cmd = { .command = line.buf };

	return s->j->comm->ops->exec(s->j->comm, &cmd, s->j->c, ret_status, err);
}

/* Into a folder that exists; else it becomes that folder. */
static int put_folder(struct scp *s, const char *top, const char *name, struct error **err)
{
	AUTO_FREE char *dir = path_join(top, name), *content = xasprintf("%s/", dir);
	struct comm *m = s->j->comm;
	int status = 0;

	if (ask_machine(s, "[ -d @ ] && exit 9; mkdir @ || exit 1", s->r->path, &status, err) < 0)
		return -1;
	if (status != 0 && status != IS_THERE)
		return error_set(err, ERROR_REMOTE, "%s: cannot be made a directory", s->r->path);
	return m->ops->upload_dir(m, status == IS_THERE ? dir : content, s->r->path, s->j->c, err);
}

static int take_tree(struct scp *s, const struct entry *e, const char *dir, int depth);

static int take_member(struct scp *s, const char *line, const char *dir, int depth)
{
	struct entry e = { 0 };

	if (line[0] == 'T') /* times: ours are those of the transfer */
		return acknowledge(s);
	if ((line[0] != 'C' && line[0] != 'D') || !parse_entry(line, &e)) {
		(void)complain(s, "protocol error");
		return -1;
	}
	if (line[0] == 'C')
		return take_file(s, &e, dir);
	if (s->r->recursive && depth < DEPTH_MAX)
		return take_tree(s, &e, dir, depth + 1);
	(void)complain(s,
		       s->r->recursive ? "too many folders in each other" : "a folder without -r");
	return -1;
}

/* A folder below the temporary one, up to the line that ends it, which is not acknowledged. */
static int take_members(struct scp *s, const char *dir, int depth)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;

	if (acknowledge(s) < 0)
		return -1;
	while (take_line(s, &line) > 0) {
		if (text_eq(line.buf, "E"))
			return 0;
		if (take_member(s, line.buf, dir, depth) < 0)
			return -1;
	}
	return -1;
}

static int take_below(struct scp *s, const struct entry *e, const char *dir, int depth,
		      struct error **err)
{
	AUTO_FREE char *path = path_join(dir, e->name);

	if (fs_mkdir(path, 0700, err) < 0 || take_members(s, path, depth) < 0)
		return -1;
	if (chmod(path, e->mode) < 0)
		return error_set_errno(err, errno, "cannot change the mode of '%s'", path);
	return 0;
}

static int take_first(struct scp *s, const struct entry *e, struct error **err)
{
	AUTO(error) struct error *ignored = NULL;
	AUTO_FREE char *top = NULL;
	int r;

	if (fs_temp_dir(s->j->temp_dir, "scp-", &top, err) < 0)
		return -1;
	r = take_below(s, e, top, 1, err);
	if (r == 0)
		r = put_folder(s, top, e->name, err);
	if (fs_remove_tree(top, &ignored) < 0)
		error_ignore(&ignored, "the build removes its temporary directory anyway");
	return r;
}

static int take_tree(struct scp *s, const struct entry *e, const char *dir, int depth)
{
	AUTO(error) struct error *err = NULL;
	int r = dir ? take_below(s, e, dir, depth, &err) : take_first(s, e, &err);

	return answer(s, r, &err);
}

static int take_all(struct scp *s)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;
	int r = acknowledge(s);

	while (r == 0 && (r = take_line(s, &line)) > 0)
		r = take_member(s, line.buf, NULL, 0);
	return r;
}

/* ---- from the machine --------------------------------------------------------------------- */

static int give_line(struct scp *s, const char *line)
{
	return say(s, line) < 0 ? -1 : expect_go(s);
}

/* What the client does not want it does not get; the rest goes on. */
static int give_content(struct scp *s, int fd, int64_t size)
{
	while (size > 0) {
		ssize_t n = fd_read(fd, s->buf, (size_t)MIN(size, (int64_t)PIECE));

		if (n <= 0)
			return -1; /* it became shorter */
		if (job_write(s->j, false, s->buf, (size_t)n) < 0)
			return -1;
		size -= n;
	}
	return acknowledge(s) < 0 ? -1 : expect_go(s);
}

static int give_file(struct scp *s, const char *path, const char *name)
{
	AUTO(error) struct error *e = NULL;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		error_set_errno(&e, errno, "cannot read '%s'", name);
		return complain_error(s, &e);
	}

	AUTO_FREE char *line = xasprintf("C%04o %lld %s\n", (unsigned)(st.st_mode & 07777),
					 (long long)st.st_size, name);

	r = give_line(s, line);
	return r ? MIN(r, 0) : give_content(s, fd, st.st_size);
}

static int give_tree(struct scp *s, const char *path, const char *name, int depth)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *line = NULL;
	struct stat st;
	int r;

	if (depth > DEPTH_MAX || lstat(path, &st) < 0 || S_ISLNK(st.st_mode))
		return 0;
	if (strchr(name, '\n')) {
		error_set(&e, ERROR_INVALID, "%s: scp has no way to say a name of two lines", name);
		return complain_error(s, &e);
	}
	if (!S_ISDIR(st.st_mode))
		return give_file(s, path, name);
	if (fs_list(path, &names, &e) < 0)
		return complain_error(s, &e);
	line = xasprintf("D%04o 0 %s\n", (unsigned)(st.st_mode & 07777), name);
	r = give_line(s, line);
	for (size_t i = 0; r == 0 && i < names.len; i++) {
		AUTO_FREE char *inner = path_join(path, names.v[i]);

		r = give_tree(s, inner, names.v[i], depth + 1);
	}
	return r ? MIN(r, 0) : MIN(give_line(s, "E\n"), 0);
}

/* Without the slashes at its end: what it is called here, and what the client hears, is the last part. Heap;
 * NULL: it has none, and a copy called ".." would not be below our folder. */
static char *source_of(const struct scp *s, struct error **err)
{
	AUTO_FREE char *path = xstrdup(s->r->path);
	const char *name;

	for (size_t len = strlen(path); len && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	name = path_basename(path);
	if (*name && !text_eq(name, ".") && !text_eq(name, ".."))
		return TAKE(path);
	error_set(err, ERROR_INVALID, "%s: a copy of it has no name: give the name of the folder",
		  s->r->path);
	return NULL;
}

static int fetch(struct scp *s, const char *from, const char *top, struct error **err)
{
	struct comm *m = s->j->comm;
	AUTO_FREE char *path = path_join(top, path_basename(from));
	int status = 1;

	if (s->r->recursive && ask_machine(s, "[ -d @ ]", from, &status, err) < 0)
		return -1;
	if (status == 0)
		return m->ops->download_dir(m, from, top, s->j->c, err);
	return m->ops->download(m, from, path, s->j->c, err);
}

static int give_all(struct scp *s)
{
	AUTO(error) struct error *e = NULL, *ignored = NULL;
	AUTO_FREE char *top = NULL, *from = NULL, *path = NULL;
	int r = expect_go(s);

	if (r < 0)
		return -1;
	from = source_of(s, &e);
	if (!from || fs_temp_dir(s->j->temp_dir, "scp-", &top, &e) < 0)
		return complain_error(s, &e);
	path = path_join(top, path_basename(from));
	if (fetch(s, from, top, &e) < 0)
		r = complain_error(s, &e);
	else
		r = give_tree(s, path, path_basename(from), 0);
	if (fs_remove_tree(top, &ignored) < 0)
		error_ignore(&ignored, "the build removes its temporary directory anyway");
	return r;
}

int scp_serve(struct job *j, const struct scp_request *r)
{
	AUTO_FREE char *buf = xmalloc(PIECE);
	struct scp s = { .j = j, .r = r, .buf = buf };
	int done = r->is_upload ? take_all(&s) : give_all(&s);

	return done < 0 || s.failed ? FAILED : 0;
}
