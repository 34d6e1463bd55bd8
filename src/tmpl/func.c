/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of templates (legacy-json.md 7.2, 7.5), one row each. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/gotime.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/random.h"
#include "tmpl/node.h"
#include "tmpl/tmpl.h"

#include <stdlib.h>
#include <string.h>

static bool usable(const struct value *v)
{
	return v && value_is_known(v) && !value_is_null(v);
}

bool tmpl_is_true(const struct value *v)
{
	if (!usable(v))
		return false;
	switch (type_kind(value_type(v))) {
	case TYPE_BOOL:
		return value_as_bool(v);
	case TYPE_NUMBER:
		return number_sign(value_as_number(v)) != 0;
	case TYPE_STRING:
		return value_string_size(v) > 0;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		return value_len(v) > 0;
	case TYPE_DYNAMIC:
		break;
	}
	return false;
}

static void print_elements(struct strbuf *sb, const struct value *v)
{
	enum type_kind kind = type_kind(value_type(v));
	bool is_map = kind == TYPE_MAP || kind == TYPE_OBJECT;

	strbuf_addstr(sb, is_map ? "map[" : "[");
	for (size_t i = 0; i < value_len(v); i++) {
		if (i)
			strbuf_addch(sb, ' ');
		if (is_map)
			strbuf_addf(sb, "%s:", value_key_at(v, i));
		tmpl_print(sb, value_at(v, i));
	}
	strbuf_addch(sb, ']');
}

void tmpl_print(struct strbuf *sb, const struct value *v)
{
	if (!usable(v)) {
		strbuf_addstr(sb, v && !value_is_known(v) ? "<unknown>" : "<no value>");
		return;
	}
	switch (type_kind(value_type(v))) {
	case TYPE_BOOL:
		strbuf_addstr(sb, value_as_bool(v) ? "true" : "false");
		break;
	case TYPE_NUMBER:
		number_format(sb, value_as_number(v));
		break;
	case TYPE_STRING:
		strbuf_add(sb, value_as_string(v), value_string_size(v));
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_MAP:
	case TYPE_TUPLE:
	case TYPE_OBJECT:
		print_elements(sb, v);
		break;
	case TYPE_DYNAMIC:
		break;
	}
}

static struct value *from_strbuf(struct strbuf *sb)
{
	struct value *v = value_string_len(sb->buf, sb->len);

	strbuf_release(sb);
	return v;
}

#define FUNC(fn)                                                                                   \
	static struct value *fn(const struct tmpl_ctx *ctx, struct value *const *args, size_t n,   \
				struct error **err)
#define UNUSED() ((void)ctx, (void)args, (void)n, (void)err)

/* ---- the build and its world -------------------------------------------------- */

static struct value *missing(struct error **err, const char *what)
{
	error_set(err, ERROR_INVALID, "%s not available", what);
	return NULL;
}

FUNC(f_build_name)
{
	UNUSED();
	return ctx->build_name ? value_string(ctx->build_name) : missing(err, "build_name");
}

FUNC(f_build_type)
{
	UNUSED();
	return ctx->build_type ? value_string(ctx->build_type) : missing(err, "build_type");
}

FUNC(f_user)
{
	struct value *v = ctx->user ? value_get(ctx->user, value_as_string(args[0])) : NULL;

	UNUSED();
	return v ? value_ref(v) : value_string("");
}

FUNC(f_build)
{
	const char *key = value_as_string(args[0]);
	struct value *v = ctx->build ? value_get(ctx->build, key) : NULL;

	UNUSED();
	if (v)
		return value_ref(v);
	error_set(err, ERROR_INVALID,
		  ctx->build ? "loaded data, but couldnt find %s in it."
			     : "Error validating build variable: the given variable %s will not be "
			       "passed into your plugin.",
		  key);
	return NULL;
}

FUNC(f_env)
{
	UNUSED();
	error_set(err, ERROR_INVALID, "env vars are not allowed here");
	return NULL;
}

FUNC(f_pwd)
{
	UNUSED();
	return ctx->world ? value_string(ctx->world->cwd) : missing(err, "working directory");
}

FUNC(f_template_dir)
{
	UNUSED();
	if (!ctx->world || !ctx->world->base_dir)
		return missing(err, "template path");

	AUTO_FREE char *dir = path_absolute(ctx->world->cwd, ctx->world->base_dir);

	return value_string(dir);
}

FUNC(f_packer_version)
{
	UNUSED();
	return value_string(INGOT_VERSION);
}

FUNC(f_uuid)
{
	char text[UUID_TEXT], head[9];

	UNUSED();
	random_uuid(text);
	/* Ordered by time: the first 32 bits are the seconds. */
	snprintf(head, sizeof(head), "%08llx",
		 (unsigned long long)(clock_wall() / NSEC_PER_SEC) & 0xffffffffu);
	memcpy(text, head, 8);
	return value_string(text);
}

static int64_t start_time(const struct tmpl_ctx *ctx)
{
	return ctx->world ? ctx->world->start_time : clock_wall();
}

