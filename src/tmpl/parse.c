/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text -> tree, in one pass: text up to `{{`, then the words of an action. The
 * parser stops at the first mistake, as the reference does.
 */
#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "tmpl/node.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 100 };

struct parser {
	const char *text, *p, *end;
	struct arena *arena;
	int depth;
	struct error **err;
	bool trim_next; /* the last action ended in ` -}}` */
};

enum keyword { WORD_NONE, WORD_IF, WORD_ELSE, WORD_END, WORD_RANGE, WORD_WITH, WORD_OTHER };

static int line_of(const char *text, const char *at)
{
	int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

PRINTF(2, 3) static int fail(struct parser *p, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	error_set(p->err, ERROR_INVALID, "template: root:%d: %s", line_of(p->text, p->p), sb.buf);
	strbuf_release(&sb);
	return -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static void skip_space(struct parser *p)
{
	while (p->p < p->end && is_space(*p->p))
		p->p++;
}

static bool at_close(struct parser *p)
{
	return (p->end - p->p >= 2 && !memcmp(p->p, "}}", 2)) ||
	       (p->end - p->p >= 3 && !memcmp(p->p, "-}}", 3) && is_space(p->p[-1]));
}

static int close_action(struct parser *p)
{
	skip_space(p);
	if (p->p >= p->end)
		return fail(p, "unclosed action");
	if (!at_close(p))
		return fail(p, "unexpected \"%c\" in operand", *p->p);
	p->trim_next = *p->p == '-';
	p->p += p->trim_next ? 3 : 2;
	return 0;
}

static struct str word(struct parser *p)
{
	const char *start = p->p;

	while (p->p < p->end && is_word(*p->p))
		p->p++;
	return (struct str){ start, (size_t)(p->p - start) };
}

/* ---- literals ------------------------------------------------------------------ */

static struct term *new_term(struct parser *p, enum term_kind kind, const char *start)
{
	struct term *t = ARENA_NEW(p->arena, struct term);

	t->kind = kind;
	t->text = (struct str){ start, (size_t)(p->p - start) };
	return t;
}

static void drop_value(void *v)
{
	value_unref(v);
}

static struct term *literal(struct parser *p, const char *start, struct value *v)
{
	struct term *t = new_term(p, TERM_LITERAL, start);

	t->value = v;
	arena_on_free(p->arena, drop_value, v);
	return t;
}

static bool add_escape(struct parser *p, struct strbuf *sb)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *hit = *p->p ? strchr(from, *p->p) : NULL;
	size_t digits = *p->p == 'x' ? 2 : *p->p == 'u' ? 4 : *p->p == 'U' ? 8 : 0;
	char hex[9] = "", utf8[4];
	uint64_t cp;

	if (hit) {
		strbuf_addch(sb, to[hit - from]);
		p->p++;
		return true;
	}
	if (!digits || (size_t)(p->end - p->p) <= digits)
		return false;
	memcpy(hex, p->p + 1, digits);
	if (!parse_uint64(hex, 16, &cp))
		return false;
	if (digits == 2)
		strbuf_addch(sb, (char)cp);
	else
		strbuf_add(sb, utf8, utf8_encode((uint32_t)cp, utf8));
	p->p += 1 + digits;
	return true;
}

static struct term *quoted(struct parser *p)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	const char *start = p->p++;

	while (p->p < p->end && *p->p != '"' && *p->p != '\n') {
		if (*p->p != '\\') {
			strbuf_addch(&sb, *p->p++);
			continue;
		}
		p->p++;
		if (p->p >= p->end || !add_escape(p, &sb))
			return fail(p, "unexpected \"\\\\\" in operand"), NULL;
	}
	if (p->p >= p->end || *p->p != '"')
		return fail(p, "unterminated quoted string"), NULL;
	p->p++;
	return literal(p, start, value_string_len(sb.buf, sb.len));
}

static struct term *raw(struct parser *p)
{
	const char *start = p->p;
	const char *stop = memchr(start + 1, '`', (size_t)(p->end - start - 1));

	if (!stop)
		return fail(p, "unterminated raw quoted string"), NULL;
	p->p = stop + 1;
	return literal(p, start, value_string_len(start + 1, (size_t)(stop - start - 1)));
}

static struct term *character(struct parser *p)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	const char *start = p->p++;
	uint32_t cp = 0;

	if (p->p < p->end && *p->p == '\\') {
		p->p++;
		if (p->p >= p->end || !add_escape(p, &sb))
			return fail(p, "unterminated character constant"), NULL;
		(void)utf8_decode(sb.buf, sb.len, &cp);
	} else {
		p->p += utf8_decode(p->p, (size_t)(p->end - p->p), &cp);
	}
	if (p->p >= p->end || *p->p != '\'')
		return fail(p, "unterminated character constant"), NULL;
	p->p++;
	return literal(p, start, value_int(cp));
}

