/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as it was after a finished step: its files are an image of the engine, by which a layer of the
 * store stands (core/away_image.h); here is the rest, a file in the entry. What runs in it and what is in memory is
 * not kept.
 */
#pragma once

#include "comm/docker/inspect.h"

struct kept {
	char *image;   /* id; NULL: nothing was done in it yet, so it is its source */
	char *tool;    /* command line of the engine that has it */
	char *variant; /* the image as `command` names it */
	char *exec_user;
	struct docker_facts source; /* the image that the build began with */
	struct strv env;            /* where the tool finds its daemon */
	struct strv command; /* words after `run --name NAME`, without volumes; empty: not kept */
};
#define KEPT_INIT                                                                                  \
	{                                                                                          \
		.source = DOCKER_FACTS_INIT, .env = STRV_INIT, .command = STRV_INIT                \
	}
void kept_release(struct kept *k);
static inline void auto_kept(struct kept *k)
{
	kept_release(k);
}

/* Is it the entry of a container? */
bool kept_is_in(const char *dir);
/* ERROR_INVALID: it says nothing that can be used. */
MUST_CHECK int kept_read(const char *dir, struct kept *ret, struct error **err);
MUST_CHECK int kept_write(const char *dir, const struct kept *k, struct error **err);
