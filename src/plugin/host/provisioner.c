/* SPDX-License-Identifier: Apache-2.0 */
/* A provisioner of a plugin, on whatever machine there is (plugin-protocol.md 6.4). */
#include "base/duration.h"
#include "os/clock.h"
#include "plugin/codec/cty.h"
#include "plugin/host/comm.h"
#include "plugin/host/prepare.h"
#include "plugin/host/serve.h"
#include "plugin/host/stop.h"

static const struct service_row services[] = {
	{ "Communicator", serve_later, NULL },
	{ "Ui", serve_ui, NULL },
	{ NULL, NULL, NULL },
};

/* What a builder plugin told goes on as it came. */
static void pack_generated(struct strbuf *arg, const struct provision_ctx *ctx)
{
	const struct strbuf *raw =
		plugin_comm_is(ctx->comm) ? plugin_comm_generated(ctx->comm) : NULL;

	if (raw && raw->len)
		strbuf_add(arg, raw->buf, raw->len);
	else
		value_pack(arg, ctx->generated);
}

/* Until it is done: what it wants of the machine, one after the other. */
static int work(struct instance *in, struct provision_ctx *ctx, struct error **err)
{
	struct cancel *outer = ctx->build->cancel;
	AUTO(cancel) struct cancel *c = cancel_new(outer, DEADLINE_NEVER);

	instance_watch(in, c);
	while (!in->is_answered) {
		struct rpc_server *server;
		AUTO(rpc_request) struct rpc_request *r = instance_next_aside(in, &server);

		if (r && serve_comm(in, ctx->comm, server, r, c, err) < 0)
			return -1;
		if (!r && instance_wait(in, DEADLINE_NEVER, outer, err) < 0)
			return -1;
	}
	return 0;
}

static int provision(struct instance *in, struct provision_ctx *ctx, struct error **err)
{
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;
	struct service *s = instance_offer(in, services);
	const struct packed *reply;

	pack_map(&arg, 2);
	pack_text(&arg, "GeneratedData");
	pack_generated(&arg, ctx);
	pack_text(&arg, "StreamID");
	pack_uint(&arg, s->id);
	if (instance_start(in, "Provisioner.Provision", &arg, ctx->build->cancel, err) == 0 &&
	    work(in, ctx, err) == 0)
		return instance_answer(in, &reply, err);
	plugin_stop(in, "Provisioner", s);
	return plugin_failed(in, err);
}

static int run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	AUTO(instance)
	struct instance *in = plugin_prepared(config, ctx->build->info, ctx->build->cancel, err);

	if (!in)
		return plugin_failed(NULL, err);
	in->build = ctx->build;
	return provision(in, ctx, err);
}

static const char *barrier(const void *config, bool declared)
{
	return declared ? NULL
			: "it is of a plugin, which may read any file: cache_inputs says which";
}

void plugin_provisioner_row(struct provisioner_type *row)
{
	row->prepare = plugin_prepare;
	row->run = run;
	row->barrier = barrier;
	row->gets_build_name = true;
}
