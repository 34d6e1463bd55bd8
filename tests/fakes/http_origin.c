/* SPDX-License-Identifier: Apache-2.0 */
#include "http_origin.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct reply {
	char *bytes;
	size_t len;
	bool stall;
};
VEC_DECLARE(reply_list, struct reply);

struct origin {
	char url[64];
	int listener, stop;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	struct reply_list script;
	size_t next;
	struct strv requests;
};

/* Waits for the peer or for the end of the test. */
static bool wait_for(struct origin *o, int fd)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = o->stop, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0)
		;
	return !fds[1].revents;
}

static size_t body_length(const char *head)
{
	const char *p = strcasestr(head, "\r\nContent-Length:");
	unsigned long n = 0;

	if (p)
		(void)sscanf(p + 17, "%lu", &n);
	return n;
}

static bool is_complete(const struct strbuf *request)
{
	const char *end = strstr(request->buf, "\r\n\r\n");

	return end && request->len >= (size_t)(end + 4 - request->buf) + body_length(request->buf);
}

static bool read_request(struct origin *o, int fd, struct strbuf *request)
{
	while (!is_complete(request)) {
		char buf[4096];

		if (!wait_for(o, fd))
			return false;

		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			return false;
		strbuf_add(request, buf, (size_t)n);
	}
	return true;
}

static void send_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static void serve(struct origin *o, int fd)
{
	AUTO(strbuf) struct strbuf request = STRBUF_INIT;
	static const char none[] = "HTTP/1.1 500 Script Is Over\r\nContent-Length: 0\r\n"
				   "Connection: close\r\n\r\n";
	struct reply reply = { .bytes = (char *)none, .len = sizeof(none) - 1 };
	char c;

	if (!read_request(o, fd, &request))
		return;
	pthread_mutex_lock(&o->lock);
	strv_push(&o->requests, request.buf);
	if (o->next < o->script.len)
		reply = o->script.items[o->next++];
	pthread_mutex_unlock(&o->lock);
	send_all(fd, reply.bytes, reply.len);
	if (reply.stall)
		while (wait_for(o, fd) && read(fd, &c, 1) > 0)
			;
	/* a reset would take away from the client what it has not read yet */
	shutdown(fd, SHUT_WR);
	while (!reply.stall && wait_for(o, fd) && read(fd, &c, 1) > 0)
		;
}

static void *run(void *data)
{
	struct origin *o = data;

	while (wait_for(o, o->listener)) {
		int fd = accept4(o->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		serve(o, fd);
		close(fd);
	}
	return NULL;
}

struct origin *origin_new(void)
{
	struct origin *o = NEW(struct origin);
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	strv_init(&o->requests);
	o->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	o->stop = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&o->lock, NULL);
	if (bind(o->listener, (struct sockaddr *)&at, len) < 0 || listen(o->listener, 16) < 0 ||
	    getsockname(o->listener, (struct sockaddr *)&at, &len) < 0 ||
	    pthread_create(&o->thread, NULL, run, o))
		assert(false);
	snprintf(o->url, sizeof(o->url), "http://127.0.0.1:%d", ntohs(at.sin_port));
	return o;
}

void origin_free(struct origin *o)
{
	eventfd_write(o->stop, 1);
	pthread_join(o->thread, NULL);
	for (size_t i = 0; i < o->script.len; i++)
		free(o->script.items[i].bytes);
	vec_release(&o->script);
	strv_release(&o->requests);
	pthread_mutex_destroy(&o->lock);
	close(o->listener);
	close(o->stop);
	free(o);
}

const char *origin_url(const struct origin *o)
{
	return o->url;
}

static void push(struct origin *o, struct reply reply)
{
	pthread_mutex_lock(&o->lock);
	*vec_push(&o->script) = reply;
	pthread_mutex_unlock(&o->lock);
}

void origin_reply_raw(struct origin *o, const void *bytes, size_t len)
{
	push(o, (struct reply){ xmemdup(bytes, len), len, false });
}

static struct reply make(const char *status, const char *headers, const char *body, size_t sent)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n",
		    status, headers, strlen(body));
	strbuf_add(&sb, body, sent);

	size_t len = sb.len;

	return (struct reply){ strbuf_detach(&sb), len, false };
}

void origin_reply(struct origin *o, const char *status, const char *headers, const char *body)
{
	push(o, make(status, headers, body, strlen(body)));
}

void origin_reply_cut(struct origin *o, const char *status, const char *headers, const char *body,
		      size_t sent)
{
	push(o, make(status, headers, body, sent));
}

void origin_reply_stall(struct origin *o, const char *headers, const char *body, size_t sent)
{
	struct reply reply = make("200 OK", headers, body, sent);

	reply.stall = true;
	push(o, reply);
}

void origin_requests(struct origin *o, struct strv *ret)
{
	pthread_mutex_lock(&o->lock);
	strv_pushv(ret, o->requests.v);
	pthread_mutex_unlock(&o->lock);
}

size_t origin_left(struct origin *o)
{
	pthread_mutex_lock(&o->lock);

	size_t left = o->script.len - o->next;

	pthread_mutex_unlock(&o->lock);
	return left;
}
