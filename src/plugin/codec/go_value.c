/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the language and plain data of Go, which has fewer types: what is
 * a list, set or tuple here is an array there.
 */
#include "plugin/codec/cty.h"

#include "base/alloc.h"
#include "base/gotime.h"
#include "base/str.h"
#include "value/valuevec.h"

#include <math.h>
#include <string.h>

/* ---- to Go ----------------------------------------------------------------- */

static void pack_placeholder(struct strbuf *sb, const struct type *t)
{
	switch (type_kind(t)) {
	case TYPE_DYNAMIC:
	case TYPE_STRING:
		pack_text(sb, "<unknown>");
		return;
	case TYPE_NUMBER:
		pack_int(sb, 0);
		return;
	case TYPE_BOOL:
		pack_bool(sb, false);
		return;
	case TYPE_LIST:
	case TYPE_SET:
		pack_array(sb, 0);
		return;
	case TYPE_MAP:
	case TYPE_OBJECT:
		pack_map(sb, 0);
		return;
	case TYPE_TUPLE:
		break;
	}
	pack_array(sb, type_len(t));
	for (size_t i = 0; i < type_len(t); i++)
		pack_placeholder(sb, type_at(t, i));
}

static void pack_number(struct strbuf *sb, const struct number *n)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	uint64_t u;
	int64_t i;

	if (number_to_int(n, &i)) {
		pack_int(sb, i);
		return;
	}
	if (number_is_integer(n) && number_sign(n) > 0 && !number_is_infinite(n)) {
		number_format(&text, n);
		if (parse_uint64(text.buf, 10, &u)) {
			pack_uint(sb, u);
			return;
		}
	}
	pack_float(sb, number_to_double(n));
}

static void pack_mapping(struct strbuf *sb, const struct value *v)
{
	pack_map(sb, value_len(v));
	for (size_t i = 0; i < value_len(v); i++) {
		pack_text(sb, value_key_at(v, i));
		value_pack(sb, value_at(v, i));
	}
}

static void pack_known(struct strbuf *sb, const struct value *v)
{
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		pack_text_n(sb, value_as_string(v), value_string_size(v));
		break;
	case TYPE_NUMBER:
		pack_number(sb, value_as_number(v));
		break;
	case TYPE_BOOL:
		pack_bool(sb, value_as_bool(v));
		break;
	case TYPE_LIST:
	case TYPE_SET:
	case TYPE_TUPLE:
		pack_array(sb, value_len(v));
		for (size_t i = 0; i < value_len(v); i++)
			value_pack(sb, value_at(v, i));
		break;
	case TYPE_MAP:
	case TYPE_OBJECT:
		pack_mapping(sb, v);
		break;
	case TYPE_DYNAMIC:
		break;
	}
}

void value_pack(struct strbuf *sb, const struct value *v)
{
	if (!value_is_known(v))
		pack_placeholder(sb, value_type(v));
	else if (value_is_null(v))
		pack_nil(sb);
	else
		pack_known(sb, v);
}

/* ---- from Go --------------------------------------------------------------- */

static struct value *refuse(struct error **err, const char *what)
{
	error_set(err, ERROR_INVALID, "%s", what);
	return NULL;
}

static bool is_number(const struct packed *p)
{
	return p->kind == PACKED_INT || p->kind == PACKED_UINT || p->kind == PACKED_FLOAT;
}

/* Each becomes a value of its own, which takes a hundred times the room. */
static struct value *from_bytes(const struct packed *p, struct error **err)
{
	enum { BYTES_MAX = 1024 * 1024 };
	AUTO(value_vec) struct value_vec items = { 0 };

	if (p->bytes.len > BYTES_MAX)
		return refuse(err, "more than a million bytes in one member");

	for (size_t i = 0; i < p->bytes.len; i++)
		*vec_push(&items) = value_int((unsigned char)p->bytes.p[i]);
	return value_vec_list(&items, type_number);
}

/* Numbers make a list, as in the released tool; anything else, which it refuses, a tuple. */
static struct value *from_array(const struct packed *p, struct error **err)
{
	AUTO(value_vec) struct value_vec items = { 0 };
	bool numbers = p->many.len > 0;

	for (size_t i = 0; i < p->many.len; i++) {
		struct value *v = value_from_packed(&p->many.items[i], err);

		if (!v)
			return NULL;
		*vec_push(&items) = v;
		numbers &= is_number(&p->many.items[i]);
	}
	return numbers ? value_vec_list(&items, type_number) : value_vec_tuple(&items);
}

/* Go's maps may have numbers for keys; objects do not. */
static bool add_key(struct strbuf *sb, const struct packed *key, struct error **err)
{
	if (key->kind == PACKED_INT)
		strbuf_addf(sb, "%lld", (long long)key->integer);
	else if (key->kind == PACKED_UINT)
		strbuf_addf(sb, "%llu", (unsigned long long)key->uinteger);
	else if (key->kind == PACKED_TEXT || key->kind == PACKED_BYTES)
		strbuf_add(sb, key->bytes.p, key->bytes.len);
	else
		return refuse(err, "a key that is neither text nor a number");
	if (strlen(sb->buf) != sb->len)
		return refuse(err, "a key that is no text");
	return true;
}

static struct value *from_map(const struct packed *p, struct error **err)
{
	AUTO(map) struct map items = { 0 };

	value_map_init(&items);
	for (size_t i = 0; i < p->many.len; i++) {
		const struct packed *key = &p->many.items[2 * i];
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;
		AUTO(value) struct value *name = NULL;
		struct value *v;

		if (!add_key(&text, key, err))
			return NULL;
		name = value_string_len(text.buf, text.len);
		v = value_from_packed(key + 1, err);
		if (!v)
			return NULL;
		value_map_put(&items, value_as_string(name), v);
	}
	return value_object_take(&items);
}

static struct value *from_extension(const struct packed *p, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	int64_t seconds, ns;
	uint32_t fraction;

	if (!packed_time(p, &seconds, &fraction))
		return refuse(err, "an extension that is no time");
	if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &ns) ||
	    __builtin_add_overflow(ns, (int64_t)fraction, &ns))
		return refuse(err, "a time that is too far away");
	gotime_format(&text, ns, "2006-01-02T15:04:05.999999999Z07:00");
	return value_string(text.buf);
}

struct value *value_from_packed(const struct packed *p, struct error **err)
{
	switch (p->kind) {
	case PACKED_NIL:
		return value_null(type_dynamic);
	case PACKED_BOOL:
		return value_bool(p->boolean);
	case PACKED_INT:
		return value_int(p->integer);
	case PACKED_UINT:
		return value_number_take(number_from_uint(p->uinteger));
	case PACKED_FLOAT:
		if (isnan(p->number))
			return refuse(err, "a float that is no number");
		return value_number_take(number_from_double(p->number));
	case PACKED_TEXT:
		return value_string_len(p->bytes.p, p->bytes.len);
	case PACKED_BYTES:
		return from_bytes(p, err);
	case PACKED_ARRAY:
		return from_array(p, err);
	case PACKED_MAP:
		return from_map(p, err);
	case PACKED_EXT:
		break;
	}
	return from_extension(p, err);
}
