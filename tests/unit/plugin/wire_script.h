/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that says and expects bytes: "00 01 0001 00000001 00000000" in hex with
 * blanks where they help. For unit tests, after cmocka.h.
 */
#pragma once

#include "base/alloc.h"
#include "base/duration.h"
#include "os/fd.h"
#include "os/wait.h"
#include "plugin/wire/mux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct script {
	int fd; /* the peer's end */
	struct mux *mux;
};

static inline int64_t soon(void)
{
	return clock_deadline(20 * NSEC_PER_SEC);
}

static inline size_t unhex(const char *hex, unsigned char *out, size_t max)
{
	size_t n = 0;
	unsigned int byte;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		assert_true(n < max);
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		out[n++] = (unsigned char)byte;
		hex++;
	}
	return n;
}

static inline void script_open(struct script *p, enum mux_side side)
{
	AUTO(error) struct error *err = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	p->fd = fds[1];
	p->mux = mux_new(fds[0], side, "demo", &err);
	assert_non_null(p->mux);
}

static inline void script_close(struct script *p)
{
	mux_free(p->mux);
	fd_close(p->fd);
}

static inline void script_bytes(struct script *p, const void *data, size_t len)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(io_write_all(p->fd, data, len, soon(), NULL, &err), 0);
}

static inline void script_say(struct script *p, const char *hex)
{
	unsigned char bytes[512];

	script_bytes(p, bytes, unhex(hex, bytes, sizeof(bytes)));
}

/* A data frame of n zeros. */
static inline void script_say_zeros(struct script *p, unsigned int id, size_t n)
{
	unsigned char *frame = calloc(1, 12 + n);

	frame[7] = (unsigned char)id;
	for (int i = 0; i < 4; i++)
		frame[8 + i] = (unsigned char)(n >> (24 - 8 * i));
	script_bytes(p, frame, 12 + n);
	free(frame);
}

static inline void script_get(struct script *p, void *buf, size_t len)
{
	AUTO(error) struct error *err = NULL;
	char *at = buf;

	while (len) {
		assert_int_equal(io_wait(p->fd, POLLIN, soon(), NULL, &err), 0);

		ssize_t n = fd_read(p->fd, at, len);

		assert_true(n > 0);
		at += n;
		len -= (size_t)n;
	}
}

#define script_expect(p, hex)                                                                      \
	do {                                                                                       \
		unsigned char want_[512], got_[512];                                               \
		size_t n_ = unhex((hex), want_, sizeof(want_));                                    \
                                                                                                   \
		script_get((p), got_, n_);                                                         \
		assert_memory_equal(got_, want_, n_);                                              \
	} while (0)

/* The session ends, for this reason. */
static inline void script_ends(struct script *p, const char *reason)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(io_wait(mux_ended_fd(p->mux), POLLIN, soon(), NULL, &err), 0);
	assert_int_equal(mux_why_ended(p->mux, &err), -1);
	assert_int_equal(err->kind, ERROR_GONE);
	assert_string_equal(err->message, reason);
}

static inline bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* What streams of the peer are put into, one at a time. */
struct inbox {
	int fds[2]; /* a pipe of pointers */
};

static inline bool inbox_put(void *data, struct stream *s)
{
	struct inbox *box = data;

	return write(box->fds[1], &s, sizeof(s)) == sizeof(s);
}

static inline void inbox_open(struct inbox *box, struct mux *m)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fd_pipe(box->fds, &err), 0);
	mux_on_incoming(m, inbox_put, box);
}

static inline void inbox_close(struct inbox *box)
{
	fd_close(box->fds[0]);
	fd_close(box->fds[1]);
}

static inline struct stream *inbox_get(struct inbox *box)
{
	AUTO(error) struct error *err = NULL;
	struct stream *s = NULL;

	assert_int_equal(io_wait(box->fds[0], POLLIN, soon(), NULL, &err), 0);
	assert_int_equal(read(box->fds[0], &s, sizeof(s)), sizeof(s));
	return s;
}
