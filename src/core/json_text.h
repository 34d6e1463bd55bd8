/* SPDX-License-Identifier: Apache-2.0 */
/* Making JSON of what a run says; internal to core/. */
#pragma once

struct json_t;
struct artifact;

/* JSON is UTF-8: other bytes, as commands print them, become U+FFFD. */
struct json_t *json_text(const char *text);
void json_set_text(struct json_t *o, const char *key, const char *text); /* NULL: not at all */
struct json_t *artifact_json(const struct artifact *a);
