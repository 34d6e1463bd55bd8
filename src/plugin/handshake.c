/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/handshake.h"

#include "base/alloc.h"
#include "base/str.h"
#include "os/fd.h"
#include "os/wait.h"
#include "plugin/binary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void handshake_release(struct handshake *a)
{
	free(a->text);
	*a = (struct handshake){ 0 };
}

/* ---- the line ------------------------------------------------------------------------------- */

enum { FIELDS = 4, QUOTED_MAX = 100 };

static int unexpected(struct str line, struct error **err)
{
	AUTO_FREE char *text = xstrndup(line.p, MIN(line.len, (size_t)QUOTED_MAX));

	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return error_set(err, ERROR_INVALID, "said '%s' where it should say where it listens",
			 text);
}

/* How many there are; the last has all that is left. */
static size_t split(struct str line, struct str fields[FIELDS])
{
	size_t n = 0;

	for (;;) {
		const char *bar = line.len ? memchr(line.p, '|', line.len) : NULL;

		if (!bar || n == FIELDS - 1) {
			fields[n++] = line;
			return n;
		}
		fields[n++] = str_split(line, '|', &line);
	}
}

static bool number_of(struct str field, int64_t *ret)
{
	AUTO_FREE char *text = str_dup(field);

	return parse_int64(text, 10, ret);
}

int handshake_parse(const char *line, size_t len, struct handshake *ret, struct error **err)
{
	struct str text = str_trim((struct str){ line, len }), fields[FIELDS];
	size_t n = split(text, fields);
	int64_t major, minor;

	if (memchr(line, '\0', len) || n < FIELDS - 1 || !number_of(fields[0], &major))
		return unexpected(text, err);
	if (n < FIELDS)
		return error_set(err, ERROR_INVALID,
				 "is too old: it was made before plugins told their API version");
	if (!number_of(fields[1], &minor))
		return unexpected(text, err);
	if (major != PLUGIN_API_MAJOR || minor > PLUGIN_API_MINOR)
		return error_set(err, ERROR_INVALID,
				 "speaks version %lld.%lld of the plugin API, we speak %d.%d",
				 (long long)major, (long long)minor, PLUGIN_API_MAJOR,
				 PLUGIN_API_MINOR);
	if (!str_is(fields[2], "unix") && !str_is(fields[2], "tcp"))
		return unexpected(text, err);
	if (!fields[3].len)
		return unexpected(text, err);
	*ret = (struct handshake){ .is_tcp = str_is(fields[2], "tcp"), .text = str_dup(fields[3]) };
	return 0;
}

/* ---- the connection ------------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int unix_address(const char *path, union address *ret, socklen_t *ret_len,
			struct error **err)
{
	size_t len = strlen(path);

	*ret = (union address){ .un.sun_family = AF_UNIX };
	if (len >= sizeof(ret->un.sun_path))
		return error_set(err, ERROR_INVALID, "listens on a path that is too long: '%s'",
				 path);
	memcpy(ret->un.sun_path, path, len);
	*ret_len = sizeof(ret->un);
	return 0;
}

/* Addresses, no names: a plugin is on this host. */
static int tcp_address(const char *text, union address *ret, socklen_t *ret_len, struct error **err)
{
	const char *colon = strrchr(text, ':');
	bool is_bracketed = *text == '[' && colon && colon > text && colon[-1] == ']';
	AUTO_FREE char *host = NULL;
	int64_t port = 0;

	*ret = (union address){ 0 };
	if (colon)
		host = is_bracketed ? xstrndup(text + 1, (size_t)(colon - text) - 2)
				    : xstrndup(text, (size_t)(colon - text));
	if (host && parse_int64(colon + 1, 10, &port) && port > 0 && port <= UINT16_MAX) {
		if (!is_bracketed && inet_pton(AF_INET, host, &ret->in.sin_addr) == 1) {
			ret->in.sin_family = AF_INET;
			ret->in.sin_port = htons((uint16_t)port);
			*ret_len = sizeof(ret->in);
			return 0;
		}
		if (is_bracketed && inet_pton(AF_INET6, host, &ret->in6.sin6_addr) == 1) {
			ret->in6.sin6_family = AF_INET6;
			ret->in6.sin6_port = htons((uint16_t)port);
			*ret_len = sizeof(ret->in6);
			return 0;
		}
	}
	return error_set(err, ERROR_INVALID, "listens on '%s', which is no address", text);
}

static int finish_connecting(int fd, int64_t deadline, struct cancel *c, int *ret_errno,
			     struct error **err)
{
	socklen_t len = sizeof(*ret_errno);

	if (io_wait(fd, POLLOUT, deadline, c, err) < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_errno, &len) < 0)
		*ret_errno = errno;
	return 0;
}

int handshake_connect(const struct handshake *a, int64_t deadline, struct cancel *c, int *ret_fd,
		      struct error **err)
{
	union address to;
	socklen_t len = 0;
	int e = 0, on = 1;

	if ((a->is_tcp ? tcp_address(a->text, &to, &len, err)
		       : unix_address(a->text, &to, &len, err)) < 0)
		return -1;

	AUTO_CLOSE int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot be connected to");
	if (connect(fd, &to.any, len) < 0)
		e = errno;
	if (e == EINPROGRESS && finish_connecting(fd, deadline, c, &e, err) < 0)
		return -1;
	if (e)
		return error_set_errno(err, e, "cannot be connected to at '%s'", a->text);
	if (a->is_tcp) {
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	*ret_fd = fd_take(&fd);
	return 0;
}
