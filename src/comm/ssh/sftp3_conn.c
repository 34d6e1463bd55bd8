/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/sftp3_conn.h"

#include "base/alloc.h"

enum {
	PACKET_MAX = 256 * 1024, /* of an answer */
	PROTOCOL_VERSION = 3,
	DIRECT_MIN = 16 * 1024, /* not worth copying to be sent together */
	QUEUED_MAX = 256 * 1024,
};

/* ---- packing ------------------------------------------------------------------------ */

void sftp3_put32(struct strbuf *sb, uint32_t n)
{
	const unsigned char b[4] = { n >> 24, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff };

	strbuf_add(sb, b, sizeof(b));
}

void sftp3_put64(struct strbuf *sb, uint64_t n)
{
	sftp3_put32(sb, (uint32_t)(n >> 32));
	sftp3_put32(sb, (uint32_t)n);
}

void sftp3_put_string(struct strbuf *sb, const void *data, size_t len)
{
	sftp3_put32(sb, (uint32_t)len);
	strbuf_add(sb, data, len);
}

void sftp3_begin(struct sftp3 *s, unsigned char type, uint32_t *ret_id)
{
	strbuf_truncate(&s->out, 0);
	sftp3_put32(&s->out, 0);
	strbuf_addch(&s->out, (char)type);
	*ret_id = s->next_id++;
	sftp3_put32(&s->out, *ret_id);
}

static int flush(struct sftp3 *s, struct error **err)
{
	if (s->queued.len && sshchan_write(s->k, s->queued.buf, s->queued.len, s->c, err) < 0)
		return -1;
	strbuf_truncate(&s->queued, 0);
	return 0;
}

int sftp3_send_packet(struct sftp3 *s, struct error **err)
{
	size_t n = s->out.len - 4;

	for (int i = 0; i < 4; i++)
		s->out.buf[i] = (char)(n >> (24 - 8 * i));
	if (s->out.len >= DIRECT_MIN) {
		if (flush(s, err) < 0)
			return -1;
		return sshchan_write(s->k, s->out.buf, s->out.len, s->c, err);
	}
	strbuf_add(&s->queued, s->out.buf, s->out.len);
	return s->queued.len < QUEUED_MAX ? 0 : flush(s, err);
}

bool sftp3_get32(struct str *s, uint32_t *ret)
{
	if (s->len < 4)
		return false;
	const unsigned char *p = (const unsigned char *)s->p;

	*ret = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	s->p += 4;
	s->len -= 4;
	return true;
}

bool sftp3_get64(struct str *s, uint64_t *ret)
{
	uint32_t high, low;

	if (!sftp3_get32(s, &high) || !sftp3_get32(s, &low))
		return false;
	*ret = (uint64_t)high << 32 | low;
	return true;
}

bool sftp3_get_string(struct str *s, struct str *ret)
{
	uint32_t n;

	if (!sftp3_get32(s, &n) || n > s->len)
		return false;
	*ret = (struct str){ s->p, n };
	s->p += n;
	s->len -= n;
	return true;
}

bool sftp3_get_attrs(struct str *s, struct sftp3_attrs *a)
{
	uint32_t ignored, count;
	struct str text;

	*a = (struct sftp3_attrs){ 0 };
	if (!sftp3_get32(s, &a->flags))
		return false;
	if ((a->flags & FXA_SIZE) && !sftp3_get64(s, &a->size))
		return false;
	if ((a->flags & FXA_UIDGID) && !(sftp3_get32(s, &ignored) && sftp3_get32(s, &ignored)))
		return false;
	if ((a->flags & FXA_PERMISSIONS) && !sftp3_get32(s, &a->mode))
		return false;
	if ((a->flags & FXA_TIME) && !(sftp3_get32(s, &ignored) && sftp3_get32(s, &ignored)))
		return false;
	if (!(a->flags & (uint32_t)FXA_EXTENDED))
		return true;
	if (!sftp3_get32(s, &count))
		return false;
	while (count-- > 0)
		if (!sftp3_get_string(s, &text) || !sftp3_get_string(s, &text))
			return false;
	return true;
}

/* ---- conversation ------------------------------------------------------------------- */

int sftp3_nonsense(struct error **err)
{
	error_set(err, ERROR_REMOTE, "sftp: unexpected answer");
	return error_hint(err, "Does the login shell of the user print something?");
}

bool sftp3_complete(struct sftp3 *s, size_t *ret_len, struct error **err)
{
	struct str head = { sshchan_peek(s->k), sshchan_unread(s->k) };
	uint32_t n;

	if (!sftp3_get32(&head, &n) || head.len < n)
		return false;
	*ret_len = n;
	return true;
}

int sftp3_read_answer(struct sftp3 *s, struct sftp3_answer *a, struct error **err)
{
	struct str head;
	uint32_t n;

	if (flush(s, err) < 0 || sshchan_need(s->k, 4, s->c, err) < 0)
		return -1;
	head = (struct str){ sshchan_peek(s->k), 4 };
	if (!sftp3_get32(&head, &n) || n < 5 || n > PACKET_MAX)
		return sftp3_nonsense(err);
	if (sshchan_need(s->k, 4 + (size_t)n, s->c, err) < 0)
		return -1;
	a->body = (struct str){ sshchan_peek(s->k) + 5, n - 1 };
	a->type = (unsigned char)sshchan_peek(s->k)[4];
	a->whole = 4 + (size_t)n;
	if (!sftp3_get32(&a->body, &a->id))
		return sftp3_nonsense(err);
	return 0;
}

