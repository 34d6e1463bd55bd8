/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of lang/ only: which block, or which properties of JSON, a place is
 * in. The tokens of a file are read again for it, as trees of broken files are
 * incomplete, but only once for all the mistakes of a run.
 */
#pragma once

#include "base/strbuf.h"
#include "lang/source.h"

struct outline;
struct outline *outline_new(void);
void outline_free(struct outline *o);
DEFINE_AUTO(outline, struct outline *, outline_free);
/* Appends `, in source "null" "x"`, or nothing outside of blocks and in very large files. */
void outline_describe(struct outline *o, struct strbuf *sb, const struct source *src, size_t at);
