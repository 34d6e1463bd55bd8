/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/probe.h"

#include "base/duration.h"
#include "base/str.h"
#include "comm/ssh/resolve.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/*
 * A forwarded port (QEMU's user network, a load balancer) accepts at once and
 * knocks at the guest again and again by itself. To close a silent connection
 * there only leaves it half a one to care for, and some dozens of those cost a
 * guest that boots in software emulation a third of its time: so some are kept,
 * but not so many that an SSH server which just came up turns others away (sshd's
 * MaxStartups begins at ten).
 */
enum {
	PROBE_MAX = 6,         /* connections at a time */
	BANNER_MAX = 8 * 1024, /* of lines before the identification (RFC 4253 4.2) */
	RETRY_MSEC = 50,       /* after a refusal */
	BUSY_MSEC = 2000,      /* after words that were not SSH: sshd is busy (MaxStartups) */
	STAGGER_MSEC = 500,    /* while connections are silent; doubles */
	STAGGER_MAX_MSEC = 4000,
	SIGN_STAGGER_MAX_MSEC = 16000, /* where a sign will tell */
	SIGN_STAGGER_MSEC = 100,       /* the first after a sign; the address is not used at once */
	RESOLVE_RETRY_MSEC = 1000,
	PATIENCE_MSEC = 60000, /* how long a silent one is kept */
};

STRING_TABLE(seen, PROBE_SEEN_COUNT, "nothing", "unknown host", "not reachable", "refused",
	     "closed", "silent", "not an SSH server", "an SSH server");

struct probe {
	int fd;
	int64_t opened;
	bool connected;
	size_t peeked;
};

/* Oldest first. */
struct prober {
	const struct probe_options *o;
	struct probe_report *report;
	struct address_list addresses;
	size_t tries;
	struct probe items[PROBE_MAX];
	size_t len;
	int64_t next_open;
	int64_t stagger;
	enum probe_seen last; /* outcome */
	size_t repeated;      /* that often after it was logged */
	int answer;           /* fd of the one that spoke, or -1 */
	int sign_fd;          /* -1: none */
};

static void log_repeated(struct prober *p)
{
	if (p->repeated)
		log_debug("ssh", "%s port %d: the same %zu times more", p->o->host, p->o->port,
			  p->repeated);
	p->repeated = 0;
}

/* A machine that boots refuses hundreds of times. */
static void log_outcome(struct prober *p, enum probe_seen what, const char *text)
{
	if (what == p->last) {
		p->repeated++;
		return;
	}
	log_repeated(p);
	log_write("ssh", "%s port %d, try %zu: %s%s%s", p->o->host, p->o->port, p->tries,
		  seen_names[what], text_is_empty(text) ? "" : ": ", text ? text : "");
}

static void saw(struct prober *p, enum probe_seen what, const char *text)
{
	if (log_is_on)
		log_outcome(p, what, text);
	p->last = what;
	if (what < p->report->seen)
		return;
	p->report->seen = what;
	(void)snprintf(p->report->text, sizeof(p->report->text), "%s", text ? text : "");
}

static void drop(struct prober *p, size_t i)
{
	fd_close(p->items[i].fd);
	memmove(&p->items[i], &p->items[i + 1], (p->len - i - 1) * sizeof(p->items[0]));
	p->len--;
}

/* The server answered, but not with SSH: try again soon. */
static void retry_soon(struct prober *p)
{
	int64_t soon = p->tries < p->addresses.len ? 0 : RETRY_MSEC * NSEC_PER_MSEC;

	p->stagger = STAGGER_MSEC * NSEC_PER_MSEC;
	p->next_open = MIN(p->next_open, clock_deadline(soon));
	if (soon == 0)
		p->next_open = clock_monotonic();
}

static void failed(struct prober *p, int os_errno)
{
	saw(p,
	    os_errno == ECONNREFUSED ? PROBE_REFUSED
	    : os_errno == ECONNRESET ? PROBE_CLOSED
				     : PROBE_UNREACHABLE,
	    strerrordesc_np(os_errno));
	p->next_open = clock_deadline(RETRY_MSEC * NSEC_PER_MSEC);
	retry_soon(p);
}

static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 5 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

static void open_one(struct prober *p)
{
	const struct address *to = &p->addresses.items[p->tries++ % p->addresses.len];
	int fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	p->next_open = clock_deadline(p->stagger);
	p->stagger =
		MIN(p->stagger * 2,
		    (p->sign_fd >= 0 ? SIGN_STAGGER_MAX_MSEC : STAGGER_MAX_MSEC) * NSEC_PER_MSEC);
	if (fd < 0) {
		failed(p, errno);
		return;
	}
	set_options(fd);
	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) < 0 && errno != EINPROGRESS) {
		failed(p, errno);
		fd_close(fd);
		return;
	}
	p->items[p->len++] = (struct probe){ .fd = fd, .opened = clock_monotonic() };
}

