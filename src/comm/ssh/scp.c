/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/scp.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "comm/ssh/chan.h"
#include "comm/ssh/sink.h"
#include "comm/ssh/source.h"
#include "os/clock.h"
#include "os/fs.h"

#include <errno.h>
#include <sys/stat.h>

enum {
	PIECE = 256 * 1024,
	LINE_MAX_BYTES = 8 * 1024,
	DIRECT_MIN = 64 * 1024, /* not worth copying to be sent together */
	DEPTH_MAX = 200,
	STATUS_NO_COMMAND = 127,
};

/*
 * An upload does not wait for each acknowledgement: a tree of small files would be a tree of round
 * trips. What may be sent ahead is what the other side reads as it was meant even if it refused
 * what came before; see send_content() and send_dir().
 */
struct scp {
	struct sshchan *k;
	struct cancel *c;
	char *piece;       /* PIECE bytes */
	struct strbuf out; /* small things on their way, sent together */
	size_t owed;       /* acknowledgements that have not come yet */
};

/* A path as one word of the remote shell, except that it may expand it. */
static void add_path(struct strbuf *sb, const char *path)
{
	for (const char *p = path; *p; p++) {
		if (*p == ' ')
			strbuf_addch(sb, '\\');
		strbuf_addch(sb, *p);
	}
}

static int scp_start(struct scp *s, struct sshlink *l, const char *options, const char *path,
		     struct cancel *c, struct error **err)
{
	AUTO(strbuf) struct strbuf command = STRBUF_INIT;

	*s = (struct scp){ .c = c, .out = STRBUF_INIT };
	strbuf_addf(&command, "scp %s ", options);
	add_path(&command, path);
	if (sshchan_open(l, &s->k, c, err) < 0)
		return -1;
	s->piece = xmalloc(PIECE);
	return sshchan_exec(s->k, command.buf, c, err);
}

static void scp_release(struct scp *s)
{
	sshchan_free(s->k);
	free(s->piece);
	strbuf_release(&s->out);
}
static inline void auto_scp(struct scp *s)
{
	scp_release(s);
}

/* ---- the protocol's small parts ----------------------------------------------------- */

/* The text up to LF, which is consumed. */
static int read_line(struct scp *s, struct strbuf *ret, struct error **err)
{
	const char *end;

	for (;;) {
		size_t n = sshchan_unread(s->k);

		end = n ? memchr(sshchan_peek(s->k), '\n', n) : NULL;
		if (end)
			break;
		if (n > LINE_MAX_BYTES)
			return error_set(err, ERROR_REMOTE, "scp: endless line from the machine");
		if (sshchan_need(s->k, n + 1, s->c, err) < 0)
			return -1;
	}
	size_t len = (size_t)(end - sshchan_peek(s->k));

	strbuf_truncate(ret, 0);
	strbuf_add(ret, sshchan_peek(s->k), len);
	sshchan_consume(s->k, len + 1);
	return 0;
}

/* The other side's own words; often already "scp: PATH: reason". */
static int complain(struct scp *s, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (read_line(s, &text, err) < 0)
		return -1;
	return error_set(err, ERROR_REMOTE, "%s", text.len ? text.buf : "scp: failed");
}

static int read_ack(struct scp *s, struct error **err)
{
	char byte;

	if (sshchan_need(s->k, 1, s->c, err) < 0)
		return -1;
	byte = *sshchan_peek(s->k);
	sshchan_consume(s->k, 1);
	if (byte == 0)
		return 0;
	if (byte == 1 || byte == 2)
		return complain(s, err);
	return error_set(err, ERROR_REMOTE,
			 "scp: unexpected answer (does the login shell print something?)");
}

static int send_ack(struct scp *s, struct error **err)
{
	return sshchan_write(s->k, "", 1, s->c, err);
}

/* Takes the acknowledgements that have come: a refusal is known before more is sent. */
static int take_acks(struct scp *s, struct error **err)
{
	for (; s->owed > 0 && sshchan_unread(s->k); s->owed--)
		if (read_ack(s, err) < 0)
			return -1;
	/* Nothing is owed, and yet something came: only a complaint speaks unasked. */
	return sshchan_unread(s->k) ? read_ack(s, err) : 0;
}