static struct term *number(struct parser *p)
{
	const char *start = p->p;
	int64_t n;

	if (*p->p == '-' || *p->p == '+')
		p->p++;
	while (p->p < p->end && (is_word(*p->p) || *p->p == '.' ||
				 ((*p->p == '-' || *p->p == '+') && strchr("eE", p->p[-1]))))
		p->p++;

	AUTO_FREE char *text = xstrndup(start, (size_t)(p->p - start));

	if (parse_int64(text, 0, &n))
		return literal(p, start, value_int(n));

	AUTO(number) struct number *num = number_parse(text, strlen(text));

	if (!num)
		return fail(p, "bad number syntax: \"%s\"", text), NULL;
	return literal(p, start, value_number(num));
}

/* ---- terms, commands, pipelines --------------------------------------------------- */

static struct pipe *parse_pipe(struct parser *p, bool in_parens);

static struct term *word_term(struct parser *p)
{
	const char *start = p->p;
	struct str w = word(p);

	if (str_is(w, "true") || str_is(w, "false"))
		return literal(p, start, value_bool(w.len == 4));
	if (str_is(w, "nil"))
		return new_term(p, TERM_NIL, start);
	if (!tmpl_func_find(w))
		return fail(p, "function \"%.*s\" not defined", STR_FMT(w)), NULL;

	struct term *t = new_term(p, TERM_CALL, start);

	t->name = w;
	return t;
}

static struct term *parens(struct parser *p)
{
	const char *start = p->p++;

	if (++p->depth > DEPTH_MAX)
		return fail(p, "nested too deeply"), NULL;

	struct pipe *pipe = parse_pipe(p, true);

	if (!pipe)
		return NULL;
	skip_space(p);
	if (p->p >= p->end || *p->p != ')')
		return fail(p, "unclosed left paren"), NULL;
	p->p++;
	p->depth--;

	struct term *t = new_term(p, TERM_PIPE, start);

	t->pipe = pipe;
	return t;
}

static bool is_digit_at(const struct parser *p, size_t i)
{
	return (size_t)(p->end - p->p) > i && p->p[i] >= '0' && p->p[i] <= '9';
}

static struct term *dot(struct parser *p)
{
	const char *start = p->p;

	/* `.Name` is read by the caller as fields of the dot. */
	if (p->p + 1 >= p->end || !is_word(p->p[1]))
		p->p++;
	return new_term(p, TERM_DOT, start);
}

static struct term *variable(struct parser *p)
{
	const char *start = p->p++;
	struct str name = word(p);
	struct term *t = new_term(p, TERM_VAR, start);

	t->name = name;
	return t;
}

static struct term *primary(struct parser *p)
{
	char c = *p->p;

	switch (c) {
	case '"':
		return quoted(p);
	case '`':
		return raw(p);
	case '\'':
		return character(p);
	case '(':
		return parens(p);
	case '$':
		return variable(p);
	case '.':
		return is_digit_at(p, 1) ? number(p) : dot(p);
	case '+':
	case '-':
		if (is_digit_at(p, 1))
			return number(p);
		break;
	default:
		if (is_digit_at(p, 0))
			return number(p);
		if (is_word(c))
			return word_term(p);
	}
	if (strchr("}{|),=:", c))
		return fail(p, "unexpected \"%c\" in operand", c), NULL;
	return fail(p, "bad character U+%04X '%c'", (unsigned char)c, c), NULL;
}

static struct term *parse_term(struct parser *p)
{
	const char *start = p->p;
	struct term *t = primary(p);

	if (!t)
		return NULL;

	VEC_DECLARE(, struct str) fields = { 0 };

	while (p->p + 1 < p->end && *p->p == '.' && is_word(p->p[1])) {
		p->p++;
		*vec_push(&fields) = word(p);
	}
	if (fields.len) {
		struct term *base = t;

		t = new_term(p, TERM_FIELD, start);
		t->base = base->kind == TERM_DOT ? NULL : base;
		t->fields = ARENA_ARRAY(p->arena, struct str, fields.len);
		memcpy(t->fields, fields.items, fields.len * sizeof(*fields.items));
		t->field_count = fields.len;
	}
	vec_release(&fields);
	return t;
}

