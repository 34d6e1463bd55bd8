/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for us in comments, which other tools do not see, on the lines right
 * above a block or an argument that begins its line:
 *
 *   # ingot: cache=false cache_ttl=24h
 *   provisioner "shell" {
 */
#pragma once

#include "base/str.h"
#include "config/loader.h"

/* Where the word in work stands. */
struct comment {
	struct loader *l;
	const struct source *source;
	int line;
};
typedef void (*comment_word_fn)(const struct comment *c, struct str word, void *data);

/* Hands over each word of the comments above `at`. JSON has none. */
void comment_read(struct loader *l, struct range at, comment_word_fn word, void *data);
/* A warning that points at `word`. */
PRINTF(3, 4) void comment_complain(const struct comment *c, struct str word, const char *fmt, ...);
