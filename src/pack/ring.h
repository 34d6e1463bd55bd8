/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks that their owner fills in order, threads compress in any order, and the owner takes in
 * order: what is under way is bounded. Knows no format; of the codec it calls what runs on threads.
 */
#pragma once

#include "base/error.h"
#include "os/cancel.h"
#include "pack/codec.h"

#include <stddef.h>

struct ring_spec {
	struct codec *codec;
	/* The next in order is done. On the owner's thread, from make_room() and flush(). */
	int (*take)(void *owner, const struct block *b, struct error **err);
	void *owner;
	int threads; /* at most; one starts when there is work for it */
	size_t blocks;
	struct cancel *cancel; /* ends a wait; NULL only if a block is done soon */
};

struct ring;
struct ring *ring_new(const struct ring_spec *spec, struct error **err);
void ring_free(struct ring *r); /* ends the threads; what was not taken is dropped */
DEFINE_AUTO(ring, struct ring *, ring_free);

/* The block to fill, with room for as much as the codec takes at once. There is one at first, and
 * after make_room(). */
struct block *ring_block(struct ring *r);
/* It is filled. `made`: another that is taken in its place, as it is; NULL: it is compressed. */
MUST_CHECK int ring_push(struct ring *r, const struct block *made, struct error **err);
/* Takes what is done, and waits only if there is no other block to fill. */
MUST_CHECK int ring_make_room(struct ring *r, struct error **err);
/* Takes all. */
MUST_CHECK int ring_flush(struct ring *r, struct error **err);
