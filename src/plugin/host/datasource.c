/* SPDX-License-Identifier: Apache-2.0 */
/* A data source of a plugin (plugin-protocol.md 6.6): before there are builds. */
#include "base/duration.h"
#include "os/clock.h"
#include "plugin/codec/cty.h"
#include "plugin/codec/schema.h"
#include "plugin/host/prepare.h"
#include "plugin/host/stop.h"

enum { SPEC_SECONDS = 60, EXECUTE_SECONDS = 1800 };

static const struct component_info no_build = { .build_name = "" };

static const struct packed *bytes_of(const struct packed *reply, const char *member,
				     struct error **err)
{
	const struct packed *bytes = packed_member(reply, member);

	if (bytes && (bytes->kind == PACKED_BYTES || bytes->kind == PACKED_TEXT))
		return bytes;
	error_set(err, ERROR_INVALID, "it answers without %s", member);
	return NULL;
}

static bool has_protobuf(const void *config)
{
	const struct foreign_config *f = config;

	return plugin_type_of(f->of)->component->binary->about.has_protobuf;
}

/* One question to the process that was prepared, and then it has done its duty. */
static const struct packed *ask(const void *config, const char *method, int64_t seconds,
				struct cancel *c, struct arena *arena, struct error **err)
{
	AUTO(instance) struct instance *in = plugin_prepared(config, &no_build, c, err);
	const struct packed *reply;

	if (!in)
		return NULL;
	reply = instance_ask(in, method, NULL, arena, clock_deadline(seconds * NSEC_PER_SEC), c,
			     err);
	if (!reply)
		plugin_failed(in, err);
	return reply;
}

static struct type *output_type(const void *config, const struct datasource_ctx *ctx,
				struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *reply =
		ask(config, "Datasource.OutputSpec", SPEC_SECONDS, ctx->cancel, arena, err);
	const struct packed *bytes = reply ? bytes_of(reply, "OutputSpec", err) : NULL;
	const struct spec *spec;
	bool is_new = has_protobuf(config);

	if (!bytes || (is_new ? schema_from_protobuf : schema_from_gob)(
			      bytes->bytes.p, bytes->bytes.len, arena, &spec, err) < 0)
		return NULL;
	return spec_type(spec);
}

static struct value *read_source(const void *config, const struct datasource_ctx *ctx,
				 struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct packed *reply =
		ask(config, "Datasource.Execute", EXECUTE_SECONDS, ctx->cancel, arena, err);
	const struct packed *bytes = reply ? bytes_of(reply, "Value", err) : NULL;

	if (!bytes)
		return NULL;
	return (has_protobuf(config) ? cty_from_msgpack : cty_from_gob)(bytes->bytes.p,
									bytes->bytes.len, err);
}

void plugin_datasource_row(struct datasource_type *row)
{
	row->prepare = plugin_prepare;
	row->output_type = output_type;
	row->read = read_source;
}
