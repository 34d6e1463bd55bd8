/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/shutdown.h"

#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"

#include <string.h>

enum {
	POWER_BUTTON_SECONDS = 60,
	QUIT_SECONDS = 30, /* writing out what QEMU holds back */
};

/* Replaces a time-out of the wait by what it means here. */
static int wait_end(const struct shutdown *s, int64_t timeout, const char *text,
		    struct build_ctx *ctx, struct error **err)
{
	if (guest_wait_end(s->guest, clock_deadline(timeout), ctx->cancel, err) == 0)
		return 0;
	if ((*err)->kind != ERROR_TIMEOUT || !text)
		return -1;
	error_ignore(err, "said better below");
	return error_set(err, ERROR_TIMEOUT, "%s", text);
}

static int run_command(const struct shutdown *s, struct build_ctx *ctx, struct error **err)
{
	const struct comm_cmd cmd = { .command = s->config->shutdown_command };
	AUTO(cancel)
	struct cancel *c = cancel_new(ctx->cancel, clock_deadline(s->config->shutdown_timeout));
	int status;

	ui_say(ctx->ui, "Gracefully halting virtual machine...");
	if (s->comm->ops->exec(s->comm, &cmd, c, &status, err) == 0)
		return 0;
	if ((*err)->kind == ERROR_TIMEOUT) {
		error_ignore(err, "said better below");
		return error_set(err, ERROR_TIMEOUT,
				 "Timeout while waiting for machine to shut down.");
	}
	if ((*err)->kind == ERROR_DISCONNECTED || (*err)->kind == ERROR_GONE) {
		error_ignore(err, "that is what a guest does that shuts down");
		return 0;
	}
	return error_prefix(err, "Failed to send shutdown command");
}

/* The reference cuts the power here. A guest that hears the button keeps its data. */
static int press_button(const struct shutdown *s, struct build_ctx *ctx, struct error **err)
{
	int64_t patience = MIN(s->config->shutdown_timeout, POWER_BUTTON_SECONDS * NSEC_PER_SEC);

	ui_say(ctx->ui, "Halting the virtual machine...");
	if (guest_press_power(s->guest, ctx->cancel, err) == 0 &&
	    guest_wait_end(s->guest, clock_deadline(patience), ctx->cancel, err) == 0)
		return 0;
	if ((*err)->kind == ERROR_DISCONNECTED) {
		error_ignore(err, "it was ending already");
		return wait_end(s, patience, NULL, ctx, err);
	}
	if ((*err)->kind != ERROR_TIMEOUT)
		return -1;
	error_ignore(err, "then without the guest's help");
	ui_say(ctx->ui, "The guest does not react to its power button and is turned off; "
			"set shutdown_command to shut it down from inside.");
	if (qmp_command(guest_monitor(s->guest), "quit", clock_deadline(patience), ctx->cancel,
			err) < 0) {
		if ((*err)->kind != ERROR_DISCONNECTED)
			return -1;
		error_ignore(err, "gone faster than it could answer");
	}
	return wait_end(s, QUIT_SECONDS * NSEC_PER_SEC, NULL, ctx, err);
}

int shutdown_guest(const struct shutdown *s, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = s->config;

	ui_wait(ctx->ui, "the guest to shut down");
	if (!qemu_config_has_comm(c)) {
		ui_say(ctx->ui, "Waiting for shutdown...");
		return wait_end(s, c->shutdown_timeout, "Failed to shutdown", ctx, err);
	}
	if (guest_has_ended(s->guest))
		return wait_end(s, 0, NULL, ctx, err);
	if (text_is_empty(c->shutdown_command) || !s->comm)
		return press_button(s, ctx, err);
	if (run_command(s, ctx, err) < 0)
		return -1;
	return wait_end(s, c->shutdown_timeout, "Timeout while waiting for machine to shut down.",
			ctx, err);
}
