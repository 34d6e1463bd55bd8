/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/keyboard.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "builder/qemu/hardware.h"
#include "os/clock.h"

#include <stdlib.h>
#include <string.h>

/* UEFI takes one character every 20 ms from a USB keyboard. A PS/2 keyboard says when it is empty, but
 * see firmware_has_room(). */
static const int64_t PACE_USB = 12 * NSEC_PER_MSEC;
static const int64_t PACE_ONE_BY_ONE = 4 * NSEC_PER_MSEC;
/* A keyboard that nobody reads is not waited for longer: the guest may have another one. A USB key
 * that stays down repeats after 250 ms. */
static const int64_t UNREAD = 500 * NSEC_PER_MSEC;
static const int64_t UNREAD_DOWN = 100 * NSEC_PER_MSEC;
/* A boot loader on a busy host. */
static const int64_t UNREAD_FIRMWARE = 3 * NSEC_PER_SEC;
static const int64_t ANSWER = 10 * NSEC_PER_SEC;

/*
 * The guest's place in the queue of what has happened on the controller: Event
 * Ring Dequeue Pointer of interrupter 0, in the runtime registers that QEMU
 * keeps at 0x1000. It moves when a key was handled, as nothing else is
 * connected.
 */
enum { XHCI_DEQUEUE_POINTER = 0x1000 + 0x20 + 0x18 };

void keyboard_release(struct keyboard *k)
{
	free(k->usb_before);
	k->usb_before = NULL;
}

/* The part of a monitor's answer behind `after`; NULL: it refused, or says something else. */
static int ask(struct keyboard *k, const char *line, char after, struct cancel *c, char **ret,
	       struct error **err)
{
	AUTO_FREE char *answer = NULL;
	AUTO(error) struct error *refusal = NULL;

	*ret = NULL;
	if (qmp_monitor_line(k->monitor, line, clock_deadline(ANSWER), c, &answer, &refusal) < 0) {
		if (refusal->kind == ERROR_REMOTE)
			return 0;
		*err = TAKE(refusal);
		return -1;
	}

	const char *value = strchr(answer, after);

	if (value)
		*ret = str_dup(str_trim(str_of(value + 1)));
	return 0;
}

/*
 * A PC's firmware takes a key from the controller at once and keeps up to 15 of
 * them for a boot loader, which may need long for each (GRUB draws its screen
 * anew) and to which the 16th is lost. Where its ring begins and ends stands in
 * the BIOS data area, 40:1A and 40:1C. A system that drives the keyboard itself
 * leaves the ring as it was: then it is not waited for.
 *
 * No ring: UEFI. Its driver takes what the controller has every 20 ms (sooner
 * when somebody wants a key), keeps 31 codes and makes a key of one of them at
 * a time; so it must not be given more than that.
 */
static int firmware_has_room(struct keyboard *k, struct cancel *c, bool *ret, struct error **err)
{
	enum { RING_BEGIN = 0x1e, RING_END = 0x3e, RING_FULL = 6 };
	AUTO_FREE char *words = NULL;
	int64_t head = 0, tail = 0;

	*ret = true;
	k->has_ring = false;
	if (ask(k, "xp /2hx 0x41a", ':', c, &words, err) < 0)
		return -1;

	struct str second, first = str_split(str_of(words), ' ', &second);
	AUTO_FREE char *begin = str_dup(first);
	AUTO_FREE char *end = str_dup(str_trim(second));

	if (!text_starts_with(begin, "0x") || !parse_int64(begin + 2, 16, &head) ||
	    !text_starts_with(end, "0x") || !parse_int64(end + 2, 16, &tail) || head < RING_BEGIN ||
	    head >= RING_END || tail < RING_BEGIN || tail >= RING_END)
		return 0;

	k->has_ring = true;

	int64_t kept = (tail - head + RING_END - RING_BEGIN) % (RING_END - RING_BEGIN) / 2;

	if (kept < RING_FULL) {
		k->full_since = 0;
	} else if (!k->full_since || k->full_at != head) {
		k->full_since = clock_monotonic();
		k->full_at = head;
		*ret = false;
	} else {
		*ret = clock_monotonic() - k->full_since > UNREAD_FIRMWARE;
	}
	return 0;
}

/* Bit 0 of the controller's status: output buffer full. */
static int ps2_is_read(struct keyboard *k, struct cancel *c, bool *ret, struct error **err)
{
	AUTO_FREE char *hex = NULL;
	int64_t status;

	if (ask(k, "i /xb 0x64", '=', c, &hex, err) < 0)
		return -1;
	if (!hex || !text_starts_with(hex, "0x") || !parse_int64(hex + 2, 16, &status) ||
	    status == 0xff)
		k->kind = QEMU_KEYBOARD_UNKNOWN; /* nothing is there: all bits float */
	else
		*ret = !(status & 1);
	return *ret ? firmware_has_room(k, c, ret, err) : 0;
}

static int usb_read_register(struct keyboard *k, struct cancel *c, char **ret, struct error **err)
{
	AUTO_FREE char *line = xasprintf("xp /1gx 0x%llx", (unsigned long long)k->usb_register);

	return ask(k, line, ':', c, ret, err);
}

static int usb_prepare(struct keyboard *k, struct cancel *c, struct error **err)
{
	uint64_t region;

	keyboard_release(k);
	/* each time: firmware puts it somewhere, and then the system somewhere else */
	if (hardware_pci_region(k->monitor, QEMU_USB_ID, c, &region, err) < 0)
		return -1;
	if (!region) /* the guest has not come to it yet */
		return 0;
	k->usb_register = region + XHCI_DEQUEUE_POINTER;
	return usb_read_register(k, c, &k->usb_before, err);
}

static int usb_is_read(struct keyboard *k, struct cancel *c, bool *ret, struct error **err)
{
	AUTO_FREE char *now = NULL;

	if (!k->usb_before)
		return 0;
	if (usb_read_register(k, c, &now, err) < 0)
		return -1;
	*ret = !text_eq(now, k->usb_before);
	return 0;
}

/* A PS/2 keyboard keeps 16 bytes, and nearly all keys are one or two. */
size_t keyboard_batch(const struct keyboard *k)
{
	return k->kind == QEMU_KEYBOARD_PS2 && k->has_ring ? KEYBOARD_BATCH_MAX : 1;
}

int keyboard_send(struct keyboard *k, const struct qmp_key *keys, size_t n, struct cancel *c,
		  struct error **err)
{
	k->is_down = keys[n - 1].down;
	if (k->kind == QEMU_KEYBOARD_USB && usb_prepare(k, c, err) < 0)
		return -1;
	return qmp_send_keys(k->monitor, keys, n, clock_deadline(ANSWER), c, err);
}

int keyboard_is_read(struct keyboard *k, struct cancel *c, bool *ret, struct error **err)
{
	*ret = true;
	switch (k->kind) {
	case QEMU_KEYBOARD_PS2:
		return ps2_is_read(k, c, ret, err);
	case QEMU_KEYBOARD_USB:
		return usb_is_read(k, c, ret, err);
	case QEMU_KEYBOARD_UNKNOWN:
		break;
	}
	return 0;
}

int64_t keyboard_patience(const struct keyboard *k)
{
	if (k->full_since)
		return INT64_MAX; /* it has a limit of its own */
	return k->kind == QEMU_KEYBOARD_USB && k->is_down ? UNREAD_DOWN : UNREAD;
}

int64_t keyboard_pace(const struct keyboard *k)
{
	if (k->kind != QEMU_KEYBOARD_PS2)
		return PACE_USB;
	return k->has_ring ? 0 : PACE_ONE_BY_ONE;
}
