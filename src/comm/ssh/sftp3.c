/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/sftp3.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "comm/ssh/sftp3_conn.h"
#include "comm/ssh/sftp3_small.h"
#include "comm/ssh/sink.h"
#include "comm/ssh/source.h"
#include "os/fs.h"

#include <errno.h>
#include <sys/stat.h>

enum {
	IN_FLIGHT = 64, /* requests sent and not answered */
	DEPTH_MAX = 200,
	NAMES_MAX = 1000 * 1000, /* entries of one directory */
};

/* ---- full disks ----------------------------------------------------------------------- */

/* Has the file system of a directory over there no room left for anybody but root, or no inode?
 * What OpenSSH's server knows to tell; of others it is false. */
static int ask_full(struct sftp3 *s, const char *dir, bool *ret, struct error **err)
{
	static const char name[] = "statvfs@openssh.com";
	uint64_t v
		[8]; /* block size, fragment size, blocks, free, available; files, free, available */
	struct sftp3_answer a;
	uint32_t id;

	sftp3_begin(s, FXP_EXTENDED, &id);
	sftp3_put_string(&s->out, name, strlen(name));
	sftp3_put_string(&s->out, dir, strlen(dir));
	if (sftp3_ask(s, id, &a, err) < 0)
		return -1;
	*ret = false;
	for (size_t i = 0; a.type == FXP_EXTENDED_REPLY && i < ARRAY_LEN(v); i++)
		if (!sftp3_get64(&a.body, &v[i]))
			return sftp3_nonsense(err);
	if (a.type == FXP_EXTENDED_REPLY)
		*ret = (v[2] && !v[4]) || (v[5] && !v[7]);
	sftp3_done_with(s, &a);
	return 0;
}

/* The protocol has no word for it: every failure to write is a "Failure". */
static int explain_refusal(struct sftp3 *s, const char *path, struct error **err)
{
	AUTO_FREE char *dir = path_dirname(path);
	AUTO(error) struct error *e = NULL;
	bool full;

	if ((*err)->kind != ERROR_REMOTE)
		return -1;
	if (ask_full(s, dir, &full, &e) < 0) {
		error_ignore(&e, "then without a reason");
		return -1;
	}
	if (!full)
		return -1;
	error_ignore(err, "this is why");
	return error_set(err, ERROR_REMOTE, "sftp: %s: No space left on device", path);
}

/* ---- upload ------------------------------------------------------------------------- */

struct upload {
	struct sftp3 *s;
	const struct strbuf *handle;
	struct upload_source *src;
	const char *dst;
	int in_flight;
};

/* One of the writes was refused; the others are answered, too. */
static int say_refused(struct upload *u, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	struct sftp3_answer a;

	if ((*err)->kind != ERROR_REMOTE)
		return -1;
	while (--u->in_flight > 0) {
		if (sftp3_read_answer(u->s, &a, &e) < 0) {
			error_ignore(&e, "the refusal is what is told");
			return -1;
		}
		sftp3_done_with(u->s, &a);
	}
	return explain_refusal(u->s, u->dst, err);
}

/* Reads answers until at most `max` writes are open. */
static int settle(struct upload *u, int max, struct error **err)
{
	size_t n;

	while (u->in_flight > max || (u->in_flight > 0 && sftp3_complete(u->s, &n, err))) {
		struct sftp3_answer a;

		if (sftp3_read_answer(u->s, &a, err) < 0)
			return -1;
		if (sftp3_expect_ok(u->s, &a, u->dst, err) < 0)
			return say_refused(u, err);
		u->in_flight--;
	}
	return 0;
}

static int write_content(struct upload *u, struct error **err)
{
	for (;;) {
		int64_t at = u->src->done;
		uint32_t id;
		size_t n;

		if (upload_source_read(u->src, u->s->piece, SFTP3_PIECE, &n, err) < 0)
			return -1;
		if (n == 0)
			return settle(u, 0, err);
		sftp3_begin(u->s, FXP_WRITE, &id);
		sftp3_put_string(&u->s->out, u->handle->buf, u->handle->len);
		sftp3_put64(&u->s->out, (uint64_t)at);
		sftp3_put_string(&u->s->out, u->s->piece, n);
		if (sftp3_send_packet(u->s, err) < 0)
			return -1;
		u->in_flight++;
		if (settle(u, IN_FLIGHT, err) < 0)
			return -1;
		upload_source_progress(u->src);
	}
}

