/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values while a template is executed. Unlike those of the language they tell
 * integers from floats, and a missing value from an empty text. Plain structs:
 * texts and data are borrowed from the tree, the caller's data, or the arena of
 * the execution.
 */
#pragma once

#include "base/str.h"
#include "base/strbuf.h"
#include "value/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tmpl_kind {
	TMPL_NIL, /* nothing: a missing key, `nil` */
	TMPL_BOOL,
	TMPL_INT,
	TMPL_BYTE, /* of a text, by index */
	TMPL_FLOAT,
	TMPL_STRING,
	TMPL_LIST, /* data */
	TMPL_MAP,  /* data */
};

struct tmpl_value {
	enum tmpl_kind kind;
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct str text;
		const struct value *data;
	};
};

#define TMPL_NOTHING ((struct tmpl_value){ 0 })

struct tmpl_value tmpl_bool(bool b);
struct tmpl_value tmpl_int(int64_t n);
struct tmpl_value tmpl_string(struct str s);
struct tmpl_value tmpl_from(const struct value *v); /* NULL: nothing */

bool tmpl_is_true(struct tmpl_value v);
/* Elements of lists and maps; maps are sorted by key. */
size_t tmpl_len(struct tmpl_value v);
struct tmpl_value tmpl_at(struct tmpl_value v, size_t i);
/* `string`, `int`, `map[string]interface {}`, … */
const char *tmpl_type_name(struct tmpl_value v);
/* The default form: texts as they are, lists `[a b]`, maps `map[k:v]`, nothing is `<nil>`. */
void tmpl_print(struct strbuf *sb, struct tmpl_value v);
/* The same, but nothing is `<no value>`: what an action prints. */
void tmpl_print_result(struct strbuf *sb, struct tmpl_value v);
/* printf() of templates: all verbs and complaints of Go's. */
void tmpl_printf(struct strbuf *sb, struct str format, const struct tmpl_value *args, size_t n);
