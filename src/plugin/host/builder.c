/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A builder of a plugin as a machine (plugin-protocol.md 6.3, 6.7, 10.3). It
 * runs the build itself and calls us when its machine is up: boot() waits for
 * that call, which stays unanswered while the engine provisions; finish()
 * answers it and waits for the artifact; destroy() answers it with the failure
 * and waits until the plugin has cleaned up.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "os/clock.h"
#include "plugin/codec/cty.h"
#include "plugin/host/artifact.h"
#include "plugin/host/comm.h"
#include "plugin/host/prepare.h"
#include "plugin/host/serve.h"
#include "plugin/host/stop.h"

#include <stdlib.h>
#include <string.h>

enum { CLEANUP_SECONDS = 1800 }; /* machines of clouds take their time to go away */

struct plugin_machine {
	struct machine m;
	const void *config;
	struct instance *in;
	struct service_row services[3];
	struct service *service;
	/* The call to provision, while it is unanswered. */
	struct rpc_server *server;
	struct rpc_request *hook;
	struct artifact *built; /* of a builder that wanted no provisioning */
};

static struct plugin_machine *of(struct machine *m)
{
	return (struct plugin_machine *)m;
}

/* ---- what it calls ------------------------------------------------------------------------------- */

/* The engine has run the error-cleanup-provisioner before the plugin asks for it. */
static int serve_hook(struct instance *in, struct rpc_server *s, struct rpc_request *r, void *data,
		      struct error **err)
{
	struct plugin_machine *pm = data;
	AUTO(error) struct error *e = NULL;
	const char *name = NULL;

	if (!text_eq(r->method, "Hook.Run") ||
	    packed_text(packed_member(r->arg, "Name"), &name, &e) < 0 ||
	    !text_eq(name, "packer_provision"))
		return serve_reply(s, r, NULL, err);
	if (pm->server)
		return serve_error(s, r, "the provisioners run once for each machine", err);
	pm->server = s;
	instance_put_aside(in, s, r);
	return 0;
}

static void answer_hook(struct plugin_machine *pm, const char *failure)
{
	AUTO(error) struct error *e = NULL;
	struct rpc_request *r = TAKE(pm->hook);

	if (r && (failure ? serve_error(pm->server, r, failure, &e)
			  : serve_reply(pm->server, r, NULL, &e)) < 0)
		error_ignore(&e, "its Run tells what happened");
}

/* ---- up -------------------------------------------------------------------------------------------- */

static void add_secret(struct build_ctx *ctx, const struct value *values, const char *name)
{
	const struct value *v = value_get(values, name);

	if (v && value_is_known(v) && !value_is_null(v) && type_kind(value_type(v)) == TYPE_STRING)
		redactor_add(ctx->ui->redactor, value_as_string(v), strlen(value_as_string(v)));
}

static int take_values(struct plugin_machine *pm, struct build_ctx *ctx, struct comm *comm,
		       const struct packed *data, struct error **err)
{
	static const char *const secrets[] = { "Password", "WinRMPassword", "SSHPrivateKey" };

	if (!data || data->kind != PACKED_MAP)
		return 0;
	plugin_comm_keep_generated(comm, data);

	AUTO(value) struct value *values = value_from_packed(data, err);

	if (!values)
		return error_prefix(err, "the values that its builder gives");
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		add_secret(ctx, values, secrets[i]);
	for (size_t i = 0; i < value_len(values); i++)
		map_set(&pm->m.generated, value_key_at(values, i), value_ref(value_at(values, i)));
	return 0;
}

static int enter(struct plugin_machine *pm, struct build_ctx *ctx, struct error **err)
{
	AUTO(cancel) struct cancel *c = cancel_new(ctx->cancel, DEADLINE_NEVER);
	AUTO(comm) struct comm *comm = NULL;
	uint32_t id = 0;

	instance_watch(pm->in, c);
	if (packed_uint32(packed_member(pm->hook->arg, "StreamId"), &id, err) < 0)
		return -1;
	comm = plugin_comm_new(pm->in, id, c, err);
	if (!comm || take_values(pm, ctx, comm, packed_member(pm->hook->arg, "Data"), err) < 0)
		return -1;
	pm->m.own_comm = TAKE(comm);
	pm->m.watch_fd = pm->in->epoll_fd;
	return 0;
}

/* The machine is gone with its plugin, for all that we can do. */
static int failed(struct plugin_machine *pm, struct error **err)
{
	AUTO(error) struct error *why = NULL;

	plugin_process_explain(pm->in->process, err);
	if (plugin_process_why_ended(pm->in->process, &why) < 0)
		(*err)->kind = ERROR_GONE;
	return -1;
}

/* Its artifact has to be asked for at once; a failure has been dealt with as -on-error says. */
static int take_result(struct plugin_machine *pm, struct build_ctx *ctx, struct artifact **ret,
		       struct error **err)
{
	const struct packed *reply;
	uint32_t id = 0;

	*ret = NULL;
	if (instance_answer(pm->in, &reply, err) < 0) {
		pm->m.decides_itself = true;
		return failed(pm, err);
	}
	if (packed_uint32(reply, &id, err) < 0)
		return -1;
	if (!id)
		return 0;
	*ret = plugin_artifact_new(pm->in, id, ctx->cancel, err);
	return *ret ? 0 : -1;
}