static void make_room(struct prober *p)
{
	int64_t patience = p->len == PROBE_MAX ? 0 : PATIENCE_MSEC * NSEC_PER_MSEC;

	if (p->len > 0 && clock_monotonic() - p->items[0].opened > patience) {
		saw(p, p->items[0].connected ? PROBE_SILENT : PROBE_UNREACHABLE, "no answer");
		drop(p, 0);
	}
}

static void printable(char *out, size_t size, const char *in, size_t len)
{
	size_t n = 0;

	while (n < len && n + 1 < size && in[n] != '\r' && in[n] != '\n') {
		out[n] = in[n] >= ' ' && in[n] < 0x7f ? in[n] : '?';
		n++;
	}
	out[n] = '\0';
}

static bool has_identification(const char *text, size_t len)
{
	const char *p = text, *end = text + len;

	while (p && end - p >= 4) {
		if (memcmp(p, "SSH-", 4) == 0)
			return true;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return false;
}

/* True if the probe is finished, one way or the other. */
static bool peek(struct prober *p, struct probe *it)
{
	char text[BANNER_MAX], shown[sizeof(p->report->text)];
	ssize_t n = recv(it->fd, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT);
	int want = 1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0)
		printable(shown, sizeof(shown), text, (size_t)n);
	if (n > 0 && has_identification(text, (size_t)n)) {
		saw(p, PROBE_BANNER, shown);
		(void)setsockopt(it->fd, SOL_SOCKET, SO_RCVLOWAT, &want, sizeof(want));
		p->answer = it->fd;
		return true;
	}
	if (n <= 0 || (size_t)n == it->peeked || n == BANNER_MAX) {
		saw(p, n > 0 ? PROBE_NOT_SSH : PROBE_CLOSED, n > 0 ? shown : "");
		return true;
	}
	/* Wake again only when there is more (or the end). */
	it->peeked = (size_t)n;
	want = (int)n + 1;
	(void)setsockopt(it->fd, SOL_SOCKET, SO_RCVLOWAT, &want, sizeof(want));
	return false;
}

