/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/bastion.h"

#include "base/alloc.h"
#include "base/str.h"
#include "comm/hops.h"
#include "comm/ssh/auth.h"
#include "comm/ssh/relay.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"

#include <errno.h>
#include <sys/socket.h>

/* The connection to one jump host. Its link owns, as a side, the way to it. */
struct bastion {
	struct sshlink *link;
	struct relay_set *relays;
	char *name; /* host, for messages */
	char *loss; /* how the connection to it ended; NULL: it did not */
};

/* The way to the next host. */
struct way {
	int fd;
	struct sshlink_side side; /* free NULL: none */
};

static void bastion_free(void *data)
{
	struct bastion *b = data;

	if (!b)
		return;
	relay_set_free(b->relays);
	sshlink_free(b->link);
	free(b->name);
	free(b->loss);
	free(b);
}
DEFINE_AUTO(bastion, struct bastion *, bastion_free);

static void way_close(struct way *w)
{
	fd_close(w->fd);
	w->fd = -1;
	if (w->side.free)
		w->side.free(w->side.data);
	w->side = (struct sshlink_side){ 0 };
}

static void pump(struct bastion *b)
{
	AUTO(error) struct error *e = NULL;
	const char *before;

	if (b->loss || sshlink_pump(b->link, &e) == 0)
		return;
	before = sshlink_side_loss(b->link); /* the jump host before this one knows better */
	b->loss = before ? xstrdup(before) : xasprintf("bastion %s: %s", b->name, e->message);
}

/* The outer connection is pumped while the inner one is waited for. */
static size_t bastion_serve(void *data, struct pollfd *fds, size_t max)
{
	struct bastion *b = data;
	size_t n = sshlink_serve_sides(b->link, fds, max);

	pump(b);
	n += relay_set_serve(b->relays, fds + n, max - n);
	if (b->link->lost || n >= max)
		return n;
	fds[n] = (struct pollfd){ .fd = b->link->fd, .events = POLLIN };
	if (ssh_get_poll_flags(b->link->session) & SSH_WRITE_PENDING)
		fds[n].events |= POLLOUT;
	return n + 1;
}

static const char *bastion_loss(void *data)
{
	struct bastion *b = data;

	pump(b); /* its end may not have been noticed yet */
	return b->loss;
}

/* ---- connecting ------------------------------------------------------------------------- */

static int hop_port(const struct bastion_options *o, const struct hop *hop)
{
	return hop->port ? hop->port : (int)o->cfg->ssh_bastion_port;
}

/* From this host. */
static int first_way(const struct bastion_options *o, const struct hop *hop, int64_t deadline,
		     struct cancel *c, struct probe_report *report, struct way *ret,
		     struct error **err)
{
	const struct probe_options probe = {
		.host = hop->host,
		.port = hop_port(o, hop),
		.once = true,
		.deadline = deadline,
	};

	*ret = (struct way){ .fd = -1 };
	return probe_connect(&probe, c, report, &ret->fd, err);
}

static int login(struct bastion *b, const struct bastion_options *o, const char *user,
		 int64_t deadline, struct cancel *c, struct error **err)
{
	const struct comm_config *cfg = o->cfg;
	AUTO_FREE char *who = xasprintf("Bastion %s", b->name);
	const struct sshauth a = {
		.who = who,
		.options = "ssh_bastion_password, ssh_bastion_private_key_file or "
			   "ssh_bastion_agent_auth",
		.user = user,
		.agent_socket = cfg->ssh_bastion_agent_auth ? o->agent_socket : NULL,
		.key_files = { cfg->ssh_bastion_private_key_file },
		.certificate_file = cfg->ssh_bastion_certificate_file,
		.password = cfg->ssh_bastion_password,
		.ui = cfg->ssh_bastion_interactive ? o->ui : NULL,
		.answer_max = o->login_max,
	};

	if (cfg->ssh_bastion_agent_auth && !o->agent_socket)
		return error_set(err, ERROR_INVALID,
				 "ssh_bastion_agent_auth is set, but no SSH agent runs");
	if (sshlink_handshake(b->link, deadline, c, err) < 0)
		return -1;
	if (sshauth_login(b->link, &a, deadline, c, err) == 0)
		return 0;
	/* Unlike the machine's, its users do not come into being while it boots. */
	if ((*err)->kind == ERROR_AUTH)
		(*err)->kind = ERROR_INVALID;
	return -1;
}

