/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of encoders, for encoder.c. */
#pragma once

#include "pack/encoder.h"

struct encoder_ops {
	int (*write)(struct encoder *e, const void *data, size_t len, struct error **err);
	int (*zeros)(struct encoder *e, int64_t n, struct error **err);
	int (*finish)(struct encoder *e, struct error **err);
	void (*free)(struct encoder *e);
};

/* First member of each kind. */
struct encoder {
	const struct encoder_ops *ops;
	struct encoder_options options;
	struct encoder_totals totals;
	int threads;
};

/* Not compressed: long runs of zeros become holes. */
struct encoder *plain_encoder_new(const struct encoder_options *o);
struct encoder *zstd_encoder_new(const struct encoder_options *o, struct error **err);

/* Writes to the encoder's file and counts. */
MUST_CHECK int encoder_put(struct encoder *e, const void *data, size_t len, struct error **err);
