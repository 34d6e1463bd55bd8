/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/sftp3.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "comm/ssh/chan.h"
#include "comm/ssh/sink.h"
#include "comm/ssh/source.h"
#include "os/fs.h"

#include <errno.h>
#include <sys/stat.h>

enum {
	PIECE = 32 * 1024,       /* every server takes that much in one request */
	IN_FLIGHT = 64,          /* requests sent and not answered */
	PACKET_MAX = 256 * 1024, /* of an answer */
	DEPTH_MAX = 200,
	NAMES_MAX = 1000 * 1000, /* entries of one directory */
	PROTOCOL_VERSION = 3,
};

enum {
	FXP_INIT = 1,
	FXP_VERSION = 2,
	FXP_OPEN = 3,
	FXP_CLOSE = 4,
	FXP_READ = 5,
	FXP_WRITE = 6,
	FXP_FSETSTAT = 10,
	FXP_OPENDIR = 11,
	FXP_READDIR = 12,
	FXP_MKDIR = 14,
	FXP_STAT = 17,
	FXP_STATUS = 101,
	FXP_HANDLE = 102,
	FXP_DATA = 103,
	FXP_NAME = 104,
	FXP_ATTRS = 105,

	FX_OK = 0,
	FX_EOF = 1,

	FXF_READ = 0x01,
	FXF_WRITE = 0x02,
	FXF_CREAT = 0x08,
	FXF_TRUNC = 0x10,

	ATTR_SIZE = 0x01,
	ATTR_UIDGID = 0x02,
	ATTR_PERMISSIONS = 0x04,
	ATTR_TIME = 0x08,
	ATTR_EXTENDED = (int)0x80000000u,
};

struct sftp3 {
	struct sshchan *k;
	struct cancel *c;
	uint32_t next_id;
	struct strbuf out; /* the packet being built; length is filled in by send() */
	char *piece;       /* PIECE bytes */
};

/* An answer; valid until the next one is read. */
struct answer {
	unsigned char type;
	uint32_t id;
	struct str body;
	size_t whole; /* bytes to consume */
};

/* ---- packing ------------------------------------------------------------------------ */

static void put32(struct strbuf *sb, uint32_t n)
{
	const unsigned char b[4] = { n >> 24, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff };

	strbuf_add(sb, b, sizeof(b));
}

static void put64(struct strbuf *sb, uint64_t n)
{
	put32(sb, (uint32_t)(n >> 32));
	put32(sb, (uint32_t)n);
}

static void put_string(struct strbuf *sb, const void *data, size_t len)
{
	put32(sb, (uint32_t)len);
	strbuf_add(sb, data, len);
}

static void begin(struct sftp3 *s, unsigned char type, uint32_t *ret_id)
{
	strbuf_truncate(&s->out, 0);
	put32(&s->out, 0);
	strbuf_addch(&s->out, (char)type);
	*ret_id = s->next_id++;
	put32(&s->out, *ret_id);
}

static int send_packet(struct sftp3 *s, struct error **err)
{
	size_t n = s->out.len - 4;

	for (int i = 0; i < 4; i++)
		s->out.buf[i] = (char)(n >> (24 - 8 * i));
	return sshchan_write(s->k, s->out.buf, s->out.len, s->c, err);
}

static bool get32(struct str *s, uint32_t *ret)
{
	if (s->len < 4)
		return false;
	const unsigned char *p = (const unsigned char *)s->p;

	*ret = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	s->p += 4;
	s->len -= 4;
	return true;
}

static bool get64(struct str *s, uint64_t *ret)
{
	uint32_t high, low;

	if (!get32(s, &high) || !get32(s, &low))
		return false;
	*ret = (uint64_t)high << 32 | low;
	return true;
}

static bool get_string(struct str *s, struct str *ret)
{
	uint32_t n;

	if (!get32(s, &n) || n > s->len)
		return false;
	*ret = (struct str){ s->p, n };
	s->p += n;
	s->len -= n;
	return true;
}

struct attrs {
	uint32_t flags;
	uint64_t size;
	uint32_t mode;
};

static bool get_attrs(struct str *s, struct attrs *a)
{
	uint32_t ignored, count;
	struct str text;

	*a = (struct attrs){ 0 };
	if (!get32(s, &a->flags))
		return false;
	if ((a->flags & ATTR_SIZE) && !get64(s, &a->size))
		return false;
	if ((a->flags & ATTR_UIDGID) && !(get32(s, &ignored) && get32(s, &ignored)))
		return false;
	if ((a->flags & ATTR_PERMISSIONS) && !get32(s, &a->mode))
		return false;
	if ((a->flags & ATTR_TIME) && !(get32(s, &ignored) && get32(s, &ignored)))
		return false;
	if (!(a->flags & (uint32_t)ATTR_EXTENDED))
		return true;
	if (!get32(s, &count))
		return false;
	while (count-- > 0)
		if (!get_string(s, &text) || !get_string(s, &text))
			return false;
	return true;
}

