/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up components with every kind of argument, for tests of config and plan. */
#pragma once

#include "core/component.h"

#include <string.h>

struct fake_disk {
	const char *label;
	int64_t size;
	bool boot;
};
static const struct attr fake_disk_attrs[] = {
	ATTR_INT(struct fake_disk, size, ATTR_REQUIRED, "Size in MiB.", .min = 1, .max = 4096),
	ATTR_BOOL(struct fake_disk, boot, 0, "Boot from it."),
	ATTR_END,
};
static const struct schema fake_disk_schema =
	SCHEMA_LABELLED(struct fake_disk, fake_disk_attrs, "name", label);

struct fake_net {
	const char *user, *password;
};
static const struct attr fake_net_attrs[] = {
	ATTR_STRING(struct fake_net, user, 0, "Who logs in."),
	ATTR_STRING(struct fake_net, password, ATTR_SENSITIVE, "How.", .requires_ = "user"),
	ATTR_END,
};
static const struct schema fake_net_schema = SCHEMA(struct fake_net, fake_net_attrs);

struct fake {
	const char *target, *mode, *late, *old, *ignored;
	int64_t memory, wait;
	bool headless;
	enum tribool flag;
	struct text_list names;
	struct int_list ports;
	struct text_map tags;
	struct text_table args;
	struct value *extra;
	const void *limits;
	struct block_list disk;
	struct fake_net net;
};

static const char *const fake_modes[] = { "fast", "slow", NULL };
static const struct attr fake_attrs[] = {
	ATTR_STRING(struct fake, target, ATTR_REQUIRED, "Where the result goes."),
	ATTR_STRING(struct fake, mode, 0, "How.", .choices = fake_modes, .def = "fast"),
	ATTR_STRING(struct fake, late, ATTR_LATE, "Rendered when it runs."),
	ATTR_STRING(struct fake, old, ATTR_DEPRECATED, "The old way.", .replacement = "mode"),
	ATTR_STRING(struct fake, ignored, ATTR_IGNORED, "There is no such thing here."),
	ATTR_INT(struct fake, memory, 0, "Memory in MiB.", .def = "512", .min = 32),
	ATTR_DURATION(struct fake, wait, 0, "How long to wait.", .def = "90s"),
	ATTR_BOOL(struct fake, headless, 0, "No window.", .conflicts = "flag"),
	ATTR_TRIBOOL(struct fake, flag, 0, "Maybe.", .conflicts = "headless"),
	ATTR_STRINGS(struct fake, names, 0, "Names.", .def = "a,b"),
	ATTR_INTS(struct fake, ports, 0, "Ports.", .min = 1, .max = 65535),
	ATTR_MAP(struct fake, tags, 0, "Tags."),
	ATTR_TABLE(struct fake, args, 0, "Arguments."),
	ATTR_VALUE(struct fake, extra, 0, "Anything."),
	ATTR_BLOCK(struct fake, limits, 0, &fake_disk_schema, "One block."),
	ATTR_BLOCKS(struct fake, disk, 0, &fake_disk_schema, "Disks."),
	ATTR_INCLUDE(struct fake, net, struct fake_net, &fake_net_schema),
	ATTR_END,
};
static const struct schema fake_schema = SCHEMA(struct fake, fake_attrs);

static void fake_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct fake *f = config;
	if (f->target && !strcmp(f->target, "bad")) {
		struct range at = decoded_range(ctx->decoded, "target");
		diags_error(diags, &at, "target 'bad' cannot be used", "%s", "");
	}
	if (f->target && !strcmp(f->target, "doubtful"))
		diags_warning(diags, NULL, "target 'doubtful' is risky", "Think again.");
}

