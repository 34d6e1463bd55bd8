/* SPDX-License-Identifier: Apache-2.0 */
/* What a history consists of; internal to core/history*.c. */
#pragma once

#include "base/vec.h"
#include "core/history.h"

enum { HISTORY_RUNS = 5 /* whose durations are kept */ };

struct history_step {
	enum history_kind kind;
	size_t index;
	size_t chain;      /* of a post-processor */
	char *type, *name; /* name: NULL when it has none */
	char *key;         /* hex; NULL: unknown */
	bool is_noted; /* `key` and `inputs` say what decided it; not so in a run without a cache */
	struct key_inputs inputs;
	int64_t ran;                     /* wall, ns; 0: never */
	bool failed;                     /* the last time */
	int64_t durations[HISTORY_RUNS]; /* ns, the newest last */
	size_t duration_count;
	/* Of this run only. */
	enum history_outcome outcome;
	int64_t duration;
	const struct history_step *last; /* the same step in the last run; NULL: none */
};
VEC_DECLARE(history_steps, struct history_step);

struct history {
	char *dir, *path;
	struct redactor *redactor;
	char *version; /* of the program that wrote it; NULL: nobody did */
	struct history_steps then, now;
	bool is_matched; /* the `last` of all in `now` is set */
};

/* A place that the build has. */
struct history_step *history_find(const struct history *h, enum history_kind kind, size_t i);
/* Finds for each step of now the one of then. */
void history_match(struct history *h);
/* The same names with the same digests. */
bool history_inputs_equal(const struct key_inputs *a, const struct key_inputs *b);
