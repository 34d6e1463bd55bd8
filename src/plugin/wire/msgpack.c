/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library writes. It does not read: its parser makes room for as many values
 * as an array claims to have before one of them is there, forgets which bytes a
 * value came as, and whether an integer was signed; all of that matters here.
 */
#include "plugin/wire/msgpack.h"

#include "base/macro.h"

#include <assert.h>
#include <string.h>

#include <msgpack/pack.h>

/* ---- writing ------------------------------------------------------------------------------- */

static int append(void *sb, const char *bytes, size_t len)
{
	strbuf_add(sb, bytes, len);
	return 0;
}

static msgpack_packer packer(struct strbuf *sb)
{
	return (msgpack_packer){ sb, append };
}

void pack_nil(struct strbuf *sb)
{
	msgpack_packer pk = packer(sb);

	msgpack_pack_nil(&pk);
}

void pack_bool(struct strbuf *sb, bool v)
{
	msgpack_packer pk = packer(sb);

	v ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk);
}

void pack_int(struct strbuf *sb, int64_t v)
{
	msgpack_packer pk = packer(sb);

	/* what is not negative must still look signed */
	if (v <= INT8_MAX)
		msgpack_pack_int64(&pk, v);
	else if (v <= INT16_MAX)
		msgpack_pack_fix_int16(&pk, (int16_t)v);
	else if (v <= INT32_MAX)
		msgpack_pack_fix_int32(&pk, (int32_t)v);
	else
		msgpack_pack_fix_int64(&pk, v);
}

void pack_uint(struct strbuf *sb, uint64_t v)
{
	msgpack_packer pk = packer(sb);

	msgpack_pack_uint64(&pk, v);
}

void pack_float(struct strbuf *sb, double v)
{
	msgpack_packer pk = packer(sb);

	msgpack_pack_double(&pk, v);
}

void pack_text(struct strbuf *sb, const char *text)
{
	if (text)
		pack_text_n(sb, text, strlen(text));
	else
		pack_nil(sb);
}

void pack_text_n(struct strbuf *sb, const char *text, size_t len)
{
	msgpack_packer pk = packer(sb);

	msgpack_pack_str(&pk, len);
	strbuf_add(sb, text, len);
}

void pack_bytes(struct strbuf *sb, const void *bytes, size_t len)
{
	msgpack_packer pk = packer(sb);

	msgpack_pack_bin(&pk, len);
	strbuf_add(sb, bytes, len);
}

void pack_array(struct strbuf *sb, size_t n)
{
	msgpack_packer pk = packer(sb);

	msgpack_pack_array(&pk, n);
}

void pack_map(struct strbuf *sb, size_t n)
{
	msgpack_packer pk = packer(sb);

	msgpack_pack_map(&pk, n);
}

void pack_time(struct strbuf *sb, int64_t seconds, uint32_t ns)
{
	msgpack_packer pk = packer(sb);
	msgpack_timestamp at = { .tv_sec = seconds, .tv_nsec = ns };

	msgpack_pack_timestamp(&pk, &at);
}

/* ---- the bytes before a value --------------------------------------------------------------- */

struct head {
	enum packed_kind kind;
	size_t len;        /* of the head itself */
	uint64_t payload;  /* bytes that follow; as told, so more than memory has, perhaps */
	uint64_t children; /* values that follow */
};

static uint64_t get_be(const unsigned char *at, size_t bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | *at++;
	return n;
}

enum shape { ONE_BYTE, FIXED, LENGTH, COUNT, PAIRS };

