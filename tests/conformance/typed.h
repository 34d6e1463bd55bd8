/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance data's notation for types and values, read from lines that
 * our own JSON reader has decoded (it keeps numbers exact).
 */
#pragma once

#include "value/value.h"

/* Members of a line; borrowed. NULL, "" or false if absent or null. */
struct value *typed_get(const struct value *v, const char *key);
const char *typed_text(const struct value *v, const char *key);
bool typed_is_true(const struct value *v, const char *key);
bool typed_needs(const struct value *line, const char *what); /* in its list `needs` */

struct type *typed_type(const struct value *v);   /* owned */
struct value *typed_value(const struct value *v); /* {"type":…,"value":…}; owned */
/* Same type and content, unknown parts included; without refinements. */
bool typed_same(const struct value *a, const struct value *b);
void typed_describe(struct strbuf *sb, const struct value *v);
