/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xz: one stream of blocks that tell their sizes, so that readers may take
 * them apart on several threads, too; the index at its end is made from what
 * the blocks tell.
 */
#include "base/alloc.h"
#include "base/macro.h"
#include "os/library.h"
#include "pack/codec.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

enum {
	MIB = 1024 * 1024,
	BLOCK_MIN = MIB,
	BLOCK_DICTIONARIES = 3, /* as xz does it; of larger ones one */
	LARGE_DICTIONARY = 8 * MIB + 1,
	LEVEL_MAX = 9,
	SLICE = 256 * 1024, /* between two looks at whether to stop */
	INDEX_MAX = 64 * MIB,
};

struct xz_library {
	__typeof__(lzma_lzma_preset) *preset;
	__typeof__(lzma_raw_encoder_memusage) *memory;
	__typeof__(lzma_block_header_size) *block_header_size;
	__typeof__(lzma_block_header_encode) *block_header_encode;
	__typeof__(lzma_block_encoder) *block_encoder;
	__typeof__(lzma_block_buffer_bound) *block_bound;
	__typeof__(lzma_block_buffer_encode) *block_encode;
	__typeof__(lzma_block_unpadded_size) *block_unpadded_size;
	__typeof__(lzma_code) *code;
	__typeof__(lzma_end) *end;
	__typeof__(lzma_index_init) *index_init;
	__typeof__(lzma_index_end) *index_end;
	__typeof__(lzma_index_append) *index_append;
	__typeof__(lzma_index_size) *index_size;
	__typeof__(lzma_index_buffer_encode) *index_encode;
	__typeof__(lzma_stream_header_encode) *header_encode;
	__typeof__(lzma_stream_footer_encode) *footer_encode;
};
#define SYMBOL(name, member)                                                                       \
	{                                                                                          \
		"lzma_" #name, offsetof(struct xz_library, member)                                 \
	}
