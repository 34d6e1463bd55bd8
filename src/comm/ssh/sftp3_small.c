/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/sftp3_small.h"

#include "base/alloc.h"

enum { HANDLE_MAX = 1024 };

static void forget(struct sftp3_small *b)
{
	for (size_t i = 0; i < b->len; i++) {
		struct sftp3_small_file *f = &b->files[i];

		free(f->dst);
		strbuf_release(&f->content);
		strbuf_release(&f->handle);
	}
	b->len = 0;
}

void sftp3_small_release(struct sftp3_small *b)
{
	forget(b);
}

/* Answers may come in any order. */
static struct sftp3_small_file *find(struct sftp3_small *b, uint32_t id)
{
	for (size_t i = 0; i < b->len; i++)
		if (id - b->files[i].first_id <= b->files[i].last_id - b->files[i].first_id)
			return &b->files[i];
	return NULL;
}

static int open_all(struct sftp3_small *b, struct error **err)
{
	struct sftp3 *s = b->s;

	for (size_t i = 0; i < b->len; i++) {
		struct sftp3_small_file *f = &b->files[i];

		sftp3_begin(s, FXP_OPEN, &f->first_id);
		f->last_id = f->first_id;
		sftp3_put_string(&s->out, f->dst, strlen(f->dst));
		sftp3_put32(&s->out, FXF_WRITE | FXF_CREAT | FXF_TRUNC);
		sftp3_put32(&s->out, 0);
		if (sftp3_send_packet(s, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < b->len; i++) {
		struct sftp3_small_file *f;
		struct sftp3_answer a;

		if (sftp3_read_answer(s, &a, err) < 0)
			return -1;
		f = find(b, a.id);
		if (!f)
			return sftp3_nonsense(err);
		if (sftp3_take_handle(s, &a, f->dst, &f->handle, err) < 0)
			return -1;
	}
	return 0;
}

static void begin(struct sftp3 *s, unsigned char type, struct sftp3_small_file *f)
{
	sftp3_begin(s, type, &f->last_id);
	sftp3_put_string(&s->out, f->handle.buf, f->handle.len);
}

static int fill(struct sftp3 *s, struct sftp3_small_file *f, size_t *ret_sent, struct error **err)
{
	f->first_id = s->next_id;
	if (f->content.len) {
		begin(s, FXP_WRITE, f);
		sftp3_put64(&s->out, 0);
		sftp3_put_string(&s->out, f->content.buf, f->content.len);
		if (sftp3_send_packet(s, err) < 0)
			return -1;
		++*ret_sent;
	}
	if (f->keep_mode) {
		begin(s, FXP_FSETSTAT, f);
		sftp3_put32(&s->out, FXA_PERMISSIONS);
		sftp3_put32(&s->out, f->mode & 07777);
		if (sftp3_send_packet(s, err) < 0)
			return -1;
		++*ret_sent;
	}
	begin(s, FXP_CLOSE, f);
	++*ret_sent;
	return sftp3_send_packet(s, err);
}

int sftp3_small_flush(struct sftp3_small *b, struct error **err)
{
	size_t sent = 0;

	if (open_all(b, err) < 0)
		return -1;
	for (size_t i = 0; i < b->len; i++)
		if (fill(b->s, &b->files[i], &sent, err) < 0)
			return -1;
	while (sent-- > 0) {
		struct sftp3_small_file *f;
		struct sftp3_answer a;

		if (sftp3_read_answer(b->s, &a, err) < 0)
			return -1;
		f = find(b, a.id);
		if (!f)
			return sftp3_nonsense(err);
		if (sftp3_expect_ok(b->s, &a, f->dst, err) < 0)
			return -1;
	}
	forget(b);
	return 0;
}

int sftp3_small_add(struct sftp3_small *b, struct upload_source *src, const char *dst,
		    struct error **err)
{
	struct sftp3_small_file *f = &b->files[b->len++];

	*f = (struct sftp3_small_file){
		.dst = xstrdup(dst),
		.content = STRBUF_INIT_MAX(SFTP3_SMALL_MAX + 1),
		.handle = STRBUF_INIT_MAX(HANDLE_MAX),
		.mode = src->mode,
		.keep_mode = src->keep_mode,
	};
	for (;;) {
		size_t n;

		if (upload_source_read(src, b->s->piece, SFTP3_PIECE, &n, err) < 0)
			return -1;
		if (n == 0)
			break;
		strbuf_add(&f->content, b->s->piece, n);
	}
	upload_source_progress(src);
	return b->len < SFTP3_SMALL_FILES ? 0 : sftp3_small_flush(b, err);
}
