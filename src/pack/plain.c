/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/macro.h"
#include "pack/encoder_kind.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { ZERO_RUN = 4096 }; /* a shorter hole saves nothing */

struct plain {
	struct encoder encoder;
	bool ends_in_hole;
};

static int plain_write(struct encoder *e, const void *data, size_t len, struct error **err)
{
	((struct plain *)e)->ends_in_hole = false;
	return encoder_put(e, data, len, err);
}

static int plain_zeros(struct encoder *e, int64_t n, struct error **err)
{
	static const char zeros[ZERO_RUN];

	if (n < ZERO_RUN)
		return encoder_put(e, zeros, (size_t)n, err);
	if (lseek(e->options.fd, n, SEEK_CUR) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", e->options.path);
	e->totals.out += (uint64_t)n;
	((struct plain *)e)->ends_in_hole = true;
	return 0;
}

static int plain_finish(struct encoder *e, struct error **err)
{
	off_t end;

	if (!((struct plain *)e)->ends_in_hole)
		return 0;
	end = lseek(e->options.fd, 0, SEEK_CUR);
	if (end < 0 || ftruncate(e->options.fd, end) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", e->options.path);
	return 0;
}

static void plain_free(struct encoder *e)
{
	free(e);
}

static const struct encoder_ops plain_ops = {
	.write = plain_write,
	.zeros = plain_zeros,
	.finish = plain_finish,
	.free = plain_free,
};

struct encoder *plain_encoder_new(const struct encoder_options *o)
{
	struct plain *p = NEW(struct plain);

	p->encoder = (struct encoder){ .ops = &plain_ops, .options = *o, .threads = 1 };
	return &p->encoder;
}
