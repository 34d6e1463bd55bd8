/* SPDX-License-Identifier: Apache-2.0 */
#include "os/neighbour.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/vec.h"
#include "os/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_BYTES = 32 * 1024,
	LISTENED_TO_BYTES = 1024 * 1024,
	SMALL_PREFIX = 24,
	DISCARD_PORT = 9,
	/* the kernel knows a link address: what /proc/net/arp shows as flag 0x2 */
	IS_KNOWN = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY,
	IS_CONFIRMED = NUD_PERMANENT | NUD_REACHABLE,
};

struct entry {
	uint32_t address; /* network order */
	unsigned char mac[MAC_BYTES];
};
VEC_DECLARE(entry_list, struct entry);

struct neighbours {
	int fd;
	struct interface on;
	struct entry_list old; /* what was known at the start */
	bool has_old;          /* the table of the start was read */
};

/* One message, taken apart. */
struct news {
	const struct ndmsg *about;
	const void *address; /* 4 bytes, or NULL */
	const unsigned char *mac;
	int master;  /* of a bridge's port; 0: none */
	bool listed; /* an answer to our question, not news */
};

static int ask_for_table(struct neighbours *n, struct error **err)
{
	struct {
		struct nlmsghdr header;
		struct ndmsg body;
	} question = {
		.header = { .nlmsg_len = sizeof(question),
			    .nlmsg_type = RTM_GETNEIGH,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .ndm_family = AF_INET },
	};

	if (send(n->fd, &question, sizeof(question), MSG_NOSIGNAL) < 0)
		return error_set_errno(err, errno, "cannot ask for the network's neighbours");
	return 0;
}

struct neighbours *neighbours_open(const struct interface *on, struct error **err)
{
	const struct sockaddr_nl here = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_NEIGH };
	AUTO(neighbours) struct neighbours *n = NEW(struct neighbours);
	int size = LISTENED_TO_BYTES;

	*n = (struct neighbours){ .on = *on };
	n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (n->fd < 0 || bind(n->fd, (const struct sockaddr *)&here, sizeof(here)) < 0) {
		error_set_errno(err, errno, "cannot listen to news of the network");
		return NULL;
	}
	(void)setsockopt(n->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return ask_for_table(n, err) < 0 ? NULL : TAKE(n);
}

void neighbours_close(struct neighbours *n)
{
	if (!n)
		return;
	fd_close(n->fd);
	vec_release(&n->old);
	free(n);
}

int neighbours_fd(const struct neighbours *n)
{
	return n->fd;
}

/* ---- messages ------------------------------------------------------------------------ */

static bool take_apart(struct nlmsghdr *header, struct news *ret)
{
	struct ndmsg *body = NLMSG_DATA(header);
	int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(*body)));

	*ret = (struct news){ .about = body, .listed = header->nlmsg_flags & NLM_F_MULTI };
	if (header->nlmsg_type != RTM_NEWNEIGH || left < 0)
		return false;

	struct rtattr *attr = (void *)((char *)body + NLMSG_ALIGN(sizeof(*body)));

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		size_t len = RTA_PAYLOAD(attr);

		if (attr->rta_type == NDA_DST && len == sizeof(uint32_t))
			ret->address = RTA_DATA(attr);
		else if (attr->rta_type == NDA_LLADDR && len == MAC_BYTES)
			ret->mac = RTA_DATA(attr);
		else if (attr->rta_type == NDA_MASTER && len == sizeof(int))
			memcpy(&ret->master, RTA_DATA(attr), sizeof(int));
	}
	return ret->mac;
}

static bool is_old(const struct neighbours *n, const struct entry *e)
{
	for (size_t i = 0; i < n->old.len; i++)
		if (n->old.items[i].address == e->address &&
		    !memcmp(n->old.items[i].mac, e->mac, MAC_BYTES))
			return true;
	return false;
}

static void take_news(struct neighbours *n, const struct news *news,
		      const unsigned char mac[MAC_BYTES], struct neighbour_sight *sight)
{
	struct entry e = { 0 };

	if (news->about->ndm_family == AF_BRIDGE) {
		if (news->master == n->on.index && !memcmp(news->mac, mac, MAC_BYTES))
			sight->is_there = true;
		return;
	}
	if (news->about->ndm_family != AF_INET || news->about->ndm_ifindex != n->on.index ||
	    !news->address || !(news->about->ndm_state & IS_KNOWN))
		return;
	memcpy(&e.address, news->address, sizeof(e.address));
	memcpy(e.mac, news->mac, MAC_BYTES);
	if (news->listed && !n->has_old) {
		*vec_push(&n->old) = e;
		return;
	}
	if (memcmp(e.mac, mac, MAC_BYTES) != 0 ||
	    (is_old(n, &e) && !(news->about->ndm_state & IS_CONFIRMED)))
		return;
	(void)inet_ntop(AF_INET, &e.address, sight->address, sizeof(sight->address));
}

static void take_messages(struct neighbours *n, char *buf, size_t len,
			  const unsigned char mac[MAC_BYTES], struct neighbour_sight *sight)
{
	struct nlmsghdr *header = (void *)buf;
	unsigned left = (unsigned)len;

	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
		struct news news;

		if (header->nlmsg_type == NLMSG_DONE)
			n->has_old = true;
		else if (take_apart(header, &news))
			take_news(n, &news, mac, sight);
	}
}

int neighbours_look(struct neighbours *n, const unsigned char mac[MAC_BYTES],
		    struct neighbour_sight *sight, struct error **err)
{
	_Alignas(struct nlmsghdr) char buf[READ_BYTES];

	for (;;) {
		ssize_t len = recv(n->fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (len > 0) {
			take_messages(n, buf, (size_t)len, mac, sight);
			continue;
		}
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == ENOBUFS) { /* too much happened: what is there now? */
			sight->is_there = true;
			if (ask_for_table(n, err) < 0)
				return -1;
			continue;
		}
		if (len < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return error_set_errno(err, errno, "cannot read news of the network");
		return 0;
	}
}

/* ---- making the kernel ask ---------------------------------------------------------------- */

/* A datagram for a port where nothing listens: before it can go out the kernel has to find out who
 * has the address. Whether it arrives does not matter. */
void neighbours_knock(const struct neighbours *n)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || n->on.prefix < SMALL_PREFIX)
		return;

	uint32_t count = 1U << (32 - n->on.prefix);
	uint32_t first = n->on.address & ~(count - 1);

	for (uint32_t i = 1; i + 1 < count; i++) {
		const struct sockaddr_in to = { .sin_family = AF_INET,
						.sin_port = htons(DISCARD_PORT),
						.sin_addr.s_addr = htonl(first + i) };

		if (first + i != n->on.address)
			(void)!sendto(fd, "", 0, MSG_DONTWAIT, (const struct sockaddr *)&to,
				      sizeof(to));
	}
}

/* ---- text ------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool mac_parse(const char *text, unsigned char ret[MAC_BYTES])
{
	for (int i = 0; i < MAC_BYTES; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i == MAC_BYTES - 1 ? '\0' : ':'))
			return false;
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}