/* Why the other side hung up it may have said before. */
static int put_now(struct scp *s, const void *data, size_t len, struct error **err)
{
	AUTO(error) struct error *e = NULL, *why = NULL;

	if (take_acks(s, err) < 0)
		return -1;
	if (sshchan_write(s->k, data, len, s->c, &e) == 0)
		return 0;
	if (e->kind == ERROR_REMOTE && take_acks(s, &why) < 0)
		return error_move(err, TAKE(why));
	return error_move(err, TAKE(e));
}

static int flush(struct scp *s, struct error **err)
{
	if (s->out.len && put_now(s, s->out.buf, s->out.len, err) < 0)
		return -1;
	strbuf_truncate(&s->out, 0);
	return 0;
}

static int put(struct scp *s, const void *data, size_t len, struct error **err)
{
	if (len < DIRECT_MIN)
		strbuf_add(&s->out, data, len);
	if (s->out.len >= PIECE || len >= DIRECT_MIN)
		if (flush(s, err) < 0)
			return -1;
	return len < DIRECT_MIN ? 0 : put_now(s, data, len, err);
}

/* Until everything sent so far is acknowledged. */
static int settle(struct scp *s, struct error **err)
{
	if (flush(s, err) < 0)
		return -1;
	for (; s->owed > 0; s->owed--)
		if (read_ack(s, err) < 0)
			return -1;
	return 0;
}

PRINTF(3, 4)
static int put_header(struct scp *s, struct error **err, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&line, fmt, ap);
	va_end(ap);
	s->owed++;
	return put(s, line.buf, line.len, err);
}

/* The process's own verdict, which explains a conversation that broke off. */
static int finish(struct scp *s, int result, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	int status;

	if (result < 0 && ((*err)->kind != ERROR_REMOTE || !(s->k->eof || s->k->closed)))
		return -1;
	if (sshchan_send_eof(s->k, s->c, &e) < 0 ||
	    sshchan_wait_exit(s->k, s->c, &status, &e) < 0) {
		if (result < 0)
			return -1;
		return error_move(err, TAKE(e));
	}
	if (status == 0 && result == 0)
		return 0;
	if (status == STATUS_NO_COMMAND) {
		error_ignore(err, "its cause is known better here");
		error_set(err, ERROR_NOT_FOUND,
			  "SCP failed to start. This usually means that SCP is not\nproperly "
			  "installed on the remote system.");
		return error_hint(err,
				  "Install it there, or set ssh_file_transfer_method = \"sftp\".");
	}
	if (result < 0)
		return -1;
	if (status == COMM_DISCONNECTED)
		return sshlink_set_lost(s->k->link, err);
	strbuf_rtrim(&s->k->complaint);
	return error_set(err, ERROR_REMOTE, "Process exited with status %d%s%s", status,
			 s->k->complaint.len ? ": " : "", s->k->complaint.buf);
}

/* ---- upload ------------------------------------------------------------------------ */

/*
 * Who refused the header takes the content for the next one. What begins like one must not be
 * sent before the header is acknowledged; anything else is a protocol error, which ends the
 * conversation, as a refusal does anyway.
 */
static bool looks_like_header(char first)
{
	return memchr("CDET\1\2", first, 6);
}

static int send_content(struct scp *s, struct upload_source *src, struct error **err)
{
	for (bool first = true;; first = false) {
		size_t n;

		if (upload_source_read(src, s->piece, PIECE, &n, err) < 0)
			return -1;
		if (n == 0)
			break;
		if (first && looks_like_header(s->piece[0]) && settle(s, err) < 0)
			return -1;
		if (put(s, s->piece, n, err) < 0)
			return -1;
		upload_source_progress(src);
	}
	s->owed++;
	return put(s, "", 1, err);
}

static int send_file(struct scp *s, const struct comm_upload *up, const char *name,
		     struct error **err)
{
	struct upload_source src;
	int r = upload_source_open(&src, up, err);

	if (r == 0)
		r = put_header(s, err, "C%04o %lld %s\n", (unsigned)src.mode & 07777,
			       (long long)src.size, name);
	if (r == 0)
		r = send_content(s, &src, err);
	upload_source_close(&src);
	return r;
}

