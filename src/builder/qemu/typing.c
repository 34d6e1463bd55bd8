/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/typing.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "builder/qemu/boot_command.h"
#include "config/config.h"
#include "os/wait.h"
#include "tmpl/tmpl.h"

#include <stdlib.h>
#include <string.h>

/*
 * KEY_PACE lets the guest do something with a key; firmware keeps 15 of them.
 * A keyboard controller that nobody reads is not waited for longer than
 * KEY_UNREAD: the guest may have another keyboard.
 */
static const int64_t KEY_PACE = 4 * NSEC_PER_MSEC;
static const int64_t KEY_UNREAD = 500 * NSEC_PER_MSEC;
static const int64_t KEY_POLL = NSEC_PER_MSEC;
static const int64_t BOOT_WAIT = 10 * NSEC_PER_SEC;
static const int64_t ANSWER = 10 * NSEC_PER_SEC;

struct typist {
	const struct typing *t;
	struct build_ctx *ctx;
	int64_t interval;    /* the user's, between events; 0: none */
	bool has_controller; /* an i8042, whose state can be asked */
};

/* Until the deadline; ends early when the guest does. */
static int pause_for(const struct typist *ty, int64_t ns, struct error **err)
{
	int64_t deadline = clock_deadline(ns);
	int fd = guest_watch_fd(ty->t->guest);

	for (;;) {
		AUTO(error) struct error *e = NULL;

		if (io_wait(fd, POLLIN, deadline, ty->ctx->cancel, &e) < 0) {
			if (e->kind == ERROR_TIMEOUT && clock_monotonic() >= deadline)
				return 0;
			*err = TAKE(e);
			return -1;
		}
		if (guest_check(ty->t->guest, false, err) < 0)
			return -1;
	}
}

/* Has the guest read what the controller holds? Bit 0 of its status: output buffer full. */
static int is_read(struct typist *ty, bool *ret, struct error **err)
{
	AUTO_FREE char *answer = NULL;
	AUTO(error) struct error *refusal = NULL;
	int64_t status;

	*ret = true;
	if (qmp_monitor_line(guest_monitor(ty->t->guest), "i /xb 0x64", clock_deadline(ANSWER),
			     ty->ctx->cancel, &answer, &refusal) < 0) {
		if (refusal->kind != ERROR_REMOTE) {
			*err = TAKE(refusal);
			return -1;
		}
		ty->has_controller = false;
		return 0;
	}

	const char *value = strchr(answer, '=');
	AUTO_FREE char *hex = value ? str_dup(str_trim(str_of(value + 1))) : NULL;

	if (!hex || !text_starts_with(hex, "0x") || !parse_int64(hex + 2, 16, &status) ||
	    status == 0xff)
		ty->has_controller = false; /* nothing is there: all bits float */
	else
		*ret = !(status & 1);
	return 0;
}

static int wait_until_read(struct typist *ty, struct error **err)
{
	int64_t deadline = clock_deadline(KEY_UNREAD);
	bool read = false;

	while (ty->has_controller && !read && clock_monotonic() < deadline) {
		if (is_read(ty, &read, err) < 0)
			return -1;
		if (!read && pause_for(ty, KEY_POLL, err) < 0)
			return -1;
	}
	return pause_for(ty, KEY_PACE, err);
}

static int type_event(struct typist *ty, const struct boot_event *ev, struct error **err)
{
	const struct qmp_key key = { ev->qcode, ev->down };

	if (ev->wait)
		return pause_for(ty, ev->wait, err);
	if (qmp_send_key(guest_monitor(ty->t->guest), &key, clock_deadline(ANSWER), ty->ctx->cancel,
			 err) < 0)
		return -1;
	return ty->interval ? pause_for(ty, ty->interval, err) : wait_until_read(ty, err);
}

static char *render(const struct typist *ty, const char *text, struct error **err)
{
	const struct component_info *info = ty->ctx->info;
	const struct tmpl_ctx tc = {
		.data = ty->t->data,
		.build_name = info->source_name,
		.build_type = info->builder_type,
		.user = info->user_variables,
		.world = info->world,
		.packer_version = COMPAT_VERSION,
	};
	char *rendered = tmpl_render(text, &tc, err);

	if (!rendered)
		error_prefix(err, "Error preparing boot command");
	return rendered;
}

static int type_text(struct typist *ty, const char *text, struct error **err)
{
	AUTO_FREE char *rendered = render(ty, text, err);
	struct boot_events events = { 0 };
	size_t untyped = 0;
	int r = -1;

	if (!rendered)
		return -1;
	if (boot_command_parse(rendered, &events, &untyped, err) < 0)
		error_prefix(err, "Error generating boot command");
	else
		r = 0;
	if (untyped)
		ui_error(ty->ctx->ui,
			 "Warning: %zu characters of the boot command are on no US keyboard; they "
			 "are left out.",
			 untyped);
	for (size_t i = 0; r == 0 && i < events.len; i++)
		r = type_event(ty, &events.items[i], err);
	vec_release(&events);
	return r;
}

static int type_steps(struct typist *ty, const struct text_table *steps, struct error **err)
{
	for (size_t i = 0; i < steps->len; i++) {
		const struct text_list *row = &steps->v[i];

		if (!row->len)
			continue;
		if (row->len > 1 && !text_is_empty(row->v[1]))
			ui_say(ty->ctx->ui, "Typing boot command for: %s", row->v[1]);
		if (type_text(ty, row->v[0], err) < 0)
			return -1;
	}
	return 0;
}

static const char *environment(char *const *environ, const char *prefix)
{
	for (size_t i = 0; environ && environ[i]; i++)
		if (text_starts_with(environ[i], prefix))
			return environ[i] + strlen(prefix);
	return NULL;
}

/* boot_key_interval, else the environment, else none. */
static int64_t key_interval(const struct typing *t, char *const *environ)
{
	const char *text = environment(environ, "PACKER_KEY_INTERVAL=");
	AUTO(error) struct error *e = NULL;
	int64_t ns = 0;

	if (t->config->boot_key_interval > 0)
		return t->config->boot_key_interval;
	if (!text_is_empty(text) && duration_parse(text, &ns, &e) < 0)
		return 0;
	return MAX(ns, 0);
}

static int wait_for_boot(const struct typist *ty, struct error **err)
{
	int64_t ns = ty->t->config->boot_wait ? ty->t->config->boot_wait : BOOT_WAIT;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (ns < 0)
		return 0;
	duration_format(&text, ns);
	ui_say(ty->ctx->ui, "Waiting %s for boot...", text.buf);
	return pause_for(ty, ns, err);
}

int type_boot_command(const struct typing *t, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = t->config;
	struct typist ty = {
		.t = t,
		.ctx = ctx,
		.interval = key_interval(t, ctx->environ),
		.has_controller = true,
	};
	AUTO_FREE char *joined = NULL;

	if ((!c->boot_command.len && !c->boot_steps.len) || c->disable_vnc)
		return 0;
	if (wait_for_boot(&ty, err) < 0)
		return -1;
	ui_say(ctx->ui, "Typing the boot command...");
	if (c->boot_steps.len)
		return type_steps(&ty, &c->boot_steps, err);
	joined = qemu_config_boot_command(c);
	return type_text(&ty, joined, err);
}
