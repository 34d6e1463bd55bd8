/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/host/artifact.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"
#include "plugin/codec/cty.h"

#include <stdlib.h>

enum {
	ANSWER_SECONDS = 60,
	DESTROY_SECONDS = 600, /* in a cloud it takes its time */
};

/* What is behind artifact.remote. */
struct remote {
	struct instance *in;
	struct rpc_caller *caller;
};

static void close_remote(struct artifact *a)
{
	struct remote *r = a->remote;

	rpc_caller_free(r->caller);
	instance_unref(r->in);
	free(r);
}

bool plugin_artifact_is(const struct artifact *a)
{
	return a->remote && a->close == close_remote;
}

static const struct packed *ask(const struct remote *r, const char *method,
				const struct strbuf *arg, struct arena *arena, int64_t seconds,
				struct cancel *outer, struct error **err)
{
	AUTO(cancel)
	struct cancel *c = cancel_new(outer, clock_deadline(seconds * NSEC_PER_SEC));
	const struct packed *reply;

	instance_watch(r->in, c);
	reply = rpc(r->caller, method, arg, arena, DEADLINE_NEVER, c, err);
	if (!reply)
		error_prefix(err, "the artifact of the plugin %s (%s)",
			     plugin_process_name(r->in->process), method);
	return reply;
}

static int ask_text(const struct remote *r, const char *method, char **ret, struct cancel *c,
		    struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *p = ask(r, method, NULL, arena, ANSWER_SECONDS, c, err);
	const char *text = NULL;

	if (!p || packed_text(p, &text, err) < 0)
		return -1;
	free(*ret);
	*ret = xstrdup(text ? text : "");
	return 0;
}

static int ask_files(const struct remote *r, struct strv *ret, struct cancel *c, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *p = ask(r, "Artifact.Files", NULL, arena, ANSWER_SECONDS, c, err);

	if (!p)
		return -1;
	for (size_t i = 0; p->kind == PACKED_ARRAY && i < p->many.len; i++) {
		const char *name = NULL;

		if (packed_text(&p->many.items[i], &name, err) < 0)
			return -1;
		if (name)
			strv_push(ret, name);
	}
	return 0;
}

int plugin_artifact_state(const struct artifact *a, const char *name, struct arena *arena,
			  const struct packed **ret, struct error **err)
{
	AUTO(strbuf) struct strbuf arg = STRBUF_INIT;

	pack_text(&arg, name);
	*ret = ask(a->remote, "Artifact.State", &arg, arena, ANSWER_SECONDS, NULL, err);
	return *ret ? 0 : -1;
}

/* build.* values for what follows; many have none. */
static int ask_generated(struct artifact *a, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *p;

	if (plugin_artifact_state(a, "generated_data", arena, &p, err) < 0)
		return -1;
	if (p->kind != PACKED_MAP)
		return 0;
	a->generated_data = value_from_packed(p, err);
	return a->generated_data ? 0 : -1;
}

/* An error is in the reply, or (of some) in its header. */
static int destroy(const struct artifact *a, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *p;
	const char *text = NULL;

	if (!a->remote)
		return error_set(err, ERROR_GONE, "its plugin has ended");
	p = ask(a->remote, "Artifact.Destroy", NULL, arena, DESTROY_SECONDS, NULL, err);
	if (!p)
		return -1;
	if (p->kind != PACKED_MAP)
		return 0;
	if (packed_text(packed_member(p, "Message"), &text, err) < 0)
		return -1;
	return error_set(err, ERROR_REMOTE, "%s", text ? text : "it cannot be removed");
}

struct artifact *plugin_artifact_new(struct instance *in, uint32_t id, struct cancel *c,
				     struct error **err)
{
	AUTO(cancel) struct cancel *watching = cancel_new(c, DEADLINE_NEVER);
	AUTO(artifact) struct artifact *a = artifact_new("", "", "");
	struct remote *r;
	struct stream *s;

	instance_watch(in, watching);
	s = broker_dial(plugin_process_broker(in->process), id, watching, err);
	if (!s) {
		error_prefix(err, "cannot ask the plugin %s for its artifact",
			     plugin_process_name(in->process));
		return NULL;
	}
	r = NEW(struct remote);
	*r = (struct remote){ instance_ref(in), rpc_caller_new(s) };
	a->remote = r;
	a->close = close_remote;
	a->destroy = destroy;
	if (ask_text(r, "Artifact.BuilderId", &a->builder_id, c, err) < 0 ||
	    ask_text(r, "Artifact.Id", &a->id, c, err) < 0 ||
	    ask_text(r, "Artifact.String", &a->text, c, err) < 0 ||
	    ask_files(r, &a->files, c, err) < 0 || ask_generated(a, err) < 0)
		return NULL;
	return TAKE(a);
}
