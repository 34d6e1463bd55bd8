/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long silences. Where there are no live lines, a step that hangs looks like
 * one that works: after a while without a word a build says what it waits for,
 * and again after twice that time, and so on.
 */
#pragma once

#include "base/vec.h"
#include "core/event.h"

/* What is known of one build. */
struct silent_build {
	char *name; /* NULL: not heard of yet */
	bool running;
	char *step, *waiting_for;
	int index, total;
	int64_t last_word, next_notice; /* monotonic */
};
VEC_DECLARE(silent_builds, struct silent_build);

struct silence {
	int64_t patience; /* ns; <= 0: never says anything */
	struct silent_builds builds;
};

void silence_release(struct silence *s);
/* Every event of the builds. */
void silence_note(struct silence *s, const struct event *ev);
/* Once a second or so: calls back with messages that are due. */
void silence_check(struct silence *s, int64_t now, void (*say)(void *data, const struct event *ev),
		   void *data);
