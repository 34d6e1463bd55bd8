/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/bastion.h"

#include "base/alloc.h"
#include "base/str.h"
#include "comm/ssh/auth.h"
#include "comm/ssh/relay.h"
#include "os/fd.h"

#include <errno.h>
#include <sys/socket.h>

struct bastion {
	struct sshlink *link;
	struct relay_set *relays;
};

static void bastion_free(void *data)
{
	struct bastion *b = data;

	if (!b)
		return;
	relay_set_free(b->relays);
	sshlink_free(b->link);
	free(b);
}
DEFINE_AUTO(bastion, struct bastion *, bastion_free);

/* The outer connection is pumped while the inner one is waited for. */
static size_t bastion_serve(void *data, struct pollfd *fds, size_t max)
{
	struct bastion *b = data;
	AUTO(error) struct error *e = NULL;
	size_t n;

	if (!b->link->lost && sshlink_pump(b->link, &e) < 0)
		error_ignore(&e, "the inner connection notices the end of its socket");
	n = relay_set_serve(b->relays, fds, max);
	if (b->link->lost || n >= max)
		return n;
	fds[n] = (struct pollfd){ .fd = b->link->fd, .events = POLLIN };
	if (ssh_get_poll_flags(b->link->session) & SSH_WRITE_PENDING)
		fds[n].events |= POLLOUT;
	return n + 1;
}

static int login(struct bastion *b, const struct bastion_options *o, int64_t deadline,
		 struct cancel *c, struct probe_report *report, struct error **err)
{
	const struct comm_config *cfg = o->cfg;
	const struct probe_options probe = {
		.host = cfg->ssh_bastion_host,
		.port = (int)cfg->ssh_bastion_port,
		.once = true,
		.deadline = deadline,
	};
	const struct sshlink_options options = {
		.user = cfg->ssh_bastion_username ? cfg->ssh_bastion_username : "",
		.ciphers = &cfg->ssh_ciphers,
		.key_exchange = &cfg->ssh_key_exchange_algorithms,
		.keep_alive = -1, /* the inner connection's signs of life come through here */
	};
	const struct sshauth a = {
		.user = options.user,
		.agent_socket = cfg->ssh_bastion_agent_auth ? o->agent_socket : NULL,
		.key_files = { cfg->ssh_bastion_private_key_file },
		.certificate_file = cfg->ssh_bastion_certificate_file,
		.password = cfg->ssh_bastion_password,
	};
	int fd;

	if (probe_connect(&probe, c, report, &fd, err) < 0 ||
	    sshlink_new(fd, &options, &b->link, err) < 0 ||
	    sshlink_handshake(b->link, deadline, c, err) < 0)
		return -1;
	return sshauth_login(b->link, &a, deadline, c, err);
}

/* direct-tcpip from the jump host to the machine. */
static int open_forward(struct bastion *b, const struct bastion_options *o, int64_t deadline,
			struct cancel *c, ssh_channel *ret, struct error **err)
{
	ssh_channel ch = ssh_channel_new(b->link->session);
	int rc = SSH_ERROR;

	while (ch &&
	       (rc = ssh_channel_open_forward(ch, o->host, o->port, "127.0.0.1", 0)) == SSH_AGAIN) {
		if (sshlink_wait(b->link, deadline, c, err) == 0)
			continue;
		ssh_channel_free(ch);
		return -1;
	}
	if (rc == SSH_OK) {
		*ret = ch;
		return 0;
	}
	ssh_channel_free(ch);
	return error_set(err, ERROR_DISCONNECTED, "it cannot reach %s port %d: %s", o->host,
			 o->port, ssh_get_error(b->link->session));
}

int bastion_connect(const struct bastion_options *o, int64_t deadline, struct cancel *c,
		    struct probe_report *report, int *ret_fd, struct sshlink_side *ret_side,
		    struct error **err)
{
	AUTO(bastion) struct bastion *b = NEW(struct bastion);
	ssh_channel ch = NULL;
	int pair[2];

	if (login(b, o, deadline, c, report, err) < 0 ||
	    open_forward(b, o, deadline, c, &ch, err) < 0)
		return error_prefix(err, "Error connecting to bastion");
	b->relays = relay_set_new(b->link);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		ssh_channel_free(ch);
		return error_set_errno(err, errno, "cannot make a pair of sockets");
	}
	relay_add(b->relays, pair[0], ch);
	*ret_fd = pair[1];
	*ret_side = (struct sshlink_side){
		.serve = bastion_serve,
		.free = bastion_free,
		.data = TAKE(b),
	};
	return 0;
}
