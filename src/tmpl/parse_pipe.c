/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in an action: pipelines, commands, terms, constants. */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/utf8.h"
#include "tmpl/parser.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- constants ------------------------------------------------------------------------ */

static bool add_code(struct strbuf *sb, const char *digits, size_t n, int base, bool is_byte)
{
	AUTO_FREE char *text = xstrndup(digits, n);
	char utf8[4];
	uint64_t cp;

	if (strspn(text, base == 8 ? "01234567" : "0123456789abcdefABCDEF") != n ||
	    !parse_uint64(text, base, &cp) || (is_byte && cp > 0xff))
		return false;
	if (is_byte) {
		strbuf_addch(sb, (char)cp);
		return true;
	}

	size_t len = cp <= 0x10ffff ? utf8_encode((uint32_t)cp, utf8) : 0;

	strbuf_add(sb, utf8, len);
	return len > 0;
}

/* `rest` starts behind a backslash; what it used is dropped from it. */
static bool add_escape(struct strbuf *sb, struct str *rest, char quote)
{
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	char c = rest->len ? *rest->p : '\0';
	const char *hit = c ? strchr(from, c) : NULL;
	size_t n = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0, skip = 1;

	if (hit || c == quote) {
		strbuf_addch(sb, hit ? to[hit - from] : c);
		n = 0;
	} else if (c >= '0' && c <= '7') {
		n = 3;
		skip = 0;
	} else if (!n) {
		return false;
	}
	if (rest->len < n + skip || (n && !add_code(sb, rest->p + skip, n, skip ? 16 : 8, n < 4)))
		return false;
	rest->p += n + skip;
	rest->len -= n + skip;
	return true;
}

/* The inside of quotes, escapes resolved. */
static bool unquote(struct strbuf *sb, struct str inner, char quote)
{
	while (inner.len) {
		char c = *inner.p;

		if (c == '\n' || c == quote)
			return false;
		inner.p++;
		inner.len--;
		if (c != '\\')
			strbuf_addch(sb, c);
		else if (!add_escape(sb, &inner, quote))
			return false;
	}
	return true;
}

static struct str keep(struct parser *p, const struct strbuf *sb)
{
	return (struct str){ arena_strndup(p->arena, sb->buf, sb->len), sb->len };
}

bool parse_string(struct parser *p, const struct word *w, struct str *ret)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct str inner = { w->text.p + 1, w->text.len - 2 };

	if (w->kind == WORD_RAW) {
		*ret = inner;
		if (!memchr(inner.p, '\r', inner.len))
			return true;
		strbuf_add(&sb, inner.p, inner.len);
		strbuf_replace(&sb, "\r", "");
	} else if (!unquote(&sb, inner, '"')) {
		parse_fail(p, "invalid syntax");
		return false;
	}
	*ret = keep(p, &sb);
	return true;
}

/* 'x' */
static bool parse_constant(struct parser *p, const struct word *w, struct term *t)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct str rest = { w->text.p + 1, w->text.len - 2 };
	uint32_t cp = 0;
	size_t used = 0;

	if (rest.len && *rest.p == '\\') {
		bool is_byte = rest.len > 1 && strchr("x01234567", rest.p[1]);

		rest.p++;
		rest.len--;
		if (!add_escape(&sb, &rest, '\''))
			return parse_fail(p, "invalid syntax"), false;
		if (is_byte)
			cp = (unsigned char)sb.buf[0];
		else
			(void)utf8_decode(sb.buf, sb.len, &cp);
	} else {
		used = utf8_decode(rest.p, rest.len, &cp);
		if (!used)
			return parse_fail(p, "invalid syntax"), false;
	}
	if (rest.len != used)
		return parse_fail(p, "malformed character constant: %.*s", STR_FMT(w->text)), false;
	t->is_int = true;
	t->integer = cp;
	t->value = tmpl_int(cp);
	return true;
}

/* Underscores may stand between digits, and behind a base. */
static bool underscores_are_right(const char *s)
{
	char before = '^';
	bool is_hex;

	s += *s == '-' || *s == '+';
	is_hex = s[0] == '0' && (s[1] | 0x20) == 'x';
	if (s[0] == '0' && s[1] && strchr("xXoObB", s[1])) {
		before = '0';
		s += 2;
	}
	for (; *s; s++) {
		bool is_digit = (*s >= '0' && *s <= '9') || (is_hex && strchr("abcdefABCDEF", *s));

		if (*s == '_' && before != '0')
			return false;
		if (!is_digit && *s != '_' && before == '_')
			return false;
		before = is_digit ? '0' : *s;
	}
	return before != '_';
}

