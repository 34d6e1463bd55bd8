/* SPDX-License-Identifier: Apache-2.0 */
/* format() and formatlist(): the printf of the language (language.md 21.3). */
#include "base/encode.h"
#include "base/utf8.h"
#include "func/args.h"
#include "func/rows.h"
#include "value/convert.h"
#include "value/jsontext.h"

#include <ctype.h>
#include <string.h>

enum { WIDTH_MAX = 1 << 16 };

/* One `%…` of the format text. */
struct verb {
	const char *start;
	size_t len;    /* of the whole verb */
	size_t offset; /* of the '%' in the text */
	bool sharp, zero, plus, minus, space;
	int width, precision; /* -1: not given */
	size_t arg;           /* from 1 */
	char letter;
};

struct printer {
	const char *text, *p, *end;
	struct value *const *args; /* those after the format */
	size_t argc;
	size_t next, highest; /* argument numbers, from 1 */
	bool unknown;         /* an argument that is used is not known */
	struct strbuf out;
	struct error **err;
};

static void set_bad_char(struct printer *pr)
{
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
	uint32_t cp;

	if (pr->p >= pr->end) {
		fail(pr->err, "invalid format string starting at offset %zu",
		     (size_t)(pr->end - pr->text));
		return;
	}

	size_t n = utf8_decode(pr->p, (size_t)(pr->end - pr->p), &cp);

	encode_go_quoted(&quoted, pr->p, n ? n : 1);
	quoted.buf[0] = quoted.buf[quoted.len - 1] = '\'';
	fail(pr->err, "unrecognized format character %s at offset %zu", quoted.buf,
	     (size_t)(pr->p - pr->text));
}

static int peek(const struct printer *pr)
{
	return pr->p < pr->end ? (unsigned char)*pr->p : -1;
}

static int scan_number(struct printer *pr)
{
	int n = 0;

	while (isdigit(peek(pr))) {
		n = n * 10 + (*pr->p++ - '0');
		n = MIN(n, WIDTH_MAX);
	}
	return n;
}

static void scan_flags(struct printer *pr, struct verb *v)
{
	for (;; pr->p++) {
		switch (peek(pr)) {
		case '#':
			v->sharp = true;
			break;
		case '0':
			v->zero = true;
			break;
		case '+':
			v->plus = true;
			break;
		case '-':
			v->minus = true;
			break;
		case ' ':
			v->space = true;
			break;
		default:
			return;
		}
	}
}

/* At the character after the '%'. */
static bool scan_verb(struct printer *pr, struct verb *v)
{
	scan_flags(pr, v);
	v->width = isdigit(peek(pr)) ? scan_number(pr) : -1;
	v->precision = -1;
	if (peek(pr) == '.') {
		pr->p++;
		if (!isdigit(peek(pr)))
			return false;
		v->precision = scan_number(pr);
	}
	v->arg = pr->next;
	if (peek(pr) == '[') {
		pr->p++;
		if (!isdigit(peek(pr)) || peek(pr) == '0')
			return false;
		v->arg = (size_t)scan_number(pr);
		if (peek(pr) != ']')
			return false;
		pr->p++;
	}
	if (!isalpha(peek(pr)))
		return false;
	v->letter = *pr->p++;
	v->len = (size_t)(pr->p - v->start);
	return true;
}

/* Text of a verb, quoted, for messages. */
static void quote_verb(struct strbuf *sb, const struct verb *v)
{
	encode_go_quoted(sb, v->start, v->len);
}

static bool fail_value(struct printer *pr, const struct verb *v, const char *why)
{
	AUTO(strbuf) struct strbuf raw = STRBUF_INIT;

	quote_verb(&raw, v);
	fail(pr->err, "unsupported value for %s at %zu: %s", raw.buf, v->offset, why);
	return false;
}

