/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port counts as free when nothing is bound to it on the given address nor
 * on any other address of this host: a guest's forwarded port listens on all
 * of them. Connections that linger in TIME_WAIT make the strict probe fail;
 * only when the whole range fails are such ports taken, for a range may be a
 * single port that the last build used a moment ago.
 */
#include "os/port.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"
#include "os/log.h"
#include "os/random.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* 0, or the errno of what failed. */
static int probe(const struct sockaddr *address, socklen_t len, bool lingering_is_fine)
{
	AUTO_CLOSE int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, off = 0;

	if (fd < 0)
		return errno;
	if (address->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (lingering_is_fine)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address, len) < 0 || listen(fd, 1) < 0)
		return errno;
	return 0;
}

/* All addresses, of both families where the host has both. */
static int probe_everywhere(int port, bool lingering_is_fine)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int e = probe((struct sockaddr *)&six, sizeof(six), lingering_is_fine);

	if (e && e != EAFNOSUPPORT && e != EADDRNOTAVAIL)
		return e;
	return probe((struct sockaddr *)&four, sizeof(four), lingering_is_fine);
}

static int probe_port(const struct addrinfo *address, int port, bool lingering_is_fine)
{
	struct sockaddr_storage at = { 0 };

	memcpy(&at, address->ai_addr, address->ai_addrlen);
	if (at.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&at)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)&at)->sin_port = htons((uint16_t)port);

	int e = probe((struct sockaddr *)&at, address->ai_addrlen, lingering_is_fine);

	return e ? e : probe_everywhere(port, lingering_is_fine);
}

static int resolve(const char *address, struct addrinfo **ret, struct error **err)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST,
				  .ai_socktype = SOCK_STREAM };
	const char *host = *address ? address : NULL;
	int r = getaddrinfo(host, "0", &hints, ret);

	if (r == EAI_NONAME) {
		hints.ai_flags = AI_PASSIVE;
		r = getaddrinfo(host, "0", &hints, ret);
	}
	if (r)
		return error_set(err, ERROR_INVALID, "cannot use address '%s': %s", address,
				 gai_strerror(r));
	return 0;
}

struct search {
	const char *lock_dir;
	const char *address;
	const struct addrinfo *resolved;
	bool lingering_is_fine;
};

/* 1: got it, 0: taken, -1: it is of no use to try other ports. */
static int try_port(const struct search *s, int port, struct port_reservation *ret,
		    struct error **err)
{
	AUTO_FREE char *name = xasprintf("%d", port);
	AUTO_FREE char *path = path_join(s->lock_dir, name);
	AUTO(error) struct error *taken = NULL;
	AUTO_CLOSE int fd = -1;

	if (lock_try(path, &fd, &taken) < 0)
		return taken->kind == ERROR_EXISTS ? 0 : error_move(err, TAKE(taken));

	int e = probe_port(s->resolved, port, s->lingering_is_fine);

	if (e == EADDRINUSE || e == EACCES)
		return 0;
	if (e)
		return error_set_errno(err, e, "cannot listen on '%s', port %d", s->address, port);
	log_debug("port", "%d of '%s' is reserved", port, s->address);
	*ret = (struct port_reservation){ .port = port, .lock_fd = fd_take(&fd) };
	return 1;
}

static int try_range(const struct search *s, int min, int max, struct port_reservation *ret,
		     struct error **err)
{
	uint32_t count = (uint32_t)(max - min) + 1;
	uint32_t start = random_below(count);

	for (uint32_t i = 0; i < count; i++) {
		int r = try_port(s, min + (int)((start + i) % count), ret, err);

		if (r)
			return r;
	}
	return 0;
}

int port_reserve(const char *lock_dir, const char *address, int min, int max,
		 struct port_reservation *ret, struct error **err)
{
	struct addrinfo *resolved = NULL;
	struct search s = { .lock_dir = lock_dir, .address = address };

	if (min < 1 || max > 65535 || min > max)
		return error_set(err, ERROR_INVALID, "invalid port range %d to %d", min, max);
	if (fs_mkdir_all(lock_dir, 0777, err) < 0 || resolve(address, &resolved, err) < 0)
		return -1;
	s.resolved = resolved;

	int r = try_range(&s, min, max, ret, err);

	s.lingering_is_fine = true;
	if (r == 0)
		r = try_range(&s, min, max, ret, err);
	freeaddrinfo(resolved);
	if (r)
		return r < 0 ? -1 : 0;
	error_set(err, ERROR_EXISTS, "no free port between %d and %d on '%s'", min, max, address);
	return error_hint(err, "widen the range of ports, or end what uses them");
}
