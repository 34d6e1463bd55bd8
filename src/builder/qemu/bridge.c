/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/bridge.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/argv.h"
#include "builder/qemu/hardware.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"
#include "os/wait.h"

#include <stdlib.h>
#include <string.h>

enum {
	CARDS = 256,
	QEMU_LAST_BYTE = 0x56, /* of the address that every first card of QEMU has */
};
/* For a guest that the bridge has seen, but that has not talked to the host. */
static const int64_t FIRST_KNOCK = NSEC_PER_SEC;
static const int64_t KNOCK_AGAIN = 3 * NSEC_PER_SEC;

int bridge_check(const char *name, struct interface *ret, struct error **err)
{
	if (interface_find(name, ret, err) == 0)
		return 0;
	if (ret->index) {
		error_prefix(err, "Error getting an IPv4 address from the bridge %s", name);
		return error_hint(err,
				  "the guest is reached, and reaches the HTTP server, over the "
				  "bridge's own address: ip address add … dev %s",
				  name);
	}
	error_prefix(err, "Error getting the bridge %s interface", name);
	return error_hint(err, "'ip link show type bridge' lists the bridges of this host");
}

/*
 * QEMU gives every guest the same card, which two on one network cannot have.
 * The first of our builds keeps it, because DHCP servers may know it; others
 * take the next one that is free: always the same few, so that they do not
 * use up a server's addresses.
 */
static int choose_card(struct bridge *b, struct build_ctx *ctx, struct error **err)
{
	AUTO_FREE char *dir = path_join(ctx->dirs->cache, "mac");

	if (fs_mkdir_all(dir, 0755, err) < 0)
		return -1;
	for (int i = 0; i < CARDS; i++) {
		int last = (QEMU_LAST_BYTE + i) % CARDS;
		AUTO_FREE char *mac = xasprintf("52:54:00:12:34:%02x", (unsigned)last);
		AUTO_FREE char *path = path_join(dir, mac);
		AUTO(error) struct error *e = NULL;

		if (lock_try(path, &b->mac_lock, &e) == 0) {
			b->mac = i ? TAKE(mac) : NULL;
			return 0;
		}
		if (e->kind != ERROR_EXISTS)
			return error_move(err, TAKE(e));
	}
	return error_set(err, ERROR_EXISTS, "%d guests are on bridges at the same time: no more",
			 CARDS);
}

int bridge_open(struct bridge *b, const struct qemu_config *c, struct build_ctx *ctx,
		struct error **err)
{
	if (text_is_empty(c->net_bridge))
		return 0;
	if (bridge_check(c->net_bridge, &b->host, err) < 0 || choose_card(b, ctx, err) < 0)
		return -1;
	b->neighbours = neighbours_open(&b->host, err);
	return b->neighbours ? 0 : -1;
}

/* ---- the guest's address ------------------------------------------------------------------ */

struct watch {
	struct bridge *b;
	struct guest *guest;
	struct cancel *cancel;
	unsigned char mac[MAC_BYTES];
	struct neighbour_sight sight;
	int64_t deadline, next_knock; /* next_knock 0: nobody is there */
};

static int find_card(struct watch *w, struct error **err)
{
	AUTO_FREE char *text = NULL;

	if (hardware_mac(guest_monitor(w->guest), QEMU_NETDEV_ID, w->cancel, &text, err) < 0)
		return error_hint(err, "where the template connects the guest by itself it must "
				       "tell ssh_host (or winrm_host), too");
	if (!mac_parse(text, w->mac))
		return error_set(err, ERROR_REMOTE, "QEMU tells '%s' as address of the card", text);
	return 0;
}

static void knock_in_time(struct watch *w)
{
	if (w->sight.is_there && !w->next_knock)
		w->next_knock = clock_deadline(FIRST_KNOCK);
	if (!w->next_knock || clock_monotonic() < w->next_knock)
		return;
	neighbours_knock(w->b->neighbours);
	w->next_knock = clock_deadline(KNOCK_AGAIN);
}

static int wait_for_news(struct watch *w, struct error **err)
{
	struct pollfd fds[] = {
		{ .fd = neighbours_fd(w->b->neighbours), .events = POLLIN },
		{ .fd = guest_watch_fd(w->guest), .events = POLLIN },
	};
	int64_t until = w->next_knock ? MIN(w->next_knock, w->deadline) : w->deadline;
	AUTO(error) struct error *e = NULL;

	if (io_wait_many(fds, ARRAY_LEN(fds), until, w->cancel, &e) < 0) {
		if (e->kind != ERROR_TIMEOUT || clock_monotonic() >= w->deadline)
			return error_move(err, TAKE(e));
		error_ignore(&e, "time to knock");
	}
	return guest_check(w->guest, false, err);
}

static int64_t patience(const struct comm_config *c)
{
	return text_eq(c->communicator, "winrm") ? c->winrm_timeout : c->ssh_timeout;
}

static int say_nobody(const struct qemu_config *c, const struct watch *w, struct error **err)
{
	error_ignore(err, "said better below");
	error_set(err, ERROR_TIMEOUT,
		  "Timeout waiting for the guest's address in the %s network bridge",
		  c->net_bridge);
	return error_hint(
		err, w->sight.is_there
			     ? "the guest sends, but nobody answers for its card with an "
			       "address of the bridge's network: does it get one by DHCP? If it "
			       "has one in another network set ssh_host"
			     : "the guest has sent nothing on the bridge: does it bring its "
			       "network up, with a driver for net_device?");
}

int bridge_wait(struct bridge *b, const struct qemu_config *c, struct guest *guest,
		struct build_ctx *ctx, struct error **err)
{
	int64_t ns = patience(&c->comm);
	struct watch w = { .b = b,
			   .guest = guest,
			   .cancel = ctx->cancel,
			   .deadline = ns ? clock_deadline(ns) : DEADLINE_NEVER };

	ui_say(ctx->ui,
	       "Waiting for the guest address to become available in the %s network bridge...",
	       c->net_bridge);
	if (find_card(&w, err) < 0)
		return -1;
	for (;;) {
		if (neighbours_look(b->neighbours, w.mac, &w.sight, err) < 0)
			return -1;
		if (*w.sight.address)
			break;
		knock_in_time(&w);
		if (wait_for_news(&w, err) == 0)
			continue;
		if ((*err)->kind == ERROR_TIMEOUT && clock_monotonic() >= w.deadline)
			return say_nobody(c, &w, err);
		return -1;
	}
	b->guest_address = xstrdup(w.sight.address);
	ui_say(ctx->ui, "The guest has the address %s", b->guest_address);
	return 0;
}

void bridge_release(struct bridge *b)
{
	neighbours_close(b->neighbours);
	fd_close(fd_take(&b->mac_lock));
	free(b->mac);
	free(b->guest_address);
	*b = (struct bridge){ BRIDGE_INIT };
}
