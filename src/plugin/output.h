/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin writes to its standard error: its log. Every line goes to the
 * debug log, and the end is kept for the message when the plugin dies: the last
 * lines, or the first of a crash report, which is longer and begins with the
 * reason.
 */
#pragma once

#include "base/strbuf.h"
#include "base/strv.h"

#include <pthread.h>
#include <stdbool.h>

struct plugin_output {
	char *area;           /* "packer-plugin-x plugin", in the log */
	char *build;          /* whose thread has started it, or NULL */
	pthread_mutex_t lock; /* guards all below */
	struct strbuf line;
	struct strv end;
	bool is_crash; /* `end` begins with its first line */
};

void plugin_output_init(struct plugin_output *o, const char *name);
void plugin_output_release(struct plugin_output *o);
/* Reads what is there, up to a bound; does not wait. False at the end. */
bool plugin_output_read(struct plugin_output *o, int fd);
/* ": LINE", or lines below each other; nothing if it has written nothing. */
void plugin_output_quote(struct plugin_output *o, struct strbuf *sb);
