/* SPDX-License-Identifier: Apache-2.0 */
#include "typed.h"

#include "base/alloc.h"
#include "os/fs.h"
#include "value/jsontext.h"

#include <stdio.h>
#include <string.h>

struct value *typed_get(const struct value *v, const char *key)
{
	struct value *item = value_get(v, key);

	return item && !value_is_null(item) ? item : NULL;
}

const char *typed_text(const struct value *v, const char *key)
{
	struct value *item = typed_get(v, key);

	return item && value_type(item) == type_string ? value_as_string(item) : "";
}

bool typed_is_true(const struct value *v, const char *key)
{
	struct value *item = typed_get(v, key);

	return item && value_type(item) == type_bool && value_as_bool(item);
}

bool typed_needs(const struct value *line, const char *what)
{
	struct value *list = typed_get(line, "needs");

	for (size_t i = 0; list && i < value_len(list); i++)
		if (!strcmp(value_as_string(value_at(list, i)), what))
			return true;
	return false;
}

static bool is_listed(const struct value *names, const char *name)
{
	for (size_t i = 0; names && i < value_len(names); i++)
		if (!strcmp(value_as_string(value_at(names, i)), name))
			return true;
	return false;
}

static struct type *read_object_type(const struct value *v)
{
	const struct value *attrs = value_at(v, 1);
	const struct value *optional = value_len(v) > 2 ? value_at(v, 2) : NULL;
	size_t n = value_len(attrs);
	AUTO_FREE struct type_field *fields = xcalloc(n, sizeof(*fields));
	struct type *t;

	for (size_t i = 0; i < n; i++)
		fields[i] =
			(struct type_field){ value_key_at(attrs, i), typed_type(value_at(attrs, i)),
					     is_listed(optional, value_key_at(attrs, i)), NULL };
	t = type_object(fields, n);
	for (size_t i = 0; i < n; i++)
		type_unref(fields[i].type);
	return t;
}

static struct type *read_tuple_type(const struct value *elements)
{
	size_t n = value_len(elements);
	AUTO_FREE struct type **types = xcalloc(n, sizeof(*types));
	struct type *t;

	for (size_t i = 0; i < n; i++)
		types[i] = typed_type(value_at(elements, i));
	t = type_tuple(types, n);
	for (size_t i = 0; i < n; i++)
		type_unref(types[i]);
	return t;
}

struct type *typed_type(const struct value *v)
{
	if (value_type(v) == type_string) {
		const char *name = value_as_string(v);

		if (!strcmp(name, "string"))
			return type_string;
		if (!strcmp(name, "number"))
			return type_number;
		return !strcmp(name, "bool") ? type_bool : type_dynamic;
	}

	const char *name = value_as_string(value_at(v, 0));

	if (!strcmp(name, "object"))
		return read_object_type(v);
	if (!strcmp(name, "tuple"))
		return read_tuple_type(value_at(v, 1));

	AUTO(type) struct type *element = typed_type(value_at(v, 1));

	if (!strcmp(name, "list"))
		return type_list(element);
	return !strcmp(name, "set") ? type_set(element) : type_map(element);
}

static struct value *read_content(struct type *t, const struct value *v);

static struct value *read_items(struct type *t, const struct value *v)
{
	size_t n = value_len(v);
	AUTO_FREE struct value **items = xcalloc(n, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] =
			read_content(type_kind(t) == TYPE_TUPLE ? type_at(t, i) : type_element(t),
				     value_at(v, i));
	if (type_kind(t) == TYPE_LIST)
		return value_list_take(type_element(t), items, n);
	if (type_kind(t) == TYPE_SET)
		return value_set_take(type_element(t), items, n);
	return value_tuple_take(items, n);
}

static struct value *read_mapping(struct type *t, const struct value *v)
{
	struct map items;

	value_map_init(&items);
	for (size_t i = 0; i < value_len(v); i++) {
		const char *key = value_key_at(v, i);
		struct type *et =
			type_kind(t) == TYPE_MAP ? type_element(t) : type_field(t, key)->type;

		map_set(&items, key, read_content(et, value_at(v, i)));
	}
	return type_kind(t) == TYPE_MAP ? value_map_take(type_element(t), &items)
					: value_object_take(&items);
}

