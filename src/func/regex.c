/* SPDX-License-Identifier: Apache-2.0 */
/* Functions with regular expressions (language.md 21.6). */
#include "base/str.h"
#include "func/args.h"
#include "func/regexp.h"
#include "func/rows.h"

#include <ctype.h>
#include <string.h>

/* What one match gives: the text, a tuple of groups, or an object of named ones. */
enum shape { SHAPE_TEXT, SHAPE_TUPLE, SHAPE_OBJECT, SHAPE_MIXED };

static enum shape shape_of(const struct regexp *re)
{
	size_t named = 0, n = regexp_group_count(re);

	for (size_t i = 1; i <= n; i++)
		named += regexp_group_name(re, i) != NULL;
	if (!n)
		return SHAPE_TEXT;
	if (!named)
		return SHAPE_TUPLE;
	return named == n ? SHAPE_OBJECT : SHAPE_MIXED;
}

static struct regexp *compile(const struct func_call *call, struct error **err)
{
	AUTO(regexp_error) struct regexp_error why = REGEXP_ERROR_INIT;
	struct regexp *re = regexp_new(arg_text(call, 0), arg_size(call, 0), &why);

	if (!re)
		fail_arg(call, 0, err, "invalid regexp pattern: %s in %s", why.code, why.expr.buf);
	if (re && shape_of(re) == SHAPE_MIXED) {
		fail_arg(
			call, 0, err,
			"invalid regexp pattern: cannot mix both named and unnamed capture groups");
		regexp_free(re);
		re = NULL;
	}
	return re;
}

static struct value *span_value(const struct regexp_walk *w, size_t i)
{
	const struct regexp_span *s = &w->spans[i];

	if (s->start == REGEXP_UNSET)
		return value_null(type_string);
	return value_string_len(w->text + s->start, (size_t)(s->end - s->start));
}

static struct value *match_value(const struct regexp *re, const struct regexp_walk *w)
{
	AUTO(value_vec) struct value_vec groups = { 0 };
	enum shape shape = shape_of(re);
	struct map named;

	if (shape == SHAPE_TEXT)
		return span_value(w, 0);
	value_map_init(&named);
	for (size_t i = 1; i <= regexp_group_count(re); i++) {
		if (shape == SHAPE_OBJECT)
			map_set(&named, regexp_group_name(re, i), span_value(w, i));
		else
			*vec_push(&groups) = span_value(w, i);
	}
	return shape == SHAPE_OBJECT ? value_object_take(&named) : value_vec_tuple(&groups);
}

/* The type that match_value() gives; owned. */
static struct type *match_type(const struct regexp *re)
{
	size_t n = regexp_group_count(re);
	AUTO_FREE struct type **types = xcalloc(n, sizeof(*types));
	AUTO_FREE struct type_field *fields = xcalloc(n, sizeof(*fields));
	enum shape shape = shape_of(re);

	for (size_t i = 0; i < n; i++) {
		types[i] = type_string;
		fields[i] = (struct type_field){ regexp_group_name(re, i + 1), type_string, false,
						 NULL };
	}
	if (shape == SHAPE_TEXT)
		return type_string;
	return shape == SHAPE_OBJECT ? type_object(fields, n) : type_tuple(types, n);
}

static struct value *call_regex(const struct func_call *call, struct error **err)
{
	if (!value_is_known(call->args[0]))
		return value_unknown(type_dynamic);

	AUTO(regexp) struct regexp *re = compile(call, err);
	AUTO(regexp_walk) struct regexp_walk w = { 0 };
	int found;

	if (!re)
		return NULL;
	if (!value_is_known(call->args[1])) {
		AUTO(type) struct type *t = match_type(re);

		return value_unknown(t);
	}
	regexp_walk_init(&w, re, arg_text(call, 1), arg_size(call, 1));
	found = regexp_walk_next(&w, re, err);
	if (found < 0)
		return NULL;
	return found ? match_value(re, &w)
		     : fail(err, "pattern did not match any part of the given string");
}

static struct value *call_regexall(const struct func_call *call, struct error **err)
{
	if (!value_is_known(call->args[0]))
		return value_unknown(type_list_any);

	AUTO(regexp) struct regexp *re = compile(call, err);
	AUTO(regexp_walk) struct regexp_walk w = { 0 };
	AUTO(value_vec) struct value_vec matches = { 0 };
	int found;

	if (!re)
		return NULL;

	AUTO(type) struct type *t = match_type(re);