static int parse_command(struct parser *p, struct command_node *ret, bool in_parens)
{
	VEC_DECLARE(, struct term *) terms = { 0 };
	const char *start, *stop;
	int r = 0;

	skip_space(p);
	start = stop = p->p;
	for (;;) {
		skip_space(p);
		if (p->p >= p->end) {
			r = fail(p, "unclosed action");
			break;
		}
		if (at_close(p) || *p->p == '|' || (in_parens && *p->p == ')'))
			break;

		struct term *t = parse_term(p);

		if (!t) {
			r = -1;
			break;
		}
		*vec_push(&terms) = t;
		stop = p->p;
	}
	if (r == 0 && !terms.len)
		r = fail(p, "missing value for command");
	if (r == 0) {
		ret->terms = ARENA_ARRAY(p->arena, struct term *, terms.len);
		memcpy(ret->terms, terms.items, terms.len * sizeof(*terms.items));
		ret->len = terms.len;
		ret->text = (struct str){ start, (size_t)(stop - start) };
	}
	vec_release(&terms);
	return r;
}

/* `$x :=`, `$k, $v :=`, `$x =` */
static void parse_declaration(struct parser *p, struct pipe *pipe)
{
	const char *start = p->p;
	struct str names[2] = { 0 };
	size_t n = 0;

	while (n < 2 && p->p < p->end && *p->p == '$') {
		p->p++;
		names[n++] = word(p);
		skip_space(p);
		if (p->p < p->end && *p->p == ',' && n == 1) {
			p->p++;
			skip_space(p);
			continue;
		}
		break;
	}

	bool declares = n && p->end - p->p >= 2 && !memcmp(p->p, ":=", 2);
	bool assigns = n && !declares && p->p < p->end && *p->p == '=';

	if (!declares && !assigns) {
		p->p = start;
		return;
	}
	p->p += declares ? 2 : 1;
	pipe->is_assign = assigns;
	pipe->variable = names[n - 1];
	if (n == 2)
		pipe->key = names[0];
}

static struct pipe *parse_pipe(struct parser *p, bool in_parens)
{
	VEC_DECLARE(, struct command_node) commands = { 0 };
	struct pipe *pipe = ARENA_NEW(p->arena, struct pipe);
	int r;

	skip_space(p);

	const char *start = p->p;

	parse_declaration(p, pipe);
	for (;;) {
		struct command_node *c = vec_push(&commands);

		r = parse_command(p, c, in_parens);
		if (r < 0 || *p->p != '|')
			break;
		p->p++;
	}
	if (r == 0) {
		pipe->commands = ARENA_ARRAY(p->arena, struct command_node, commands.len);
		memcpy(pipe->commands, commands.items, commands.len * sizeof(*commands.items));
		pipe->len = commands.len;
		pipe->text = (struct str){ start, (size_t)(p->p - start) };
		while (pipe->text.len && is_space(pipe->text.p[pipe->text.len - 1]))
			pipe->text.len--;
	}
	vec_release(&commands);
	return r == 0 ? pipe : NULL;
}

/* ---- nodes -------------------------------------------------------------------------- */

/* Opens `{{` or `{{- `, skipping comments; returns the keyword the action starts with. */
static enum keyword open_action(struct parser *p)
{
	static const struct {
		const char *name;
		enum keyword word;
	} words[] = {
		{ "if", WORD_IF },       { "else", WORD_ELSE },      { "end", WORD_END },
		{ "range", WORD_RANGE }, { "with", WORD_WITH },      { "define", WORD_OTHER },
		{ "block", WORD_OTHER }, { "template", WORD_OTHER },
	};

	p->p += 2;
	if (p->end - p->p >= 2 && *p->p == '-' && is_space(p->p[1]))
		p->p++;
	skip_space(p);

	const char *start = p->p;
	struct str w = word(p);

	for (size_t i = 0; w.len && i < ARRAY_LEN(words); i++)
		if (str_is(w, words[i].name))
			return words[i].word;
	p->p = start;
	return WORD_NONE;
}

static struct node *new_node(struct parser *p, enum node_kind kind)
{
	struct node *n = ARENA_NEW(p->arena, struct node);

	n->kind = kind;
	return n;
}

/* Text up to the next action, trimmed as the actions around it say; NULL if empty. */
static struct node *parse_text(struct parser *p)
{
	const char *start = p->p;
	const char *open = memmem(p->p, (size_t)(p->end - p->p), "{{", 2);
	const char *stop = open ? open : p->end;

	p->p = stop;
	if (p->trim_next)
		while (start < stop && is_space(*start))
			start++;
	p->trim_next = false;
	if (open && p->end - open >= 4 && open[2] == '-' && is_space(open[3]))
		while (stop > start && is_space(stop[-1]))
			stop--;
	if (start == stop)
		return NULL;

