/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyboard that a guest is typed to. A keyboard that is not read keeps only
 * a few keys; so one asks it, as far as it can be asked, whether the guest has
 * read the last one.
 */
#pragma once

#include "builder/qemu/argv.h"
#include "builder/qemu/qmp.h"

struct keyboard {
	enum qemu_keyboard kind;
	struct qmp *monitor;
	bool is_down;          /* what was sent last */
	bool has_ring;         /* a PC's BIOS keeps keys; known after the first one */
	int64_t full_since;    /* when the firmware's buffer was first seen full; 0: it is not */
	int64_t full_at;       /* its first key then */
	uint64_t usb_register; /* guest-physical */
	char *usb_before;      /* what it held before the key; NULL: cannot be told */
};

void keyboard_release(struct keyboard *k);
/* How many events may be sent before one has to ask. */
enum { KEYBOARD_BATCH_MAX = 6 };
size_t keyboard_batch(const struct keyboard *k);
/* Presses and releases keys: at most keyboard_batch(). */
MUST_CHECK int keyboard_send(struct keyboard *k, const struct qmp_key *keys, size_t n,
			     struct cancel *c, struct error **err);
/* Has the guest read them? True, too, when nobody can tell. */
MUST_CHECK int keyboard_is_read(struct keyboard *k, struct cancel *c, bool *ret,
				struct error **err);
/* How long to wait for that, ns. */
int64_t keyboard_patience(const struct keyboard *k);
/* How long a key may be worked at after it was read, ns. */
int64_t keyboard_pace(const struct keyboard *k);
