/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/encoder.h"

#include "os/fs.h"
#include "os/host.h"
#include "pack/blocks.h"
#include "pack/codec.h"
#include "pack/encoder_kind.h"

#include <errno.h>

enum { THREADS_MAX = 64 };

STRING_TABLE(encoding, ENCODING_COUNT, "", "gzip", "bgzf", "lz4", "xz", "bzip2", "zstd");

const char *encoding_name(enum encoding e)
{
	assert(e < ENCODING_COUNT);
	return encoding_names[e];
}

static struct codec *codec_of(const struct encoder_options *o, struct error **err)
{
	switch (o->encoding) {
	case ENCODING_GZIP:
		return gzip_codec_new(o->level, true);
	case ENCODING_DEFLATE:
		return gzip_codec_new(o->level, false);
	case ENCODING_BGZF:
		return bgzf_codec_new(o->level);
	case ENCODING_LZ4:
		return lz4_codec_new(o->level, err);
	case ENCODING_XZ:
		return xz_codec_new(o->level, err);
	case ENCODING_BZIP2:
		return bzip2_codec_new(o->level, err);
	case ENCODING_NONE:
	case ENCODING_ZSTD:
		break;
	}
	assert(!"it has no blocks");
	return NULL;
}

/* A thread of the strongest levels takes hundreds of megabytes: half of what is free, at most. */
static int threads_for(const struct encoder_options *o, const struct codec *codec)
{
	int64_t free_memory = host_memory_available();
	int64_t n = o->threads > 0 ? o->threads : host_cpus();

	n = MIN(n, (int64_t)THREADS_MAX);
	if (free_memory > 0)
		n = MIN(n, free_memory / 2 / codec->thread_memory);
	return (int)MAX(n, (int64_t)1);
}

struct encoder *encoder_new(const struct encoder_options *o, struct error **err)
{
	struct encoder_options options = *o;

	if (!options.threads)
		options.threads = MIN(host_cpus(), (int)THREADS_MAX);
	if (o->encoding == ENCODING_NONE)
		return plain_encoder_new(&options);
	if (o->encoding == ENCODING_ZSTD)
		return zstd_encoder_new(&options, err);

	struct codec *codec = codec_of(o, err);

	if (!codec)
		return NULL;
	options.threads = threads_for(o, codec);
	return block_encoder_new(&options, codec, err);
}

int encoder_write(struct encoder *e, const void *data, size_t len, struct error **err)
{
	e->totals.in += len;
	if (cancel_check(e->options.cancel, err) < 0)
		return -1;
	return e->ops->write(e, data, len, err);
}

int encoder_zeros(struct encoder *e, int64_t n, struct error **err)
{
	e->totals.in += (uint64_t)n;
	if (cancel_check(e->options.cancel, err) < 0)
		return -1;
	return e->ops->zeros(e, n, err);
}

int encoder_finish(struct encoder *e, struct error **err)
{
	return e->ops->finish(e, err);
}

struct encoder_totals encoder_totals(const struct encoder *e)
{
	return e->totals;
}

int encoder_threads(const struct encoder *e)
{
	return e->threads;
}

void encoder_free(struct encoder *e)
{
	if (e)
		e->ops->free(e);
}

int encoder_put(struct encoder *e, const void *data, size_t len, struct error **err)
{
	if (fs_write_all(e->options.fd, data, len, e->options.path, err) < 0) {
		if ((*err)->os_errno == ENOSPC)
			error_hint(err, "free some space on that file system");
		return -1;
	}
	e->totals.out += len;
	return 0;
}
