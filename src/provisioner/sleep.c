/* SPDX-License-Identifier: Apache-2.0 */
/* Waits (provisioners.md 13). */
#include "base/duration.h"
#include "core/component.h"
#include "os/wait.h"

struct sleep_config {
	int64_t duration;
};

static const struct attr sleep_attrs[] = {
	ATTR_DURATION(struct sleep_config, duration, 0, "How long; 0 returns at once.", .def = "0"),
	ATTR_END,
};
static const struct schema sleep_schema = SCHEMA(struct sleep_config, sleep_attrs);

static int sleep_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	const struct sleep_config *c = config;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	duration_format(&text, c->duration);
	ui_wait(ctx->build->ui, "%s to pass", text.buf);
	return io_pause(clock_deadline(c->duration), ctx->build->cancel, err);
}

const struct provisioner_type provisioner_sleep = {
	.name = "sleep",
	.doc = "Waits.",
	.schema = &sleep_schema,
	.run = sleep_run,
};
