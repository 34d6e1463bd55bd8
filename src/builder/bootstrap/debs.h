/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of downloaded packages: CACHE/bootstrap/ARCHIVE/SHA256-NAME.deb.
 * A name carries the digest of its content, entries are written beside and
 * renamed, and nothing is ever changed in place: any number of casts may use
 * it at once. What does not match its digest is thrown away. ARCHIVE stands
 * for the mirrors, because only within one archive a name means one content,
 * with the release and the architecture.
 */
#pragma once

#include "builder/bootstrap/config.h"

/* Copies what is cached into `to`; *ret_count: packages. */
MUST_CHECK int debs_take(const struct bootstrap *b, struct build_ctx *ctx, const char *to,
			 size_t *ret_count, struct error **err);
/* Keeps the packages that a cast has used, and drops the longest unused beyond the limit. */
MUST_CHECK int debs_keep(const struct bootstrap *b, struct build_ctx *ctx, const char *from,
			 struct error **err);