/* Widths count characters as people do. */
static void add_padded(struct printer *pr, const struct verb *v, const struct strbuf *text)
{
	size_t have = utf8_grapheme_count(text->buf, text->len);
	size_t pad = v->width > 0 && (size_t)v->width > have ? (size_t)v->width - have : 0;

	if (!v->minus)
		strbuf_addchars(&pr->out, v->zero ? '0' : ' ', pad);
	strbuf_add(&pr->out, text->buf, text->len);
	if (v->minus)
		strbuf_addchars(&pr->out, ' ', pad);
}

/* `digits` may start with '-'; zeros go between the sign and the rest. */
static void add_number_text(struct printer *pr, const struct verb *v, const char *digits,
			    const char *prefix)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	bool negative = *digits == '-';
	size_t len;

	digits += negative || *digits == '+';
	if (negative || v->plus || v->space)
		strbuf_addch(&text, negative ? '-' : v->plus ? '+' : ' ');
	strbuf_addstr(&text, prefix);
	len = text.len + strlen(digits);
	if (v->zero && !v->minus && v->width > 0 && (size_t)v->width > len)
		strbuf_addchars(&text, '0', (size_t)v->width - len);
	strbuf_addstr(&text, digits);
	add_padded(pr, v, &text);
}

static bool print_integer(struct printer *pr, const struct verb *v, const struct number *n)
{
	static const struct {
		char letter;
		int base;
		const char *prefix;
	} forms[] = { { 'b', 2, "0b" },
		      { 'd', 10, "" },
		      { 'o', 8, "0" },
		      { 'x', 16, "0x" },
		      { 'X', 16, "0X" } };
	AUTO(strbuf) struct strbuf digits = STRBUF_INIT;
	struct verb plain = *v;

	if (!number_is_integer(n))
		return fail_value(pr, v, "an integer is required");
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (forms[i].letter != v->letter)
			continue;
		number_format_base(&digits, n, forms[i].base);
		if (v->letter == 'X')
			for (size_t k = 0; k < digits.len; k++)
				digits.buf[k] = (char)toupper((unsigned char)digits.buf[k]);

		size_t at = digits.len && digits.buf[0] == '-', have = digits.len - at;

		/* A precision is the least number of digits, and switches off '0'. */
		for (; v->precision > 0 && have < (size_t)v->precision; have++)
			strbuf_insert(&digits, at, "0", 1);
		plain.zero = v->zero && v->precision < 0;
		add_number_text(pr, &plain, digits.buf, v->sharp ? forms[i].prefix : "");
	}
	return true;
}

static bool print_float(struct printer *pr, const struct verb *v, const struct number *n)
{
	AUTO(strbuf) struct strbuf digits = STRBUF_INIT;
	char form = (char)tolower((unsigned char)v->letter);

	number_format_float(&digits, n, form,
			    v->precision >= 0 ? v->precision
			    : form == 'g'     ? -1
					      : 6);
	if (isupper((unsigned char)v->letter) && !number_is_infinite(n))
		for (size_t k = 0; k < digits.len; k++)
			digits.buf[k] = (char)toupper((unsigned char)digits.buf[k]);
	add_number_text(pr, v, digits.buf, "");
	return true;
}

static bool print_default(struct printer *pr, const struct verb *v, struct value *arg)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	bool plain = !v->sharp && !value_is_null(arg);

	if (plain && value_type(arg) == type_string)
		strbuf_add(&text, value_as_string(arg), value_string_size(arg));
	else if (plain && value_type(arg) == type_number)
		number_format_float(&text, value_as_number(arg), 'g', -1);
	else
		value_format_json(&text, arg);
	add_padded(pr, v, &text);
	return true;
}

static bool print_text(struct printer *pr, const struct verb *v, struct value *s)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	const char *p = value_as_string(s);
	size_t len = value_string_size(s), n, kept = 0;

	if (v->precision > 0) {
		for (int i = 0; i < v->precision && (n = utf8_grapheme(p + kept, len - kept)); i++)
			kept += n;
		len = kept;
	}
	if (v->letter == 'q')
		jsontext_quote(&text, p, len);
	else
		strbuf_add(&text, p, len);
	add_padded(pr, v, &text);
	return true;
}