static int set_mode(struct sftp3 *s, const struct strbuf *handle, mode_t mode, const char *path,
		    struct error **err)
{
	uint32_t id;

	sftp3_begin(s, FXP_FSETSTAT, &id);
	sftp3_put_string(&s->out, handle->buf, handle->len);
	sftp3_put32(&s->out, FXA_PERMISSIONS);
	sftp3_put32(&s->out, mode & 07777);
	return sftp3_ask_ok(s, id, path, err);
}

static int upload_open_source(struct sftp3 *s, struct upload_source *src, const char *dst,
			      struct error **err)
{
	AUTO(strbuf) struct strbuf handle = STRBUF_INIT_MAX(1024);

	if (sftp3_open_file(s, dst, FXF_WRITE | FXF_CREAT | FXF_TRUNC, NULL, &handle, err) < 0)
		return explain_refusal(s, dst, err);

	struct upload u = { .s = s, .handle = &handle, .src = src, .dst = dst };

	if (write_content(&u, err) < 0)
		return -1;
	if (src->keep_mode && set_mode(s, &handle, src->mode, dst, err) < 0)
		return -1;
	return sftp3_close_handle(s, &handle, dst, err);
}

static int upload_file(struct sftp3 *s, const struct comm_upload *up, const char *dst,
		       struct error **err)
{
	struct upload_source src;
	int r = upload_source_open(&src, up, err);

	if (r == 0)
		r = upload_open_source(s, &src, dst, err);
	upload_source_close(&src);
	return r;
}

int sftp3_upload(struct sshlink *l, const struct comm_upload *up, const char *dst, struct cancel *c,
		 struct error **err)
{
	AUTO(sftp3) struct sftp3 s = { 0 };

	if (sftp3_start(&s, l, c, err) < 0)
		return -1;
	return sftp3_finish(&s, upload_file(&s, up, dst, err), err);
}

static int stat_remote(struct sftp3 *s, const char *path, struct sftp3_attrs *ret,
		       struct error **err)
{
	struct sftp3_answer a;
	uint32_t id;

	sftp3_begin(s, FXP_STAT, &id);
	sftp3_put_string(&s->out, path, strlen(path));
	if (sftp3_ask(s, id, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS)
		return sftp3_expect_ok(s, &a, path, err) < 0 ? -1 : sftp3_nonsense(err);
	if (a.type != FXP_ATTRS || !sftp3_get_attrs(&a.body, ret))
		return sftp3_nonsense(err);
	sftp3_done_with(s, &a);
	return 0;
}

/* An existing directory will do. */
static int make_dir(struct sftp3 *s, const char *path, mode_t mode, struct error **err)
{
	AUTO(error) struct error *e = NULL, *ignored = NULL;
	struct sftp3_attrs a;
	uint32_t id;

	sftp3_begin(s, FXP_MKDIR, &id);
	sftp3_put_string(&s->out, path, strlen(path));
	sftp3_put32(&s->out, FXA_PERMISSIONS);
	sftp3_put32(&s->out, mode & 07777);
	if (sftp3_ask_ok(s, id, path, &e) == 0)
		return 0;
	if (e->kind == ERROR_REMOTE && stat_remote(s, path, &a, &ignored) == 0 && S_ISDIR(a.mode))
		return 0;
	return error_move(err, TAKE(e));
}

static int upload_tree_file(struct sftp3_small *b, const char *from, const char *to,
			    struct error **err)
{
	struct comm_upload up = { .path = from };
	struct upload_source src;
	int r = upload_source_open(&src, &up, err);

