/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/pages.h"

#include "base/alloc.h"
#include "base/str.h"
#include "builder/qemu/launch.h"
#include "os/fd.h"

enum { TRIES = 5 };

/* Where the guest arrives. */
static const char *address_of(const struct pages *p, const struct qemu_config *c)
{
	if (!text_is_empty(c->http_bind_address))
		return c->http_bind_address;
	return text_is_empty(c->net_bridge) ? "127.0.0.1" : p->host_address;
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
	const char *address = address_of(p, c);

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
	*p = (struct pages){ PAGES_INIT };
}

void pages_describe(const struct pages *p, struct map *generated)
{
	AUTO_FREE char *both = xasprintf("%s:%d", p->host_address, p->port.port);

	map_set(generated, "PackerHTTPIP", value_string(p->host_address));
	map_set(generated, "PackerHTTPPort", value_int(p->port.port));
	map_set(generated, "PackerHTTPAddr", value_string(both));
}
