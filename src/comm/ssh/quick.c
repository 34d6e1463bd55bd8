/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/quick.h"

#include "base/alloc.h"

enum { SIZE_MAX_QUICK = 1024 * 1024, FX_NO_SUCH_FILE = 2, REFUSALS_MAX = 3 };

void quick_close(struct quick *q)
{
	if (q->is_open)
		sftp3_release(&q->sftp);
	q->sftp = (struct sftp3){ 0 };
	q->is_open = false;
}

int quick_step_aside(struct quick *q, struct cancel *c, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (!q->is_open)
		return 0;
	q->is_alone = true;
	q->sftp.c = c;
	if (sftp3_finish(&q->sftp, 0, &e) < 0)
		error_ignore(&e, "the token is looked at below");
	quick_close(q);
	return cancel_check(c, err);
}

/* Nothing that a shell would read as something else than a name. */
static bool is_plain(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/._-+,:@%=";

	return *path == '/' && path[strspn(path, plain)] == '\0';
}

/* After a failure: does the usual way make sense? */
static int give_up(struct quick *q, struct cancel *c, struct error *e, struct error **err)
{
	/* Answers may be in flight: this conversation is over. */
	quick_close(q);
	if (e->kind == ERROR_NOT_FOUND)
		q->is_off = true;
	if (cancel_check(c, err) < 0)
		return -1;
	return 0;
}

static int open_channel(struct quick *q, struct sshlink *l, struct cancel *c, struct error **err)
{
	q->sftp.c = c;
	for (int i = 0; !q->is_open; i++) {
		q->is_open = true;
		l->refused = false;
		if (sftp3_start(&q->sftp, l, c, err) == 0)
			break;
		/* The session of a command that has just ended may still count. */
		if (!l->refused || i == REFUSALS_MAX)
			return -1;
		error_ignore(err, "tried again a round trip later");
		quick_close(q);
	}
	return 0;
}

/* ---- put ---------------------------------------------------------------------------- */

static int send_write(struct sftp3 *s, const struct strbuf *handle, const struct comm_upload *up,
		      size_t at, size_t n, struct error **err)
{
	uint32_t id;

	sftp3_begin(s, FXP_WRITE, &id);
	sftp3_put_string(&s->out, handle->buf, handle->len);
	sftp3_put64(&s->out, at);
	sftp3_put_string(&s->out, (const char *)up->data + at, n);
	return sftp3_send_packet(s, err);
}

static int send_mode(struct sftp3 *s, const struct strbuf *handle, mode_t mode, struct error **err)
{
	uint32_t id;

	sftp3_begin(s, FXP_FSETSTAT, &id);
	sftp3_put_string(&s->out, handle->buf, handle->len);
	sftp3_put32(&s->out, FXA_PERMISSIONS);
	sftp3_put32(&s->out, mode & 07777);
	return sftp3_send_packet(s, err);
}

static int send_close(struct sftp3 *s, const struct strbuf *handle, struct error **err)
{
	uint32_t id;

	sftp3_begin(s, FXP_CLOSE, &id);
	sftp3_put_string(&s->out, handle->buf, handle->len);
	return sftp3_send_packet(s, err);
}

/* All requests go out before the first answer is read. The mode is set first: a file that was
 * there may be readable for more people than the new content is meant for. */
static int put(struct sftp3 *s, const struct comm_upload *up, const char *dst, struct error **err)
{
	AUTO(strbuf) struct strbuf handle = STRBUF_INIT_MAX(1024);
	size_t requests = 2;

	if (sftp3_open_file(s, dst, FXF_WRITE | FXF_CREAT | FXF_TRUNC, &up->mode, &handle, err) <
		    0 ||
	    send_mode(s, &handle, up->mode, err) < 0)
		return -1;
	for (size_t at = 0; at < up->len; at += SFTP3_PIECE, requests++)
		if (send_write(s, &handle, up, at, MIN(up->len - at, (size_t)SFTP3_PIECE), err) < 0)
			return -1;
	if (send_close(s, &handle, err) < 0)
		return -1;
	while (requests-- > 0) {
		struct sftp3_answer a;

		if (sftp3_read_answer(s, &a, err) < 0 || sftp3_expect_ok(s, &a, dst, err) < 0)
			return -1;
	}
	return 0;
}

int quick_put(struct quick *q, struct sshlink *l, const struct comm_upload *up, const char *dst,
	      struct cancel *c, struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (q->is_off || up->path || up->len > SIZE_MAX_QUICK || !is_plain(dst))
		return 0;
	if (open_channel(q, l, c, &e) < 0 || put(&q->sftp, up, dst, &e) < 0)
		return give_up(q, c, e, err);
	return 1;
}

/* ---- remove --------------------------------------------------------------------------- */

static int remove_file(struct sftp3 *s, const char *path, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(1024);
	struct sftp3_answer a;
	uint32_t id, code;

	sftp3_begin(s, FXP_REMOVE, &id);
	sftp3_put_string(&s->out, path, strlen(path));
	if (sftp3_ask(s, id, &a, err) < 0 || sftp3_take_status(s, &a, &code, &text, err) < 0)
		return -1;
	if (code == FX_OK || code == FX_NO_SUCH_FILE)
		return 0;
	return error_set(err, ERROR_REMOTE, "sftp: %s: %s", path, text.buf);
}

int quick_remove(struct quick *q, struct sshlink *l, const char *path, struct cancel *c,
		 struct error **err)
{
	AUTO(error) struct error *e = NULL;

	/* Otherwise not worth a channel of its own. */
	if (!(q->is_open || q->is_alone) || !is_plain(path))
		return 0;
	if (open_channel(q, l, c, &e) < 0 || remove_file(&q->sftp, path, &e) < 0)
		return give_up(q, c, e, err);
	return 1;
}
