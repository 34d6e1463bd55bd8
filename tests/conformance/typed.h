/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance data's notation for types and values, read from lines that
 * our own JSON reader has decoded (it keeps numbers exact).
 */
#pragma once

#include "lang/diag.h"
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

/* A place as the data writes it, `[line,column,byte,line,column,byte]`; want NULL: none. */
bool typed_same_range(const struct range *got, const struct value *want);
bool typed_same_diag(const struct diag *d, const struct value *want, bool has_context);
void typed_describe_diag(struct strbuf *sb, const struct diag *d);

/* Checks each line of a file, prints the failed ones and how many there are; returns that. */
typedef bool (*typed_check_fn)(const struct value *line, struct strbuf *why);
unsigned typed_run_file(const char *dir, const char *name, typed_check_fn check);
