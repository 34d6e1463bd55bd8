/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/ssh/route.h"

#include "base/alloc.h"
#include "base/str.h"
#include "comm/hops.h"

static char *copy(const char *text)
{
	return text_is_empty(text) ? NULL : xstrdup(text);
}

static char *joined(const struct text_list *list)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < list->len; i++)
		strbuf_addf(&sb, "%s%s", i ? "," : "", list->v[i]);
	return sb.len ? strbuf_detach(&sb) : NULL;
}

/* What only we do; NULL: nothing. */
static const char *only_ours(const struct comm_config *cfg)
{
	if (!text_is_empty(cfg->ssh_proxy_host))
		return "it goes through a SOCKS5 proxy";
	if (!text_is_empty(cfg->ssh_bastion_host) && cfg->ssh_bastion_interactive)
		return "a person logs in to its jump host";
	if (cfg->ssh_local_tunnels.len || cfg->ssh_remote_tunnels.len)
		return "its tunnels are served by the connection of the build";
	return NULL;
}

static int add_hops(const struct comm_config *cfg, struct comm_route *ret, struct error **err)
{
	AUTO(hops) struct hop_list hops = { 0 };

	if (text_is_empty(cfg->ssh_bastion_host))
		return 0;
	if (hops_parse(cfg->ssh_bastion_host, &hops, err) < 0)
		return -1;
	for (size_t i = 0; i < hops.len; i++) {
		const struct hop *h = &hops.items[i];

		*vec_push(&ret->hops) = (struct route_host){
			.host = xstrdup(h->host),
			.user = copy(h->user ? h->user : cfg->ssh_bastion_username),
			.port = h->port ? h->port : (int)cfg->ssh_bastion_port,
			.key_file = copy(cfg->ssh_bastion_private_key_file),
			.certificate_file = copy(cfg->ssh_bastion_certificate_file),
			.password = copy(cfg->ssh_bastion_password),
			.agent = cfg->ssh_bastion_agent_auth,
		};
	}
	return 0;
}

int sshroute_describe(const struct dialer *d, const struct sshlink *l, struct comm_route *ret,
		      struct error **err)
{
	const struct comm_config *cfg = d->cfg;
	const char *why = only_ours(cfg);

	if (why) {
		ret->why_not = xstrdup(why);
		return 0;
	}
	ret->kind = COMM_ROUTE_OPENSSH;
	ret->target = (struct route_host){
		.host = xstrdup(d->host),
		.user = copy(cfg->ssh_username),
		.port = d->port,
		.key_file =
			copy(text_is_empty(cfg->ssh_private_key_file) ? d->key_path
								      : cfg->ssh_private_key_file),
		.key_text = copy(d->key_pem),
		.certificate_file = copy(cfg->ssh_certificate_file),
		.password = copy(cfg->ssh_password),
		.agent = cfg->ssh_agent_auth && d->agent_socket,
	};
	ret->host_key = sshlink_host_key(l);
	ret->ciphers = joined(&cfg->ssh_ciphers);
	ret->key_exchange = joined(&cfg->ssh_key_exchange_algorithms);
	ret->forward_agent = d->agent_socket && !cfg->ssh_disable_agent_forwarding;
	return add_hops(cfg, ret, err);
}