/* 0xc0 to 0xdf. `size`: bytes of the value (FIXED), or of the length or count. */
static const struct {
	enum packed_kind kind;
	enum shape shape;
	unsigned char size;
} heads[32] = {
	{ PACKED_NIL, ONE_BYTE, 0 },  { PACKED_NIL, ONE_BYTE, 0 }, /* c1 is never used */
	{ PACKED_BOOL, ONE_BYTE, 0 }, { PACKED_BOOL, ONE_BYTE, 0 }, { PACKED_BYTES, LENGTH, 1 },
	{ PACKED_BYTES, LENGTH, 2 },  { PACKED_BYTES, LENGTH, 4 },  { PACKED_EXT, LENGTH, 1 },
	{ PACKED_EXT, LENGTH, 2 },    { PACKED_EXT, LENGTH, 4 },    { PACKED_FLOAT, FIXED, 4 },
	{ PACKED_FLOAT, FIXED, 8 },   { PACKED_UINT, FIXED, 1 },    { PACKED_UINT, FIXED, 2 },
	{ PACKED_UINT, FIXED, 4 },    { PACKED_UINT, FIXED, 8 },    { PACKED_INT, FIXED, 1 },
	{ PACKED_INT, FIXED, 2 },     { PACKED_INT, FIXED, 4 },     { PACKED_INT, FIXED, 8 },
	{ PACKED_EXT, FIXED, 1 },     { PACKED_EXT, FIXED, 2 },     { PACKED_EXT, FIXED, 4 },
	{ PACKED_EXT, FIXED, 8 },     { PACKED_EXT, FIXED, 16 },    { PACKED_TEXT, LENGTH, 1 },
	{ PACKED_TEXT, LENGTH, 2 },   { PACKED_TEXT, LENGTH, 4 },   { PACKED_ARRAY, COUNT, 2 },
	{ PACKED_ARRAY, COUNT, 4 },   { PACKED_MAP, PAIRS, 2 },     { PACKED_MAP, PAIRS, 4 },
};
enum { FIRST_HEAD = 0xc0, NEVER_USED = 0xc1, FIRST_NEGATIVE = 0xe0 };

/* Those whose size is in the byte itself. */
static struct head short_head(unsigned char b)
{
	if (b < 0x80 || b >= FIRST_NEGATIVE)
		return (struct head){ PACKED_INT, 0, 1, 0 }; /* the byte is the value */
	if (b < 0x90)
		return (struct head){ PACKED_MAP, 1, 0, 2 * (uint64_t)(b & 15) };
	if (b < 0xa0)
		return (struct head){ PACKED_ARRAY, 1, 0, b & 15 };
	return (struct head){ PACKED_TEXT, 1, b & 31, 0 };
}

/* 1; 0: more is needed; -1: no value begins like this. */
static int read_head(const unsigned char *p, size_t len, struct head *ret)
{
	if (!len)
		return 0;
	if (*p < FIRST_HEAD || *p >= FIRST_NEGATIVE) {
		*ret = short_head(*p);
		return 1;
	}
	if (*p == NEVER_USED)
		return -1;

	enum packed_kind kind = heads[*p - FIRST_HEAD].kind;
	enum shape shape = heads[*p - FIRST_HEAD].shape;
	size_t size = heads[*p - FIRST_HEAD].size;
	size_t type = kind == PACKED_EXT; /* one byte more, part of the payload */

	*ret = (struct head){ kind, 1, 0, 0 };
	if (shape == ONE_BYTE)
		return 1;
	if (shape == FIXED) {
		ret->payload = size + type;
		return 1;
	}
	if (len < 1 + size)
		return 0;

	uint64_t n = get_be(p + 1, size);

	ret->len = 1 + size;
	if (shape == LENGTH)
		ret->payload = n + type;
	else
		ret->children = shape == PAIRS ? 2 * n : n;
	return 1;
}

/* ---- finding the end of a value ------------------------------------------------------------- */

static int check_head(const struct packed_scan *s, const struct head *h, struct error **err)
{
	size_t left = PACKED_MESSAGE_MAX - MIN(s->at + h->len, (size_t)PACKED_MESSAGE_MAX);

	if (h->payload > left || h->children > left)
		return error_set(err, ERROR_INVALID, "a value of more than %d MiB",
				 PACKED_MESSAGE_MAX / (1024 * 1024));
	if (s->values >= PACKED_VALUES_MAX || h->children > PACKED_VALUES_MAX - s->values)
		return error_set(err, ERROR_INVALID, "a value of more than %d parts",
				 PACKED_VALUES_MAX);
	if (h->children && s->depth == PACKED_DEPTH_MAX)
		return error_set(err, ERROR_INVALID, "a value that is nested more than %d deep",
				 PACKED_DEPTH_MAX);
	return 0;
}

/* One value is complete, and so may be those around it. True: that was the outermost. */
static bool close_value(struct packed_scan *s)
{
	while (s->depth && --s->left[s->depth - 1] == 0)
		s->depth--;
	return s->depth == 0;
}

