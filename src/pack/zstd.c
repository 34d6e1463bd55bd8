/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd: the library has threads of its own, and with them makes one frame with
 * a checksum of the whole, as `zstd -T0` does.
 */
#include "base/alloc.h"
#include "base/macro.h"
#include "os/library.h"
#include "pack/encoder_kind.h"

#include <stdlib.h>
#include <zstd.h>

enum {
	DEFAULT_LEVEL = 3,
	LEVEL_MAX = 19, /* above, readers need more memory than they usually grant */
	SLOW_LEVEL = 10,
	SLOW_JOB = 8 * 1024 * 1024, /* an interrupt waits for the jobs that have begun */
	OUT = 1024 * 1024,
	ZEROS = 1024 * 1024,
};

struct zstd_library {
	__typeof__(ZSTD_createCCtx) *create;
	__typeof__(ZSTD_freeCCtx) *free;
	__typeof__(ZSTD_CCtx_setParameter) *set;
	__typeof__(ZSTD_CCtx_setPledgedSrcSize) *set_size;
	__typeof__(ZSTD_compressStream2) *compress;
	__typeof__(ZSTD_isError) *is_error;
	__typeof__(ZSTD_getErrorName) *error_name;
};
#define SYMBOL(name, member)                                                                       \
	{                                                                                          \
		"ZSTD_" #name, offsetof(struct zstd_library, member)                               \
	}
static const struct library_symbol symbols[] = {
	SYMBOL(createCCtx, create),        SYMBOL(freeCCtx, free),
	SYMBOL(CCtx_setParameter, set),    SYMBOL(CCtx_setPledgedSrcSize, set_size),
	SYMBOL(compressStream2, compress), SYMBOL(isError, is_error),
	SYMBOL(getErrorName, error_name),
};
static const struct library_spec spec = {
	.soname = "libzstd.so.1",
	.package = "libzstd1",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

struct zstd {
	struct encoder encoder;
	struct zstd_library lib;
	ZSTD_CCtx *stream;
	char *out;
	char *zeros; /* NULL until it is needed */
};

static int check(const struct zstd *z, size_t r, struct error **err)
{
	if (!z->lib.is_error(r))
		return 0;
	return error_set(err, ERROR_FAILED, "cannot compress with zstd: %s", z->lib.error_name(r));
}

/* Until all is taken; with ZSTD_e_end until all is written. */
static int feed(struct zstd *z, const void *data, size_t len, ZSTD_EndDirective how,
		struct error **err)
{
	ZSTD_inBuffer in = { .src = data, .size = len };
	size_t left;

	do {
		ZSTD_outBuffer out = { .dst = z->out, .size = OUT };

		left = z->lib.compress(z->stream, &out, &in, how);
		if (check(z, left, err) < 0 || cancel_check(z->encoder.options.cancel, err) < 0 ||
		    encoder_put(&z->encoder, z->out, out.pos, err) < 0)
			return -1;
	} while (how == ZSTD_e_end ? left > 0 : in.pos < in.size);
	return 0;
}

static int zstd_write(struct encoder *e, const void *data, size_t len, struct error **err)
{
	return feed((struct zstd *)e, data, len, ZSTD_e_continue, err);
}

static int zstd_zeros(struct encoder *e, int64_t n, struct error **err)
{
	struct zstd *z = (struct zstd *)e;

	if (!z->zeros)
		z->zeros = xcalloc(1, ZEROS);
	for (; n > 0; n -= ZEROS)
		if (feed(z, z->zeros, (size_t)MIN(n, (int64_t)ZEROS), ZSTD_e_continue, err) < 0)
			return -1;
	return 0;
}

static int zstd_finish(struct encoder *e, struct error **err)
{
	return feed((struct zstd *)e, NULL, 0, ZSTD_e_end, err);
}

static void zstd_free(struct encoder *e)
{
	struct zstd *z = (struct zstd *)e;

	if (z->stream)
		(void)z->lib.free(z->stream);
	free(z->out);
	free(z->zeros);
	free(z);
}

static const struct encoder_ops zstd_ops = {
	.write = zstd_write,
	.zeros = zstd_zeros,
	.finish = zstd_finish,
	.free = zstd_free,
};

static int configure(struct zstd *z, const struct encoder_options *o, struct error **err)
{
	const int level = o->level > 0 ? MIN(o->level, (int)LEVEL_MAX) : DEFAULT_LEVEL;
	const struct {
		ZSTD_cParameter name;
		int value;
	} parameters[] = {
		{ ZSTD_c_compressionLevel, level },
		{ ZSTD_c_checksumFlag, 1 },
		{ ZSTD_c_nbWorkers, o->threads },
		{ ZSTD_c_jobSize, level >= SLOW_LEVEL ? SLOW_JOB : 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
		if (check(z, z->lib.set(z->stream, parameters[i].name, parameters[i].value), err) <
		    0)
			return -1;
	return o->size < 0 ? 0
			   : check(z, z->lib.set_size(z->stream, (unsigned long long)o->size), err);
}

struct encoder *zstd_encoder_new(const struct encoder_options *o, struct error **err)
{
	struct zstd *z = NEW(struct zstd);

	z->encoder = (struct encoder){ .ops = &zstd_ops, .options = *o, .threads = o->threads };
	if (library_load(&spec, &z->lib, err) == 0) {
		z->stream = z->lib.create();
		z->out = xmalloc(OUT);
		if (configure(z, o, err) == 0)
			return &z->encoder;
	}
	zstd_free(&z->encoder);
	return NULL;
}