static void handle(struct prober *p, size_t i)
{
	struct probe *it = &p->items[i];
	int e = 0;
	socklen_t len = sizeof(e);

	if (!it->connected) {
		if (getsockopt(it->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
			e = errno;
		if (e != 0) {
			drop(p, i);
			failed(p, e);
			return;
		}
		it->connected = true;
		return;
	}
	if (!peek(p, it))
		return;
	if (p->answer < 0) {
		drop(p, i);
		if (p->last == PROBE_NOT_SSH)
			p->next_open = clock_deadline(BUSY_MSEC * NSEC_PER_MSEC);
		else
			retry_soon(p);
		return;
	}
	memmove(it, it + 1, (p->len - i - 1) * sizeof(*it));
	p->len--;
}

static int wait_and_handle(struct prober *p, struct cancel *c, struct error **err)
{
	AUTO(error) struct error *e = NULL;
	struct pollfd fds[PROBE_MAX + 1];
	size_t n = p->len;

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = p->items[i].fd,
					  .events = p->items[i].connected ? POLLIN : POLLOUT };
	fds[n] = (struct pollfd){ .fd = p->sign_fd, .events = POLLIN };
	if (io_wait_many(fds, n + 1, MIN(p->next_open, p->o->deadline), c, &e) < 0) {
		if (e->kind != ERROR_TIMEOUT)
			return error_move(err, TAKE(e));
		return cancel_check(c, err);
	}
	for (size_t i = n; i-- > 0 && p->answer < 0;)
		if (fds[i].revents)
			handle(p, i);
	if (fds[n].revents && p->o->sign->look(p->o->sign_data)) {
		p->stagger = SIGN_STAGGER_MSEC * NSEC_PER_MSEC;
		p->next_open = clock_monotonic();
	}
	return 0;
}

static bool refused_by_all(const struct prober *p)
{
	return p->o->once && p->len == 0 && p->tries >= p->addresses.len;
}

static int race(struct prober *p, struct cancel *c, struct error **err)
{
	p->next_open = clock_monotonic();
	while (p->answer < 0) {
		int64_t now = clock_monotonic();

		if (now >= p->o->deadline)
			return error_set(err, ERROR_TIMEOUT, "no SSH server answered");
		if (now >= p->next_open) {
			make_room(p);
			open_one(p);
		}
		if (wait_and_handle(p, c, err) < 0)
			return -1;
		if (p->answer < 0 && refused_by_all(p))
			return error_set(err, ERROR_DISCONNECTED,
					 "cannot connect to %s port %d: %s", p->o->host, p->o->port,
					 p->report->text[0] ? p->report->text : "closed");
	}
	return 0;
}

static int find_addresses(struct prober *p, struct cancel *c, struct error **err)
{
	for (;;) {
		AUTO(error) struct error *e = NULL;

		if (resolve_host(p->o->host, p->o->port, p->o->deadline, c, &p->addresses, &e) == 0)
			return 0;
		if (cancel_check(c, err) < 0)
			return -1;
		if (p->o->once || e->kind == ERROR_TIMEOUT)
			return error_move(err, TAKE(e));
		saw(p, PROBE_UNKNOWN_HOST, e->message);
		if (io_pause(clock_deadline(RESOLVE_RETRY_MSEC * NSEC_PER_MSEC), c, err) < 0)
			return -1;
		if (clock_monotonic() >= p->o->deadline)
			return error_move(err, TAKE(e));
	}
}

int probe_connect(const struct probe_options *o, struct cancel *c, struct probe_report *report,
		  int *ret_fd, struct error **err)
{
	struct prober p = {
		.o = o,
		.report = report,
		.answer = -1,
		.sign_fd = -1,
		.stagger = STAGGER_MSEC * NSEC_PER_MSEC,
	};
	int r;

	(void)snprintf(report->host, sizeof(report->host), "%s", o->host);
	report->port = o->port;
	r = find_addresses(&p, c, err);
	if (r == 0 && o->sign)
		p.sign_fd = o->sign->begin(o->sign_data);
	if (r == 0)
		r = race(&p, c, err);
	if (p.sign_fd >= 0)
		o->sign->end(o->sign_data);
	for (size_t i = 0; i < p.len; i++) {
		if (r < 0 && clock_monotonic() - p.items[i].opened > NSEC_PER_SEC)
			saw(&p, p.items[i].connected ? PROBE_SILENT : PROBE_UNREACHABLE,
			    "no answer");
		fd_close(p.items[i].fd);
	}
	vec_release(&p.addresses);
	log_repeated(&p);
	if (r == 0)
		*ret_fd = p.answer;
	return r;
}

void probe_describe(const struct probe_report *r, struct strbuf *ret)
{
	const char *host = r->host;
	int port = r->port;

	switch (r->seen) {
	case PROBE_NOTHING:
	case PROBE_SEEN_COUNT:
		strbuf_addf(ret, "No connection to %s port %d was tried.", host, port);
		return;
	case PROBE_UNKNOWN_HOST:
		strbuf_addf(ret, "The host name could not be resolved: %s.", r->text);
		return;
	case PROBE_UNREACHABLE:
		strbuf_addf(ret,
			    "%s port %d could not be reached (%s): wrong address, no route, or a "
			    "firewall that drops packets.",
			    host, port, r->text);
		return;
	case PROBE_REFUSED:
		strbuf_addf(ret,
			    "Port %d of %s never opened: the machine is not up yet, or no SSH "
			    "server runs there.",
			    port, host);
		return;
	case PROBE_CLOSED:
		strbuf_addf(ret,
			    "Connections to %s port %d were accepted and closed without an SSH "
			    "greeting: the machine did not boot to the point where its SSH server "
			    "listens, or its firewall refuses.",
			    host, port);
		return;
	case PROBE_SILENT:
		strbuf_addf(
			ret,
			"Port %d of %s is open, but no SSH greeting came: the machine's network "
			"is not up, or its SSH server hangs.",
			port, host);
		return;
	case PROBE_NOT_SSH:
		strbuf_addf(ret, "Something else than SSH answers on %s port %d: \"%s\".", host,
			    port, r->text);
		return;
	case PROBE_BANNER:
		strbuf_addf(ret, "The SSH server answers (%s).", r->text);
		return;
	}
}