ssize_t packed_scan(struct packed_scan *s, const void *bytes, size_t len, struct error **err)
{
	const unsigned char *p = bytes;

	for (;;) {
		struct head h;
		int r = read_head(p + s->at, len - s->at, &h);

		if (r < 0)
			return error_set(err, ERROR_INVALID, "a byte that begins no value (0x%02x)",
					 p[s->at]);
		if (r == 0)
			return 0;
		if (check_head(s, &h, err) < 0)
			return -1;
		if (h.len + h.payload > len - s->at)
			return 0;
		s->at += h.len + (size_t)h.payload;
		s->values++;
		if (h.children)
			s->left[s->depth++] = (size_t)h.children;
		else if (close_value(s))
			return (ssize_t)s->at;
	}
}

/* ---- the tree ------------------------------------------------------------------------------- */

static int64_t sign_extend(uint64_t n, size_t bytes)
{
	unsigned int shift = 64 - 8 * (unsigned int)bytes;

	return (int64_t)(n << shift) >> shift;
}

static double float_of(const unsigned char *p, size_t bytes)
{
	uint64_t n = get_be(p, bytes);
	uint32_t n32 = (uint32_t)n;
	double d;
	float f;

	if (bytes == sizeof(f)) {
		memcpy(&f, &n32, sizeof(f));
		return (double)f;
	}
	memcpy(&d, &n, sizeof(d));
	return d;
}

static void set_scalar(struct packed *v, const unsigned char *p, const struct head *h,
		       struct arena *arena)
{
	const unsigned char *payload = p + h->len;
	size_t is_ext = v->kind == PACKED_EXT;

	switch (v->kind) {
	case PACKED_BOOL:
		v->boolean = *p & 1;
		break;
	case PACKED_INT:
		v->integer = sign_extend(get_be(payload, (size_t)h->payload), (size_t)h->payload);
		break;
	case PACKED_UINT:
		v->uinteger = get_be(payload, (size_t)h->payload);
		break;
	case PACKED_FLOAT:
		v->number = float_of(payload, (size_t)h->payload);
		break;
	case PACKED_TEXT:
	case PACKED_BYTES:
	case PACKED_EXT:
		v->bytes.ext_type = is_ext ? (int8_t)*payload : 0;
		v->bytes.len = (size_t)h->payload - is_ext;
		v->bytes.p = arena_strndup(arena, (const char *)payload + is_ext, v->bytes.len);
		break;
	case PACKED_NIL:
	case PACKED_ARRAY:
	case PACKED_MAP:
		break;
	}
}

/* What packed_scan() has found whole. As deep as that allows. */
static const unsigned char *build(struct packed *v, const unsigned char *p, size_t len,
				  struct arena *arena)
{
	const unsigned char *start = p, *end = p + len;
	struct head h = { PACKED_NIL, 0, 0, 0 };
	int r = read_head(p, len, &h);

	assert(r == 1);
	v->kind = h.kind;
	set_scalar(v, p, &h, arena);
	p += h.len + h.payload;
	if (v->kind == PACKED_ARRAY || v->kind == PACKED_MAP) {
		struct packed *items = ARENA_ARRAY(arena, struct packed, (size_t)h.children);

		v->many.items = items;
		v->many.len = v->kind == PACKED_MAP ? (size_t)h.children / 2 : (size_t)h.children;
		for (uint64_t i = 0; i < h.children; i++)
			p = build(&items[i], p, (size_t)(end - p), arena);
	}
	v->raw = (const char *)start;
	v->raw_len = (size_t)(p - start);
	return p;
}

const struct packed *packed_build(const void *bytes, size_t len, struct arena *arena)
{
	struct packed *v = ARENA_NEW(arena, struct packed);
	const char *raw = arena_strndup(arena, bytes, len);

	build(v, (const unsigned char *)raw, len, arena);
	return v;
}

ssize_t packed_read(const void *bytes, size_t len, struct arena *arena, const struct packed **ret,
		    struct error **err)
{
	struct packed_scan scan = { 0 };
	ssize_t n = packed_scan(&scan, bytes, len, err);

	if (n > 0)
		*ret = packed_build(bytes, (size_t)n, arena);
	return n;
}

/* ---- typed fields --------------------------------------------------------------------------- */

