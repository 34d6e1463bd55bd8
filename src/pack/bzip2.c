/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bzip2: each block becomes a stream of its own, and a file of several streams
 * is what bunzip2 and all other readers take for one, as pbzip2 makes them. One
 * stream would need the blocks to be shifted by bits, for nothing that a
 * reader could see.
 */
#include "base/alloc.h"
#include "base/macro.h"
#include "os/library.h"
#include "pack/codec.h"

#include <bzlib.h>
#include <pthread.h>
#include <stdlib.h>

enum { UNIT = 100 * 1000, LEVEL_MAX = 9, THREAD_MEMORY = 12 * 1024 * 1024 };

struct bzip2_library {
	__typeof__(BZ2_bzBuffToBuffCompress) *compress;
};
static const struct library_symbol symbols[] = {
	{ "BZ2_bzBuffToBuffCompress", offsetof(struct bzip2_library, compress) },
};
static const struct library_spec spec = {
	.soname = "libbz2.so.1.0",
	.package = "libbz2-1.0",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

struct bzip2_codec {
	struct codec codec;
	struct bzip2_library lib;
	int level;
};

/* It keeps nothing from block to block. */
static void *worker_new(const struct codec *c, struct error **err)
{
	return (void *)(uintptr_t)c;
}

static void worker_free(void *worker)
{
}

static int bzip2_compress(void *worker, struct block *b, const atomic_bool *stop,
			  struct error **err)
{
	const struct bzip2_codec *z = worker;
	unsigned room = (unsigned)(b->len + b->len / 100 + 600); /* what the manual promises */
	char *out = strbuf_reserve(&b->out, room);
	int r = z->lib.compress(out, &room, (char *)b->in, (unsigned)b->len, z->level, 0, 0);

	if (r != BZ_OK)
		return error_set(err, ERROR_FAILED, "cannot compress with bzip2: error %d", r);
	strbuf_advance(&b->out, room);
	return 0;
}

static void codec_free(struct codec *c)
{
	free(c);
}

static const struct codec_ops bzip2_ops = {
	.worker_new = worker_new,
	.worker_free = worker_free,
	.compress = bzip2_compress,
	.free = codec_free,
};

struct codec *bzip2_codec_new(int level, struct error **err)
{
	struct bzip2_codec *z = NEW(struct bzip2_codec);

	if (library_load(&spec, &z->lib, err) < 0) {
		free(z);
		return NULL;
	}
	z->level = level > 0 ? MIN(level, (int)LEVEL_MAX) : LEVEL_MAX;
	z->codec.ops = &bzip2_ops;
	z->codec.block = (size_t)z->level * UNIT;
	z->codec.thread_memory = THREAD_MEMORY;
	z->codec.wants_a_block = true;
	return &z->codec;
}
