/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/tunnel.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/vec.h"
#include "comm/ssh/relay.h"
#include "comm/ssh/resolve.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/log.h"

#include <errno.h>
#include <libssh/callbacks.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ANSWER_SEC = 60, BACKLOG = 16 };

/* Where connections of a tunnel go. */
struct tunnel {
	int listen_fd;   /* local tunnel; else -1 */
	int remote_port; /* remote tunnel: what the server listens on */
	char *host;
	int port;
	struct address_list addresses; /* of host, for remote tunnels */
};
VEC_DECLARE(tunnel_list, struct tunnel);

struct tunnels {
	struct sshlink *link;
	struct relay_set *relays;
	struct tunnel_list list;
	bool has_remote;
	char *agent_socket;
	struct ssh_callbacks_struct callbacks;
};

static void tunnels_free(void *data)
{
	struct tunnels *t = data;

	if (!t)
		return;
	relay_set_free(t->relays);
	for (size_t i = 0; i < t->list.len; i++) {
		fd_close(t->list.items[i].listen_fd);
		free(t->list.items[i].host);
		vec_release(&t->list.items[i].addresses);
	}
	vec_release(&t->list);
	free(t->agent_socket);
	free(t);
}

/* ---- serving -------------------------------------------------------------------------- */

static void accept_local(struct tunnels *t, const struct tunnel *n)
{
	int fd = accept4(n->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		log_debug("ssh", "tunnel: a connection of ours to %s port %d", n->host, n->port);
	if (fd >= 0)
		relay_add_outgoing(t->relays, fd, n->host, n->port);
}

static const struct tunnel *find_remote(const struct tunnels *t, int port)
{
	for (size_t i = 0; i < t->list.len; i++)
		if (t->list.items[i].remote_port == port)
			return &t->list.items[i];
	return NULL;
}

static int connect_to(const struct tunnel *n)
{
	const struct address *a = &n->addresses.items[0];
	int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&a->sa, a->len) < 0 && errno != EINPROGRESS) {
		fd_close(fd);
		return -1;
	}
	return fd;
}

static void accept_remote(struct tunnels *t)
{
	int port = 0;
	ssh_channel ch = ssh_channel_open_forward_port(t->link->session, 0, &port, NULL, NULL);
	const struct tunnel *n = ch ? find_remote(t, port) : NULL;
	int fd = n ? connect_to(n) : -1;

	if (!ch)
		return;
	log_debug("ssh", "tunnel: a connection to the machine's port %d%s", port,
		  fd >= 0 ? "" : ", which leads nowhere");
	if (fd >= 0) {
		relay_add(t->relays, fd, ch);
		return;
	}
	(void)ssh_channel_close(ch);
	ssh_channel_free(ch);
}

static size_t tunnels_serve(void *data, struct pollfd *fds, size_t max)
{
	struct tunnels *t = data;
	size_t n = 0;

	if (t->has_remote && !t->link->lost)
		accept_remote(t);
	for (size_t i = 0; i < t->list.len; i++) {
		const struct tunnel *one = &t->list.items[i];

		if (one->listen_fd < 0)
			continue;
		accept_local(t, one);
		if (n < max)
			fds[n++] = (struct pollfd){ .fd = one->listen_fd, .events = POLLIN };
	}
	return n + relay_set_serve(t->relays, fds + n, max - n);
}

/* ---- setting up ----------------------------------------------------------------------- */

static int listen_local(struct tunnel *n, int port, struct error **err)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int on = 1;

	n->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->listen_fd < 0)
		return error_set_errno(err, errno, "cannot make a socket");
	(void)setsockopt(n->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(n->listen_fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(n->listen_fd, BACKLOG) < 0)
		return error_set_errno(err, errno, "port %d", port);
	return 0;
}

static int listen_remote(struct tunnels *t, struct tunnel *n, struct cancel *c, struct error **err)
{
	int64_t deadline = clock_deadline(ANSWER_SEC * NSEC_PER_SEC);
	int rc;

	if (resolve_host(n->host, n->port, deadline, c, &n->addresses, err) < 0)
		return -1;
	while ((rc = ssh_channel_listen_forward(t->link->session, "localhost", n->remote_port,
						NULL)) == SSH_AGAIN)
		if (sshlink_wait(t->link, deadline, c, err) < 0)
			return -1;
	if (rc != SSH_OK)
		return error_set(err, ERROR_REMOTE, "%s", ssh_get_error(t->link->session));
	t->has_remote = true;
	return 0;
}