/* ---- conversation ------------------------------------------------------------------- */

static int nonsense(struct error **err)
{
	error_set(err, ERROR_REMOTE, "sftp: unexpected answer");
	return error_hint(err, "Does the login shell of the user print something?");
}

static bool complete(struct sftp3 *s, size_t *ret_len, struct error **err)
{
	struct str head = { sshchan_peek(s->k), sshchan_unread(s->k) };
	uint32_t n;

	if (!get32(&head, &n) || head.len < n)
		return false;
	*ret_len = n;
	return true;
}

static int read_answer(struct sftp3 *s, struct answer *a, struct error **err)
{
	struct str head;
	uint32_t n;

	if (sshchan_need(s->k, 4, s->c, err) < 0)
		return -1;
	head = (struct str){ sshchan_peek(s->k), 4 };
	if (!get32(&head, &n) || n < 5 || n > PACKET_MAX)
		return nonsense(err);
	if (sshchan_need(s->k, 4 + (size_t)n, s->c, err) < 0)
		return -1;
	a->body = (struct str){ sshchan_peek(s->k) + 5, n - 1 };
	a->type = (unsigned char)sshchan_peek(s->k)[4];
	a->whole = 4 + (size_t)n;
	if (!get32(&a->body, &a->id))
		return nonsense(err);
	return 0;
}

static void done_with(struct sftp3 *s, const struct answer *a)
{
	sshchan_consume(s->k, a->whole);
}

static const char *const status_texts[] = {
	"ok",
	"end of file",
	"no such file or directory",
	"permission denied",
	"failure",
	"bad message",
	"no connection",
	"connection lost",
	"operation not supported",
};

/* The code of a status answer, which is consumed; other answers are nonsense. */
static int take_status(struct sftp3 *s, struct answer *a, uint32_t *ret_code, struct strbuf *text,
		       struct error **err)
{
	struct str message = { 0 };

	if (a->type != FXP_STATUS || !get32(&a->body, ret_code))
		return nonsense(err);
	(void)get_string(&a->body, &message);
	if (text) {
		strbuf_truncate(text, 0);
		if (*ret_code < ARRAY_LEN(status_texts) && *ret_code != 4)
			strbuf_addstr(text, status_texts[*ret_code]);
		else
			strbuf_addf(text, "%.*s", STR_FMT(message));
	}
	done_with(s, a);
	return 0;
}

static int expect_ok(struct sftp3 *s, struct answer *a, const char *path, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(1024);
	uint32_t code;

	if (take_status(s, a, &code, &text, err) < 0)
		return -1;
	if (code == FX_OK)
		return 0;
	return error_set(err, ERROR_REMOTE, "sftp: %s: %s", path, text.buf);
}

/* Sends what is in s->out and reads its answer (nothing else may be in flight). */
static int ask(struct sftp3 *s, uint32_t id, struct answer *a, struct error **err)
{
	if (send_packet(s, err) < 0 || read_answer(s, a, err) < 0)
		return -1;
	return a->id == id ? 0 : nonsense(err);
}

static int ask_ok(struct sftp3 *s, uint32_t id, const char *path, struct error **err)
{
	struct answer a;

	if (ask(s, id, &a, err) < 0)
		return -1;
	return expect_ok(s, &a, path, err);
}

static void sftp3_release(struct sftp3 *s)
{
	sshchan_free(s->k);
	strbuf_release(&s->out);
	free(s->piece);
}
static inline void auto_sftp3(struct sftp3 *s)
{
	sftp3_release(s);
}

static int greet(struct sftp3 *s, struct error **err)
{
	struct answer a;

	strbuf_truncate(&s->out, 0);
	put32(&s->out, 0);
	strbuf_addch(&s->out, FXP_INIT);
	put32(&s->out, PROTOCOL_VERSION);
	if (send_packet(s, err) < 0)
		return -1;
	if (read_answer(s, &a, err) < 0) {
		if ((*err)->kind == ERROR_REMOTE)
			(*err)->kind = ERROR_NOT_FOUND;
		return error_prefix(err, "cannot start sftp");
	}
	if (a.type != FXP_VERSION)
		return nonsense(err);
	done_with(s, &a);
	return 0;
}

static int sftp3_start(struct sftp3 *s, struct sshlink *l, struct cancel *c, struct error **err)
{
	*s = (struct sftp3){ .c = c, .out = STRBUF_INIT };
	if (sshchan_open(l, &s->k, c, err) < 0)
		return -1;
	s->piece = xmalloc(PIECE);
	if (sshchan_subsystem(s->k, "sftp", c, err) < 0) {
		if ((*err)->kind != ERROR_REMOTE)
			return -1;
		error_ignore(err, "replaced by a text that says what is missing");
		error_set(err, ERROR_NOT_FOUND, "the machine has no sftp subsystem");
		return error_hint(err, "Set ssh_file_transfer_method = \"scp\", or enable "
				       "'Subsystem sftp' in its sshd_config.");
	}
	return greet(s, err);
}

