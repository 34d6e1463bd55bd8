/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as JSON: what -json prints and what the record of a run keeps.
 * docs/internals/events.md is the reference.
 */
#pragma once

#include "core/event.h"

struct json_t;

struct json_t *event_json(const struct event *ev); /* owned: json_decref() */
char *event_json_line(const struct json_t *event); /* heap, with its newline */
