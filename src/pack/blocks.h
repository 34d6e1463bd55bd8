/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder that compresses blocks on several threads and writes them in order. */
#pragma once

#include "pack/codec.h"
#include "pack/encoder.h"

/* Takes the codec, also on failure. */
struct encoder *block_encoder_new(const struct encoder_options *o, struct codec *codec,
				  struct error **err);
