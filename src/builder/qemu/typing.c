/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/typing.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "builder/qemu/boot_command.h"
#include "builder/qemu/keyboard.h"
#include "config/config.h"
#include "os/proc.h"
#include "os/wait.h"
#include "tmpl/tmpl.h"

#include <stdlib.h>
#include <string.h>

static const int64_t KEY_POLL = NSEC_PER_MSEC;
static const int64_t BOOT_WAIT = 10 * NSEC_PER_SEC;

struct typist {
	const struct typing *t;
	struct build_ctx *ctx;
	int64_t interval; /* the user's, between events; 0: none */
	struct keyboard keyboard;
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

static int wait_until_read(struct typist *ty, struct error **err)
{
	int64_t started = clock_monotonic();
	bool read = false;

	for (;;) {
		if (keyboard_is_read(&ty->keyboard, ty->ctx->cancel, &read, err) < 0)
			return -1;
		if (read || clock_monotonic() - started >= keyboard_patience(&ty->keyboard))
			break;
		if (pause_for(ty, KEY_POLL, err) < 0)
			return -1;
	}
	return pause_for(ty, keyboard_pace(&ty->keyboard), err);
}

/* As many as the keyboard keeps; *ret_n: how many that were. */
static int type_keys(struct typist *ty, const struct boot_events *events, size_t first,
		     size_t *ret_n, struct error **err)
{
	size_t max = ty->interval ? 1 : keyboard_batch(&ty->keyboard), n = 0;
	struct qmp_key keys[KEYBOARD_BATCH_MAX];

	for (; n < max && first + n < events->len && !events->items[first + n].wait; n++)
		keys[n] = (struct qmp_key){ events->items[first + n].qcode,
					    events->items[first + n].down };
	*ret_n = n;
	if (keyboard_send(&ty->keyboard, keys, n, ty->ctx->cancel, err) < 0)
		return -1;
	return ty->interval ? pause_for(ty, ty->interval, err) : wait_until_read(ty, err);
}

static int type_events(struct typist *ty, const struct boot_events *events, struct error **err)
{
	for (size_t i = 0, n = 1; i < events->len; i += n) {
		int64_t wait = events->items[i].wait;

		n = 1;
		if ((wait ? pause_for(ty, wait, err) : type_keys(ty, events, i, &n, err)) < 0)
			return -1;
	}
	return 0;
}

static char *render(const struct typist *ty, const char *text, struct error **err)
{
	const struct component_info *info = ty->ctx->info;
	const struct tmpl_ctx tc = {
		.data = ty->t->data,
		.data_type = "*qemu.bootCommandTemplateData",
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
	if (r == 0)
		r = type_events(ty, &events, err);
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

/* boot_key_interval, else the environment, else none. */
static int64_t key_interval(const struct typing *t, char *const *environ)
{
	const char *text = env_get(environ, "PACKER_KEY_INTERVAL");
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

static int type_all(struct typist *ty, struct error **err)
{
	const struct qemu_config *c = ty->t->config;
	AUTO_FREE char *joined = NULL;

	if (wait_for_boot(ty, err) < 0)
		return -1;
	ui_say(ty->ctx->ui, "Typing the boot command...");
	if (c->boot_steps.len)
		return type_steps(ty, &c->boot_steps, err);
	joined = qemu_config_boot_command(c);
	return type_text(ty, joined, err);
}

int type_boot_command(const struct typing *t, struct build_ctx *ctx, struct error **err)
{
	const struct qemu_config *c = t->config;
	struct typist ty = {
		.t = t,
		.ctx = ctx,
		.interval = key_interval(t, ctx->environ),
		.keyboard = { .kind = t->keyboard, .monitor = guest_monitor(t->guest) },
	};

	if ((!c->boot_command.len && !c->boot_steps.len) || c->disable_vnc)
		return 0;

	int r = type_all(&ty, err);

	keyboard_release(&ty.keyboard);
	return r;
}
