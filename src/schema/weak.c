/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/weak.h"

#include "base/alloc.h"
#include "base/duration.h"

const char *weak_string(const struct value *v, struct arena *arena, const char **ret)
{
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		*ret = arena_strdup(arena, value_as_string(v));
		return NULL;
	case TYPE_NUMBER: {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;
		number_format(&text, value_as_number(v));
		*ret = arena_strdup(arena, text.buf);
		return NULL;
	}
	case TYPE_BOOL:
		*ret = value_as_bool(v) ? "1" : "0";
		return NULL;
	case TYPE_DYNAMIC:
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		break;
	}
	return "string required";
}

/* 0x1f, 0b11, 0o17 and 017 as well as decimal; "" is 0. */
static bool parse_any_base(const char *s, int64_t *ret)
{
	if (!*s) {
		*ret = 0;
		return true;
	}
	const char *digits = s + (*s == '-' || *s == '+');
	int base = 10;
	if (digits[0] == '0' && digits[1]) {
		char mark = digits[1] | 0x20;
		base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
		digits += mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1;
	}
	if (*digits == '-' || *digits == '+')
		return false;
	int64_t n;
	AUTO_FREE char *text = xasprintf("%s%s", *s == '-' ? "-" : "", digits);
	if (!parse_int64(text, base, &n))
		return false;
	*ret = n;
	return true;
}

static const char *int_of_number(const struct number *n, int64_t *ret, bool *ret_truncated)
{
	if (number_to_int(n, ret))
		return NULL;
	if (number_is_infinite(n))
		return "a finite number is required";
	AUTO(number) struct number *whole = number_sign(n) < 0 ? number_ceil(n) : number_floor(n);
	if (!number_to_int(whole, ret))
		return "the number is too large";
	*ret_truncated = true;
	return NULL;
}

const char *weak_int(const struct value *v, int64_t *ret, bool *ret_truncated)
{
	switch (type_kind(value_type(v))) {
	case TYPE_NUMBER:
		return int_of_number(value_as_number(v), ret, ret_truncated);
	case TYPE_STRING:
		return parse_any_base(value_as_string(v), ret) ? NULL
							       : "a whole number is required";
	case TYPE_BOOL:
		*ret = value_as_bool(v);
		return NULL;
	case TYPE_DYNAMIC:
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		break;
	}
	return "number required";
}

static bool parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
	static const char *const no[] = { "", "0", "f", "F", "FALSE", "false", "False" };
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (text_eq(s, yes[i])) {
			*ret = true;
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		if (text_eq(s, no[i])) {
			*ret = false;
			return true;
		}
	}
	return false;
}

const char *weak_bool(const struct value *v, bool *ret)
{
	switch (type_kind(value_type(v))) {
	case TYPE_BOOL:
		*ret = value_as_bool(v);
		return NULL;
	case TYPE_NUMBER:
		*ret = number_sign(value_as_number(v)) != 0;
		return NULL;
	case TYPE_STRING:
		return parse_bool(value_as_string(v), ret) ? NULL : "a bool is required";
	case TYPE_DYNAMIC:
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		break;
	}
	return "bool required";
}

const char *weak_duration(const struct value *v, struct arena *arena, int64_t *ret)
{
	enum type_kind kind = type_kind(value_type(v));
	if (kind == TYPE_NUMBER)
		return number_to_int(value_as_number(v), ret)
			       ? NULL
			       : "a whole number of nanoseconds is required";
	if (kind != TYPE_STRING)
		return "a duration such as \"90s\" is required";
	if (!*value_as_string(v)) {
		*ret = 0;
		return NULL;
	}
	AUTO(error) struct error *e = NULL;
	if (duration_parse(value_as_string(v), ret, &e) < 0)
		return arena_strdup(arena, e->message);
	return NULL;
}