static const struct library_symbol symbols[] = {
	SYMBOL(lzma_preset, preset),
	SYMBOL(raw_encoder_memusage, memory),
	SYMBOL(block_header_size, block_header_size),
	SYMBOL(block_header_encode, block_header_encode),
	SYMBOL(block_encoder, block_encoder),
	SYMBOL(block_buffer_bound, block_bound),
	SYMBOL(block_buffer_encode, block_encode),
	SYMBOL(block_unpadded_size, block_unpadded_size),
	SYMBOL(code, code),
	SYMBOL(end, end),
	SYMBOL(index_init, index_init),
	SYMBOL(index_end, index_end),
	SYMBOL(index_append, index_append),
	SYMBOL(index_size, index_size),
	SYMBOL(index_buffer_encode, index_encode),
	SYMBOL(stream_header_encode, header_encode),
	SYMBOL(stream_footer_encode, footer_encode),
};
static const struct library_spec spec = {
	.soname = "liblzma.so.5",
	.package = "liblzma5",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

struct xz_codec {
	struct codec codec;
	struct xz_library lib;
	lzma_options_lzma options;
	lzma_filter filters[2];
	lzma_index *index;
};

struct xz_worker {
	const struct xz_codec *codec;
	lzma_stream stream; /* its memory serves the next block, too */
};

static int fail(lzma_ret r, struct error **err)
{
	return error_set(err, ERROR_FAILED, "cannot compress with xz: error %d", (int)r);
}

static void *worker_new(const struct codec *c, struct error **err)
{
	struct xz_worker *w = NEW(struct xz_worker);

	w->codec = (const struct xz_codec *)c;
	w->stream = (lzma_stream)LZMA_STREAM_INIT;
	return w;
}

static void worker_free(void *worker)
{
	struct xz_worker *w = worker;

	w->codec->lib.end(&w->stream);
	free(w);
}

static lzma_block block_of(const struct xz_codec *z, const struct block *b)
{
	return (lzma_block){
		.check = LZMA_CHECK_CRC64,
		.compressed_size = z->lib.block_bound(b->len),
		.uncompressed_size = b->len,
		.filters = (lzma_filter *)(uintptr_t)z->filters,
	};
}

/* False: it is to stop, or did not get smaller. */
static bool encode(struct xz_worker *w, struct block *b, unsigned char *out, size_t room,
		   const atomic_bool *stop)
{
	lzma_stream *s = &w->stream;
	lzma_ret r = LZMA_OK;

	s->next_in = b->in;
	s->next_out = out;
	s->avail_out = room;
	for (size_t at = 0; r == LZMA_OK; at += SLICE) {
		if (*stop || at > b->len)
			return false;
		s->avail_in = MIN((size_t)SLICE, b->len - at);
		r = w->codec->lib.code(s, at + SLICE >= b->len ? LZMA_FINISH : LZMA_RUN);
		if (s->avail_in) /* it is full */
			return false;
	}
	return r == LZMA_STREAM_END;
}

/* What does not get smaller: the library stores it as it is. */
static int store(const struct xz_codec *z, struct block *b, struct error **err)
{
	lzma_block block = block_of(z, b);
	size_t room = z->lib.block_bound(b->len), at = 0;
	lzma_ret r = z->lib.block_encode(&block, NULL, b->in, b->len,
					 (uint8_t *)strbuf_reserve(&b->out, room), &at, room);

	if (r != LZMA_OK)
		return fail(r, err);
	strbuf_advance(&b->out, at);
	b->check = z->lib.block_unpadded_size(&block);
	return 0;
}

static int xz_compress(void *worker, struct block *b, const atomic_bool *stop, struct error **err)
{
	struct xz_worker *w = worker;
	const struct xz_codec *z = w->codec;
	lzma_block block = block_of(z, b);
	size_t room = z->lib.block_bound(b->len);
	lzma_ret r = z->lib.block_header_size(&block);

	if (r == LZMA_OK)
		r = z->lib.block_encoder(&w->stream, &block);
	if (r != LZMA_OK)
		return fail(r, err);

	unsigned char *out = (unsigned char *)strbuf_reserve(&b->out, room);

	if (!encode(w, b, out + block.header_size, room - block.header_size, stop))
		return *stop ? 0 : store(z, b, err);
	r = z->lib.block_header_encode(&block, out); /* the sizes are known now */
	if (r != LZMA_OK)
		return fail(r, err);
	strbuf_advance(&b->out, block.header_size + w->stream.total_out);
	b->check = z->lib.block_unpadded_size(&block);
	return 0;
}

static int xz_begin(struct codec *c, struct strbuf *ret, struct error **err)
{
	const struct xz_codec *z = (struct xz_codec *)c;
	const lzma_stream_flags flags = { .check = LZMA_CHECK_CRC64 };
	lzma_ret r = z->lib.header_encode(&flags,
					  (uint8_t *)strbuf_reserve(ret, LZMA_STREAM_HEADER_SIZE));

	strbuf_advance(ret, LZMA_STREAM_HEADER_SIZE);
	return r == LZMA_OK ? 0 : fail(r, err);
}

static int xz_took(struct codec *c, const struct block *b, struct error **err)
{
	struct xz_codec *z = (struct xz_codec *)c;
	lzma_ret r = z->lib.index_append(z->index, NULL, b->check, b->len);

	return r == LZMA_OK ? 0 : fail(r, err);
}

static int xz_end(struct codec *c, struct strbuf *ret, struct error **err)
{
	const struct xz_codec *z = (struct xz_codec *)c;
	const lzma_vli size = z->lib.index_size(z->index);
	const lzma_stream_flags flags = { .check = LZMA_CHECK_CRC64, .backward_size = size };
	size_t at = 0;
	lzma_ret r;

	assert(size <= INDEX_MAX);
	r = z->lib.index_encode(z->index, (uint8_t *)strbuf_reserve(ret, size), &at, size);
	strbuf_advance(ret, at);
	if (r == LZMA_OK)
		r = z->lib.footer_encode(&flags,
					 (uint8_t *)strbuf_reserve(ret, LZMA_STREAM_HEADER_SIZE));
	strbuf_advance(ret, LZMA_STREAM_HEADER_SIZE);
	return r == LZMA_OK ? 0 : fail(r, err);
}

static void codec_free(struct codec *c)
{
	struct xz_codec *z = (struct xz_codec *)c;

	if (z->lib.index_end)
		z->lib.index_end(z->index, NULL);
	free(z);
}

static const struct codec_ops xz_ops = {
	.worker_new = worker_new,
	.worker_free = worker_free,
	.compress = xz_compress,
	.begin = xz_begin,
	.took = xz_took,
	.end = xz_end,
	.free = codec_free,
};

struct codec *xz_codec_new(int level, struct error **err)
{
	struct xz_codec *z = NEW(struct xz_codec);
	size_t dictionary;

	z->codec.ops = &xz_ops;
	if (library_load(&spec, &z->lib, err) < 0) {
		codec_free(&z->codec);
		return NULL;
	}
	(void)z->lib.preset(&z->options,
			    level > 0 ? (uint32_t)MIN(level, (int)LEVEL_MAX) : LZMA_PRESET_DEFAULT);
	z->filters[0] = (lzma_filter){ .id = LZMA_FILTER_LZMA2, .options = &z->options };
	z->filters[1] = (lzma_filter){ .id = LZMA_VLI_UNKNOWN };
	z->index = z->lib.index_init(NULL);
	dictionary = z->options.dict_size;
	z->codec.block = dictionary < LARGE_DICTIONARY
				 ? MAX(dictionary * BLOCK_DICTIONARIES, (size_t)BLOCK_MIN)
				 : dictionary;
	z->codec.thread_memory =
		(int64_t)(z->lib.memory(z->filters) + 4 * z->codec.block); /* two slots */
	return &z->codec;
}