	if (r == 0)
		r = src.size <= SFTP3_SMALL_MAX ? sftp3_small_add(b, &src, to, err)
						: upload_open_source(b->s, &src, to, err);
	upload_source_close(&src);
	return r;
}

static int upload_tree(struct sftp3_small *b, const char *src, const char *dst, int depth,
		       struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_INVALID, "'%s' is nested too deeply", src);
	if (fs_list(src, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *from = path_join(src, names.v[i]);
		AUTO_FREE char *to = xasprintf("%s/%s", dst, names.v[i]);
		struct stat st;

		if (stat(from, &st) < 0)
			return error_set_errno(err, errno, "cannot upload '%s'", from);
		if (!S_ISDIR(st.st_mode)) {
			if (upload_tree_file(b, from, to, err) < 0)
				return -1;
			continue;
		}
		if (make_dir(b->s, to, st.st_mode, err) < 0 ||
		    upload_tree(b, from, to, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

int sftp3_upload_dir(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
		     struct error **err)
{
	AUTO(sftp3) struct sftp3 s = { 0 };
	AUTO_FREE char *clean = path_clean(src);
	bool contents = text_ends_with(src, "/");
	AUTO_FREE char *to = contents
				     ? xstrdup(dst)
				     : xasprintf("%s%s%s", dst, text_ends_with(dst, "/") ? "" : "/",
						 path_basename(clean));
	struct stat st;

	if (stat(clean, &st) < 0)
		return error_set_errno(err, errno, "cannot upload '%s'", src);
	if (sftp3_start(&s, l, c, err) < 0)
		return -1;
	if (!contents && make_dir(&s, to, st.st_mode, err) < 0)
		return -1;

	AUTO(sftp3_small) struct sftp3_small b = { .s = &s };
	int r = upload_tree(&b, clean, to, 0, err);

	if (r == 0)
		r = sftp3_small_flush(&b, err);
	return sftp3_finish(&s, r, err);
}

/* ---- download ----------------------------------------------------------------------- */

/* Reads are asked for in order; answers may come in any order and be short. */
struct read_slot {
	uint32_t id;
	int64_t at;
	uint32_t len;
	bool used;
};

struct download {
	struct sftp3 *s;
	const struct strbuf *handle;
	struct download_sink *sink;
	const char *src;
	struct read_slot slots[IN_FLIGHT];
	int open;
	int64_t next; /* first byte not asked for */
	bool end;     /* the server has told the end */
};

static int ask_read(struct download *d, int64_t at, uint32_t len, struct error **err)
{
	for (size_t i = 0; i < ARRAY_LEN(d->slots); i++) {
		struct read_slot *slot = &d->slots[i];

		if (slot->used)
			continue;
		*slot = (struct read_slot){ .at = at, .len = len, .used = true };
		sftp3_begin(d->s, FXP_READ, &slot->id);
		sftp3_put_string(&d->s->out, d->handle->buf, d->handle->len);
		sftp3_put64(&d->s->out, (uint64_t)at);
		sftp3_put32(&d->s->out, len);
		d->open++;
		return sftp3_send_packet(d->s, err);
	}
	assert(false);
	return -1;
}

static struct read_slot *find_slot(struct download *d, uint32_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(d->slots); i++)
		if (d->slots[i].used && d->slots[i].id == id)
			return &d->slots[i];
	return NULL;
}

static int take_read(struct download *d, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(1024);
	struct read_slot *slot;
	struct sftp3_answer a;
	struct str data;
	uint32_t code;

	if (sftp3_read_answer(d->s, &a, err) < 0)
		return -1;
	slot = find_slot(d, a.id);
	if (!slot)
		return sftp3_nonsense(err);
	slot->used = false;
	d->open--;
	if (a.type == FXP_STATUS) {
		if (sftp3_take_status(d->s, &a, &code, &text, err) < 0)
			return -1;
		if (code != FX_EOF)
			return error_set(err, ERROR_REMOTE, "sftp: %s: %s", d->src, text.buf);
		d->end = true;
		return 0;
	}
	if (a.type != FXP_DATA || !sftp3_get_string(&a.body, &data) || data.len == 0 ||
	    data.len > slot->len)
		return sftp3_nonsense(err);
	if (download_sink_write_at(d->sink, slot->at, data.p, data.len, err) < 0)
		return -1;

	int64_t rest_at = slot->at + (int64_t)data.len;
	uint32_t rest = slot->len - (uint32_t)data.len;

	sftp3_done_with(d->s, &a);
	return rest && !d->end ? ask_read(d, rest_at, rest, err) : 0;
}

static int read_content(struct download *d, struct error **err)
{
	int window = 1; /* grows, so that small files cost few requests */

	while (!d->end || d->open > 0) {
		while (!d->end && d->open < window) {
			if (ask_read(d, d->next, SFTP3_PIECE, err) < 0)
				return -1;
			d->next += SFTP3_PIECE;
		}
		if (take_read(d, err) < 0)
			return -1;
		window = MIN(window * 2, (int)IN_FLIGHT);
	}
	return 0;
}

static int download_file(struct sftp3 *s, const char *src, const char *dst, mode_t mode,
			 struct error **err)
{
	AUTO(strbuf) struct strbuf handle = STRBUF_INIT_MAX(1024);
	AUTO(error) struct error *e = NULL;
	struct download_sink sink;

	if (download_sink_open(&sink, dst, mode, err) < 0)
		return -1;

	struct download d = { .s = s, .handle = &handle, .sink = &sink, .src = src };
	int r = sftp3_open_file(s, src, FXF_READ, NULL, &handle, err);

	if (r == 0)
		r = read_content(&d, err);
	if (r == 0)
		r = sftp3_close_handle(s, &handle, src, err);
	if (download_sink_close(&sink, &e) < 0 && r == 0)
		return error_move(err, TAKE(e));
	return r;
}

int sftp3_download(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
		   struct error **err)
{
	AUTO(sftp3) struct sftp3 s = { 0 };

	if (sftp3_start(&s, l, c, err) < 0)
		return -1;
	return sftp3_finish(&s, download_file(&s, src, dst, 0644, err), err);
}

/* One READDIR; false in *ret_more at the end. Names go to *ret. */
static int read_names(struct sftp3 *s, const struct strbuf *handle, const char *path,
		      struct strv *ret, bool *ret_more, struct error **err)
{
	struct str name, longname;
	struct sftp3_answer a;
	struct sftp3_attrs at;
	uint32_t id, n, code;

	sftp3_begin(s, FXP_READDIR, &id);
	sftp3_put_string(&s->out, handle->buf, handle->len);
	if (sftp3_ask(s, id, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS) {
		*ret_more = false;
		if (sftp3_take_status(s, &a, &code, NULL, err) < 0)
			return -1;
		return code == FX_EOF
			       ? 0
			       : error_set(err, ERROR_REMOTE, "sftp: cannot list '%s'", path);
	}
	*ret_more = true;
	if (a.type != FXP_NAME || !sftp3_get32(&a.body, &n))
		return sftp3_nonsense(err);
	while (n-- > 0) {
		if (!sftp3_get_string(&a.body, &name) || !sftp3_get_string(&a.body, &longname) ||
		    !sftp3_get_attrs(&a.body, &at) || ret->len >= NAMES_MAX)
			return sftp3_nonsense(err);
		if (!str_is(name, ".") && !str_is(name, ".."))
			strv_push_take(ret, str_dup(name));
	}
	sftp3_done_with(s, &a);
	return 0;
}

static int list_remote(struct sftp3 *s, const char *path, struct strv *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf handle = STRBUF_INIT_MAX(1024);
	struct sftp3_answer a;
	uint32_t id;
	bool more = true;

	sftp3_begin(s, FXP_OPENDIR, &id);
	sftp3_put_string(&s->out, path, strlen(path));
	if (sftp3_ask(s, id, &a, err) < 0 || sftp3_take_handle(s, &a, path, &handle, err) < 0)
		return -1;
	while (more)
		if (read_names(s, &handle, path, ret, &more, err) < 0)
			return -1;
	strv_sort(ret);
	return sftp3_close_handle(s, &handle, path, err);
}

static int download_entry(struct sftp3 *s, const char *src, const char *dst, int depth,
			  struct error **err);

static int download_tree(struct sftp3 *s, const char *src, const char *dst, int depth,
			 struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_INVALID, "'%s' is nested too deeply", src);
	if (list_remote(s, src, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *from = xasprintf("%s/%s", src, names.v[i]);
		AUTO_FREE char *to = download_entry_path(dst, names.v[i], err);

		if (!to || download_entry(s, from, to, depth, err) < 0)
			return -1;
	}
	return 0;
}

static int download_entry(struct sftp3 *s, const char *src, const char *dst, int depth,
			  struct error **err)
{
	struct sftp3_attrs a;

	if (stat_remote(s, src, &a, err) < 0)
		return -1;
	if (!S_ISDIR(a.mode))
		return download_file(s, src, dst, (a.mode & 0777) | 0600, err);
	if (download_make_dir(dst, a.mode & 0777, err) < 0)
		return -1;
	return download_tree(s, src, dst, depth + 1, err);
}

int sftp3_download_dir(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
		       struct error **err)
{
	AUTO(sftp3) struct sftp3 s = { 0 };
	AUTO_FREE char *clean = path_clean(src);
	AUTO_FREE char *to = download_entry_path(dst, path_basename(clean), err);

	if (!to || sftp3_start(&s, l, c, err) < 0)
		return -1;
	return sftp3_finish(&s, download_entry(&s, clean, to, 0, err), err);
}
