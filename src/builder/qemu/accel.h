/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can guests be accelerated here? That /dev/kvm opens proves nothing: it may
 * refuse to make a machine, and some make one that never runs. So unless the
 * processor rules it out, QEMU itself starts a firmware of 200 bytes that must
 * count in memory and say so in time. The outcome holds for this boot of the
 * host and is kept in the state directory; parallel builds wait for one probe.
 */
#pragma once

#include "base/error.h"
#include "core/journal.h"
#include "os/cancel.h"

#include <stdint.h>

struct accel_query {
	const char *binary; /* qemu-system-x86_64, name or path */
	const char *wanted; /* the template's accelerator; NULL or "": not said */
	const char *state_dir, *temp_dir;
	struct journal *journal;
	char *const *environ;
	/* Where to look; NULL: /dev/kvm and /proc/cpuinfo. */
	const char *device, *cpuinfo;
	int64_t patience; /* ns until a guest that says nothing hangs; 0: 3 s */
};

struct accel_choice {
	const char *accel; /* static: "kvm", "tcg", …; or `wanted` */
	char *why;         /* heap: why it is not kvm, for people; NULL when it is as wanted */
};
void accel_choice_release(struct accel_choice *choice);

/* Only a wanted accelerator other than kvm is taken without a look. */
MUST_CHECK int accel_choose(const struct accel_query *q, struct cancel *c, struct accel_choice *ret,
			    struct error **err);

/* The probe alone, for any accelerator ("tcg" in tests): 0 with NULL in *ret_why when the guest
 * ran, else the reason (heap). */
MUST_CHECK int accel_probe(const struct accel_query *q, const char *accel, struct cancel *c,
			   char **ret_why, struct error **err);
