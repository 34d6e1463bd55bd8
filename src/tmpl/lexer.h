/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Template text -> words. Text between actions is one word; inside an action
 * white space is not a word but noted on the one that follows it. A mistake is
 * a word of its own, with the message as its text, and the last one.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum word_kind {
	WORD_EOF,
	WORD_ERROR,
	WORD_TEXT,
	WORD_OPEN,  /* {{ */
	WORD_CLOSE, /* }} */
	WORD_ASSIGN,
	WORD_DECLARE,
	WORD_PIPE,
	WORD_LPAREN,
	WORD_RPAREN,
	WORD_CHAR,     /* any other printable ASCII character */
	WORD_STRING,   /* "…" */
	WORD_RAW,      /* `…` */
	WORD_CONSTANT, /* '…' */
	WORD_NUMBER,
	WORD_BOOL,
	WORD_VARIABLE,   /* $x */
	WORD_FIELD,      /* .x */
	WORD_IDENTIFIER, /* a function */
	/* keywords */
	WORD_DOT,
	WORD_NIL,
	WORD_BLOCK,
	WORD_BREAK,
	WORD_CONTINUE,
	WORD_DEFINE,
	WORD_ELSE,
	WORD_END,
	WORD_IF,
	WORD_RANGE,
	WORD_TEMPLATE,
	WORD_WITH,
};

struct word {
	enum word_kind kind;
	struct str text;
	size_t pos;
	int line;    /* where it starts, from 1 */
	bool spaced; /* white space before it */
};

struct word_reader {
	const char *text;
	size_t len, pos;
	int line;
	bool in_action;
	int parens;
	struct arena *arena; /* of messages */
};

void word_reader_init(struct word_reader *r, const char *text, struct arena *arena);
void word_next(struct word_reader *r, struct word *ret);