struct fake_shell {
	struct text_list inline_, environment_vars;
	const char *execute_command, *script;
};
static const struct attr fake_shell_attrs[] = {
	{ .name = "inline",
	  .kind = ATTR_KIND_STRINGS,
	  .offset = offsetof(struct fake_shell, inline_),
	  .doc = "Commands." },
	ATTR_STRINGS(struct fake_shell, environment_vars, 0, "K=V."),
	ATTR_STRING(struct fake_shell, execute_command, ATTR_LATE, "How.",
		    .def = "{{.Vars}} {{.Path}}"),
	ATTR_STRING(struct fake_shell, script, ATTR_LOCAL_FILE, "A file."),
	ATTR_END,
};
static const struct schema fake_shell_schema = SCHEMA(struct fake_shell, fake_shell_attrs);

static void fake_shell_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct fake_shell *s = config;
	(void)ctx;
	if (s->inline_.len == 0 && !s->script)
		diags_error(diags, NULL, "Either a script file or inline script must be specified.",
			    "%s", "");
}

static const char *const fake_generated[] = { "Extra", NULL };
static const struct builder_type fake_builder = {
	.name = "fake",
	.schema = &fake_schema,
	.prepare = fake_prepare,
	.generated_names = fake_generated,
};
static const struct builder_type other_builder = { .name = "other", .schema = &fake_net_schema };
static const struct provisioner_type fake_shell_type = {
	.name = "shell",
	.schema = &fake_shell_schema,
	.prepare = fake_shell_prepare,
};
static const struct postproc_type manifest_type = { .name = "manifest",
						    .schema = &fake_net_schema };
static const struct postproc_type compress_type = { .name = "compress",
						    .schema = &fake_schema,
						    .prepare = fake_prepare };

struct fake_data {
	const char *text, *problem, *password;
};
static const struct attr fake_data_attrs[] = {
	ATTR_STRING(struct fake_data, text, 0, "Comes out twice."),
	ATTR_STRING(struct fake_data, problem, 0, "Reading fails with it."),
	ATTR_STRING(struct fake_data, password, ATTR_SENSITIVE, "Nobody sees it."),
	ATTR_END,
};
static const struct schema fake_data_schema = SCHEMA(struct fake_data, fake_data_attrs);
static const struct datasource_output fake_data_outputs[] = {
	{ "twice", &type_string, "The text, twice." },
	{ "tags", NULL, "A map." },
	{ 0 },
};

static void fake_data_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	const struct fake_data *f = config;
	(void)ctx;
	if (!f->text)
		diags_error(diags, NULL, "the `text` must be specified", "%s", "");
}

static struct value *fake_data_read(const void *config, const struct datasource_ctx *ctx,
				    struct error **err)
{
	const struct fake_data *f = config;
	AUTO(strbuf) struct strbuf twice = STRBUF_INIT;
	struct map tags, fields;
	(void)ctx;
	if (f->problem) {
		error_set(err, ERROR_FAILED, "%s", f->problem);
		error_hint(err, "try something else");
		return NULL;
	}
	strbuf_addf(&twice, "%s%s", f->text, f->text);
	value_map_init(&tags);
	map_set(&tags, "len", value_string(strlen(f->text) > 3 ? "long" : "short"));
	value_map_init(&fields);
	map_set(&fields, "twice", value_string(twice.buf));
	map_set(&fields, "tags", value_map_take(type_string, &tags));
	return value_object_take(&fields);
}

static const struct datasource_type fake_data_type = {
	.name = "fake",
	.schema = &fake_data_schema,
	.outputs = fake_data_outputs,
	.prepare = fake_data_prepare,
	.read = fake_data_read,
};
static const struct datasource_type other_data_type = {
	.name = "other",
	.schema = &fake_data_schema,
	.outputs = fake_data_outputs,
	.read = fake_data_read,
};

static const struct builder_type *const case_builders[] = { &fake_builder, &other_builder, NULL };
static const struct provisioner_type *const case_provisioners[] = { &fake_shell_type, NULL };
static const struct postproc_type *const case_postprocs[] = { &compress_type, &manifest_type,
							      NULL };
static const struct datasource_type *const case_datasources[] = { &fake_data_type, &other_data_type,
								  NULL };
static const struct components case_components = {
	.datasources = case_datasources,
	.builders = case_builders,
	.provisioners = case_provisioners,
	.postprocs = case_postprocs,
};
