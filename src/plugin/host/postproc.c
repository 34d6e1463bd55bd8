/* SPDX-License-Identifier: Apache-2.0 */
/* A post-processor of a plugin (plugin-protocol.md 6.5). */
#include "base/alloc.h"
#include "os/clock.h"
#include "plugin/host/artifact.h"
#include "plugin/host/prepare.h"
#include "plugin/host/serve.h"
#include "plugin/host/stop.h"

#include <stdlib.h>

/* What it gives may be its input again, which it then asks us for: so that lives as long. */
struct post {
	struct artifact *input;
	struct service_row services[3];
};

static void free_post(void *state)
{
	struct post *p = state;

	artifact_unref(p->input);
	free(p);
}

static const struct service_row *offer_input(struct instance *in, struct artifact *input)
{
	struct post *p = NEW(struct post);

	*p = (struct post){
		.input = artifact_ref(input),
		.services = { { "Artifact", serve_artifact, input }, { "Ui", serve_ui, NULL } },
	};
	in->state = p;
	in->free_state = free_post;
	return p->services;
}

static int read_answer(struct instance *in, struct build_ctx *ctx, struct postproc_result *ret,
		       struct error **err)
{
	const struct packed *reply, *failure;
	const char *text = NULL;
	uint32_t id = 0;

	if (instance_answer(in, &reply, err) < 0)
		return -1;
	failure = packed_member(reply, "Err");
	if (failure && failure->kind == PACKED_MAP)
		failure = packed_member(failure, "Message");
	if (packed_text(failure, &text, err) < 0 ||
	    packed_uint32(packed_member(reply, "StreamId"), &id, err) < 0)
		return -1;
	if (text)
		return error_set(err, ERROR_REMOTE, "%s", text);
	*ret = (struct postproc_result){
		.keep = packed_bool(packed_member(reply, "Keep")),
		.force_keep = packed_bool(packed_member(reply, "ForceOverride")),
	};
	if (!id)
		return 0;
	ret->artifact = plugin_artifact_new(in, id, ctx->cancel, err);
	return ret->artifact ? 0 : -1;
}

static int work(struct instance *in, struct cancel *c, struct error **err)
{
	while (!in->is_answered)
		if (instance_wait(in, DEADLINE_NEVER, c, err) < 0)
			return -1;
	return 0;
}

static int run(const void *config, struct build_ctx *ctx, struct artifact *input,
	       struct postproc_result *ret, struct error **err)
{
	AUTO(instance)
	struct instance *in = plugin_prepared(config, ctx->info, ctx->cancel, err);
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;
	struct service *s;

	if (!in)
		return plugin_failed(NULL, err);
	in->build = ctx;
	s = instance_offer(in, offer_input(in, input));
	pack_uint(&arg, s->id);
	if (instance_start(in, "PostProcessor.PostProcess", &arg, ctx->cancel, err) < 0 ||
	    work(in, ctx->cancel, err) < 0) {
		plugin_stop(in, "PostProcessor", s);
		return plugin_failed(in, err);
	}
	return read_answer(in, ctx, ret, err) < 0 ? plugin_failed(in, err) : 0;
}

void plugin_postproc_row(struct postproc_type *row)
{
	row->prepare = plugin_prepare;
	row->run = run;
	row->never_reused = "it is of a plugin, and what it makes may be anywhere";
}
