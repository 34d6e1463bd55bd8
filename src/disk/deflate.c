/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/deflate.h"

#include "base/alloc.h"
#include "os/library.h"
#include "pack/ring.h"

#include <libdeflate.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { PIECES_PER_THREAD = 4, THREADS_MAX = 64 };

/* ---- the library ---------------------------------------------------------------------- */

struct deflate_library {
	__typeof__(libdeflate_alloc_compressor) *alloc;
	__typeof__(libdeflate_free_compressor) *free;
	__typeof__(libdeflate_zlib_compress) *compress[2]; /* by form */
	__typeof__(libdeflate_zlib_compress_bound) *bound[2];
};

#define FIELD(member) offsetof(struct deflate_library, member)
static const struct library_symbol symbols[] = {
	{ "libdeflate_alloc_compressor", FIELD(alloc) },
	{ "libdeflate_free_compressor", FIELD(free) },
	{ "libdeflate_zlib_compress", FIELD(compress[DEFLATE_ZLIB]) },
	{ "libdeflate_gzip_compress", FIELD(compress[DEFLATE_GZIP]) },
	{ "libdeflate_zlib_compress_bound", FIELD(bound[DEFLATE_ZLIB]) },
	{ "libdeflate_gzip_compress_bound", FIELD(bound[DEFLATE_GZIP]) },
};

static const struct library_spec library_spec = {
	.soname = "libdeflate.so.0",
	.package = "libdeflate0",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

static pthread_mutex_t library_mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the two below */
static struct deflate_library library;
static bool loaded;

static const struct deflate_library *load(struct error **err)
{
	bool ok;

	pthread_mutex_lock(&library_mutex);
	if (!loaded)
		loaded = library_load(&library_spec, &library, err) == 0;
	ok = loaded;
	pthread_mutex_unlock(&library_mutex);
	return ok ? &library : NULL;
}

static struct libdeflate_compressor *new_compressor(const struct deflate_library *lib, int level)
{
	if (level < 1 || level > DEFLATE_LEVEL_MAX)
		level = DEFLATE_LEVEL_DEFAULT;

	struct libdeflate_compressor *c = lib->alloc(level);

	assert(c); /* as everywhere, memory does not run out */
	return c;
}

/* ---- pieces in a ring ----------------------------------------------------------------- */

struct deflater {
	struct codec codec;
	struct deflate_spec spec;
	const struct deflate_library *lib;
	struct ring *ring;
};

struct worker {
	const struct deflater *deflater;
	struct libdeflate_compressor *compressor;
};

static void *worker_new(const struct codec *c, struct error **err)
{
	struct worker *w = NEW(struct worker);

	(void)err;
	w->deflater = (const struct deflater *)c;
	w->compressor = new_compressor(w->deflater->lib, w->deflater->spec.level);
	return w;
}

static void worker_free(void *worker)
{
	struct worker *w = worker;

	w->deflater->lib->free(w->compressor);
	free(w);
}

static int compress(void *worker, struct block *b, const atomic_bool *stop, struct error **err)
{
	const struct worker *w = worker;
	const struct deflate_library *lib = w->deflater->lib;
	enum deflate_form form = w->deflater->spec.form;
	size_t room = lib->bound[form](NULL, b->len);
	size_t made = lib->compress[form](w->compressor, b->in, b->len,
					  strbuf_reserve(&b->out, room), room);

	(void)stop;
	(void)err;
	assert(made);
	strbuf_advance(&b->out, made);
	return 0;
}

static int give_out(void *owner, const struct block *b, struct error **err)
{
	const struct deflater *d = owner;

	return d->spec.out(d->spec.data, b->check, b->out.buf, b->out.len, err);
}

static const struct codec_ops ops = {
	.worker_new = worker_new,
	.worker_free = worker_free,
	.compress = compress,
};

struct deflater *deflater_new(const struct deflate_spec *spec, struct error **err)
{
	const struct deflate_library *lib = load(err);
	const int threads = MAX(1, MIN(spec->threads, THREADS_MAX));

	if (!lib)
		return NULL;

	AUTO(deflater) struct deflater *d = NEW(struct deflater);

	d->codec = (struct codec){ .ops = &ops, .block = spec->piece_max };
	d->spec = *spec;
	d->lib = lib;

	const struct ring_spec ring = {
		.codec = &d->codec,
		.take = give_out,
		.owner = d,
		.threads = threads,
		.blocks = (size_t)threads * PIECES_PER_THREAD,
	};

	d->ring = ring_new(&ring, err);
	return d->ring ? TAKE(d) : NULL;
}

void deflater_free(struct deflater *d)
{
	if (!d)
		return;
	ring_free(d->ring);
	free(d);
}

unsigned char *deflater_room(struct deflater *d, struct error **err)
{
	return ring_make_room(d->ring, err) < 0 ? NULL : ring_block(d->ring)->in;
}

int deflater_push(struct deflater *d, uint64_t tag, size_t len, struct error **err)
{
	struct block *b = ring_block(d->ring);

	assert(len && len <= d->spec.piece_max);
	b->check = tag;
	b->len = len;
	return ring_push(d->ring, NULL, err);
}

int deflater_flush(struct deflater *d, struct error **err)
{
	return ring_flush(d->ring, err);
}

/* ---- one piece ------------------------------------------------------------------------ */

int deflate_check(struct error **err)
{
	return load(err) ? 0 : -1;
}

int deflate_bound(enum deflate_form form, size_t len, size_t *ret, struct error **err)
{
	const struct deflate_library *lib = load(err);

	if (!lib)
		return -1;
	*ret = lib->bound[form](NULL, len);
	return 0;
}

size_t deflate_piece(enum deflate_form form, const void *data, size_t len, void *out, size_t room,
		     struct error **err)
{
	const struct deflate_library *lib = load(err);

	if (!lib)
		return 0;

	struct libdeflate_compressor *c = new_compressor(lib, 0);
	size_t made = lib->compress[form](c, data, len, out, room);

	lib->free(c);
	assert(made);
	return made;
}
