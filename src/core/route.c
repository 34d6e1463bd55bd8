/* SPDX-License-Identifier: Apache-2.0 */
#include "core/route.h"

#include "base/alloc.h"
#include "base/redact.h"

#include <stdlib.h>

static void route_host_release(struct route_host *h)
{
	free(h->host);
	free(h->user);
	free(h->key_file);
	secret_free(h->key_text);
	free(h->certificate_file);
	secret_free(h->password);
}

void comm_route_release(struct comm_route *r)
{
	route_host_release(&r->target);
	for (size_t i = 0; i < r->hops.len; i++)
		route_host_release(&r->hops.items[i]);
	vec_release(&r->hops);
	free(r->why_not);
	free(r->host_key);
	free(r->ciphers);
	free(r->key_exchange);
	free(r->program);
	free(r->container);
	free(r->exec_user);
	*r = (struct comm_route){ 0 };
}

int comm_route(struct comm *m, struct comm_route *ret, struct cancel *c, struct error **err)
{
	*ret = (struct comm_route){ 0 };
	return m->ops->route ? m->ops->route(m, ret, c, err) : 0;
}
