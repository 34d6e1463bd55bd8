/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded JSON in Go's words, which appear in messages of legacy templates. */
#pragma once

#include "base/strbuf.h"
#include "value/value.h"

/* `string`, `float64`, `bool`, `map[string]interface {}`, `[]interface {}`, `<nil>` */
const char *value_go_type(const struct value *v);
/* `string`, `float64`, `bool`, `map`, `slice` */
const char *value_go_kind(const struct value *v);
/* The default form: texts as they are, `[a b]`, `map[k:v]`, `<nil>`. */
void value_go_print(struct strbuf *sb, const struct value *v);
/* `'NAME' expected type 'WANT', got unconvertible type 'TYPE', value: 'VALUE'` */
void value_go_mismatch(struct strbuf *sb, const char *name, const char *want,
		       const struct value *v);
