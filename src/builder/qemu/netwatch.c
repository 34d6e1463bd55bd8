/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/netwatch.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "builder/qemu/argv.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

enum {
	ANSWER_SECONDS = 2,
	GIVE_BACK = 1024 * 1024, /* bytes of the file */
	/* libpcap's file format: a header, then for each packet one, with the length in it */
	FILE_HEADER = 24,
	PACKET_HEADER = 16,
	PACKET_LENGTH_AT = 8,
	PACKET_MAX = 400, /* enough for the options of a DHCP message */
	/* Ethernet, IPv4, UDP, DHCP (RFC 2131) */
	ETHER_SIZE = 14,
	ETHER_IPV4 = 0x0800,
	ETHER_ARP = 0x0806,
	ARP_SENDER_AT = ETHER_SIZE + 14,
	IP_SENDER_AT = ETHER_SIZE + 12,
	IP_UDP = 17,
	UDP_SIZE = 8,
	DHCP_SERVER_PORT = 67,
	DHCP_OPTIONS_AT = 240,
	DHCP_TYPE = 53,
	DHCP_END = 255,
	DHCP_REQUEST = 3,
};

static const char object_id[] = "ingot-netwatch";

enum packet { PACKET_OTHER, PACKET_REQUEST, PACKET_ADDRESSED };

static unsigned be16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool asks_for_address(const unsigned char *p, size_t len)
{
	size_t udp = ETHER_SIZE + (size_t)(p[ETHER_SIZE] & 15) * 4;
	size_t at = udp + UDP_SIZE + DHCP_OPTIONS_AT;

	if (p[ETHER_SIZE + 9] != IP_UDP || at > len || be16(p + udp + 2) != DHCP_SERVER_PORT)
		return false;
	while (at + 2 < len && p[at] != DHCP_END) {
		if (p[at] == DHCP_TYPE)
			return p[at + 2] == DHCP_REQUEST;
		at += p[at] ? 2U + p[at + 1] : 1;
	}
	return false;
}

static enum packet judge(const unsigned char *p, size_t len)
{
	static const unsigned char nobody[4];

	if (len < ETHER_SIZE + 20)
		return PACKET_OTHER;
	if (be16(p + 12) == ETHER_ARP)
		return memcmp(p + ARP_SENDER_AT, nobody, 4) ? PACKET_ADDRESSED : PACKET_OTHER;
	if (be16(p + 12) != ETHER_IPV4)
		return PACKET_OTHER;
	if (asks_for_address(p, len))
		return PACKET_REQUEST;
	return memcmp(p + IP_SENDER_AT, nobody, 4) ? PACKET_ADDRESSED : PACKET_OTHER;
}

/* ---- the emulator's part ------------------------------------------------------------- */

/* Not to be interrupted: what was begun is ended. */
static int tell(struct netwatch *w, const char *command, json_t *arguments, struct error **err)
{
	struct json_t *answer = NULL;
	int r = qmp_ask(w->monitor, &(const struct qmp_call){ command, arguments },
			clock_deadline(ANSWER_SECONDS * NSEC_PER_SEC), NULL, &answer, err);

	json_decref(answer);
	return r;
}

static int open_dump(struct netwatch *w, struct error **err)
{
	/* "rx": what the other side gets, that is what the guest sends */
	json_t *dump = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s}", "qom-type", "filter-dump", "id",
				 object_id, "netdev", QEMU_NETDEV_ID, "file", w->path, "maxlen",
				 PACKET_MAX, "queue", "rx");

	if (tell(w, "object-add", dump, err) < 0)
		return -1;
	w->file = open(w->path, O_RDWR | O_CLOEXEC);
	w->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->file < 0 || w->inotify_fd < 0 ||
	    inotify_add_watch(w->inotify_fd, w->path, IN_MODIFY) < 0)
		return error_set_errno(err, errno, "cannot watch '%s'", w->path);
	return 0;
}

static void netwatch_end(void *data)
{
	struct netwatch *w = data;
	AUTO(error) struct error *e = NULL;

	if (!w->path)
		return;
	if (tell(w, "object-del", json_pack("{s:s}", "id", object_id), &e) < 0)
		error_ignore(&e, "it ends with the emulator");
	if (fs_remove(w->path, &e) < 0)
		error_ignore(&e, "it goes with the temporary directory");
	fd_close(fd_take(&w->file));
	fd_close(fd_take(&w->inotify_fd));
	free(TAKE(w->path));
}

/* ---- for whoever waits ----------------------------------------------------------------- */

static int netwatch_begin(void *data)
{
	struct netwatch *w = data;
	AUTO(error) struct error *e = NULL;

	w->path = path_join(w->temp_dir, "sent.pcap");
	w->at = FILE_HEADER;
	w->freed = 0;
	w->was_up = false;
	if (open_dump(w, &e) == 0)
		return w->inotify_fd;
	error_ignore(&e, "then by trying");
	netwatch_end(w);
	return -1;
}

static void forget_events(int fd)
{
	char buf[4096];

	while (fd_read(fd, buf, sizeof(buf)) > 0)
		;
}

static void take_packet(struct netwatch *w, enum packet what, bool *ret)
{
	if (what == PACKET_REQUEST || (what == PACKET_ADDRESSED && !w->was_up)) {
		log_debug("qemu", "the guest's network comes up: %s",
			  what == PACKET_REQUEST ? "it asks for an address" : "it has an address");
		*ret = true;
	}
	w->was_up = w->was_up || what == PACKET_ADDRESSED;
}

/* The emulator only ever writes at the end, so the file cannot shrink; it can have a hole. */
static void give_back(struct netwatch *w)
{
	if (w->at - w->freed < GIVE_BACK)
		return;
	(void)fallocate(w->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, w->at);
	w->freed = w->at;
}

static bool netwatch_look(void *data)
{
	struct netwatch *w = data;
	unsigned char buf[PACKET_HEADER + PACKET_MAX];
	bool up = false;

	forget_events(w->inotify_fd);
	for (;;) {
		ssize_t n = fd_read_at(w->file, buf, sizeof(buf), w->at);
		uint32_t len;

		if (n < PACKET_HEADER)
			break;
		memcpy(&len, buf + PACKET_LENGTH_AT, sizeof(len));
		if (len > PACKET_MAX || n < (ssize_t)(PACKET_HEADER + len))
			break;
		take_packet(w, judge(buf + PACKET_HEADER, len), &up);
		w->at += (int64_t)PACKET_HEADER + len;
	}
	give_back(w);
	return up;
}

void netwatch_init(struct netwatch *w, struct qmp *monitor, const char *temp_dir)
{
	*w = (struct netwatch){
		.monitor = monitor,
		.temp_dir = temp_dir,
		.file = -1,
		.inotify_fd = -1,
	};
}

const struct comm_sign_ops netwatch_ops = {
	.begin = netwatch_begin,
	.look = netwatch_look,
	.end = netwatch_end,
};