	if (!value_is_known(call->args[1])) {
		AUTO(type) struct type *list = type_list(t);

		return value_unknown(list);
	}
	regexp_walk_init(&w, re, arg_text(call, 1), arg_size(call, 1));
	while ((found = regexp_walk_next(&w, re, err)) > 0)
		*vec_push(&matches) = match_value(re, &w);
	return found < 0 ? NULL : value_vec_list(&matches, t);
}

static void add_group(struct strbuf *out, const struct regexp *re, const struct regexp_walk *w,
		      struct str name)
{
	size_t n = regexp_group_count(re), at = SIZE_MAX;
	AUTO_FREE char *text = str_dup(name);
	int64_t number;

	if (parse_int64(text, 10, &number)) {
		at = number >= 0 && number <= (int64_t)n ? (size_t)number : SIZE_MAX;
	} else {
		for (size_t i = 1; i <= n && at == SIZE_MAX; i++)
			if (regexp_group_name(re, i) && !strcmp(regexp_group_name(re, i), text))
				at = i;
	}
	if (at != SIZE_MAX && w->spans[at].start != REGEXP_UNSET)
		strbuf_add(out, w->text + w->spans[at].start,
			   (size_t)(w->spans[at].end - w->spans[at].start));
}

static bool is_name_char(int c)
{
	return isalnum(c) || c == '_';
}

/* $1, ${name}, $$; a '$' that starts none of them stays. */
static void expand(struct strbuf *out, const struct regexp *re, const struct regexp_walk *w,
		   struct str with)
{
	const char *p = with.p, *end = p + with.len;

	while (p < end) {
		const char *name = p + 1, *stop = name;
		bool braces = name < end && *name == '{';

		if (*p != '$') {
			strbuf_addch(out, *p++);
			continue;
		}
		if (name < end && *name == '$') {
			strbuf_addch(out, '$');
			p += 2;
			continue;
		}
		name += braces;
		for (stop = name; stop < end && is_name_char((unsigned char)*stop); stop++)
			;
		if (stop == name || (braces && (stop == end || *stop != '}'))) {
			strbuf_addch(out, *p++);
			continue;
		}
		add_group(out, re, w, (struct str){ name, (size_t)(stop - name) });
		p = stop + braces;
	}
}

static struct value *call_regex_replace(const struct func_call *call, struct error **err)
{
	AUTO(regexp_error) struct regexp_error why = REGEXP_ERROR_INIT;
	AUTO(regexp) struct regexp *re = regexp_new(arg_text(call, 1), arg_size(call, 1), &why);
	AUTO(regexp_walk) struct regexp_walk w = { 0 };
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	struct str with = { arg_text(call, 2), arg_size(call, 2) };
	size_t copied = 0;
	int found;

	if (!re)
		return fail(err, "error parsing regexp: %s: `%s`", why.code, why.expr.buf);
	regexp_walk_init(&w, re, arg_text(call, 0), arg_size(call, 0));
	while ((found = regexp_walk_next(&w, re, err)) > 0) {
		strbuf_add(&out, w.text + copied, (size_t)w.spans[0].start - copied);
		expand(&out, re, &w, with);
		copied = (size_t)w.spans[0].end;
	}
	strbuf_add(&out, w.text + copied, w.len - copied);
	return found < 0 ? NULL : value_string_len(out.buf, out.len);
}

static const struct param match_params[] = { { "pattern", &type_string, PARAM_UNKNOWN },
					     { "string", &type_string, PARAM_UNKNOWN },
					     { 0 } };

const struct func_def func_regex = {
	.name = "regex",
	.params = match_params,
	.call = call_regex,
	.doc = "Gives the first match of a pattern, or its groups if it has any.",
	.example = "regex(\"v([0-9]+)[.]([0-9]+)\", \"ingot v1.2\")",
	.result = "[\"1\", \"2\"]",
};

const struct func_def func_regex_replace = {
	.name = "regex_replace",
	.params = PARAMS({ "str", &type_string, 0 }, { "pattern", &type_string, 0 },
			 { "replace", &type_string, 0 }),
	.call = call_regex_replace,
	.returns = &type_string,
	.doc = "Replaces all matches of a pattern; $1 or $name stands for a group.",
	.example = "regex_replace(\"a-b\", \"([a-z])-([a-z])\", \"$2-$1\")",
	.result = "\"b-a\"",
};

const struct func_def func_regexall = {
	.name = "regexall",
	.params = match_params,
	.call = call_regexall,
	.doc = "Gives all matches of a pattern, or their groups.",
	.example = "regexall(\"[0-9]+\", \"1 and 23\")",
	.result = "[\"1\", \"23\"]",
};