/* Takes `way` in any case. */
static int enter(const struct bastion_options *o, const struct hop *hop, struct way *way,
		 int64_t deadline, struct cancel *c, struct bastion **ret, struct error **err)
{
	AUTO(bastion) struct bastion *b = NEW(struct bastion);
	const struct comm_config *cfg = o->cfg;
	const char *user = hop->user ? hop->user : cfg->ssh_bastion_username;
	const struct sshlink_options options = {
		.user = user ? user : "",
		.ciphers = &cfg->ssh_ciphers,
		.key_exchange = &cfg->ssh_key_exchange_algorithms,
		.keep_alive = -1, /* the inner connection's signs of life come through here */
	};
	int fd = way->fd;

	b->name = xstrdup(hop->host);
	way->fd = -1;
	if (sshlink_new(fd, &options, &b->link, err) < 0)
		return -1;
	if (way->side.free)
		sshlink_add_side(b->link, way->side);
	way->side = (struct sshlink_side){ 0 };
	if (login(b, o, options.user, deadline, c, err) < 0)
		return -1;
	b->relays = relay_set_new(b->link);
	*ret = TAKE(b);
	return 0;
}

/* What the server says of itself is behind the library's "channel N error (CODE) ". */
static int refused(struct bastion *b, const char *host, int port, struct error **err)
{
	const char *why = ssh_get_error(b->link->session);
	const char *text = strstr(why, ") ");

	if (!ssh_is_connected(b->link->session))
		return sshlink_set_lost(b->link, err);
	/* SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254 5.1) */
	if (strstr(why, "error (1)")) {
		error_set(err, ERROR_INVALID, "it does not forward to %s port %d: %s", host, port,
			  text ? text + 2 : why);
		return error_hint(err,
				  "Set AllowTcpForwarding yes in the sshd_config of bastion %s, "
				  "and let PermitOpen, if it is set there, include that address.",
				  b->name);
	}
	return error_set(err, ERROR_DISCONNECTED, "it cannot reach %s port %d: %s", host, port,
			 text ? text + 2 : why);
}

/* direct-tcpip from the jump host. */
static int open_forward(struct bastion *b, const char *host, int port, int64_t deadline,
			struct cancel *c, ssh_channel *ret, struct error **err)
{
	ssh_channel ch = ssh_channel_new(b->link->session);
	int rc = SSH_ERROR;

	while (ch && (rc = ssh_channel_open_forward(ch, host, port, "127.0.0.1", 0)) == SSH_AGAIN) {
		if (sshlink_wait(b->link, deadline, c, err) == 0)
			continue;
		ssh_channel_free(ch);
		return -1;
	}
	if (rc == SSH_OK) {
		log_debug("ssh", "jump host %s is connected to %s port %d", b->name, host, port);
		*ret = ch;
		return 0;
	}
	ssh_channel_free(ch);
	return refused(b, host, port, err);
}

/* Takes b when it succeeds. */
static int leave(struct bastion *b, const char *host, int port, int64_t deadline, struct cancel *c,
		 struct way *ret, struct error **err)
{
	ssh_channel ch = NULL;
	int pair[2];

	if (open_forward(b, host, port, deadline, c, &ch, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		ssh_channel_free(ch);
		return error_set_errno(err, errno, "cannot make a pair of sockets");
	}
	relay_add(b->relays, pair[0], ch);
	*ret = (struct way){
		.fd = pair[1],
		.side = { .serve = bastion_serve,
			  .loss = bastion_loss,
			  .free = bastion_free,
			  .data = b },
	};
	return 0;
}

static int blame(const struct hop *hop, struct error **err)
{
	return error_prefix(err, "Error connecting to bastion: %s", hop->host);
}

/* A time for one thing that a server does; a person may have been asked before it. */
static int64_t soon(const struct bastion_options *o, int64_t deadline)
{
	return MIN(deadline, clock_deadline(o->login_max));
}

/* Through hop `i`: `way` leads there and is replaced by the one that leads on. */
static int pass(const struct bastion_options *o, const struct hop_list *hops, size_t i,
		struct way *way, int64_t deadline, struct cancel *c, struct error **err)
{
	const struct hop *next = i + 1 < hops->len ? &hops->items[i + 1] : NULL;
	const char *host = next ? next->host : o->host;
	int port = next ? hop_port(o, next) : o->port;
	AUTO(bastion) struct bastion *b = NULL;

	if (enter(o, &hops->items[i], way, soon(o, deadline), c, &b, err) < 0 ||
	    leave(b, host, port, soon(o, deadline), c, way, err) < 0)
		return -1;
	(void)TAKE(b); /* the way owns it */
	return 0;
}

int bastion_connect(const struct bastion_options *o, int64_t deadline, struct cancel *c,
		    struct probe_report *report, int *ret_fd, struct sshlink_side *ret_side,
		    struct error **err)
{
	AUTO(hops) struct hop_list hops = { 0 };
	struct way way;

	if (hops_parse(o->cfg->ssh_bastion_host, &hops, err) < 0)
		return error_prefix(err, "Error connecting to bastion");
	if (first_way(o, &hops.items[0], soon(o, deadline), c, report, &way, err) < 0)
		return blame(&hops.items[0], err);
	for (size_t i = 0; i < hops.len; i++) {
		if (pass(o, &hops, i, &way, deadline, c, err) == 0)
			continue;
		way_close(&way);
		return blame(&hops.items[i], err);
	}
	*ret_fd = way.fd;
	*ret_side = way.side;
	return 0;
}
