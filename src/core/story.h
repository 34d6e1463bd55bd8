/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened in a run, told by its events: the object {"builds": […], "errors": […]} of a
 * record. Events come from the run itself or from the file that it left.
 */
#pragma once

struct json_t;

struct json_t *story_new(void); /* owned: json_decref() */
/* `event` as event_json() makes it; anything else is ignored. */
void story_add(struct json_t *story, const struct json_t *event);
/* The build of this name; made if it has not been heard of. Borrowed. */
struct json_t *story_build(struct json_t *story, const char *name);
