/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest can fetch over HTTP while it is built: http_directory or
 * http_content (qemu-builder.md 10). The user network leads the guest to the
 * host's own loopback, and a bridge to the host's address on it, so the server
 * listens only there unless the template names an address.
 */
#pragma once

#include "builder/qemu/config.h"
#include "core/component.h"
#include "net/http_server.h"
#include "os/port.h"

struct pages {
	struct port_reservation port; /* port 0: nothing is served */
	struct http_server *server;
	char *host_address; /* of this host, as the guest sees it; in brackets if IPv6 */
	struct http_page *list;
};
#define PAGES_INIT .port = { .lock_fd = -1 }

/* Before pages_serve(). `on_bridge`: the host's address there; NULL: the guest is on none. */
void pages_set_host(struct pages *p, const struct qemu_config *c, const char *on_bridge);
/* Starts nothing when the template has neither. */
MUST_CHECK int pages_serve(struct pages *p, const struct qemu_config *c, struct build_ctx *ctx,
			   struct error **err);
void pages_release(struct pages *p);
/* PackerHTTPIP, PackerHTTPPort and PackerHTTPAddr, for provisioners. */
void pages_describe(const struct pages *p, struct map *generated);
