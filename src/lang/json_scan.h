/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of JSON text and the texts of its strings; inside lang/json*.c only.
 * One pass with one token of look-ahead, linear in the text. Nothing is
 * reported here: a keyword, a number or a string is whatever looks like one,
 * and the parser looks closer.
 */
#pragma once

#include "base/strbuf.h"
#include "base/vec.h"
#include "lang/source.h"

enum json_token_kind {
	JSON_TOKEN_EOF,
	JSON_TOKEN_OBRACE,
	JSON_TOKEN_CBRACE,
	JSON_TOKEN_OBRACK,
	JSON_TOKEN_CBRACK,
	JSON_TOKEN_COMMA,
	JSON_TOKEN_COLON,
	JSON_TOKEN_EQUAL,
	JSON_TOKEN_STRING, /* with its quotes; the closing one may be missing */
	JSON_TOKEN_NUMBER,
	JSON_TOKEN_KEYWORD,
	JSON_TOKEN_INVALID, /* the token after it is EOF */
};

struct json_token {
	enum json_token_kind kind;
	struct pos start, end;
};

struct json_scanner {
	const struct source *src;
	struct pos at;
	struct json_token next;
	bool stopped;
};

void json_scanner_init(struct json_scanner *s, const struct source *src);
struct json_token json_scanner_peek(const struct json_scanner *s);
struct json_token json_scanner_read(struct json_scanner *s); /* EOF again and again at the end */
void json_scanner_stop(struct json_scanner *s);              /* what follows is EOF */
struct range json_token_range(const struct json_scanner *s, struct json_token t);
struct str json_token_text(const struct json_scanner *s, struct json_token t);

bool json_number_is_valid(struct str text);
/* Appends what the string means; false when it is malformed: *ret_bad bytes of it were good, the
 * last of them excepted. Half a surrogate pair and bytes that are no UTF-8 become U+FFFD. */
bool json_string_decode(struct str quoted, struct strbuf *out, size_t *ret_bad);
/* The same for a well-formed string; where the escapes were is appended to `turns`. */
void json_string_map(struct range quoted, struct strbuf *out, struct source_turns *turns);
