/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of a disk on their way from one reader to several writers. There is a fixed number of them: the
 * reader gets an empty one, fills it, gives it to all lanes at once, and it is empty again when the last
 * lane has let go of it. So the slowest lane decides how far the others may be ahead, and memory is
 * bounded. The only thing that the threads of a copy share: a mutex inside, never held for a wait.
 */
#pragma once

#include "base/error.h"
#include "disk/writer.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DISK_PIECE = 8 * DISK_CHUNK, DISK_LANES_MAX = 32 };

struct disk_piece {
	unsigned char *bytes; /* DISK_PIECE of them */
	uint64_t offset;
	size_t len;
	unsigned data;           /* bit i: chunk i is not all zero */
	int users;               /* lanes that have it; the queue's */
	struct disk_piece *next; /* the queue's */
};

struct disk_queue;

MUST_CHECK int disk_queue_new(size_t lanes, size_t pieces, struct disk_queue **ret,
			      struct error **err);
/* No thread uses it any more. Pieces that were taken are freed, too. */
void disk_queue_free(struct disk_queue *q);
DEFINE_AUTO(disk_queue, struct disk_queue *, disk_queue_free);

/* The reader's side. An empty piece; NULL at once when there is none. */
struct disk_piece *disk_queue_try(struct disk_queue *q);
/* The same, waits for it. */
MUST_CHECK int disk_queue_take(struct disk_queue *q, struct cancel *c, struct disk_piece **ret,
			       struct error **err);
void disk_queue_give(struct disk_queue *q, struct disk_piece *p);  /* to all lanes */
void disk_queue_again(struct disk_queue *q, struct disk_piece *p); /* it is empty still */
void disk_queue_end(struct disk_queue *q);                         /* nothing more will come */

/* A lane's side: its next piece, NULL after the last one; waits for it. */
MUST_CHECK int disk_queue_next(struct disk_queue *q, size_t lane, struct cancel *c,
			       struct disk_piece **ret, struct error **err);
void disk_queue_done(struct disk_queue *q, struct disk_piece *p);
