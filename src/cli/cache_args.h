/* SPDX-License-Identifier: Apache-2.0 */
/* The store of finished steps as commands see it: CACHE/steps, and what the environment says of it. */
#pragma once

#include "cache/store.h"
#include "cli/command.h"

/* Opens it, making it if it is not there; INGOT_CACHE_SIZE counts. */
MUST_CHECK int cache_open(const struct command_ctx *ctx, struct store **ret, struct error **err);
/* The same, but *ret is NULL when there is none yet. */
MUST_CHECK int cache_open_existing(const struct command_ctx *ctx, struct store **ret,
				   struct error **err);
/* INGOT_CACHE_TTL, how old a step may be to be used again; ns, 7 days by default. */
MUST_CHECK int cache_ttl(int64_t *ret, struct error **err);

/* "30G", "1.5 GiB", "4096": bytes; units are powers of 1024. */
MUST_CHECK int cache_parse_size(const char *text, int64_t *ret, struct error **err);
