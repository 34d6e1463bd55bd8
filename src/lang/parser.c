/* SPDX-License-Identifier: Apache-2.0 */
/* The token cursor, errors and limits of the parser, and its entry points. */
#include "lang/parser.h"

#include "base/alloc.h"
#include "lang/parser_state.h"

#include <stdarg.h>

/* Index of the token that parser_read() would return. */
static size_t next_index(struct parser *p)
{
	const struct token *t = p->tokens.items;
	size_t i = p->at;

	if (p->aborted)
		return p->tokens.len - 1;
	if (!p->newlines && p->skip_from == i)
		i = p->skip_to;
	for (; t[i].kind == TOKEN_COMMENT || t[i].kind == TOKEN_NEWLINE; i++) {
		bool ends_line = t[i].kind == TOKEN_NEWLINE || t[i].end_line > t[i].line;

		if (t[i].kind == TOKEN_COMMENT && p->src->text[t[i].end - 1] != '\n')
			ends_line = false; /* a block comment, however many lines */
		if (p->newlines && ends_line)
			break;
	}
	if (!p->newlines) {
		p->skip_from = p->at;
		p->skip_to = i;
	}
	return i;
}

struct token parser_peek(struct parser *p)
{
	struct token t = p->tokens.items[next_index(p)];

	/* A line comment stands for the newline it swallowed. */
	if (t.kind == TOKEN_COMMENT)
		t.kind = TOKEN_NEWLINE;
	return t;
}

struct token parser_read(struct parser *p)
{
	struct token t = parser_peek(p);
	size_t i = next_index(p);

	p->at = MIN(i + 1, p->tokens.len - 1);
	return t;
}

struct range parser_range(const struct parser *p, struct token t)
{
	return token_range(p->src, &t);
}

struct range parser_previous_range(const struct parser *p)
{
	return token_range(p->src, &p->tokens.items[p->at > 0 ? p->at - 1 : 0]);
}

struct str parser_text(const struct parser *p, struct token t)
{
	return token_text(p->src, &t);
}

bool parser_next_is(struct parser *p, enum token_kind kind)
{
	return parser_peek(p).kind == kind;
}

bool parser_next_is_word(struct parser *p, const char *word)
{
	struct token t = parser_peek(p);

	return t.kind == TOKEN_IDENT && str_is(parser_text(p, t), word);
}

struct str parser_name(struct parser *p, struct token t)
{
	struct str s = parser_text(p, t);

	return (struct str){ arena_strndup(p->arena, s.p, s.len), s.len };
}

/* lexer_check() has complained about this very token. */
static bool is_reported(struct parser *p, struct range subject)
{
	struct token t = parser_peek(p);

	return t.kind >= TOKEN_BITWISE && parser_range(p, t).start.byte == subject.start.byte &&
	       diags_has_errors(p->diags);
}

static void parser_abort(struct parser *p)
{
	p->aborted = true;
	p->failed = true;
	p->at = p->tokens.len - 1;
}

static void stop_after_many(struct parser *p)
{
	if (p->aborted || p->diags->errors - p->errors_before < PARSER_ERRORS_MAX)
		return;
	diags_error(p->diags, NULL, "Too many errors",
		    "The rest of %s was not examined after %d errors.", p->src->name,
		    PARSER_ERRORS_MAX);
	parser_abort(p);
}

void parser_fail(struct parser *p, struct range subject, const struct range *context,
		 const char *summary, const char *detail_fmt, ...)
{
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	va_list ap;

	if (p->failed)
		return;
	p->failed = true;
	if (is_reported(p, subject))
		return;
	va_start(ap, detail_fmt);
	strbuf_vaddf(&detail, detail_fmt, ap);
	va_end(ap);

	struct diag *d = diags_error(p->diags, &subject, summary, "%s", detail.buf);

	if (context)
		d->context = *context;
	stop_after_many(p);
}

void parser_report(struct parser *p, struct range subject, const char *summary,
		   const char *detail_fmt, ...)
{
	AUTO(strbuf) struct strbuf detail = STRBUF_INIT;
	va_list ap;

	if (p->failed)
		return;
	va_start(ap, detail_fmt);
	strbuf_vaddf(&detail, detail_fmt, ap);
	va_end(ap);
	diags_error(p->diags, &subject, summary, "%s", detail.buf);
	stop_after_many(p);
}

