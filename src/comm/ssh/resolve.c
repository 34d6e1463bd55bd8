/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/resolve.h"

#include "base/alloc.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

/* Shared by the caller and the thread; the last one frees it. */
struct lookup {
	atomic_int refs;
	char *host;
	char service[8];
	int done_fd; /* eventfd, readable when `code` and `found` are valid */
	int code, os_errno;
	struct addrinfo *found;
};

static void lookup_unref(struct lookup *k)
{
	if (atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	if (k->found)
		freeaddrinfo(k->found);
	fd_close(k->done_fd);
	free(k->host);
	free(k);
}
DEFINE_AUTO(lookup, struct lookup *, lookup_unref);

static int query(struct lookup *k, int flags)
{
	struct addrinfo want = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | flags,
	};

	k->code = getaddrinfo(k->host, k->service, &want, &k->found);
	k->os_errno = k->code == EAI_SYSTEM ? errno : 0;
	return k->code;
}

static void *lookup_thread(void *data)
{
	struct lookup *k = data;
	uint64_t one = 1;

	query(k, 0);
	(void)!write(k->done_fd, &one, sizeof(one));
	lookup_unref(k);
	return NULL;
}

static int start_thread(struct lookup *k, struct error **err)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	k->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->done_fd < 0)
		return error_set_errno(err, errno, "cannot make an event descriptor");
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&k->refs, 1);
	r = pthread_create(&thread, &attr, lookup_thread, k);
	pthread_attr_destroy(&attr);
	if (r != 0) {
		atomic_fetch_sub(&k->refs, 1);
		return error_set_errno(err, r, "cannot start a thread");
	}
	return 0;
}

static void log_address(const char *host, const struct addrinfo *a)
{
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];

	if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) ==
	    0)
		log_write("ssh", "'%s' is at %s", host, text);
}

int resolve_host(const char *host, int port, int64_t deadline, struct cancel *c,
		 struct address_list *ret, struct error **err)
{
	AUTO(lookup) struct lookup *k = NEW(struct lookup);

	atomic_init(&k->refs, 1);
	k->host = xstrdup(host);
	k->done_fd = -1;
	(void)snprintf(k->service, sizeof(k->service), "%d", port);
	if (query(k, AI_NUMERICHOST) != 0) {
		if (start_thread(k, err) < 0)
			return -1;
		if (io_wait(k->done_fd, POLLIN, deadline, c, err) < 0)
			return error_prefix(err, "cannot look up '%s'", host);
	}
	if (k->code != 0) {
		if (k->os_errno)
			return error_set_errno(err, k->os_errno, "cannot look up '%s'", host);
		return error_set(err, ERROR_NOT_FOUND, "cannot look up '%s': %s", host,
				 gai_strerror(k->code));
	}
	for (const struct addrinfo *a = k->found; a; a = a->ai_next) {
		struct address *to = vec_push(ret);

		memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
		to->len = a->ai_addrlen;
		if (log_is_on)
			log_address(host, a);
	}
	return 0;
}
