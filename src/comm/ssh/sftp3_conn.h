/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation below sftp3.h: packets out and in, one at a time or many in
 * flight, and handles. Internal to the two files.
 */
#pragma once

#include "base/str.h"
#include "base/strbuf.h"
#include "comm/ssh/chan.h"

enum { SFTP3_PIECE = 32 * 1024 }; /* every server takes that much in one request */

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
	FXP_REMOVE = 13,
	FXP_MKDIR = 14,
	FXP_STAT = 17,
	FXP_EXTENDED = 200,
	FXP_EXTENDED_REPLY = 201,
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

	FXA_SIZE = 0x01,
	FXA_UIDGID = 0x02,
	FXA_PERMISSIONS = 0x04,
	FXA_TIME = 0x08,
	FXA_EXTENDED = (int)0x80000000u,
};

struct sftp3 {
	struct sshchan *k;
	struct cancel *c;
	uint32_t next_id;
	struct strbuf out;    /* the packet being built; length is filled in by send() */
	struct strbuf queued; /* small packets, sent together before an answer is waited for */
	char *piece;          /* SFTP3_PIECE bytes */
};

/* An answer; valid until the next one is read. */
struct sftp3_answer {
	unsigned char type;
	uint32_t id;
	struct str body;
	size_t whole; /* bytes to consume */
};

struct sftp3_attrs {
	uint32_t flags;
	uint64_t size;
	uint32_t mode;
};

/* Opens the channel and greets; ERROR_NOT_FOUND without the subsystem. */
MUST_CHECK int sftp3_start(struct sftp3 *s, struct sshlink *l, struct cancel *c,
			   struct error **err);
void sftp3_release(struct sftp3 *s);
static inline void auto_sftp3(struct sftp3 *s)
{
	sftp3_release(s);
}
/* Waits for the server's side to end: sessions at a time are few. */
MUST_CHECK int sftp3_finish(struct sftp3 *s, int result, struct error **err);

/* Building a request in s->out, and sending it. */
void sftp3_begin(struct sftp3 *s, unsigned char type, uint32_t *ret_id);
void sftp3_put32(struct strbuf *sb, uint32_t n);
void sftp3_put64(struct strbuf *sb, uint64_t n);
void sftp3_put_string(struct strbuf *sb, const void *data, size_t len);
MUST_CHECK int sftp3_send_packet(struct sftp3 *s, struct error **err);

/* Taking an answer apart; false: too short. */
MUST_CHECK bool sftp3_get32(struct str *s, uint32_t *ret);
MUST_CHECK bool sftp3_get64(struct str *s, uint64_t *ret);
MUST_CHECK bool sftp3_get_string(struct str *s, struct str *ret);
MUST_CHECK bool sftp3_get_attrs(struct str *s, struct sftp3_attrs *a);

/* Is a whole answer there, so that reading it does not wait? */
MUST_CHECK bool sftp3_complete(struct sftp3 *s, size_t *ret_len, struct error **err);
MUST_CHECK int sftp3_read_answer(struct sftp3 *s, struct sftp3_answer *a, struct error **err);
void sftp3_done_with(struct sftp3 *s, const struct sftp3_answer *a);
/* The code of a status answer, which is consumed; other answers are nonsense. */
MUST_CHECK int sftp3_take_status(struct sftp3 *s, struct sftp3_answer *a, uint32_t *ret_code,
				 struct strbuf *text, struct error **err);
/* A status that must be ok. */
MUST_CHECK int sftp3_expect_ok(struct sftp3 *s, struct sftp3_answer *a, const char *path,
			       struct error **err);
/* Sends what is in s->out and reads its answer (nothing else may be in flight). */
MUST_CHECK int sftp3_ask(struct sftp3 *s, uint32_t id, struct sftp3_answer *a, struct error **err);
MUST_CHECK int sftp3_ask_ok(struct sftp3 *s, uint32_t id, const char *path, struct error **err);
int sftp3_nonsense(struct error **err);

MUST_CHECK int sftp3_open_file(struct sftp3 *s, const char *path, uint32_t flags,
			       const mode_t *mode, struct strbuf *ret, struct error **err);
MUST_CHECK int sftp3_take_handle(struct sftp3 *s, struct sftp3_answer *a, const char *path,
				 struct strbuf *ret, struct error **err);
MUST_CHECK int sftp3_close_handle(struct sftp3 *s, const struct strbuf *handle, const char *path,
				  struct error **err);