FUNC(f_timestamp)
{
	UNUSED();
	return value_int(start_time(ctx) / NSEC_PER_SEC);
}

static struct value *too_many(struct value *const *args, size_t n, struct error **err)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		strbuf_addstr(&sb, i ? " " : "");
		tmpl_print(&sb, args[i]);
	}
	error_set(err, ERROR_INVALID, "too many values, 1 needed: [%s]", sb.buf);
	strbuf_release(&sb);
	return NULL;
}

FUNC(f_isotime)
{
	struct strbuf sb = STRBUF_INIT;

	if (n > 1)
		return too_many(args, n, err);
	if (n)
		gotime_format(&sb, start_time(ctx), value_as_string(args[0]));
	else
		clock_format_utc(&sb, start_time(ctx));
	return from_strbuf(&sb);
}

FUNC(f_strftime)
{
	struct strbuf sb = STRBUF_INIT;

	if (n > 1)
		return too_many(args, n, err);
	gotime_strftime(&sb, start_time(ctx), n ? value_as_string(args[0]) : "");
	return from_strbuf(&sb);
}

/* ---- text ------------------------------------------------------------------------ */

static struct value *map_case(const struct value *v, uint32_t (*fn)(uint32_t))
{
	struct strbuf sb = STRBUF_INIT;
	const char *s = value_as_string(v);
	size_t len = value_string_size(v), k;
	uint32_t cp;

	for (size_t i = 0; i < len && (k = utf8_decode(s + i, len - i, &cp)); i += k) {
		char out[4];

		strbuf_add(&sb, out, utf8_encode(fn(cp), out));
	}
	return from_strbuf(&sb);
}

FUNC(f_upper)
{
	UNUSED();
	return map_case(args[0], utf8_to_upper);
}

FUNC(f_lower)
{
	UNUSED();
	return map_case(args[0], utf8_to_lower);
}

static struct value *replace_times(const struct value *src, const struct value *from,
				   const struct value *to, int64_t times)
{
	struct strbuf sb = STRBUF_INIT;
	const char *s = value_as_string(src), *f = value_as_string(from), *hit;
	size_t len = value_string_size(from);

	while (len && times-- != 0 && (hit = strstr(s, f))) {
		strbuf_add(&sb, s, (size_t)(hit - s));
		strbuf_addstr(&sb, value_as_string(to));
		s = hit + len;
	}
	strbuf_addstr(&sb, s);
	return from_strbuf(&sb);
}

FUNC(f_replace)
{
	int64_t times = 0;

	UNUSED();
	(void)number_to_int(value_as_number(args[2]), &times);
	return replace_times(args[3], args[0], args[1], times);
}

FUNC(f_replace_all)
{
	UNUSED();
	return replace_times(args[2], args[0], args[1], -1);
}

FUNC(f_split)
{
	const char *sep = value_as_string(args[1]), *s = value_as_string(args[0]), *hit;
	int64_t want = -1, count = 1;

	UNUSED();
	(void)number_to_int(value_as_number(args[2]), &want);
	for (; *sep && (hit = strstr(s, sep)); count++) {
		if (count - 1 == want)
			return value_string_len(s, (size_t)(hit - s));
		s = hit + strlen(sep);
	}
	if (count - 1 == want)
		return value_string(s);
	error_set(err, ERROR_INVALID,
		  "the substring %lld was unavailable using the separator value, %s, only %lld "
		  "values "
		  "were found",
		  (long long)want, sep, (long long)count);
	return NULL;
}

FUNC(f_sed)
{
	UNUSED();
	error_set(err, ERROR_INVALID,
		  "template function `sed` is deprecated use `replace` or `replace_all` "
		  "instead.Documentation: https://www.packer.io/docs/templates/engine");
	return NULL;
}

static struct value *print_all(struct value *const *args, size_t n, const char *between,
			       const char *end)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		bool texts = i && usable(args[i]) && usable(args[i - 1]) &&
			     (value_type(args[i]) == type_string ||
			      value_type(args[i - 1]) == type_string);

		/* print: a space between two operands when neither is a string. */
		if (i && (*between || !texts))
			strbuf_addch(&sb, ' ');
		tmpl_print(&sb, args[i]);
	}
	strbuf_addstr(&sb, end);
	return from_strbuf(&sb);
}

FUNC(f_print)
{
	UNUSED();
	return print_all(args, n, "", "");
}

FUNC(f_println)
{
	UNUSED();
	return print_all(args, n, " ", "\n");
}

/* ---- logic ------------------------------------------------------------------------- */

FUNC(f_not)
{
	UNUSED();
	return value_bool(!tmpl_is_true(args[0]));
}

FUNC(f_and)
{
	UNUSED();
	for (size_t i = 0; i < n; i++)
		if (!tmpl_is_true(args[i]) || i + 1 == n)
			return args[i] ? value_ref(args[i]) : NULL;
	return NULL;
}