bool parser_enter(struct parser *p)
{
	if (p->aborted)
		return false;
	if (++p->depth <= PARSER_DEPTH_MAX)
		return true;
	p->depth--;
	parser_fail(p, parser_range(p, parser_peek(p)), NULL, "Too deeply nested",
		    "Blocks, expressions and templates may be nested at most %d levels deep.",
		    PARSER_DEPTH_MAX);
	parser_abort(p);
	return false;
}

void parser_leave(struct parser *p)
{
	p->depth--;
}

struct expr *parser_node(struct parser *p, enum expr_kind kind, struct range range)
{
	struct expr *e = ARENA_NEW(p->arena, struct expr);

	e->kind = kind;
	e->range = range;
	return e;
}

void parser_adopt(struct parser *p, struct expr *e, const struct expr *child)
{
	if (child && child->height >= e->height)
		e->height = child->height + 1;
	if (e->height <= EXPR_HEIGHT_MAX || p->aborted)
		return;
	parser_fail(p, e->range, NULL, "Expression too complex",
		    "An expression may be at most %d operations deep.", EXPR_HEIGHT_MAX);
	parser_abort(p);
	e->height = 0;
}

/* --- entry points ------------------------------------------------------- */

static bool parser_start(struct parser *p, struct range at, enum lex_mode mode)
{
	if (at.end.byte - at.start.byte > PARSER_FILE_MAX) {
		diags_error(p->diags, &at, "File too large",
			    "%s is larger than %d MiB, which is more than a template may have.",
			    p->src->name, PARSER_FILE_MAX / 1024 / 1024);
		return false;
	}
	p->errors_before = p->diags->errors;
	p->skip_from = (size_t)-1;
	if (!lex(&p->tokens, p->src, at.start, at.end.byte, mode)) {
		diags_error(p->diags, &at, "File too large", "%s has too many tokens.",
			    p->src->name);
		return false;
	}
	lexer_check(p->src, &p->tokens, p->diags);
	return true;
}

static struct range whole(const struct source *src)
{
	return (struct range){ src, { 1, 1, 0 }, { 1, 1, src->len } };
}

struct body *parse_file(const struct source *src, struct arena *arena, struct diags *diags)
{
	struct parser p = { .src = src, .arena = arena, .diags = diags, .newlines = true };
	struct body *body;

	if (parser_start(&p, whole(src), LEX_CONFIG)) {
		body = parser_body(&p, TOKEN_EOF);
	} else {
		body = ARENA_NEW(arena, struct body);
		body->ops = &native_body_ops;
	}
	vec_release(&p.tokens);
	return body;
}

struct expr *parse_expression_at(const struct source *src, struct range at, struct arena *arena,
				 struct diags *diags)
{
	struct parser p = { .src = src, .arena = arena, .diags = diags };
	struct expr *e;

	if (parser_start(&p, at, LEX_CONFIG)) {
		e = parser_expression(&p);
		struct token rest = parser_peek(&p);
		if (rest.kind != TOKEN_EOF)
			parser_fail(&p, parser_range(&p, rest), NULL,
				    "Extra characters after expression", "%s",
				    "An expression was successfully parsed, but extra characters "
				    "were found after it.");
	} else {
		e = parser_node(&p, EXPR_INVALID, at);
	}
	vec_release(&p.tokens);
	return e;
}

struct expr *parse_expression(const struct source *src, struct arena *arena, struct diags *diags)
{
	return parse_expression_at(src, whole(src), arena, diags);
}

struct expr *parse_template_at(const struct source *src, struct range at, struct arena *arena,
			       struct diags *diags)
{
	struct parser p = { .src = src, .arena = arena, .diags = diags, .newlines = true };
	struct expr *e;

	if (parser_start(&p, at, LEX_TEMPLATE))
		e = parser_template(&p, TOKEN_EOF);
	else
		e = parser_node(&p, EXPR_INVALID, at);
	vec_release(&p.tokens);
	return e;
}

struct expr *parse_template(const struct source *src, struct arena *arena, struct diags *diags)
{
	return parse_template_at(src, whole(src), arena, diags);
}