static struct value *read_content(struct type *t, const struct value *v)
{
	if (value_is_null(v))
		return value_null(t);
	if (type_kind(value_type(v)) == TYPE_OBJECT && value_get(v, "$unknown"))
		return value_unknown(t);
	switch (type_kind(t)) {
	case TYPE_NUMBER:
		if (value_type(v) == type_string)
			return value_number_take(number_infinity(value_as_string(v)[0] == '-'));
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		return read_items(t, v);
	case TYPE_MAP:
	case TYPE_OBJECT:
		return read_mapping(t, v);
	case TYPE_STRING:
	case TYPE_BOOL:
	case TYPE_DYNAMIC:
		break;
	}
	return value_ref((struct value *)v);
}

struct value *typed_value(const struct value *v)
{
	AUTO(type) struct type *constraint = typed_type(value_get(v, "type"));
	AUTO(type) struct type *t = type_without_optional(constraint);

	if (value_get(v, "unknown"))
		return value_unknown(t);
	return read_content(t, value_get(v, "value"));
}

/* Sets of what is not primitive have no order to compare. */
static bool same_set(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < value_len(a); i++) {
		bool found = false;

		for (size_t k = 0; k < value_len(b) && !found; k++)
			found = typed_same(value_at(a, i), value_at(b, k));
		if (!found)
			return false;
	}
	return true;
}

bool typed_same(const struct value *a, const struct value *b)
{
	if (!type_equal(value_type(a), value_type(b)) || value_is_known(a) != value_is_known(b) ||
	    value_is_null(a) != value_is_null(b))
		return false;
	if (!value_is_known(a) || value_is_null(a))
		return true;
	if (type_is_primitive(value_type(a)))
		return value_equal(a, b);
	if (value_len(a) != value_len(b))
		return false;
	if (type_kind(value_type(a)) == TYPE_SET && !type_is_primitive(type_element(value_type(a))))
		return same_set(a, b);
	for (size_t i = 0; i < value_len(a); i++) {
		if (type_kind(value_type(a)) == TYPE_MAP &&
		    strcmp(value_key_at(a, i), value_key_at(b, i)) != 0)
			return false;
		if (!typed_same(value_at(a, i), value_at(b, i)))
			return false;
	}
	return true;
}

void typed_describe(struct strbuf *sb, const struct value *v)
{
	type_json(sb, value_type(v));
	strbuf_addch(sb, ' ');
	if (!value_is_known(v))
		strbuf_addstr(sb, "unknown");
	else
		value_format_json(sb, v);
}

/* --- diagnostics --- */

static void add_range(struct strbuf *sb, const struct range *r)
{
	strbuf_addf(sb, "[%d,%d,%zu,%d,%d,%zu]", r->start.line, r->start.column, r->start.byte,
		    r->end.line, r->end.column, r->end.byte);
}

/* The range as the data writes it, in `want`; NULL: none. */
bool typed_same_range(const struct range *got, const struct value *want)
{
	AUTO(strbuf) struct strbuf a = STRBUF_INIT;
	AUTO(strbuf) struct strbuf b = STRBUF_INIT;

	if (!want)
		return !got->source;
	add_range(&a, got);
	value_format_json(&b, want);
	return got->source && strcmp(a.buf, b.buf) == 0;
}

bool typed_same_diag(const struct diag *d, const struct value *want, bool has_context)
{
	return strcmp(d->summary, typed_text(want, "summary")) == 0 &&
	       strcmp(d->detail, typed_text(want, "detail")) == 0 &&
	       typed_same_range(&d->subject, typed_get(want, "subject")) &&
	       (!has_context || typed_same_range(&d->context, typed_get(want, "context")));
}

void typed_describe_diag(struct strbuf *sb, const struct diag *d)
{
	strbuf_addf(sb, "\n     got  %s / %s ", d->summary, d->detail);
	add_range(sb, &d->subject);
	if (d->context.source) {
		strbuf_addstr(sb, " in ");
		add_range(sb, &d->context);
	}
}

/* --- files --- */

static bool run_line(const char *text, size_t len, typed_check_fn check)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	AUTO(value) struct value *line = jsontext_decode(text, len, &err);
	bool ok = line && check(line, &why);

	if (!ok)
		printf("  %s\n     %s\n", line ? typed_text(line, "id") : text,
		       line ? why.buf : err->message);
	return ok;
}

unsigned typed_run_file(const char *dir, const char *name, typed_check_fn check)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	unsigned passed = 0, failed = 0;

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0) {
		printf("%s: %s\n", name, err->message);
		return 1;
	}
	for (const char *p = text.buf, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if (run_line(p, (size_t)(end - p), check))
			passed++;
		else
			failed++;
	}
	printf("%s: %u passed, %u failed\n", name, passed, failed);
	return failed;
}