	struct node *n = new_node(p, NODE_TEXT);

	n->text = (struct str){ start, (size_t)(stop - start) };
	return n;
}

/* Returns 1 if a comment was skipped. */
static int skip_comment(struct parser *p)
{
	const char *q = p->p + 2;

	if (q + 1 < p->end && *q == '-' && is_space(q[1]))
		for (q++; q < p->end && is_space(*q);)
			q++;
	if (p->end - q < 2 || memcmp(q, "/*", 2))
		return 0;

	const char *stop = memmem(q, (size_t)(p->end - q), "*/", 2);

	if (!stop)
		return fail(p, "unclosed comment");
	p->p = stop + 2;
	if (p->end - p->p >= 4 && is_space(*p->p) && !memcmp(p->p + 1, "-}}", 3)) {
		p->p += 4;
		p->trim_next = true;
		return 1;
	}
	if (p->end - p->p < 2 || memcmp(p->p, "}}", 2))
		return fail(p, "comment ends before closing delimiter");
	p->p += 2;
	return 1;
}

static int parse_list(struct parser *p, struct node **ret, enum keyword *ret_stop);

/* if, with, range: header, body, else …, end. */
static struct node *parse_control(struct parser *p, enum node_kind kind)
{
	struct node *n = new_node(p, kind);
	enum keyword stop;

	if (++p->depth > DEPTH_MAX)
		return fail(p, "nested too deeply"), NULL;
	n->pipe = parse_pipe(p, false);
	if (!n->pipe || close_action(p) < 0 || parse_list(p, &n->body, &stop) < 0)
		return NULL;
	if (stop == WORD_ELSE) {
		skip_space(p);

		const char *start = p->p;
		struct str w = word(p);

		if (str_is(w, "if") || str_is(w, "with")) {
			/* `else if`: the inner one takes the end. */
			n->otherwise = parse_control(p, str_is(w, "if") ? NODE_IF : NODE_WITH);
			p->depth--;
			return n->otherwise ? n : NULL;
		}
		p->p = start;
		if (close_action(p) < 0 || parse_list(p, &n->otherwise, &stop) < 0)
			return NULL;
	}
	if (stop != WORD_END)
		return fail(p, stop == WORD_ELSE ? "unexpected {{else}}" : "unexpected EOF"), NULL;
	if (close_action(p) < 0)
		return NULL;
	p->depth--;
	return n;
}

static struct node *parse_action(struct parser *p, enum keyword word)
{
	switch (word) {
	case WORD_IF:
		return parse_control(p, NODE_IF);
	case WORD_RANGE:
		return parse_control(p, NODE_RANGE);
	case WORD_WITH:
		return parse_control(p, NODE_WITH);
	case WORD_OTHER:
		return fail(p, "nested template definitions are not supported"), NULL;
	case WORD_NONE:
	case WORD_ELSE:
	case WORD_END:
		break;
	}

	struct node *n = new_node(p, NODE_ACTION);

	n->pipe = parse_pipe(p, false);
	return n->pipe && close_action(p) == 0 ? n : NULL;
}

/* Nodes up to the end of the text (WORD_NONE), or to an `else` or `end`. */
static int parse_list(struct parser *p, struct node **ret, enum keyword *ret_stop)
{
	struct node **tail = ret;

	*ret_stop = WORD_NONE;
	while (p->p < p->end) {
		struct node *n = parse_text(p);

		if (n) {
			*tail = n;
			tail = &n->next;
		}
		if (p->p >= p->end)
			break;

		int comment = skip_comment(p);

		if (comment < 0)
			return -1;
		if (comment)
			continue;

		enum keyword word = open_action(p);

		if (word == WORD_ELSE || word == WORD_END) {
			*ret_stop = word;
			return 0;
		}
		n = parse_action(p, word);
		if (!n)
			return -1;
		*tail = n;
		tail = &n->next;
	}
	return 0;
}

struct node *tmpl_parse(const char *text, struct arena *arena, struct error **err)
{
	struct parser p = {
		.text = text, .p = text, .end = text + strlen(text), .arena = arena, .err = err
	};
	struct node *root = NULL;
	enum keyword stop;

	if (parse_list(&p, &root, &stop) < 0)
		return NULL;
	if (stop != WORD_NONE) {
		fail(&p, stop == WORD_ELSE ? "unexpected {{else}}" : "unexpected {{end}}");
		return NULL;
	}
	return root ? root : new_node(&p, NODE_TEXT);
}
