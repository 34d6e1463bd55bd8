/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of key.c and its sisters only: a key being made. */
#pragma once

#include "base/digest.h"
#include "base/strv.h"
#include "core/key.h"

struct key_making {
	const struct key_maker *m;
	struct step_key *key;  /* filled */
	struct digest *digest; /* of the key */
	struct digest *stamp;  /* of what the kernel says of local files */
	struct map globbed;    /* files that patterns of cache_inputs have brought */
	const char *login;     /* the password of the login: the machine knows it anyway; or NULL */
	struct strv paths;     /* local files and directories that have taken part */
	bool may_lack;    /* files that cannot be read are left out: nothing is reused anyway */
	struct map names; /* of inputs: how many have it */
};

enum key_text {
	KEY_BYTES, /* no marks */
	KEY_TEXT,  /* lines are marked */
};
/* Something takes part: `field` in the key, `name` for people. */
void key_add(struct key_making *k, const char *field, const char *name, const void *data,
	     size_t len, enum key_text kind);
/* The same of something that is known by its digest only. */
void key_add_digest(struct key_making *k, const char *field, const char *name, const char *hex);
/* Takes part in the key without being shown. */
void key_add_hidden(struct key_making *k, const char *field, const void *data, size_t len);
/* Heap; the first reason stays. */
PRINTF(2, 3) void key_never(struct key_making *k, const char *fmt, ...);

/* key_files.c: a path as the template has it. `what`: of the attribute, for people. Paths mean the
 * working directory. */
MUST_CHECK int key_add_path(struct key_making *k, const char *what, const char *path,
			    bool is_script, struct error **err);
/* A path that the component names itself; nothing if it has taken part. */
MUST_CHECK int key_add_further(struct key_making *k, const char *path, struct error **err);
/* All files that a pattern of cache_inputs matches. */
MUST_CHECK int key_add_pattern(struct key_making *k, const char *pattern, struct error **err);

/* key_env.c: can a script with this text see what scripts are told of the build? */
bool key_names_build(const char *text, size_t len);