int scp_upload(struct sshlink *l, const struct comm_upload *up, const char *dst, struct cancel *c,
	       struct error **err)
{
	AUTO(scp) struct scp s = { 0 };
	const char *name = path_basename(dst);
	AUTO_FREE char *dir = xstrndup(dst, (size_t)(name - dst));
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
	/* -d: without it a missing directory becomes a file of that name. */
	if (scp_start(&s, l, "-d -t", *dir ? dir : ".", c, err) < 0)
		return -1;

	int r = read_ack(&s, err);

	if (r == 0)
		r = send_file(&s, up, name, err);
	if (r == 0)
		r = settle(&s, err);
	return finish(&s, r, err);
}

static int send_entries(struct scp *s, const char *dir, int depth, struct error **err);

static int send_dir(struct scp *s, const char *path, const char *name, mode_t mode, int depth,
		    struct error **err)
{
	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_INVALID, "'%s' is nested too deeply", path);
	/* Had it been refused, what is in it would land beside it. */
	if (put_header(s, err, "D%04o 0 %s\n", (unsigned)mode & 07777, name) < 0 ||
	    settle(s, err) < 0 || send_entries(s, path, depth + 1, err) < 0)
		return -1;
	return put_header(s, err, "E\n");
}

/* A link is followed: to a directory it is sent with mode 0777, to a file with 0644. */
static int send_entry(struct scp *s, const char *path, const char *name, int depth,
		      struct error **err)
{
	struct comm_upload up = { .path = path };
	struct stat st, own;

	if (lstat(path, &own) < 0)
		return error_set_errno(err, errno, "cannot upload '%s'", path);
	st = own;
	if (S_ISLNK(own.st_mode) && stat(path, &st) < 0)
		return error_set_errno(err, errno, "cannot upload '%s'", path);
	if (S_ISDIR(st.st_mode))
		return send_dir(s, path, name, S_ISLNK(own.st_mode) ? 0777 : st.st_mode, depth,
				err);
	if (S_ISLNK(own.st_mode))
		up.mode = 0644;
	return send_file(s, &up, name, err);
}

static int send_entries(struct scp *s, const char *dir, int depth, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(dir, names.v[i]);

		if (send_entry(s, path, names.v[i], depth, err) < 0)
			return -1;
	}
	return 0;
}

int scp_upload_dir(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
		   struct error **err)
{
	AUTO(scp) struct scp s = { 0 };
	AUTO_FREE char *clean = path_clean(src);
	bool contents = text_ends_with(src, "/");
	struct stat st;

	if (stat(src, &st) < 0)
		return error_set_errno(err, errno, "cannot upload '%s'", src);
	if (scp_start(&s, l, "-r -t", dst, c, err) < 0)
		return -1;

	int r = read_ack(&s, err);

	if (r == 0)
		r = contents ? send_entries(&s, clean, 0, err)
			     : send_dir(&s, clean, path_basename(clean), st.st_mode, 0, err);
	if (r == 0)
		r = settle(&s, err);
	return finish(&s, r, err);
}

/* ---- download ---------------------------------------------------------------------- */

struct header {
	char type; /* 'C', 'D', 'E', or 0 at the end */
	mode_t mode;
	int64_t size;
	char *name; /* heap */
};

/* "C0644 12 a name" */
static int parse_header(struct header *h, const char *line, struct error **err)
{
	struct str rest, mode = str_split(str_of(line + 1), ' ', &rest), name;
	struct str size = str_split(rest, ' ', &name);
	AUTO_FREE char *mode_text = str_dup(mode);
	AUTO_FREE char *size_text = str_dup(size);
	int64_t n, bits;

	if (!parse_int64(mode_text, 8, &bits) || bits < 0 || bits > 07777 ||
	    !parse_int64(size_text, 10, &n) || n < 0 || name.len == 0)
		return error_set(err, ERROR_REMOTE, "scp: unexpected line '%s'", line);
	h->mode = (mode_t)bits;
	h->size = n;
	h->name = str_dup(name);
	return 0;
}

