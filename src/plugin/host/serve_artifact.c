/* SPDX-License-Identifier: Apache-2.0 */
/* Artifact: what a post-processor of a plugin asks of its input (plugin-protocol.md 6.11). */
#include "base/alloc.h"
#include "base/str.h"
#include "plugin/codec/cty.h"
#include "plugin/host/artifact.h"
#include "plugin/host/serve.h"

static void add_files(struct strbuf *reply, const struct artifact *a)
{
	if (!a->files.len) {
		pack_nil(reply);
		return;
	}
	pack_array(reply, a->files.len);
	for (size_t i = 0; i < a->files.len; i++)
		pack_text(reply, a->files.v[i]);
}

/* What another plugin says is passed on as it came. */
static int add_state(struct strbuf *reply, const struct artifact *a, const struct packed *arg,
		     struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *raw;
	const char *name = NULL;
	const struct value *v;

	if (packed_text(arg, &name, err) < 0)
		return -1;
	if (!name)
		name = "";
	if (plugin_artifact_is(a)) {
		if (plugin_artifact_state(a, name, arena, &raw, err) < 0)
			return -1;
		if (raw->kind != PACKED_NIL) {
			strbuf_add(reply, raw->raw, raw->raw_len);
			return 0;
		}
	}
	v = a->state ? value_get(a->state, name) : NULL;
	if (text_eq(name, "generated_data"))
		v = a->generated_data;
	if (v)
		value_pack(reply, v);
	else
		pack_nil(reply);
	return 0;
}

static void add_destroyed(struct strbuf *reply, const struct artifact *a)
{
	AUTO(error) struct error *e = NULL;

	if (artifact_destroy(a, &e) == 0) {
		pack_nil(reply);
		return;
	}
	pack_map(reply, 1);
	pack_text(reply, "Message");
	pack_text(reply, e->message);
}

int serve_artifact(struct instance *in, struct rpc_server *s, struct rpc_request *r, void *data,
		   struct error **err)
{
	AUTO(strbuf) struct strbuf reply = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	const struct artifact *a = data;
	const char *what = strrchr(r->method, '.') + 1;

	if (text_eq(what, "BuilderId"))
		pack_text(&reply, a->builder_id);
	else if (text_eq(what, "Id"))
		pack_text(&reply, a->id);
	else if (text_eq(what, "String"))
		pack_text(&reply, a->text);
	else if (text_eq(what, "Files"))
		add_files(&reply, a);
	else if (text_eq(what, "Destroy"))
		add_destroyed(&reply, a);
	else if (!text_eq(what, "State"))
		error_set(&e, ERROR_INVALID, "rpc: can't find method %s", r->method);
	else if (add_state(&reply, a, r->arg, &e) < 0)
		assert(e);
	return e ? serve_error(s, r, e->message, err) : serve_reply(s, r, &reply, err);
}
