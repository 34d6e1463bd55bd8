/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lz4's frame format. Blocks do not refer to each other and each has a
 * checksum of its own, so a frame is a header, blocks as the library makes
 * them, and a mark of the end. A checksum of the whole would have to be made
 * in one go.
 */
#include "base/alloc.h"
#include "base/macro.h"
#include "os/library.h"
#include "pack/codec.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK = 4 * 1024 * 1024,
	HEADER = 7, /* of a frame that tells no size */
	END_MARK = 4,
	THREAD_MEMORY = 20 * 1024 * 1024,
	LEVEL_MAX = 9,
};

struct lz4_library {
	__typeof__(LZ4F_compressFrame) *compress;
	__typeof__(LZ4F_compressFrameBound) *bound;
	__typeof__(LZ4F_isError) *is_error;
	__typeof__(LZ4F_getErrorName) *error_name;
};
#define SYMBOL(name, member)                                                                       \
	{                                                                                          \
		"LZ4F_" #name, offsetof(struct lz4_library, member)                                \
	}
static const struct library_symbol symbols[] = {
	SYMBOL(compressFrame, compress),
	SYMBOL(compressFrameBound, bound),
	SYMBOL(isError, is_error),
	SYMBOL(getErrorName, error_name),
};
static const struct library_spec spec = {
	.soname = "liblz4.so.1",
	.package = "liblz4-1",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

struct lz4_codec {
	struct codec codec;
	struct lz4_library lib;
	LZ4F_preferences_t preferences;
};

static void *worker_new(const struct codec *c, struct error **err)
{
	return (void *)(uintptr_t)c;
}

static void worker_free(void *worker)
{
}

/* A frame of these bytes; of `out` only what is new. */
static int add_frame(const struct lz4_codec *z, const void *in, size_t len, struct strbuf *out,
		     struct error **err)
{
	size_t room = z->lib.bound(len, &z->preferences);
	char *at = strbuf_reserve(out, room);
	size_t made = z->lib.compress(at, room, in, len, &z->preferences);

	if (z->lib.is_error(made))
		return error_set(err, ERROR_FAILED, "cannot compress with lz4: %s",
				 z->lib.error_name(made));
	strbuf_advance(out, made);
	return 0;
}

/* The block of such a frame. */
static int lz4_compress(void *worker, struct block *b, const atomic_bool *stop, struct error **err)
{
	if (add_frame(worker, b->in, b->len, &b->out, err) < 0)
		return -1;
	strbuf_truncate(&b->out, b->out.len - END_MARK);
	strbuf_remove(&b->out, 0, HEADER);
	return 0;
}

/* The header of a frame of full blocks. */
static int lz4_begin(struct codec *c, struct strbuf *ret, struct error **err)
{
	AUTO_FREE char *zeros = xcalloc(1, BLOCK);

	if (add_frame((struct lz4_codec *)c, zeros, BLOCK, ret, err) < 0)
		return -1;
	strbuf_truncate(ret, HEADER);
	return 0;
}

static int lz4_end(struct codec *c, struct strbuf *ret, struct error **err)
{
	strbuf_addchars(ret, '\0', END_MARK);
	return 0;
}

static void codec_free(struct codec *c)
{
	free(c);
}

static const struct codec_ops lz4_ops = {
	.worker_new = worker_new,
	.worker_free = worker_free,
	.compress = lz4_compress,
	.begin = lz4_begin,
	.end = lz4_end,
	.free = codec_free,
};

struct codec *lz4_codec_new(int level, struct error **err)
{
	struct lz4_codec *z = NEW(struct lz4_codec);

	if (library_load(&spec, &z->lib, err) < 0) {
		free(z);
		return NULL;
	}
	z->preferences = (LZ4F_preferences_t){
		.frameInfo = { .blockSizeID = LZ4F_max4MB,
			       .blockMode = LZ4F_blockIndependent,
			       .blockChecksumFlag = LZ4F_blockChecksumEnabled },
		.compressionLevel = level > 0 ? MIN(level, (int)LEVEL_MAX) : 0,
	};
	z->codec.ops = &lz4_ops;
	z->codec.block = BLOCK;
	z->codec.thread_memory = THREAD_MEMORY;
	return &z->codec;
}