/* ---- handles ------------------------------------------------------------------------ */

/* *ret is heap and may contain NULs. */
static int take_handle(struct sftp3 *s, struct answer *a, const char *path, struct strbuf *ret,
		       struct error **err)
{
	struct str handle;

	if (a->type == FXP_STATUS) {
		if (expect_ok(s, a, path, err) < 0)
			return -1;
		return nonsense(err);
	}
	if (a->type != FXP_HANDLE || !get_string(&a->body, &handle))
		return nonsense(err);
	strbuf_truncate(ret, 0);
	strbuf_add(ret, handle.p, handle.len);
	done_with(s, a);
	return 0;
}

static int open_file(struct sftp3 *s, const char *path, uint32_t flags, const mode_t *mode,
		     struct strbuf *ret, struct error **err)
{
	struct answer a;
	uint32_t id;

	begin(s, FXP_OPEN, &id);
	put_string(&s->out, path, strlen(path));
	put32(&s->out, flags);
	put32(&s->out, mode ? ATTR_PERMISSIONS : 0);
	if (mode)
		put32(&s->out, *mode);
	if (ask(s, id, &a, err) < 0)
		return -1;
	return take_handle(s, &a, path, ret, err);
}

static int close_handle(struct sftp3 *s, const struct strbuf *handle, const char *path,
			struct error **err)
{
	uint32_t id;

	begin(s, FXP_CLOSE, &id);
	put_string(&s->out, handle->buf, handle->len);
	return ask_ok(s, id, path, err);
}

/* ---- upload ------------------------------------------------------------------------- */

struct upload {
	struct sftp3 *s;
	const struct strbuf *handle;
	struct upload_source *src;
	const char *dst;
	int in_flight;
};

