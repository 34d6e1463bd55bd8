/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/pages.h"

#include "base/alloc.h"
#include "base/str.h"
#include "builder/qemu/launch.h"
#include "os/fd.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES = 5 };

/* Where the guest arrives. */
static const char *listening_address(const struct pages *p, const struct qemu_config *c)
{
	if (!text_is_empty(c->http_bind_address))
		return c->http_bind_address;
	if (!text_is_empty(c->net_bridge))
		return p->host_address;
	return text_eq(c->http_network_protocol, "tcp6") ? "::1" : "127.0.0.1";
}

static bool is_any(const char *address)
{
	return !strcmp(address, "0.0.0.0") || !strcmp(address, "::");
}

static bool is_loopback(const char *address)
{
	return text_starts_with(address, "127.") || !strcmp(address, "::1");
}

/* An address of this host that is neither loopback nor any: the guest gets there by its name only,
 * from QEMU's own network, too. */
void pages_set_host(struct pages *p, const struct qemu_config *c, const char *on_bridge)
{
	p->host_address = xstrdup(on_bridge ? on_bridge : "10.0.2.2");

	const char *address = listening_address(p, c);
	bool is_ipv6 = strchr(address, ':');

	if (is_any(address) || (is_loopback(address) && (on_bridge || !is_ipv6)))
		return;

	char *named = is_loopback(address) ? xstrdup("[fec0::2]")
					   : xasprintf(is_ipv6 ? "[%s]" : "%s", address);

	free(p->host_address);
	p->host_address = named;
}

static void list_pages(struct pages *p, const struct text_map *content)
{
	p->list = xcalloc(content->len + 1, sizeof(*p->list));
	for (size_t i = 0; i < content->len; i++)
		p->list[i] = (struct http_page){ content->v[i].key, content->v[i].value };
}

static int try_port(struct pages *p, const struct qemu_config *c, struct build_ctx *ctx,
		    struct error **err)
{
	const char *address = listening_address(p, c);

	if (launch_reserve_port(ctx->dirs, address, (int)c->http_port_min, (int)c->http_port_max,
				&p->port, err) < 0)
		return error_hint(err, "widen http_port_min and http_port_max, or end what listens "
				       "there");

	const struct http_server_spec spec = {
		.address = address,
		.port = p->port.port,
		.directory = text_is_empty(c->http_directory) ? NULL : c->http_directory,
		.pages = p->list,
		.page_count = c->http_content.len,
	};

	p->server = http_server_start(&spec, err);
	return p->server ? 0 : -1;
}

int pages_serve(struct pages *p, const struct qemu_config *c, struct build_ctx *ctx,
		struct error **err)
{
	int r = -1;

	if (text_is_empty(c->http_directory) && !c->http_content.len)
		return 0;
	list_pages(p, &c->http_content);
	for (int i = 0; i < TRIES && r < 0; i++) {
		if (i)
			error_ignore(err, "somebody took the port between our look and our use");
		fd_close(p->port.lock_fd);
		p->port = (struct port_reservation){ .lock_fd = -1 };
		r = try_port(p, c, ctx, err);
		if (r < 0 && (*err)->kind != ERROR_EXISTS)
			break;
	}
	if (r == 0)
		ui_say(ctx->ui, "Starting HTTP server on port %d", p->port.port);
	return r;
}

void pages_release(struct pages *p)
{
	http_server_stop(p->server);
	fd_close(p->port.lock_fd);
	free(p->list);
	free(p->host_address);
	*p = (struct pages){ PAGES_INIT };
}

void pages_describe(const struct pages *p, struct map *generated)
{
	AUTO_FREE char *both = xasprintf("%s:%d", p->host_address, p->port.port);

	map_set(generated, "PackerHTTPIP", value_string(p->host_address));
	map_set(generated, "PackerHTTPPort", value_int(p->port.port));
	map_set(generated, "PackerHTTPAddr", value_string(both));
}