static bool print_converted(struct printer *pr, const struct verb *v, struct value *arg,
			    struct type *type)
{
	AUTO(error) struct error *why = NULL;
	AUTO(value) struct value *as = NULL;

	if (value_is_null(arg))
		return fail_value(pr, v, "null value cannot be formatted");
	as = value_convert(arg, type, &why);
	if (!as)
		return fail_value(pr, v, why->message);
	if (type == type_string)
		return print_text(pr, v, as);
	if (type == type_number && strchr("bdoxX", v->letter))
		return print_integer(pr, v, value_as_number(as));
	if (type == type_number)
		return print_float(pr, v, value_as_number(as));

	/* The width does not count for a bool. */
	strbuf_addstr(&pr->out, value_as_bool(as) ? "true" : "false");
	return true;
}

static bool print_verb(struct printer *pr, const struct verb *v)
{
	AUTO(strbuf) struct strbuf raw = STRBUF_INIT;

	quote_verb(&raw, v);
	if (v->arg > pr->argc) {
		fail(pr->err,
		     "not enough arguments for %s at %zu: need index %zu but have %zu total",
		     raw.buf, v->offset, v->arg, pr->argc);
		return false;
	}

	struct value *arg = pr->args[v->arg - 1];

	if (!strchr("vtbdoxXeEfgGsq", v->letter)) {
		fail(pr->err, "unsupported format verb '%c' in %s at offset %zu", v->letter,
		     raw.buf, v->offset);
		return false;
	}
	if (!value_is_wholly_known(arg)) {
		pr->unknown = true;
		return true;
	}
	if (v->letter == 'v')
		return print_default(pr, v, arg);
	if (v->letter == 's' || v->letter == 'q')
		return print_converted(pr, v, arg, type_string);
	return print_converted(pr, v, arg, v->letter == 't' ? type_bool : type_number);
}

static bool print_all(struct printer *pr)
{
	while (pr->p < pr->end) {
		const char *percent = memchr(pr->p, '%', (size_t)(pr->end - pr->p));
		struct verb v = { .start = percent };

		if (!percent)
			percent = pr->end;
		strbuf_add(&pr->out, pr->p, (size_t)(percent - pr->p));
		pr->p = percent;
		if (pr->p == pr->end)
			break;
		v.offset = (size_t)(percent - pr->text);
		pr->p++;
		if (peek(pr) == '%') {
			strbuf_addch(&pr->out, *pr->p++);
			continue;
		}
		if (!scan_verb(pr, &v)) {
			set_bad_char(pr);
			return false;
		}
		if (!print_verb(pr, &v))
			return false;
		pr->next = v.arg + 1;
		pr->highest = MAX(pr->highest, v.arg);
	}
	return true;
}

/* Sets *ret_extra to the first argument that no verb uses. */
static struct value *print(struct value *format, struct value *const *args, size_t argc,
			   size_t *ret_extra, struct error **err)
{
	const char *text = value_as_string(format);
	struct printer pr = { .text = text,
			      .p = text,
			      .end = text + value_string_size(format),
			      .args = args,
			      .argc = argc,
			      .next = 1,
			      .out = STRBUF_INIT,
			      .err = err };
	struct value *result = NULL;

	if (!print_all(&pr)) {
		strbuf_release(&pr.out);
		return NULL;
	}
	if (pr.highest < argc) {
		*ret_extra = pr.highest;
		if (!pr.highest)
			fail(err, "too many arguments; no verbs in format string");
		else
			fail(err, "too many arguments; only %zu used by format string", pr.highest);
	} else {
		result = pr.unknown ? value_unknown(type_string)
				    : value_string_len(pr.out.buf, pr.out.len);
	}
	strbuf_release(&pr.out);
	return result;
}

