/* SPDX-License-Identifier: Apache-2.0 */
/* The builder `null`: provisions a machine that is already there (provisioners.md 15). */
#include "base/alloc.h"
#include "comm/config.h"
#include "core/component.h"

#include <stdlib.h>
#include <string.h>

struct null {
	struct comm_config comm;
};

static const struct attr null_attrs[] = {
	ATTR_INCLUDE(struct null, comm, struct comm_config, &comm_schema),
	ATTR_END,
};
static const struct schema null_schema = SCHEMA(struct null, null_attrs);

static bool is_set(const char *s)
{
	return s && *s;
}

static bool is_none(const struct comm_config *c)
{
	return !strcmp(c->communicator, "none");
}

static void null_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct comm_config *c = &((struct null *)config)->comm;
	struct range at = ctx->decoded->range;

	comm_config_prepare(c, ctx, diags);
	if (is_none(c))
		return;

	int methods = c->ssh_agent_auth + is_set(c->ssh_password) + is_set(c->ssh_private_key_file);

	if (!is_set(c->ssh_host))
		diags_error(diags, &at,
			    "a Host must be specified, please reference your communicator "
			    "documentation",
			    "%s", "");
	if (!is_set(c->ssh_username))
		diags_error(diags, &at,
			    "a Username must be specified, please reference your communicator "
			    "documentation",
			    "%s", "");
	if (!methods)
		diags_error(diags, &at,
			    "one authentication method must be specified, please reference your "
			    "communicator documentation",
			    "%s", "");
	if (methods > 1)
		diags_error(
			diags, &at,
			"only one of ssh_agent_auth, ssh_password, and ssh_private_key_file must "
			"be specified",
			"%s", "");
}

static int null_finish(struct machine *m, struct build_ctx *ctx, struct artifact **ret,
		       struct error **err)
{
	(void)m;
	(void)ctx;
	(void)err;
	*ret = artifact_new("fnoeding.null", "Null",
			    "Did not export anything. This is the null builder");
	return 0;
}

static void null_destroy(struct machine *m, struct build_ctx *ctx, bool keep_output)
{
	(void)ctx;
	(void)keep_output;
	map_release(&m->generated);
	free(m);
}

static const struct machine_ops null_ops = {
	.finish = null_finish,
	.destroy = null_destroy,
};

static struct machine *null_start(const void *config, struct build_ctx *ctx,
				  struct checkpoint *from, struct error **err)
{
	const struct comm_config *c = &((const struct null *)config)->comm;
	struct machine *m = NEW(struct machine);

	(void)ctx;
	(void)from;
	(void)err;
	*m = (struct machine){
		.ops = &null_ops,
		.watch_fd = -1,
		.comm_type = c->communicator,
		.comm_config = c,
		.target = { .host = c->ssh_host, .port = (int)c->ssh_port },
	};
	value_map_init(&m->generated);
	map_set(&m->generated, "ID", value_string("Null"));
	return m;
}

const struct builder_type builder_null = {
	.name = "null",
	.doc = "Provision a machine that is already there, or none.",
	.schema = &null_schema,
	.prepare = null_prepare,
	.start = null_start,
};