static bool is_key(const struct packed *p, const char *name)
{
	size_t len = strlen(name);

	return (p->kind == PACKED_TEXT || p->kind == PACKED_BYTES) && p->bytes.len == len &&
	       memcmp(p->bytes.p, name, len) == 0;
}

const struct packed *packed_member(const struct packed *map, const char *name)
{
	if (!map || map->kind != PACKED_MAP)
		return NULL;
	for (size_t i = 0; i < map->many.len; i++)
		if (is_key(&map->many.items[2 * i], name))
			return &map->many.items[2 * i + 1];
	return NULL;
}

static const char *kind_name(const struct packed *p)
{
	static const char *const names[] = {
		[PACKED_NIL] = "nothing",    [PACKED_BOOL] = "a truth value",
		[PACKED_INT] = "an integer", [PACKED_UINT] = "an integer",
		[PACKED_FLOAT] = "a number", [PACKED_TEXT] = "text",
		[PACKED_BYTES] = "bytes",    [PACKED_ARRAY] = "a list",
		[PACKED_MAP] = "a map",      [PACKED_EXT] = "an extension",
	};

	return names[p->kind];
}

static bool is_nil(const struct packed *p)
{
	return !p || p->kind == PACKED_NIL;
}

bool packed_bool(const struct packed *p)
{
	return p && p->kind == PACKED_BOOL && p->boolean;
}

int packed_int(const struct packed *p, int64_t *ret, struct error **err)
{
	if (is_nil(p))
		*ret = 0;
	else if (p->kind == PACKED_INT)
		*ret = p->integer;
	else if (p->kind != PACKED_UINT)
		return error_set(err, ERROR_INVALID, "%s where an integer belongs", kind_name(p));
	else if (p->uinteger > INT64_MAX)
		return error_set(err, ERROR_INVALID, "an integer that is too large");
	else
		*ret = (int64_t)p->uinteger;
	return 0;
}

int packed_uint32(const struct packed *p, uint32_t *ret, struct error **err)
{
	int64_t n = 0;

	if (packed_int(p, &n, err) < 0)
		return -1;
	if (n < 0 || n > UINT32_MAX)
		return error_set(err, ERROR_INVALID, "an integer that is out of range");
	*ret = (uint32_t)n;
	return 0;
}

int packed_text(const struct packed *p, const char **ret, struct error **err)
{
	if (is_nil(p))
		*ret = NULL;
	else if (p->kind == PACKED_TEXT || p->kind == PACKED_BYTES)
		*ret = p->bytes.p;
	else
		return error_set(err, ERROR_INVALID, "%s where text belongs", kind_name(p));
	return 0;
}

enum {
	TIMESTAMP = -1,
	OLD_TIME_LENGTH = 15, /* version, seconds since the year 1, nanoseconds, zone */
	NSEC_MAX = 999999999,
};
#define SECONDS_TO_1970 INT64_C(62135596800)

bool packed_time(const struct packed *p, int64_t *ret_seconds, uint32_t *ret_ns)
{
	if (is_nil(p) || (p->kind != PACKED_EXT && p->kind != PACKED_BYTES))
		return false;

	const unsigned char *at = (const unsigned char *)p->bytes.p;
	bool is_ext = p->kind == PACKED_EXT && p->bytes.ext_type == TIMESTAMP;
	uint64_t seconds, ns = 0;

	if (is_ext && p->bytes.len == 4) {
		seconds = get_be(at, 4);
	} else if (is_ext && p->bytes.len == 8) {
		seconds = get_be(at, 8) & ((UINT64_C(1) << 34) - 1);
		ns = get_be(at, 8) >> 34;
	} else if (is_ext && p->bytes.len == 12) {
		ns = get_be(at, 4);
		seconds = get_be(at + 4, 8);
	} else if (p->kind == PACKED_BYTES && p->bytes.len == OLD_TIME_LENGTH && at[0] == 1) {
		seconds = get_be(at + 1, 8) - (uint64_t)SECONDS_TO_1970;
		ns = get_be(at + 9, 4);
	} else {
		return false;
	}
	if (ns > NSEC_MAX)
		return false;
	*ret_seconds = (int64_t)seconds;
	*ret_ns = (uint32_t)ns;
	return true;
}
