/* SPDX-License-Identifier: Apache-2.0 */
#include "config/version.h"

#include "base/alloc.h"
#include "base/str.h"

enum version_op { OP_IS, OP_NOT, OP_OVER, OP_UNDER, OP_FROM, OP_UPTO, OP_NEAR };

static const struct {
	const char *text;
	enum version_op op;
} version_ops[] = {
	{ ">=", OP_FROM }, { "<=", OP_UPTO }, { "!=", OP_NOT }, { "~>", OP_NEAR },
	{ ">", OP_OVER },  { "<", OP_UNDER }, { "=", OP_IS },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_id_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '.';
}

/* "1.2.3" up to the first other character. */
static bool parse_segments(const char **p, struct version *ret)
{
	const char *s = *p;
	while (ret->given < VERSION_SEGMENTS && is_digit(*s)) {
		int64_t n = 0;
		for (; is_digit(*s); s++) {
			if (n > INT64_MAX / 10 - 1)
				return false;
			n = n * 10 + (*s - '0');
		}
		ret->segments[ret->given++] = n;
		if (s[0] != '.' || !is_digit(s[1]))
			break;
		s++;
	}
	*p = s;
	return ret->given > 0;
}

bool version_parse(const char *text, struct version *ret)
{
	*ret = (struct version){ 0 };
	const char *p = text + (*text == 'v');
	if (!parse_segments(&p, ret))
		return false;
	if (*p == '-') {
		size_t len = 0;
		for (p++; is_id_char(*p); p++) {
			if (len + 1 >= sizeof(ret->pre))
				return false;
			ret->pre[len++] = *p;
		}
		if (len == 0)
			return false;
	}
	if (*p == '+') {
		if (!is_id_char(*++p))
			return false;
		while (is_id_char(*p))
			p++;
	}
	return *p == '\0';
}

/* One dot-separated part of a pre-release: numbers below words, numbers by value. */
static int compare_part(struct str a, struct str b)
{
	AUTO_FREE char *x = str_dup(a);
	AUTO_FREE char *y = str_dup(b);
	int64_t m, n;
	bool x_is_number = parse_int64(x, 10, &m), y_is_number = parse_int64(y, 10, &n);
	if (x_is_number && y_is_number)
		return (m > n) - (m < n);
	if (x_is_number != y_is_number)
		return x_is_number ? -1 : 1;
	return strcmp(x, y);
}

static int compare_pre(const char *a, const char *b)
{
	if (!*a || !*b)
		return (*b != '\0') - (*a != '\0');
	struct str x = str_of(a), y = str_of(b);
	while (x.len > 0 && y.len > 0) {
		struct str m = str_split(x, '.', &x), n = str_split(y, '.', &y);
		int order = compare_part(m, n);
		if (order != 0)
			return order;
	}
	return (x.len > 0) - (y.len > 0);
}

static int compare_segments(const struct version *a, const struct version *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a->segments[i] != b->segments[i])
			return a->segments[i] < b->segments[i] ? -1 : 1;
	return 0;
}

int version_compare(const struct version *a, const struct version *b)
{
	int order = compare_segments(a, b, VERSION_SEGMENTS);
	return order != 0 ? order : compare_pre(a->pre, b->pre);
}

/* A pre-release only meets a range that names a pre-release of the same version. */
static bool pre_fits(const struct version *v, const struct version *want)
{
	if (!*v->pre)
		return true;
	return *want->pre && compare_segments(v, want, VERSION_SEGMENTS) == 0;
}

static bool meets(const struct version *v, enum version_op op, const struct version *want)
{
	int order = version_compare(v, want);
	size_t fixed = want->given > 1 ? want->given - 1 : 0;
	switch (op) {
	case OP_IS:
		return order == 0;
	case OP_NOT:
		return order != 0;
	case OP_OVER:
		return order > 0 && pre_fits(v, want);
	case OP_UNDER:
		return order < 0 && pre_fits(v, want);
	case OP_FROM:
		return order >= 0 && pre_fits(v, want);
	case OP_UPTO:
		return order <= 0 && pre_fits(v, want);
	case OP_NEAR:
		return order >= 0 && pre_fits(v, want) && compare_segments(v, want, fixed) == 0;
	}
	return false;
}

static bool parse_part(struct str part, enum version_op *ret_op, struct version *ret)
{
	part = str_trim(part);
	*ret_op = OP_IS;
	for (size_t i = 0; i < ARRAY_LEN(version_ops); i++) {
		struct str op = str_of(version_ops[i].text);
		if (!str_starts_with(part, op))
			continue;
		*ret_op = version_ops[i].op;
		part = (struct str){ part.p + op.len, part.len - op.len };
		break;
	}
	AUTO_FREE char *text = str_dup(str_trim(part));
	return version_parse(text, ret);
}

/* Parts between commas; a comma at the end makes an empty one. False when there is none left. */
static bool next_part(struct str *rest, struct str *ret)
{
	if (!rest->p)
		return false;
	bool is_last = !memchr(rest->p, ',', rest->len);
	*ret = str_split(*rest, ',', rest);
	if (is_last)
		rest->p = NULL;
	return true;
}

int version_matches(const char *constraints, const struct version *v, bool *ret, struct error **err)
{
	bool all = true;
	struct str rest = str_of(constraints), part;
	while (next_part(&rest, &part)) {
		enum version_op op;
		struct version want;
		if (!parse_part(part, &op, &want))
			return error_set(err, ERROR_INVALID, "Malformed constraint: %.*s",
					 STR_FMT(part));
		all = all && meets(v, op, &want);
	}
	*ret = all;
	return 0;
}

char *version_find_prerelease(const char *constraints)
{
	struct str rest = str_of(constraints), part;
	while (next_part(&rest, &part)) {
		enum version_op op;
		struct version want;
		if (parse_part(part, &op, &want) && *want.pre)
			return str_dup(str_trim(part));
	}
	return NULL;
}