static int add_tunnels(struct tunnels *t, const struct text_list *list, bool remote,
		       struct cancel *c, struct error **err)
{
	for (size_t i = 0; i < list->len; i++) {
		struct tunnel *n = vec_push(&t->list);
		int listen_port;

		*n = (struct tunnel){ .listen_fd = -1 };
		if (comm_parse_tunnel(list->v[i], &listen_port, &n->host, &n->port, err) < 0)
			return -1;
		n->remote_port = remote ? listen_port : -1;
		if ((remote ? listen_remote(t, n, c, err) : listen_local(n, listen_port, err)) < 0)
			return error_prefix(err, "Tunnel: Failed to bind %s ('%s')",
					    remote ? "remote" : "local", list->v[i]);
		log_debug("ssh", "%s tunnel '%s'", remote ? "remote" : "local", list->v[i]);
	}
	return 0;
}

/* ---- agent forwarding ------------------------------------------------------------------ */

/* The server wants to talk to our agent. */
static ssh_channel on_agent(ssh_session session, void *userdata)
{
	struct tunnels *t = userdata;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssh_channel ch;

	if (fd < 0 || strlen(t->agent_socket) >= sizeof(sa.sun_path))
		return NULL;
	memcpy(sa.sun_path, t->agent_socket, strlen(t->agent_socket) + 1);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return NULL;
	ch = ssh_channel_new(session);
	if (ch)
		relay_add(t->relays, fd_take(&fd), ch);
	return ch;
}

/* Asked for once on a throw-away session; it lasts for the connection. A refusal is fine. */
static int offer_agent(struct tunnels *t, struct cancel *c, struct error **err)
{
	int64_t deadline = clock_deadline(ANSWER_SEC * NSEC_PER_SEC);
	ssh_channel ch = ssh_channel_new(t->link->session);
	int rc = SSH_ERROR, r = 0;

	while (ch && r == 0 && (rc = ssh_channel_open_session(ch)) == SSH_AGAIN)
		r = sshlink_wait(t->link, deadline, c, err);
	while (rc == SSH_OK && r == 0 && (rc = ssh_channel_request_auth_agent(ch)) == SSH_AGAIN)
		r = sshlink_wait(t->link, deadline, c, err);
	if (ch && ssh_channel_close(ch) == SSH_AGAIN)
		(void)ssh_channel_close(ch);
	if (ch)
		ssh_channel_free(ch);
	return r;
}

static int setup_agent(struct tunnels *t, const char *socket, struct cancel *c, struct error **err)
{
	log_debug("ssh", "the agent at '%s' is forwarded", socket);
	t->agent_socket = xstrdup(socket);
	ssh_callbacks_init(&t->callbacks);
	t->callbacks.userdata = t;
	t->callbacks.channel_open_request_auth_agent_function = on_agent;
	if (ssh_set_callbacks(t->link->session, &t->callbacks) != SSH_OK)
		return error_set(err, ERROR_FAILED, "cannot forward the SSH agent");
	return offer_agent(t, c, err);
}

int tunnel_setup(struct sshlink *l, const struct comm_config *cfg, const char *agent_socket,
		 struct cancel *c, struct error **err)
{
	bool forward = agent_socket && !cfg->ssh_disable_agent_forwarding;
	struct tunnels *t;

	if (!forward && !cfg->ssh_local_tunnels.len && !cfg->ssh_remote_tunnels.len)
		return 0;
	t = NEW(struct tunnels);
	t->link = l;
	t->relays = relay_set_new(l);
	sshlink_add_side(l, (struct sshlink_side){
				    .serve = tunnels_serve,
				    .free = tunnels_free,
				    .data = t,
			    });
	if (forward && setup_agent(t, agent_socket, c, err) < 0)
		return -1;
	if (add_tunnels(t, &cfg->ssh_local_tunnels, false, c, err) < 0)
		return -1;
	return add_tunnels(t, &cfg->ssh_remote_tunnels, true, c, err);
}
