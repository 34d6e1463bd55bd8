/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the language on the wire (plugin-protocol.md 8, 9.1, 9.2, 9.5). */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "plugin/wire/msgpack.h"
#include "value/value.h"

/* JSON with the type beside it (8.2), as a plugin takes a configuration. Unknown parts become what
 * 9.2 says, marks are taken off. */
void cty_json(struct strbuf *sb, const struct value *v);

/* What a data source answers; owned. */
MUST_CHECK struct value *cty_from_msgpack(const void *bytes, size_t len, struct error **err);
MUST_CHECK struct value *cty_from_gob(const void *bytes, size_t len, struct error **err);

/*
 * Plain Go data: generated values, artifact states, overrides, legacy options. Text is str,
 * numbers are integers where they are whole, else floats; unknown as in cty_json().
 */
void value_pack(struct strbuf *sb, const struct value *v);
/* bytes and lists of numbers become lists of numbers (9.5), times text, nil null. Owned. */
MUST_CHECK struct value *value_from_packed(const struct packed *p, struct error **err);