/* Go's literals: 12, -0x1f, 0b101, 0o17, 017. */
static bool int_of(const char *s, int64_t *ret)
{
	static const struct {
		const char *prefix;
		int base;
	} bases[] = { { "0x", 16 }, { "0X", 16 }, { "0b", 2 }, { "0B", 2 },
		      { "0o", 8 },  { "0O", 8 },  { "0", 8 } };
	bool negative = *s == '-';
	int base = 10;
	uint64_t n;

	s += *s == '-' || *s == '+';
	for (size_t i = 0; i < ARRAY_LEN(bases) && base == 10; i++) {
		size_t len = strlen(bases[i].prefix);

		if (text_starts_with(s, bases[i].prefix) && s[len]) {
			base = bases[i].base;
			s += len;
		}
	}
	if (!parse_uint64(s, base, &n) || n > (uint64_t)INT64_MAX + negative)
		return false;
	*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

static unsigned hex_digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* 0x1.8p+2, without sign and underscores. */
static bool hex_real_of(const char *s, double *ret)
{
	double mantissa = 0;
	int64_t exponent;
	bool has_point = false, any = false;
	int scale = 0;

	for (s += 2; *s && *s != 'p' && *s != 'P'; s++) {
		has_point = has_point || *s == '.';
		if (*s == '.')
			continue;
		any = true;
		mantissa = mantissa * 16 + hex_digit(*s);
		scale -= has_point ? 4 : 0;
	}
	if (!any || !*s || !parse_int64(s[1] == '+' ? s + 2 : s + 1, 10, &exponent))
		return false;
	exponent = MAX(MIN(exponent, 10000), -10000);
	*ret = ldexp(mantissa, (int)exponent + scale);
	return isfinite(*ret);
}

static bool real_of(const char *s, double *ret)
{
	bool negative = *s == '-';

	s += *s == '-' || *s == '+';
	if (strpbrk(s, "xX")) {
		if (!hex_real_of(s, ret))
			return false;
	} else {
		AUTO(number) struct number *n = number_parse(s, strlen(s));

		if (!n)
			return false;
		*ret = number_to_double(n);
	}
	if (negative)
		*ret = -*ret;
	return isfinite(*ret);
}

static bool parse_number(struct parser *p, const struct word *w, struct term *t)
{
	AUTO_FREE char *written = str_dup(w->text);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	double real;

	strbuf_addstr(&text, written);
	strbuf_replace(&text, "_", "");
	t->is_int = underscores_are_right(written) && int_of(text.buf, &t->integer);
	if (t->is_int) {
		t->value = tmpl_int(t->integer);
		return true;
	}
	if (!underscores_are_right(written) || !real_of(text.buf, &real)) {
		AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

		encode_go_quoted(&quoted, written, strlen(written));
		return parse_fail(p, "illegal number syntax: %s", quoted.buf), false;
	}
	if (!strpbrk(written, ".eEpP"))
		return parse_fail(p, "integer overflow: \"%s\"", written), false;
	t->is_real = true;
	t->value = (struct tmpl_value){ .kind = TMPL_FLOAT, .real = real };
	if (real >= -0x1p63 && real < 0x1p63 && (double)(int64_t)real == real) {
		t->is_int = true;
		t->integer = (int64_t)real;
	}
	return true;
}

/* ---- variables ---------------------------------------------------------------------- */

static void bind(struct parser *p, struct str name, uintptr_t value)
{
	struct parse_scope *s = p->scope;
	const char *key = arena_strndup(p->arena, name.p, name.len);

	*vec_push(&s->hidden) = (struct hidden_name){ key, map_get(&s->slots, key) };
	map_set(&s->slots, key, (void *)value);
}

static uintptr_t binding(struct parser *p, struct str name)
{
	AUTO_FREE char *key = str_dup(name);

	return (uintptr_t)map_get(&p->scope->slots, key);
}

static int slot_of(uintptr_t binding)
{
	return binding >= 2 ? (int)(binding - 2) : SLOT_NONE;
}

/* Its name can be written from here on, but nothing is in it before the pipeline ran. */
static struct term *announce(struct parser *p, const struct word *w)
{
	struct term *t = ARENA_NEW(p->arena, struct term);
	uintptr_t known = binding(p, w->text);

	*t = (struct term){ .kind = TERM_VARIABLE, .pos = w->pos, .text = w->text };
	t->slot = slot_of(known);
	if (!known)
		bind(p, w->text, 1);
	return t;
}

static void declare(struct parser *p, struct term *t)
{
	struct parse_scope *s = p->scope;

	t->slot = s->slot_count++;
	s->slot_max = MAX(s->slot_max, s->slot_count);
	bind(p, t->text, (uintptr_t)t->slot + 2);
}

/* ---- terms -------------------------------------------------------------------------------- */

static struct term *new_term(struct parser *p, const struct word *w, enum term_kind kind)
{
	struct term *t = ARENA_NEW(p->arena, struct term);

	t->kind = kind;
	t->pos = w->pos;
	t->text = w->text;
	return t;
}

static struct term *variable(struct parser *p, const struct word *w)
{
	uintptr_t known = binding(p, w->text);
	struct term *t = new_term(p, w, TERM_VARIABLE);

	t->slot = slot_of(known);
	if (known)
		return t;
	parse_fail(p, "undefined variable \"%.*s\"", STR_FMT(w->text));
	return NULL;
}

static struct term *identifier(struct parser *p, const struct word *w)
{
	if (p->names->is_function(p->names->data, w->text))
		return new_term(p, w, TERM_IDENTIFIER);

	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

	encode_go_quoted(&quoted, w->text.p, w->text.len);
	parse_fail(p, "function %s not defined", quoted.buf);
	return NULL;
}

static struct term *parens(struct parser *p, const struct word *w)
{
	struct term *t = new_term(p, w, TERM_PIPE);

	if (!parse_deeper(p))
		return NULL;
	t->pipe = parse_pipe(p, "parenthesized pipeline", WORD_RPAREN);
	p->depth--;
	if (!t->pipe)
		return NULL;
	t->pos = t->pipe->pos;
	return t;
}

static struct term *constant(struct parser *p, const struct word *w)
{
	bool is_text = w->kind == WORD_STRING || w->kind == WORD_RAW;
	struct term *t = new_term(p, w, is_text ? TERM_STRING : TERM_NUMBER);
	struct str text;

	if (is_text) {
		if (!parse_string(p, w, &text))
			return NULL;
		t->value = tmpl_string(text);
		return t;
	}
	bool ok = w->kind == WORD_NUMBER ? parse_number(p, w, t) : parse_constant(p, w, t);

	return ok ? t : NULL;
}

static bool starts_term(enum word_kind kind)
{
	return (kind >= WORD_STRING && kind <= WORD_NIL) || kind == WORD_LPAREN;
}

/* A word that starts_term(). */
static struct term *term(struct parser *p)
{
	struct word w = parse_take(p);
	struct term *t;

	switch (w.kind) {
	case WORD_IDENTIFIER:
		return identifier(p, &w);
	case WORD_DOT:
		return new_term(p, &w, TERM_DOT);
	case WORD_NIL:
		return new_term(p, &w, TERM_NIL);
	case WORD_VARIABLE:
		return variable(p, &w);
	case WORD_FIELD:
		t = new_term(p, &w, TERM_FIELD);
		t->field_count = 1;
		t->fields = ARENA_NEW(p->arena, struct str);
		*(struct str *)t->fields = (struct str){ w.text.p + 1, w.text.len - 1 };
		return t;
	case WORD_BOOL:
		t = new_term(p, &w, TERM_BOOL);
		t->value = tmpl_bool(w.text.len == strlen("true"));
		return t;
	case WORD_LPAREN:
		return parens(p, &w);
	default:
		return constant(p, &w);
	}
}

static bool field_follows(struct parser *p)
{
	const struct word *w = parse_peek(p, 0);

	return w->kind == WORD_FIELD && !w->spaced;
}

/* `.B.C` right behind a term. */
static struct term *add_fields(struct parser *p, struct term *t)
{
	VEC_DECLARE(, struct str) fields = { 0 };
	size_t pos = parse_peek(p, 0)->pos;
	struct term *chain = t;

	for (size_t i = 0; i < t->field_count; i++)
		*vec_push(&fields) = t->fields[i];
	while (field_follows(p)) {
		struct word w = parse_take(p);

		*vec_push(&fields) = (struct str){ w.text.p + 1, w.text.len - 1 };
	}
	if (t->kind == TERM_PIPE || t->kind == TERM_IDENTIFIER) {
		chain = ARENA_NEW(p->arena, struct term);
		chain->kind = TERM_CHAIN;
		chain->base = t;
	}

	struct str *copy = ARENA_ARRAY(p->arena, struct str, fields.len);

	memcpy(copy, fields.items, fields.len * sizeof(*copy));
	chain->fields = copy;
	chain->field_count = fields.len;
	chain->pos = pos;
	vec_release(&fields);
	return chain;
}

static struct term *operand(struct parser *p)
{
	struct term *t = term(p);

	if (!t || !field_follows(p))
		return t;
	switch (t->kind) {
	case TERM_BOOL:
	case TERM_STRING:
	case TERM_NUMBER:
	case TERM_NIL:
	case TERM_DOT: {
		AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;

		encode_go_quoted(&quoted, t->text.p, t->text.len);
		parse_fail(p, "unexpected . after term %s", quoted.buf);
		return NULL;
	}
	default:
		return add_fields(p, t);
	}
}

/* ---- commands and pipelines ----------------------------------------------------------------- */

VEC_DECLARE(term_list, const struct term *);

static int read_operands(struct parser *p, struct term_list *args)
{
	for (;;) {
		const struct word *w = parse_peek(p, 0);

		if (starts_term(w->kind) && (w->spaced || !args->len)) {
			struct term *t = operand(p);

			if (!t)
				return -1;
			*vec_push(args) = t;
			continue;
		}
		if (w->kind == WORD_CLOSE || w->kind == WORD_RPAREN || w->kind == WORD_PIPE)
			return 0;

		struct word bad = parse_take(p);

		return parse_unexpected(p, &bad, "operand");
	}
}

static int parse_command(struct parser *p, struct command *ret)
{
	struct term_list args = { 0 };

	ret->pos = parse_peek(p, 0)->pos;

	int r = read_operands(p, &args);

	if (r == 0) {
		const struct term **copy = ARENA_ARRAY(p->arena, const struct term *, args.len);

		memcpy(copy, args.items, args.len * sizeof(*copy));
		ret->args = copy;
		ret->len = args.len;
		if (parse_peek(p, 0)->kind == WORD_PIPE)
			parse_take(p);
	}
	vec_release(&args);
	return r;
}

/* `$x :=`, `$x =`, and for range `$k, $v :=`, `$k, $v =`. */
static int parse_declarations(struct parser *p, struct pipe *pipe, const char *context,
			      struct term *decls[2])
{
	while (parse_peek(p, 0)->kind == WORD_VARIABLE) {
		enum word_kind next = parse_peek(p, 1)->kind;
		bool is_comma = next == WORD_CHAR && str_is(p->ahead[1].text, ",");

		if (next != WORD_ASSIGN && next != WORD_DECLARE && !is_comma)
			return 0;

		struct word w = parse_take(p);

		parse_take(p);
		if (pipe->decl_count < 2)
			decls[pipe->decl_count] = announce(p, &w);
		pipe->decl_count++;
		if (!is_comma) {
			pipe->is_assign = next == WORD_ASSIGN;
			return 0;
		}
		if (!text_eq(context, "range") || pipe->decl_count >= 2)
			return parse_fail(p, "too many declarations in %s", context);
		next = parse_peek(p, 0)->kind;
		if (next != WORD_VARIABLE && next != WORD_CLOSE && next != WORD_RPAREN)
			return parse_fail(p, "range can only initialize variables");
	}
	return 0;
}

static bool is_executable(const struct command *c)
{
	enum term_kind kind = c->args[0]->kind;

	return kind != TERM_BOOL && kind != TERM_DOT && kind != TERM_NIL && kind != TERM_NUMBER &&
	       kind != TERM_STRING;
}

static int check_commands(struct parser *p, const struct pipe *pipe, const char *context)
{
	if (!pipe->len)
		return parse_fail(p, "missing value for %s", context);
	for (size_t i = 1; i < pipe->len; i++)
		if (!is_executable(&pipe->commands[i]))
			return parse_fail(p, "non executable command in pipeline stage %zu", i + 1);
	return 0;
}

VEC_DECLARE(command_list, struct command);

static int read_commands(struct parser *p, struct command_list *commands, const char *context,
			 enum word_kind end)
{
	for (;;) {
		const struct word *w = parse_peek(p, 0);

		if (starts_term(w->kind)) {
			if (parse_command(p, vec_push(commands)) < 0)
				return -1;
			continue;
		}

		struct word last = parse_take(p);

		return last.kind == end ? 0 : parse_unexpected(p, &last, context);
	}
}

struct pipe *parse_pipe(struct parser *p, const char *context, enum word_kind end)
{
	struct pipe *pipe = ARENA_NEW(p->arena, struct pipe);
	struct command_list commands = { 0 };
	struct term *decls[2] = { 0 };

	pipe->pos = parse_peek(p, 0)->pos;

	int r = parse_declarations(p, pipe, context, decls);

	if (r == 0)
		r = read_commands(p, &commands, context, end);
	if (r == 0) {
		struct command *copy = ARENA_ARRAY(p->arena, struct command, commands.len + 1);

		if (commands.len)
			memcpy(copy, commands.items, commands.len * sizeof(*copy));
		pipe->commands = copy;
		pipe->len = commands.len;
		r = check_commands(p, pipe, context);
	}
	vec_release(&commands);
	for (size_t i = 0; i < 2; i++) {
		pipe->decls[i] = decls[i];
		if (decls[i] && r == 0 && !pipe->is_assign)
			declare(p, decls[i]);
	}
	return r == 0 ? pipe : NULL;
}