/* Reads answers until at most `max` writes are open. */
static int settle(struct upload *u, int max, struct error **err)
{
	size_t n;

	while (u->in_flight > max || (u->in_flight > 0 && complete(u->s, &n, err))) {
		struct answer a;

		if (read_answer(u->s, &a, err) < 0 || expect_ok(u->s, &a, u->dst, err) < 0)
			return -1;
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

		if (upload_source_read(u->src, u->s->piece, PIECE, &n, err) < 0)
			return -1;
		if (n == 0)
			return settle(u, 0, err);
		begin(u->s, FXP_WRITE, &id);
		put_string(&u->s->out, u->handle->buf, u->handle->len);
		put64(&u->s->out, (uint64_t)at);
		put_string(&u->s->out, u->s->piece, n);
		if (send_packet(u->s, err) < 0)
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

	begin(s, FXP_FSETSTAT, &id);
	put_string(&s->out, handle->buf, handle->len);
	put32(&s->out, ATTR_PERMISSIONS);
	put32(&s->out, mode & 07777);
	return ask_ok(s, id, path, err);
}

static int upload_open_source(struct sftp3 *s, struct upload_source *src, const char *dst,
			      struct error **err)
{
	AUTO(strbuf) struct strbuf handle = STRBUF_INIT_MAX(1024);

	if (open_file(s, dst, FXF_WRITE | FXF_CREAT | FXF_TRUNC, NULL, &handle, err) < 0)
		return -1;

	struct upload u = { .s = s, .handle = &handle, .src = src, .dst = dst };

	if (write_content(&u, err) < 0)
		return -1;
	if (src->keep_mode && set_mode(s, &handle, src->mode, dst, err) < 0)
		return -1;
	return close_handle(s, &handle, dst, err);
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
	return upload_file(&s, up, dst, err);
}

static int stat_remote(struct sftp3 *s, const char *path, struct attrs *ret, struct error **err)
{
	struct answer a;
	uint32_t id;

	begin(s, FXP_STAT, &id);
	put_string(&s->out, path, strlen(path));
	if (ask(s, id, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS)
		return expect_ok(s, &a, path, err) < 0 ? -1 : nonsense(err);
	if (a.type != FXP_ATTRS || !get_attrs(&a.body, ret))
		return nonsense(err);
	done_with(s, &a);
	return 0;
}

/* An existing directory will do. */
static int make_dir(struct sftp3 *s, const char *path, mode_t mode, struct error **err)
{
	AUTO(error) struct error *e = NULL, *ignored = NULL;
	struct attrs a;
	uint32_t id;

	begin(s, FXP_MKDIR, &id);
	put_string(&s->out, path, strlen(path));
	put32(&s->out, ATTR_PERMISSIONS);
	put32(&s->out, mode & 07777);
	if (ask_ok(s, id, path, &e) == 0)
		return 0;
	if (e->kind == ERROR_REMOTE && stat_remote(s, path, &a, &ignored) == 0 && S_ISDIR(a.mode))
		return 0;
	return error_move(err, TAKE(e));
}

static int upload_tree(struct sftp3 *s, const char *src, const char *dst, int depth,
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
		struct comm_upload up = { .path = from };
		struct stat st;

		if (stat(from, &st) < 0)
			return error_set_errno(err, errno, "cannot upload '%s'", from);
		if (!S_ISDIR(st.st_mode)) {
			if (upload_file(s, &up, to, err) < 0)
				return -1;
			continue;
		}
		if (make_dir(s, to, st.st_mode, err) < 0 ||
		    upload_tree(s, from, to, depth + 1, err) < 0)
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
	return upload_tree(&s, clean, to, 0, err);
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
		begin(d->s, FXP_READ, &slot->id);
		put_string(&d->s->out, d->handle->buf, d->handle->len);
		put64(&d->s->out, (uint64_t)at);
		put32(&d->s->out, len);
		d->open++;
		return send_packet(d->s, err);
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
	struct answer a;
	struct str data;
	uint32_t code;

	if (read_answer(d->s, &a, err) < 0)
		return -1;
	slot = find_slot(d, a.id);
	if (!slot)
		return nonsense(err);
	slot->used = false;
	d->open--;
	if (a.type == FXP_STATUS) {
		if (take_status(d->s, &a, &code, &text, err) < 0)
			return -1;
		if (code != FX_EOF)
			return error_set(err, ERROR_REMOTE, "sftp: %s: %s", d->src, text.buf);
		d->end = true;
		return 0;
	}
	if (a.type != FXP_DATA || !get_string(&a.body, &data) || data.len == 0 ||
	    data.len > slot->len)
		return nonsense(err);
	if (download_sink_write_at(d->sink, slot->at, data.p, data.len, err) < 0)
		return -1;

	int64_t rest_at = slot->at + (int64_t)data.len;
	uint32_t rest = slot->len - (uint32_t)data.len;

	done_with(d->s, &a);
	return rest && !d->end ? ask_read(d, rest_at, rest, err) : 0;
}

static int read_content(struct download *d, struct error **err)
{
	int window = 1; /* grows, so that small files cost few requests */

	while (!d->end || d->open > 0) {
		while (!d->end && d->open < window) {
			if (ask_read(d, d->next, PIECE, err) < 0)
				return -1;
			d->next += PIECE;
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
	int r = open_file(s, src, FXF_READ, NULL, &handle, err);

	if (r == 0)
		r = read_content(&d, err);
	if (r == 0)
		r = close_handle(s, &handle, src, err);
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
	return download_file(&s, src, dst, 0644, err);
}

/* One READDIR; false in *ret_more at the end. Names go to *ret. */
static int read_names(struct sftp3 *s, const struct strbuf *handle, const char *path,
		      struct strv *ret, bool *ret_more, struct error **err)
{
	struct str name, longname;
	struct answer a;
	struct attrs at;
	uint32_t id, n, code;

	begin(s, FXP_READDIR, &id);
	put_string(&s->out, handle->buf, handle->len);
	if (ask(s, id, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS) {
		*ret_more = false;
		if (take_status(s, &a, &code, NULL, err) < 0)
			return -1;
		return code == FX_EOF
			       ? 0
			       : error_set(err, ERROR_REMOTE, "sftp: cannot list '%s'", path);
	}
	*ret_more = true;
	if (a.type != FXP_NAME || !get32(&a.body, &n))
		return nonsense(err);
	while (n-- > 0) {
		if (!get_string(&a.body, &name) || !get_string(&a.body, &longname) ||
		    !get_attrs(&a.body, &at) || ret->len >= NAMES_MAX)
			return nonsense(err);
		if (!str_is(name, ".") && !str_is(name, ".."))
			strv_push_take(ret, str_dup(name));
	}
	done_with(s, &a);
	return 0;
}

static int list_remote(struct sftp3 *s, const char *path, struct strv *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf handle = STRBUF_INIT_MAX(1024);
	struct answer a;
	uint32_t id;
	bool more = true;

	begin(s, FXP_OPENDIR, &id);
	put_string(&s->out, path, strlen(path));
	if (ask(s, id, &a, err) < 0 || take_handle(s, &a, path, &handle, err) < 0)
		return -1;
	while (more)
		if (read_names(s, &handle, path, ret, &more, err) < 0)
			return -1;
	strv_sort(ret);
	return close_handle(s, &handle, path, err);
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
	struct attrs a;

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
	return download_entry(&s, clean, to, 0, err);
}
