/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/socks5.h"

#include "base/strbuf.h"
#include "comm/ssh/resolve.h"
#include "os/fd.h"
#include "os/wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

enum {
	VERSION = 5,
	AUTH_VERSION = 1,
	METHOD_NONE = 0,
	METHOD_PASSWORD = 2,
	COMMAND_CONNECT = 1,
	ADDRESS_IPV4 = 1,
	ADDRESS_NAME = 3,
	ADDRESS_IPV6 = 4,
	FIELD_MAX = 255,
};

struct socks5 {
	const struct socks5_options *o;
	int fd;
	int64_t deadline;
	struct cancel *c;
};

static int connect_one(struct socks5 *s, const struct address *a, struct error **err)
{
	int e = 0;
	socklen_t len = sizeof(e);
	AUTO_CLOSE int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)&a->sa, a->len) < 0) {
		if (errno != EINPROGRESS)
			return error_set_errno(err, errno, "cannot connect");
		if (io_wait(fd, POLLOUT, s->deadline, s->c, err) < 0)
			return -1;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 || e != 0)
			return error_set_errno(err, e ? e : errno, "cannot connect");
	}
	s->fd = fd_take(&fd);
	return 0;
}

static int connect_proxy(struct socks5 *s, struct error **err)
{
	struct address_list list = { 0 };
	AUTO(error) struct error *e = NULL;
	int r = resolve_host(s->o->proxy_host, s->o->proxy_port, s->deadline, s->c, &list, err);

	for (size_t i = 0; r == 0 && i < list.len; i++) {
		error_free(e);
		e = NULL;
		if (connect_one(s, &list.items[i], &e) == 0 || cancel_check(s->c, err) < 0)
			break;
	}
	vec_release(&list);
	if (r < 0 || *err)
		return -1;
	return s->fd >= 0 ? 0 : error_move(err, TAKE(e));
}

static int read_exact(struct socks5 *s, void *buf, size_t len, struct error **err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = recv(s->fd, (char *)buf + done, len - done, 0);

		if (n == 0)
			return error_set(err, ERROR_DISCONNECTED,
					 "the proxy closed the connection");
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return error_set_errno(err, errno, "cannot read from the proxy");
		if (io_wait(s->fd, POLLIN, s->deadline, s->c, err) < 0)
			return -1;
	}
	return 0;
}

static int send_all(struct socks5 *s, const struct strbuf *b, struct error **err)
{
	return io_write_all(s->fd, b->buf, b->len, s->deadline, s->c, err);
}

static int add_field(struct strbuf *b, const char *text, struct error **err)
{
	size_t len = strlen(text);

	if (len > FIELD_MAX)
		return error_set(err, ERROR_INVALID, "a name or password is too long for SOCKS5");
	strbuf_addch(b, (char)len);
	strbuf_add(b, text, len);
	return 0;
}

static int authenticate(struct socks5 *s, struct error **err)
{
	AUTO(strbuf) struct strbuf b = STRBUF_INIT;
	unsigned char answer[2];

	strbuf_addch(&b, AUTH_VERSION);
	if (add_field(&b, s->o->user, err) < 0 ||
	    add_field(&b, s->o->password ? s->o->password : "", err) < 0 ||
	    send_all(s, &b, err) < 0 || read_exact(s, answer, sizeof(answer), err) < 0)
		return -1;
	if (answer[1] != 0)
		return error_set(err, ERROR_INVALID, "the proxy refuses user '%s'", s->o->user);
	return 0;
}

static int greet(struct socks5 *s, struct error **err)
{
	AUTO(strbuf) struct strbuf b = STRBUF_INIT;
	bool has_user = s->o->user && *s->o->user;
	unsigned char answer[2];

	strbuf_addch(&b, VERSION);
	strbuf_addch(&b, has_user ? 2 : 1);
	strbuf_addch(&b, METHOD_NONE);
	if (has_user)
		strbuf_addch(&b, METHOD_PASSWORD);
	if (send_all(s, &b, err) < 0 || read_exact(s, answer, sizeof(answer), err) < 0)
		return -1;
	if (answer[0] != VERSION)
		return error_set(err, ERROR_INVALID, "not a SOCKS5 proxy");
	if (answer[1] == METHOD_PASSWORD && has_user)
		return authenticate(s, err);
	if (answer[1] != METHOD_NONE)
		return error_set(err, ERROR_INVALID, "the proxy wants a user name and password");
	return 0;
}

static const char *reply_text(unsigned char code)
{
	static const char *const texts[] = {
		"succeeded",
		"general failure",
		"not allowed by its rules",
		"network unreachable",
		"host unreachable",
		"connection refused",
		"time to live expired",
		"command not supported",
		"address type not supported",
	};

	return code < ARRAY_LEN(texts) ? texts[code] : "unknown answer";
}

static void add_address(struct strbuf *b, const char *host)
{
	unsigned char raw[16];

	if (inet_pton(AF_INET, host, raw) == 1) {
		strbuf_addch(b, ADDRESS_IPV4);
		strbuf_add(b, raw, 4);
	} else if (inet_pton(AF_INET6, host, raw) == 1) {
		strbuf_addch(b, ADDRESS_IPV6);
		strbuf_add(b, raw, 16);
	} else {
		strbuf_addch(b, ADDRESS_NAME);
	}
}

static int skip_bound_address(struct socks5 *s, unsigned char type, struct error **err)
{
	unsigned char skip[FIELD_MAX + 2], len = type == ADDRESS_IPV6 ? 16 : 4;

	if (type == ADDRESS_NAME && read_exact(s, &len, 1, err) < 0)
		return -1;
	return read_exact(s, skip, (size_t)len + 2, err);
}

static int request(struct socks5 *s, struct error **err)
{
	AUTO(strbuf) struct strbuf b = STRBUF_INIT;
	unsigned char answer[4];

	strbuf_addch(&b, VERSION);
	strbuf_addch(&b, COMMAND_CONNECT);
	strbuf_addch(&b, 0);
	add_address(&b, s->o->host);
	if (b.len == 4 && add_field(&b, s->o->host, err) < 0)
		return -1;
	strbuf_addch(&b, (char)(s->o->port >> 8));
	strbuf_addch(&b, (char)(s->o->port & 0xff));
	if (send_all(s, &b, err) < 0 || read_exact(s, answer, sizeof(answer), err) < 0)
		return -1;
	if (answer[1] != 0)
		return error_set(err, ERROR_DISCONNECTED, "the proxy cannot reach %s port %d: %s",
				 s->o->host, s->o->port, reply_text(answer[1]));
	return skip_bound_address(s, answer[3], err);
}

int socks5_connect(const struct socks5_options *o, int64_t deadline, struct cancel *c, int *ret_fd,
		   struct error **err)
{
	struct socks5 s = { .o = o, .fd = -1, .deadline = deadline, .c = c };

	if (connect_proxy(&s, err) == 0 && greet(&s, err) == 0 && request(&s, err) == 0) {
		*ret_fd = s.fd;
		return 0;
	}
	fd_close(s.fd);
	return error_prefix(err, "SOCKS5 proxy %s port %d", o->proxy_host, o->proxy_port);
}