FUNC(f_or)
{
	UNUSED();
	for (size_t i = 0; i < n; i++)
		if (tmpl_is_true(args[i]) || i + 1 == n)
			return args[i] ? value_ref(args[i]) : NULL;
	return NULL;
}

FUNC(f_len)
{
	UNUSED();
	if (!usable(args[0]))
		return value_int(0);
	if (value_type(args[0]) == type_string)
		return value_int((int64_t)value_string_size(args[0]));
	if (!type_is_primitive(value_type(args[0])))
		return value_int((int64_t)value_len(args[0]));
	error_set(err, ERROR_INVALID, "len of a value that has no length");
	return NULL;
}

FUNC(f_index)
{
	struct value *v = args[0];
	int64_t at;

	UNUSED();
	for (size_t i = 1; i < n && usable(v); i++) {
		enum type_kind kind = type_kind(value_type(v));

		if ((kind == TYPE_MAP || kind == TYPE_OBJECT) &&
		    value_type(args[i]) == type_string) {
			v = value_get(v, value_as_string(args[i]));
			continue;
		}
		if (type_is_primitive(value_type(v)) || value_type(args[i]) != type_number ||
		    !number_to_int(value_as_number(args[i]), &at)) {
			error_set(err, ERROR_INVALID, "can't index item");
			return NULL;
		}
		if (at < 0 || (size_t)at >= value_len(v)) {
			error_set(err, ERROR_INVALID, "index out of range: %lld", (long long)at);
			return NULL;
		}
		v = value_at(v, (size_t)at);
	}
	return v ? value_ref(v) : NULL;
}

static bool same_kind(struct value *const *args, struct error **err)
{
	if (usable(args[0]) && usable(args[1]) &&
	    type_equal(value_type(args[0]), value_type(args[1])) &&
	    type_is_primitive(value_type(args[0])))
		return true;
	error_set(err, ERROR_INVALID, "incompatible types for comparison");
	return false;
}

static int order(struct value *const *args)
{
	if (value_type(args[0]) == type_number)
		return number_compare(value_as_number(args[0]), value_as_number(args[1]));
	if (value_type(args[0]) == type_string)
		return strcmp(value_as_string(args[0]), value_as_string(args[1]));
	return (int)value_as_bool(args[0]) - (int)value_as_bool(args[1]);
}

FUNC(f_eq)
{
	UNUSED();
	for (size_t i = 1; i < n; i++) {
		struct value *const pair[] = { args[0], args[i] };

		if (!same_kind(pair, err))
			return NULL;
		if (order(pair) == 0)
			return value_bool(true);
	}
	return value_bool(false);
}

#define COMPARE(fn, op)                                                                            \
	FUNC(fn)                                                                                   \
	{                                                                                          \
		UNUSED();                                                                          \
		return same_kind(args, err) ? value_bool(order(args) op 0) : NULL;                 \
	}
COMPARE(f_ne, !=)
COMPARE(f_lt, <)
COMPARE(f_le, <=)
COMPARE(f_gt, >)
COMPARE(f_ge, >=)

/* Sorted by name. */
static const struct tmpl_func funcs[] = {
	{ "and", 1, -1, f_and, NULL },
	{ "build", 1, 1, f_build, "s" },
	{ "build_name", 0, 0, f_build_name, NULL },
	{ "build_type", 0, 0, f_build_type, NULL },
	{ "env", 1, 1, f_env, "s" },
	{ "eq", 2, -1, f_eq, NULL },
	{ "ge", 2, 2, f_ge, NULL },
	{ "gt", 2, 2, f_gt, NULL },
	{ "index", 1, -1, f_index, NULL },
	{ "isotime", 0, -1, f_isotime, "s" },
	{ "le", 2, 2, f_le, NULL },
	{ "len", 1, 1, f_len, NULL },
	{ "lower", 1, 1, f_lower, "s" },
	{ "lt", 2, 2, f_lt, NULL },
	{ "ne", 2, 2, f_ne, NULL },
	{ "not", 1, 1, f_not, NULL },
	{ "or", 1, -1, f_or, NULL },
	{ "packer_version", 0, 0, f_packer_version, NULL },
	{ "print", 0, -1, f_print, NULL },
	{ "println", 0, -1, f_println, NULL },
	{ "pwd", 0, 0, f_pwd, NULL },
	{ "replace", 4, 4, f_replace, "ssis" },
	{ "replace_all", 3, 3, f_replace_all, "sss" },
	{ "sed", 0, -1, f_sed, NULL },
	{ "split", 3, 3, f_split, "ssi" },
	{ "strftime", 0, -1, f_strftime, "s" },
	{ "template_dir", 0, 0, f_template_dir, NULL },
	{ "timestamp", 0, 0, f_timestamp, NULL },
	{ "upper", 1, 1, f_upper, "s" },
	{ "user", 1, 1, f_user, "s" },
	{ "uuid", 0, 0, f_uuid, NULL },
};

const struct tmpl_func *tmpl_func_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++)
		if (str_is(name, funcs[i].name))
			return &funcs[i];
	return NULL;
}
