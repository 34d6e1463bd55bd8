/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the parser share; nobody else includes this.
 *
 * The parser is recursive descent over a token list. parser_fail() reports a
 * syntax error and sets `failed`; from then on every function returns at once
 * with what it has, and further failures are silent, until the body parser
 * skips the item and clears the flag (language.md 2, Recovery).
 */
#pragma once

#include "base/arena.h"
#include "lang/ast.h"
#include "lang/body.h"
#include "lang/diag.h"
#include "lang/lexer.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	PARSER_DEPTH_MAX = 512,
	PARSER_ERRORS_MAX = 100,
	PARSER_FILE_MAX = 64 * 1024 * 1024,
};

struct parser {
	const struct source *src;
	struct arena *arena;
	struct diags *diags;
	struct token_list tokens;
	size_t at;     /* next token, comments and newlines included */
	bool newlines; /* newlines are tokens here */
	bool failed;
	bool aborted; /* a limit was hit: every token is EOF now */
	int depth;
	size_t errors_before;      /* in diags when parsing began */
	size_t skip_from, skip_to; /* a run of newlines already walked over */
};

struct token parser_peek(struct parser *p);
struct token parser_read(struct parser *p);
struct range parser_range(const struct parser *p, struct token t);
struct range parser_previous_range(const struct parser *p); /* of the last token read */
struct str parser_text(const struct parser *p, struct token t);
bool parser_next_is(struct parser *p, enum token_kind kind);
/* The next token is this identifier. */
bool parser_next_is_word(struct parser *p, const char *word);
/* A copy in the arena, NUL-terminated. */
struct str parser_name(struct parser *p, struct token t);

/* `context` may be NULL. Silent if the parser has failed already. */
PRINTF(5, 6)
void parser_fail(struct parser *p, struct range subject, const struct range *context,
		 const char *summary, const char *detail_fmt, ...);
/* A mistake that does not confuse the parser: reports it and goes on. */
PRINTF(4, 5)
void parser_report(struct parser *p, struct range subject, const char *summary,
		   const char *detail_fmt, ...);
/* Counts a level of nesting; false (after failing) when there are too many. */
bool parser_enter(struct parser *p);
void parser_leave(struct parser *p);

struct expr *parser_node(struct parser *p, enum expr_kind kind, struct range range);
/* Makes `child` count for the height of `e`. */
void parser_adopt(struct parser *p, struct expr *e, const struct expr *child);

struct body *parser_body(struct parser *p, enum token_kind end);
struct expr *parser_expression(struct parser *p);
struct expr *parser_term(struct parser *p);    /* parse_term.c */
struct expr *parser_operand(struct parser *p); /* a term with its traversal */
struct expr *parser_for(struct parser *p, struct token open);
/* The quoted string or heredoc that comes next; `end` EOF: the whole text. */
struct expr *parser_template(struct parser *p, enum token_kind end);
/* The text of one literal token, escapes resolved, appended. */
void parser_literal(struct parser *p, struct token t, struct strbuf *out);