static struct value *call_format(const struct func_call *call, struct error **err)
{
	size_t extra = SIZE_MAX;
	struct value *v;

	for (size_t i = 1; i < call->argc; i++)
		if (!value_is_wholly_known(call->args[i]))
			return value_unknown(type_string);
	v = print(call->args[0], call->args + 1, call->argc - 1, &extra, err);
	if (extra != SIZE_MAX)
		*call->ret_bad_arg = (int)extra + 1;
	return v;
}

/* How a formatlist() argument takes part: -1 repeats, -2 is not known. */
static int64_t iterations(const struct value *arg)
{
	struct type *t = value_type(arg);

	if (value_is_null(arg) || !is_sequence(t))
		return -1;
	if (!value_is_known(arg))
		return type_kind(t) == TYPE_TUPLE ? (int64_t)type_len(t) : -2;
	if (type_kind(t) == TYPE_SET && !value_is_wholly_known(arg))
		return -2;
	return (int64_t)value_len(arg);
}

struct plan {
	int64_t count; /* -1: nothing to iterate over */
	size_t from;   /* the argument that decided */
	bool unknown;
};

static bool plan_iterations(const struct func_call *call, struct plan *plan, struct error **err)
{
	*plan = (struct plan){ .count = -1 };
	for (size_t i = 1; i < call->argc; i++) {
		int64_t n = iterations(call->args[i]);

		if (n == -2 || (n >= 0 && !value_is_known(call->args[i])))
			plan->unknown = true;
		if (n < 0)
			continue;
		if (plan->count >= 0 && n != plan->count) {
			fail_arg(call, i, err,
				 "argument %zu has length %lld, which is inconsistent with "
				 "argument %zu of length %lld",
				 i, (long long)n, plan->from, (long long)plan->count);
			return false;
		}
		if (plan->count < 0)
			plan->from = i;
		plan->count = n;
	}
	return true;
}

static struct value *print_round(const struct func_call *call, size_t round, struct error **err)
{
	size_t argc = call->argc - 1, extra = SIZE_MAX;
	AUTO_FREE struct value **args = xcalloc(argc, sizeof(*args));
	struct value *v;

	for (size_t i = 0; i < argc; i++) {
		struct value *arg = call->args[i + 1];

		args[i] = iterations(arg) < 0 ? arg : value_at(arg, round);
	}
	v = print(call->args[0], args, argc, &extra, err);
	if (!v)
		error_prefix(err, "error on format iteration %zu", round);
	return v;
}

static struct value *call_formatlist(const struct func_call *call, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	struct plan plan;

	if (!plan_iterations(call, &plan, err))
		return NULL;
	if (plan.unknown)
		return value_unknown(type_list_string);
	for (size_t round = 0; round < (size_t)(plan.count < 0 ? 1 : plan.count); round++) {
		struct value *v = print_round(call, round, err);

		if (!v)
			return NULL;
		*vec_push(&items) = v;
	}
	return value_vec_list(&items, type_string);
}

const struct func_def func_format = {
	.name = "format",
	.params = PARAMS({ "format", &type_string, 0 }),
	.variadic = VARIADIC("args", NULL, PARAM_NULL | PARAM_UNKNOWN),
	.call = call_format,
	.returns = &type_string,
	.doc = "Makes a text from a format with verbs such as %s, %d and %v.",
	.example = "format(\"%s-%03d\", \"web\", 7)",
	.result = "\"web-007\"",
};

const struct func_def func_formatlist = {
	.name = "formatlist",
	.params = PARAMS({ "format", &type_string, 0 }),
	.variadic = VARIADIC("args", NULL, PARAM_NULL | PARAM_UNKNOWN),
	.call = call_formatlist,
	.returns = &type_list_string,
	.doc = "Formats once for each element of the lists among the arguments.",
	.example = "formatlist(\"%s.local\", [\"a\", \"b\"])",
	.result = "[\"a.local\", \"b.local\"]",
};