static int boot(struct machine *m, struct build_ctx *ctx, struct error **err)
{
	struct plugin_machine *pm = of(m);
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;

	pm->in = plugin_prepared(pm->config, ctx->info, ctx->cancel, err);
	if (!pm->in)
		return plugin_failed(NULL, err);
	pm->in->build = ctx;
	pm->service = instance_offer(pm->in, pm->services);
	pack_uint(&arg, pm->service->id);
	if (instance_start(pm->in, "Builder.Run", &arg, ctx->cancel, err) < 0)
		return failed(pm, err);
	while (!pm->hook && !pm->in->is_answered) {
		if (instance_wait(pm->in, DEADLINE_NEVER, ctx->cancel, err) < 0)
			return failed(pm, err);
		pm->hook = instance_next_aside(pm->in, &(struct rpc_server *){ NULL });
	}
	if (pm->hook)
		return enter(pm, ctx, err);
	m->is_sealed = true;
	return take_result(pm, ctx, &pm->built, err);
}

/* Its Run has ended although we are at work: the machine is not to be had any more. */
static int why_ended(void *machine, struct error **err)
{
	struct plugin_machine *pm = machine;
	const struct packed *reply;

	if (!pm->in || (instance_pump(pm->in, err) == 0 && !pm->in->is_answered))
		return 0;
	if (!pm->in->is_answered || !pm->hook)
		return -!!*err;
	error_free(TAKE(*err));
	if (instance_answer(pm->in, &reply, err) == 0)
		return error_set(err, ERROR_GONE, "its builder ended while it was provisioned");
	(*err)->kind = ERROR_GONE;
	return -1;
}

/* ---- down --------------------------------------------------------------------------------------------- */

static int await_result(struct plugin_machine *pm, struct cancel *c, struct error **err)
{
	while (!pm->in->is_answered)
		if (instance_wait(pm->in, DEADLINE_NEVER, c, err) < 0)
			return -1;
	return 0;
}

static int finish(struct machine *m, struct build_ctx *ctx, struct artifact **ret,
		  struct error **err)
{
	struct plugin_machine *pm = of(m);

	if (m->is_sealed) {
		*ret = TAKE(pm->built);
		return 0;
	}
	if (m->comm)
		plugin_comm_hang_up(m->comm);
	answer_hook(pm, NULL);
	if (await_result(pm, ctx->cancel, err) < 0)
		return failed(pm, err);
	return take_result(pm, ctx, ret, err);
}

/* It still has a machine: it is told, and cleans up. */
static void wind_up(struct plugin_machine *pm, struct build_ctx *ctx)
{
	const char *name = plugin_process_name(pm->in->process);
	AUTO(error) struct error *e = NULL;

	pm->in->answers_cleanup = true;
	if (pm->m.is_cancelled || !pm->hook)
		instance_cancel(pm->in, "Builder", pm->service);
	answer_hook(pm, pm->m.is_cancelled ? "context canceled" : FAILED_HOOK);
	if (await_result(pm, ctx->cancel, &e) < 0)
		ui_error(ctx->ui,
			 "warning: the plugin %s did not end its clean-up: %s. What it has made "
			 "may be "
			 "left behind; it alone knows what that is.",
			 name, e->message);
}

static void free_machine(struct plugin_machine *pm)
{
	rpc_request_free(pm->hook);
	comm_close(pm->m.own_comm);
	artifact_unref(pm->built);
	instance_unref(pm->in);
	map_release(&pm->m.generated);
	free(pm);
}

static void destroy(struct machine *m, struct build_ctx *ctx, bool keep_output)
{
	struct plugin_machine *pm = of(m);
	AUTO(error) struct error *e = NULL;

	if (pm->in && pm->in->call && !pm->in->is_answered &&
	    plugin_process_why_ended(pm->in->process, &e) == 0)
		wind_up(pm, ctx);
	free_machine(pm);
}

/* Killed, it cannot clean up; left alone with a connection that breaks it would. */
static void leave(struct machine *m, struct build_ctx *ctx)
{
	struct plugin_machine *pm = of(m);

	if (pm->in && !pm->in->is_answered) {
		plugin_process_kill(pm->in->process);
		ui_error(ctx->ui,
			 "left behind: what the plugin %s has made for this build; it alone knows "
			 "what that is",
			 plugin_process_name(pm->in->process));
	}
	free_machine(pm);
}

/* ---- the row ---------------------------------------------------------------------------------------------- */

static const struct machine_ops machine_ops = {
	.boot = boot,
	.finish = finish,
	.destroy = destroy,
	.why_ended = why_ended,
	.leave = leave,
};

static struct machine *start(const void *config, struct build_ctx *ctx, struct checkpoint *from,
			     struct error **err)
{
	struct plugin_machine *pm = NEW(struct plugin_machine);

	*pm = (struct plugin_machine){
		.m = { .ops = &machine_ops, .watch_fd = -1, .cleanup_seconds = CLEANUP_SECONDS },
		.config = config,
		.services = { { "Hook", serve_hook, pm }, { "Ui", serve_ui, NULL } },
	};
	value_map_init(&pm->m.generated);
	return &pm->m;
}

void plugin_builder_row(struct builder_type *row)
{
	row->prepare = plugin_prepare;
	row->start = start;
	row->generated = plugin_generated_names;
}