void sftp3_done_with(struct sftp3 *s, const struct sftp3_answer *a)
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
int sftp3_take_status(struct sftp3 *s, struct sftp3_answer *a, uint32_t *ret_code,
		      struct strbuf *text, struct error **err)
{
	struct str message = { 0 };

	if (a->type != FXP_STATUS || !sftp3_get32(&a->body, ret_code))
		return sftp3_nonsense(err);
	/* Some servers leave the text out. */
	if (!sftp3_get_string(&a->body, &message))
		message = STR("failed");
	if (text) {
		strbuf_truncate(text, 0);
		if (*ret_code < ARRAY_LEN(status_texts) && *ret_code != 4)
			strbuf_addstr(text, status_texts[*ret_code]);
		else
			strbuf_addf(text, "%.*s", STR_FMT(message));
	}
	sftp3_done_with(s, a);
	return 0;
}

int sftp3_expect_ok(struct sftp3 *s, struct sftp3_answer *a, const char *path, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(1024);
	uint32_t code;

	if (sftp3_take_status(s, a, &code, &text, err) < 0)
		return -1;
	if (code == FX_OK)
		return 0;
	return error_set(err, ERROR_REMOTE, "sftp: %s: %s", path, text.buf);
}

/* Sends what is in s->out and reads its answer (nothing else may be in flight). */
int sftp3_ask(struct sftp3 *s, uint32_t id, struct sftp3_answer *a, struct error **err)
{
	if (sftp3_send_packet(s, err) < 0 || sftp3_read_answer(s, a, err) < 0)
		return -1;
	return a->id == id ? 0 : sftp3_nonsense(err);
}

int sftp3_ask_ok(struct sftp3 *s, uint32_t id, const char *path, struct error **err)
{
	struct sftp3_answer a;

	if (sftp3_ask(s, id, &a, err) < 0)
		return -1;
	return sftp3_expect_ok(s, &a, path, err);
}

void sftp3_release(struct sftp3 *s)
{
	sshchan_free(s->k);
	strbuf_release(&s->out);
	strbuf_release(&s->queued);
	free(s->piece);
}

static int greet(struct sftp3 *s, struct error **err)
{
	struct sftp3_answer a;

	strbuf_truncate(&s->out, 0);
	sftp3_put32(&s->out, 0);
	strbuf_addch(&s->out, FXP_INIT);
	sftp3_put32(&s->out, PROTOCOL_VERSION);
	if (sftp3_send_packet(s, err) < 0)
		return -1;
	if (sftp3_read_answer(s, &a, err) < 0) {
		if ((*err)->kind == ERROR_REMOTE)
			(*err)->kind = ERROR_NOT_FOUND;
		return error_prefix(err, "cannot start sftp");
	}
	if (a.type != FXP_VERSION)
		return sftp3_nonsense(err);
	sftp3_done_with(s, &a);
	return 0;
}

int sftp3_start(struct sftp3 *s, struct sshlink *l, struct cancel *c, struct error **err)
{
	*s = (struct sftp3){ .c = c, .out = STRBUF_INIT, .queued = STRBUF_INIT };
	if (sshchan_open(l, &s->k, c, err) < 0)
		return -1;
	s->piece = xmalloc(SFTP3_PIECE);
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

/* Waits for the server's side to end: sessions at a time are few. */
int sftp3_finish(struct sftp3 *s, int result, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	int ignored;

	if (result < 0)
		return -1;
	if (sshchan_send_eof(s->k, s->c, &e) < 0 || sshchan_wait_exit(s->k, s->c, &ignored, &e) < 0)
		return cancel_check(s->c, err);
	return 0;
}

/* ---- handles ------------------------------------------------------------------------ */

/* *ret is heap and may contain NULs. */
int sftp3_take_handle(struct sftp3 *s, struct sftp3_answer *a, const char *path, struct strbuf *ret,
		      struct error **err)
{
	struct str handle;

	if (a->type == FXP_STATUS) {
		if (sftp3_expect_ok(s, a, path, err) < 0)
			return -1;
		return sftp3_nonsense(err);
	}
	if (a->type != FXP_HANDLE || !sftp3_get_string(&a->body, &handle))
		return sftp3_nonsense(err);
	strbuf_truncate(ret, 0);
	strbuf_add(ret, handle.p, handle.len);
	sftp3_done_with(s, a);
	return 0;
}

int sftp3_open_file(struct sftp3 *s, const char *path, uint32_t flags, const mode_t *mode,
		    struct strbuf *ret, struct error **err)
{
	struct sftp3_answer a;
	uint32_t id;

	sftp3_begin(s, FXP_OPEN, &id);
	sftp3_put_string(&s->out, path, strlen(path));
	sftp3_put32(&s->out, flags);
	sftp3_put32(&s->out, mode ? FXA_PERMISSIONS : 0);
	if (mode)
		sftp3_put32(&s->out, *mode);
	if (sftp3_ask(s, id, &a, err) < 0)
		return -1;
	return sftp3_take_handle(s, &a, path, ret, err);
}

int sftp3_close_handle(struct sftp3 *s, const struct strbuf *handle, const char *path,
		       struct error **err)
{
	uint32_t id;

	sftp3_begin(s, FXP_CLOSE, &id);
	sftp3_put_string(&s->out, handle->buf, handle->len);
	return sftp3_ask_ok(s, id, path, err);
}
