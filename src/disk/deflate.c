/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/deflate.h"

#include "base/alloc.h"
#include "os/library.h"

#include <libdeflate.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SLOTS_PER_THREAD = 4, THREADS_MAX = 64 };

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

/* ---- the ring ------------------------------------------------------------------------- */

struct slot {
	unsigned char *in, *out;
	size_t in_len, out_len;
	uint64_t tag;
	bool done;
};

/*
 * Pieces are counted from the first; piece n is in slot n % slot_count:
 *
 *   written <= taken <= pushed <= written + slot_count
 *
 * Below `written` all came out, below `taken` a worker has or had it. A slot belongs to its worker
 * until `done`, then to the caller.
 */
struct deflater {
	struct deflate_spec spec;
	const struct deflate_library *lib;
	size_t bound;
	struct slot *slots;
	size_t slot_count;
	pthread_t *threads;
	size_t thread_count;
	uint64_t written; /* only the caller's thread looks at it */

	pthread_mutex_t mutex; /* guards what follows, and `done` of the slots */
	pthread_cond_t work, done;
	uint64_t taken, pushed;
	bool stop;
};

static struct slot *slot_of(struct deflater *d, uint64_t n)
{
	return &d->slots[n % d->slot_count];
}

static struct slot *take_piece(struct deflater *d)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&d->mutex);
	while (!d->stop && d->taken == d->pushed)
		pthread_cond_wait(&d->work, &d->mutex);
	if (!d->stop)
		s = slot_of(d, d->taken++);
	pthread_mutex_unlock(&d->mutex);
	return s;
}

static void *worker(void *data)
{
	struct deflater *d = data;
	struct libdeflate_compressor *c = new_compressor(d->lib, d->spec.level);
	struct slot *s;

	while ((s = take_piece(d))) {
		s->out_len = d->lib->compress[d->spec.form](c, s->in, s->in_len, s->out, d->bound);
		assert(s->out_len);
		pthread_mutex_lock(&d->mutex);
		s->done = true;
		pthread_cond_signal(&d->done);
		pthread_mutex_unlock(&d->mutex);
	}
	d->lib->free(c);
	return NULL;
}

static int start_threads(struct deflater *d, struct error **err)
{
	size_t want = (size_t)MAX(1, MIN(d->spec.threads, THREADS_MAX));
	int r = 0;

	d->threads = xcalloc(want, sizeof(*d->threads));
	for (size_t i = 0; i < want && !r; i++) {
		r = pthread_create(&d->threads[i], NULL, worker, d);
		if (!r)
			d->thread_count++;
	}
	/* fewer than wanted are no reason to fail */
	return d->thread_count ? 0 : error_set_errno(err, r, "cannot start a thread");
}

struct deflater *deflater_new(const struct deflate_spec *spec, struct error **err)
{
	const struct deflate_library *lib = load(err);

	if (!lib)
		return NULL;

	AUTO(deflater) struct deflater *d = NEW(struct deflater);

	d->spec = *spec;
	d->lib = lib;
	d->bound = lib->bound[spec->form](NULL, spec->piece_max);
	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->work, NULL);
	pthread_cond_init(&d->done, NULL);
	d->slot_count = (size_t)MAX(1, MIN(spec->threads, THREADS_MAX)) * SLOTS_PER_THREAD;
	d->slots = xcalloc(d->slot_count, sizeof(*d->slots));
	for (size_t i = 0; i < d->slot_count; i++) {
		d->slots[i].in = xmalloc(spec->piece_max);
		d->slots[i].out = xmalloc(d->bound);
	}
	return start_threads(d, err) < 0 ? NULL : TAKE(d);
}

void deflater_free(struct deflater *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->mutex);
	d->stop = true;
	pthread_cond_broadcast(&d->work);
	pthread_mutex_unlock(&d->mutex);
	for (size_t i = 0; i < d->thread_count; i++)
		pthread_join(d->threads[i], NULL);
	for (size_t i = 0; i < d->slot_count; i++) {
		free(d->slots[i].in);
		free(d->slots[i].out);
	}
	pthread_cond_destroy(&d->done);
	pthread_cond_destroy(&d->work);
	pthread_mutex_destroy(&d->mutex);
	free(d->threads);
	free(d->slots);
	free(d);
}

/* The oldest piece, compressed; NULL: none is under way, or, without `wait`, it is not ready. A
 * wait is as long as one piece takes. */
static struct slot *oldest(struct deflater *d, bool wait)
{
	struct slot *s = slot_of(d, d->written);
	bool done;

	if (d->written == d->pushed) /* nobody else changes either */
		return NULL;
	pthread_mutex_lock(&d->mutex);
	while (wait && !s->done)
		pthread_cond_wait(&d->done, &d->mutex);
	done = s->done;
	pthread_mutex_unlock(&d->mutex);
	return done ? s : NULL;
}

static int write_oldest(struct deflater *d, struct slot *s, struct error **err)
{
	s->done = false; /* it is the caller's until it is pushed again */
	d->written++;
	return d->spec.out(d->spec.data, s->tag, s->out, s->out_len, err);
}

unsigned char *deflater_room(struct deflater *d, struct error **err)
{
	struct slot *s;

	while ((s = oldest(d, d->pushed == d->written + d->slot_count)))
		if (write_oldest(d, s, err) < 0)
			return NULL;
	return slot_of(d, d->pushed)->in;
}

void deflater_push(struct deflater *d, uint64_t tag, size_t len)
{
	struct slot *s = slot_of(d, d->pushed);

	assert(len && len <= d->spec.piece_max);
	s->tag = tag;
	s->in_len = len;
	pthread_mutex_lock(&d->mutex);
	d->pushed++;
	pthread_cond_signal(&d->work);
	pthread_mutex_unlock(&d->mutex);
}

int deflater_flush(struct deflater *d, struct error **err)
{
	struct slot *s;

	while ((s = oldest(d, true)))
		if (write_oldest(d, s, err) < 0)
			return -1;
	return 0;
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
