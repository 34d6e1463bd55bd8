/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text of values, read and written as language.md 21.7 says. */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"
#include "value/value.h"

#include <stddef.h>

/* One document. Mappings give objects, sequences tuples. */
struct value *yamltext_read(const char *text, size_t len, struct error **err);
/* A known value without marks. */
void yamltext_write(struct strbuf *sb, const struct value *v);
