/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/dial.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/redact.h"
#include "base/str.h"
#include "comm/ssh/auth.h"
#include "comm/ssh/bastion.h"
#include "comm/ssh/socks5.h"
#include "comm/ssh/tunnel.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"

enum { LOGIN_SEC = 60 };

void dialer_init(struct dialer *d, const struct comm_config *cfg, const struct comm_target *target,
		 char *const *environ)
{
	const char *agent = env_get(environ, "SSH_AUTH_SOCK");

	*d = (struct dialer){
		.cfg = cfg,
		.host = xstrdup(text_is_empty(target->host) ? cfg->ssh_host : target->host),
		.port = target->port ? target->port : (int)cfg->ssh_port,
		.key_pem = xstrdup(target->private_key),
		.key_path = xstrdup(target->private_key_path),
		.agent_socket = text_is_empty(agent) ? NULL : xstrdup(agent),
		.sign = target->sign,
		.sign_data = target->sign_data,
	};
}

void dialer_release(struct dialer *d)
{
	free(d->host);
	secret_free(d->key_pem);
	free(d->key_path);
	free(d->agent_socket);
	*d = (struct dialer){ 0 };
}

static int login(struct dialer *d, struct sshlink *l, int64_t deadline, struct cancel *c,
		 struct error **err)
{
	const struct comm_config *cfg = d->cfg;
	struct sshauth a = {
		.who = "The server",
		.options = "ssh_password, ssh_private_key_file or ssh_agent_auth",
		.user = cfg->ssh_username,
		.agent_socket = cfg->ssh_agent_auth ? d->agent_socket : NULL,
		.key_files = { cfg->ssh_private_key_file, d->key_path },
		.certificate_file = cfg->ssh_certificate_file,
		.key_pem = d->key_pem,
		.password = cfg->ssh_password,
	};

	if (text_eq(a.key_files[0], a.key_files[1]))
		a.key_files[1] = NULL;
	if (cfg->ssh_agent_auth && !d->agent_socket) {
		error_set(err, ERROR_INVALID, "ssh_agent_auth is set, but no SSH agent runs");
		return error_hint(err, "Start one with 'eval $(ssh-agent)' and add the key with "
				       "ssh-add; the variable SSH_AUTH_SOCK tells where it is.");
	}
	if (sshlink_handshake(l, deadline, c, err) < 0)
		return -1;
	return sshauth_login(l, &a, deadline, c, err);
}

struct transport {
	int fd;
	struct sshlink_side side; /* serve NULL: none */
};

struct dialing {
	bool once;
	int64_t deadline;
	struct cancel *c;
	struct probe_report *report;
};

/* To the machine: straight, through a proxy, or through a jump host. */
static int open_transport(struct dialer *d, const struct dialing *g, struct transport *ret,
			  struct error **err)
{
	const struct comm_config *cfg = d->cfg;
	const struct probe_options probe = {
		.host = d->host,
		.port = d->port,
		.once = g->once,
		.deadline = g->deadline,
		.sign = d->sign,
		.sign_data = d->sign_data,
	};
	const struct socks5_options socks = {
		.proxy_host = cfg->ssh_proxy_host,
		.proxy_port = (int)cfg->ssh_proxy_port,
		.user = cfg->ssh_proxy_username,
		.password = cfg->ssh_proxy_password,
		.host = d->host,
		.port = d->port,
	};
	const struct bastion_options bastion = {
		.cfg = cfg,
		.agent_socket = d->agent_socket,
		.host = d->host,
		.port = d->port,
		.login_max = LOGIN_SEC * NSEC_PER_SEC,
		.ui = d->ui,
	};
	int64_t soon = MIN(g->deadline, clock_deadline(LOGIN_SEC * NSEC_PER_SEC));

	*ret = (struct transport){ .fd = -1 };
	if (!text_is_empty(cfg->ssh_bastion_host))
		log_debug("ssh", "through the jump host %s", cfg->ssh_bastion_host);
	else if (!text_is_empty(cfg->ssh_proxy_host))
		log_debug("ssh", "through the SOCKS5 proxy %s port %d", cfg->ssh_proxy_host,
			  (int)cfg->ssh_proxy_port);
	if (!text_is_empty(cfg->ssh_bastion_host))
		return bastion_connect(&bastion, g->deadline, g->c, g->report, &ret->fd, &ret->side,
				       err);
	if (!text_is_empty(cfg->ssh_proxy_host))
		return socks5_connect(&socks, soon, g->c, &ret->fd, err);
	return probe_connect(&probe, g->c, g->report, &ret->fd, err);
}

static int dial(struct dialer *d, const struct dialing *g, struct sshlink **ret, struct error **err)
{
	const struct comm_config *cfg = d->cfg;
	const struct sshlink_options options = {
		.user = cfg->ssh_username,
		.ciphers = &cfg->ssh_ciphers,
		.key_exchange = &cfg->ssh_key_exchange_algorithms,
		.keep_alive = cfg->ssh_keep_alive_interval,
		.silence_max = cfg->ssh_read_write_timeout,
	};
	AUTO(sshlink) struct sshlink *l = NULL;
	struct transport t;
	int64_t limit;

	if (open_transport(d, g, &t, err) < 0)
		return -1;
	if (sshlink_new(t.fd, &options, &l, err) < 0) {
		if (t.side.free)
			t.side.free(t.side.data);
		return -1;
	}
	if (t.side.serve)
		sshlink_add_side(l, t.side);
	limit = MIN(g->deadline, clock_deadline(LOGIN_SEC * NSEC_PER_SEC));
	if (login(d, l, limit, g->c, err) < 0 ||
	    tunnel_setup(l, cfg, d->agent_socket, g->c, err) < 0)
		return -1;
	sshlink_refresh(l);
	*ret = TAKE(l);
	return 0;
}

int dialer_dial(struct dialer *d, bool once, int64_t deadline, struct cancel *c,
		struct probe_report *report, struct sshlink **ret, struct error **err)
{
	const struct dialing g = { once, deadline, c, report };

	return dial(d, &g, ret, err);
}
