/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of a container engine as layers of the store of finished steps (STORE_AWAY). The note on one has its
 * name, which is made for it alone, and which engine has it. A builder makes them; who collects the store
 * has those removed that became garbage, through the engine's command line. Rules as of containers that a
 * dead run left: only by such a tool, only names that were made for that.
 */
#pragma once

#include "cache/store.h"

#define AWAY_IMAGE_REPOSITORY "ingot-step"

struct away_image {
	const char *tool;   /* command line of the engine */
	const char *name;   /* ingot-step:ID */
	const char *image;  /* its id; NULL: it is being made */
	const char *daemon; /* what the engine calls itself; NULL: not known */
	int64_t bytes;      /* of what it adds */
};
/* `env`: where the tool finds its daemon. */
struct json_t *away_image_note(const struct away_image *i, char *const *env); /* owned */
/* Borrows from the note. False: it is none of an image, or one that may not be touched. */
bool away_image_read(const struct json_t *note, struct away_image *ret);

/* Removes those that no step needs any more. One that cannot be reached, or that somebody uses, stays for the
 * next time. Returns how many are left. */
size_t away_images_remove(struct store *s, struct cancel *c);
