/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the evidence of failed runs is kept for people: STATE/failures/TIME-RUN,
 * of which the newest 20 stay. Not in the journal: it is meant to be left.
 */
#pragma once

#include "base/error.h"

/* The directory of a run that starts now; made only when there is something to keep. Heap. */
char *failures_dir(const char *state_dir, const char *run_uuid);
/* Removes the oldest ones. */
MUST_CHECK int failures_trim(const char *state_dir, struct error **err);
