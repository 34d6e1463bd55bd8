/* SPDX-License-Identifier: Apache-2.0 */
/* Stops until somebody presses enter (provisioners.md 13). */
#include "base/path.h"
#include "core/component.h"

#include <stdlib.h>

struct breakpoint_config {
	const char *note;
	bool disable;
};

static const struct attr breakpoint_attrs[] = {
	ATTR_STRING(struct breakpoint_config, note, 0, "Shown when the build stops."),
	ATTR_BOOL(struct breakpoint_config, disable, 0, "Do not stop."),
	ATTR_END,
};
static const struct schema breakpoint_schema = SCHEMA(struct breakpoint_config, breakpoint_attrs);

static int breakpoint_run(const void *config, struct provision_ctx *ctx, struct error **err)
{
	const struct breakpoint_config *c = config;
	struct ui *ui = ctx->build->ui;
	AUTO_FREE char *answer = NULL;

	if (c->disable && text_is_empty(c->note))
		ui_say(ui, "Breakpoint provisioner disabled; continuing...");
	else if (c->disable)
		ui_say(ui, "Breakpoint provisioner with note \"%s\" disabled; continuing...",
		       c->note);
	else if (text_is_empty(c->note))
		ui_say(ui, "Pausing at breakpoint provisioner.");
	else
		ui_say(ui, "Pausing at breakpoint provisioner with note \"%s\".", c->note);
	if (c->disable)
		return 0;
	if (ui_ask(ui, "Press enter to continue.", ctx->build->cancel, &answer, err) == 0)
		return 0;
	if ((*err)->kind == ERROR_NOT_FOUND)
		error_hint(err, "a breakpoint needs a terminal; set disable = true where there is "
				"none");
	return error_prefix(err, "cannot stop at the breakpoint");
}

static const char *breakpoint_barrier(const void *config, bool declared)
{
	(void)declared;
	return ((const struct breakpoint_config *)config)->disable ? NULL : "it waits for a person";
}

const struct provisioner_type provisioner_breakpoint = {
	.name = "breakpoint",
	.doc = "Stops the build until somebody presses enter.",
	.schema = &breakpoint_schema,
	.run = breakpoint_run,
	.barrier = breakpoint_barrier,
};
