/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text -> tokens (language.md 1). One pass, linear in the text whatever is in
 * it; never fails: what is not part of the language becomes TOKEN_INVALID or
 * TOKEN_BAD_UTF8 and lexer_check() says so. Literal text of templates comes in
 * pieces: `$` and `%` that open nothing, `$${` / `%%{`, and each line of a
 * heredoc are tokens of their own. The parser and the formatter share this.
 */
#pragma once

#include "base/vec.h"
#include "lang/diag.h"
#include "lang/source.h"

#include <stdbool.h>
#include <stdint.h>

enum token_kind {
	TOKEN_EOF,
	TOKEN_NEWLINE,
	TOKEN_COMMENT, /* `#…` and `//…` with their newline, or a block comment */
	TOKEN_IDENT,
	TOKEN_NUMBER,
	TOKEN_OQUOTE,
	TOKEN_CQUOTE,
	TOKEN_OHEREDOC, /* `<<EOT` with its newline */
	TOKEN_CHEREDOC, /* the closing line without its newline */
	TOKEN_QUOTED_LIT,
	TOKEN_STRING_LIT, /* in heredocs and bare templates */
	TOKEN_INTERP,     /* `${` or `${~` */
	TOKEN_CONTROL,    /* `%{` or `%{~` */
	TOKEN_SEQ_END,    /* `}` or `~}` of a sequence */
	TOKEN_OBRACE,
	TOKEN_CBRACE,
	TOKEN_OBRACK,
	TOKEN_CBRACK,
	TOKEN_OPAREN,
	TOKEN_CPAREN,
	TOKEN_DOT,
	TOKEN_COMMA,
	TOKEN_ELLIPSIS,
	TOKEN_COLON,
	TOKEN_DOUBLE_COLON,
	TOKEN_QUESTION,
	TOKEN_EQUAL,
	TOKEN_FAT_ARROW,
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_BANG,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_STAR,
	TOKEN_SLASH,
	TOKEN_PERCENT,
	TOKEN_BITWISE, /* & | ^ ~ alone */
	TOKEN_BACKTICK,
	TOKEN_APOSTROPHE,
	TOKEN_SEMICOLON,
	TOKEN_QUOTED_NEWLINE, /* a run of them inside a quoted string */
	TOKEN_INVALID,
	TOKEN_BAD_UTF8,
};

struct token {
	uint32_t start, end; /* bytes in the source */
	uint32_t line, column, end_line, end_column;
	enum token_kind kind;
};

VEC_DECLARE(token_list, struct token);

enum lex_mode { LEX_CONFIG, LEX_TEMPLATE };

/*
 * Appends the tokens of source text [from.byte, end) and a final TOKEN_EOF.
 * False when there are more than the limit (the list then ends early, still
 * with TOKEN_EOF). The caller releases the list.
 */
bool lex(struct token_list *out, const struct source *src, struct pos from, size_t end,
	 enum lex_mode mode);

struct range token_range(const struct source *src, const struct token *t);
struct str token_text(const struct source *src, const struct token *t);
/* Where one is after walking over `len` bytes of one token from `at`. */
struct pos pos_advance(struct pos at, const char *text, size_t len);

/* The whole piece is one identifier. */
bool lexer_is_identifier(struct str s);

/* Without Unicode white space at one end. */
struct str space_trim_left(struct str s);
struct str space_trim_right(struct str s);

/* Reports characters that the language does not have (language.md 1.10). */
void lexer_check(const struct source *src, const struct token_list *tokens, struct diags *diags);