static int read_header(struct scp *s, struct header *h, struct error **err)
{
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;

	*h = (struct header){ 0 };
	while (!sshchan_unread(s->k)) {
		if (s->k->eof)
			return 0;
		if (sshlink_step(s->k->link, DEADLINE_NEVER, s->c, err) < 0)
			return -1;
	}
	if (read_line(s, &line, err) < 0)
		return -1;
	h->type = line.buf[0];
	switch (h->type) {
	case 'C':
	case 'D':
		return parse_header(h, line.buf, err);
	case 'E':
		return 0;
	case 'T':
		if (send_ack(s, err) < 0)
			return -1;
		return read_header(s, h, err);
	case 1:
	case 2:
		return error_set(err, ERROR_REMOTE, "%s", line.buf + 1);
	default:
		return error_set(err, ERROR_REMOTE, "scp: unexpected line '%s'", line.buf);
	}
}

/* SIZE bytes and the status byte behind them. */
static int receive_content(struct scp *s, struct download_sink *sink, int64_t size,
			   struct error **err)
{
	if (send_ack(s, err) < 0)
		return -1;
	while (size > 0) {
		if (sshchan_need(s->k, 1, s->c, err) < 0)
			return -1;

		size_t n = (size_t)MIN((int64_t)sshchan_unread(s->k), size);

		if (download_sink_write(sink, sshchan_peek(s->k), n, err) < 0)
			return -1;
		sshchan_consume(s->k, n);
		size -= (int64_t)n;
	}
	if (read_ack(s, err) < 0)
		return -1;
	return send_ack(s, err);
}

static int receive_file(struct scp *s, const struct header *h, const char *path, mode_t mode,
			struct error **err)
{
	struct download_sink sink;

	if (download_sink_open(&sink, path, mode, err) < 0)
		return -1;

	int r = receive_content(s, &sink, h->size, err);
	AUTO(error) struct error *e = NULL;

	if (download_sink_close(&sink, &e) < 0 && r == 0)
		return error_move(err, TAKE(e));
	return r;
}

static int download_one(struct scp *s, const char *dst, struct error **err)
{
	struct header h;
	int r = send_ack(s, err);

	if (r == 0)
		r = read_header(s, &h, err);
	if (r < 0)
		return -1;
	AUTO_FREE char *name = h.name;

	if (h.type == 0)
		return error_set(err, ERROR_REMOTE, "scp: nothing came");
	if (h.type != 'C')
		return error_set(err, ERROR_REMOTE, "remote file is directory");
	return receive_file(s, &h, dst, 0644, err);
}

int scp_download(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
		 struct error **err)
{
	AUTO(scp) struct scp s = { 0 };
	struct download_sink touch;

	/* The file is there even if the download fails (provisioners.md 5). */
	if (download_sink_open(&touch, dst, 0644, err) < 0 || download_sink_close(&touch, err) < 0)
		return -1;
	if (scp_start(&s, l, "-f", src, c, err) < 0)
		return -1;
	return finish(&s, download_one(&s, dst, err), err);
}

/* One entry of a tree: a file, or a directory with all below it. 1 at 'E' or the end. */
static int receive_entry(struct scp *s, const char *dir, int depth, struct error **err);

static int receive_dir(struct scp *s, const struct header *h, const char *path, int depth,
		       struct error **err)
{
	int r;

	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_INVALID, "'%s' is nested too deeply", path);
	if (download_make_dir(path, h->mode, err) < 0 || send_ack(s, err) < 0)
		return -1;
	while ((r = receive_entry(s, path, depth + 1, err)) == 0)
		;
	return r < 0 ? -1 : 0;
}

static int receive_entry(struct scp *s, const char *dir, int depth, struct error **err)
{
	struct header h;

	if (read_header(s, &h, err) < 0)
		return -1;
	AUTO_FREE char *name = h.name;

	if (h.type == 'E')
		return send_ack(s, err) < 0 ? -1 : 1;
	if (h.type == 0)
		return 1;
	AUTO_FREE char *path = download_entry_path(dir, name, err);

	if (!path)
		return -1;
	if (h.type == 'D')
		return receive_dir(s, &h, path, depth, err);
	return receive_file(s, &h, path, h.mode | 0600, err);
}

int scp_download_dir(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
		     struct error **err)
{
	AUTO(scp) struct scp s = { 0 };
	int r;

	if (scp_start(&s, l, "-r -f", src, c, err) < 0)
		return -1;
	r = send_ack(&s, err);
	while (r == 0)
		r = receive_entry(&s, dst, 0, err);
	return finish(&s, r < 0 ? -1 : 0, err);
}
