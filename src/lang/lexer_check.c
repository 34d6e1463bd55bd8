/* SPDX-License-Identifier: Apache-2.0 */
/* Characters that no token of the language starts with (language.md 1.10). */
#include "lang/lexer.h"

#include <string.h>

enum { CHARACTER_REPORTS_MAX = 100, BITWISE_REPORTS_MAX = 4 };

struct checker {
	const struct source *src;
	struct diags *diags;
	int bitwise, backticks, apostrophes, semicolons, bad_utf8, total;
	bool in_broken_string;
};

static void check_bitwise(struct checker *c, const struct token *t, const struct range *at)
{
	const char *hint = "";

	if (c->bitwise++ >= BITWISE_REPORTS_MAX)
		return;
	switch (c->src->text[t->start]) {
	case '&':
		hint = " Did you mean boolean AND (\"&&\")?";
		break;
	case '|':
		hint = " Did you mean boolean OR (\"||\")?";
		break;
	case '~':
		hint = " Did you mean boolean NOT (\"!\")?";
		break;
	}
	diags_error(c->diags, at, "Unsupported operator", "Bitwise operators are not supported.%s",
		    hint);
}

static void check_invalid(struct checker *c, const struct token *t, const struct range *at)
{
	struct str text = token_text(c->src, t);

	if (str_is(text, "\xe2\x80\x9c") || str_is(text, "\xe2\x80\x9d"))
		diags_error(c->diags, at, "Invalid character", "%s",
			    "\"Curly quotes\" are not valid here. These can sometimes be "
			    "inadvertently introduced when sharing code via documents or "
			    "discussion forums. It might help to replace the character with a "
			    "\"straight quote\".");
	else
		diags_error(c->diags, at, "Invalid character",
			    "This character is not used within the language.");
}

static bool first_or_third(int *count)
{
	++*count;
	return *count == 1 || *count == 3;
}

static void check_token(struct checker *c, const struct token *t)
{
	struct range at = token_range(c->src, t);

	if (t->kind == TOKEN_BITWISE) {
		check_bitwise(c, t, &at);
	} else if (t->kind == TOKEN_BACKTICK && first_or_third(&c->backticks)) {
		diags_error(c->diags, &at, "Invalid character",
			    "The \"`\" character is not valid. To create a multi-line string, use "
			    "the \"heredoc\" syntax, like \"<<EOT\".");
	} else if (t->kind == TOKEN_APOSTROPHE && first_or_third(&c->apostrophes)) {
		diags_error(c->diags, &at, "Invalid character",
			    "Single quotes are not valid. Use double quotes (\") to enclose "
			    "strings.");
	} else if (t->kind == TOKEN_SEMICOLON && c->semicolons++ == 0) {
		diags_error(c->diags, &at, "Invalid character",
			    "The \";\" character is not valid. Use newlines to separate arguments "
			    "and blocks, and commas to separate items in collection values.");
	} else if (t->kind == TOKEN_BAD_UTF8 && c->bad_utf8++ == 0) {
		diags_error(c->diags, &at, "Invalid character encoding",
			    "All input files must be UTF-8 encoded. Ensure that UTF-8 encoding is "
			    "selected in your editor.");
	} else if (t->kind == TOKEN_INVALID && c->total++ < CHARACTER_REPORTS_MAX) {
		check_invalid(c, t, &at);
	} else if (t->kind == TOKEN_QUOTED_NEWLINE && !c->in_broken_string &&
		   c->total++ < CHARACTER_REPORTS_MAX) {
		c->in_broken_string = true; /* one report for each string */
		diags_error(c->diags, &at, "Invalid multi-line string", "%s",
			    "Quoted strings may not be split over multiple lines. To produce a "
			    "multi-line string, either use the \\n escape to represent a newline "
			    "character or use the \"heredoc\" multi-line template syntax.");
	}
}

void lexer_check(const struct source *src, const struct token_list *tokens, struct diags *diags)
{
	struct checker c = { .src = src, .diags = diags };

	for (size_t i = 0; i < tokens->len; i++) {
		if (tokens->items[i].kind == TOKEN_OQUOTE)
			c.in_broken_string = false;
		else if (tokens->items[i].kind >= TOKEN_BITWISE)
			check_token(&c, &tokens->items[i]);
	}
}
