/* SPDX-License-Identifier: Apache-2.0 */
#include "func/gzip.h"

#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	MATCH_MIN = 3,
	MATCH_MAX = 258,
	WINDOW = 32768,
	HASH_BITS = 15,
	CHAIN_MAX = 64,
	END_OF_BLOCK = 256,
};

struct bits {
	struct strbuf *out;
	uint32_t hold;
	int count;
};

/* Least significant bit first. */
static void put_bits(struct bits *b, uint32_t value, int count)
{
	b->hold |= value << b->count;
	b->count += count;
	for (; b->count >= 8; b->count -= 8, b->hold >>= 8)
		strbuf_addch(b->out, (char)(b->hold & 0xff));
}

static void put_code(struct bits *b, uint32_t code, int length)
{
	uint32_t reversed = 0;

	for (int i = 0; i < length; i++)
		reversed |= (code >> i & 1) << (length - 1 - i);
	put_bits(b, reversed, length);
}

/* RFC 1951, 3.2.6 */
static void put_symbol(struct bits *b, unsigned symbol)
{
	if (symbol < 144)
		put_code(b, 0x30 + symbol, 8);
	else if (symbol < 256)
		put_code(b, 0x190 + symbol - 144, 9);
	else if (symbol < 280)
		put_code(b, symbol - 256, 7);
	else
		put_code(b, 0xc0 + symbol - 280, 8);
}

/*
 * RFC 1951, 3.2.5: codes come in groups of 2^shift, each group with one extra
 * bit more than the one before. `n` counts from 0.
 */
static unsigned split_code(unsigned n, int shift, int *ret_bits, unsigned *ret_extra)
{
	int bits = 0;

	while (n >> (bits + shift + 1))
		bits++;
	*ret_bits = bits;
	*ret_extra = n & ((1u << bits) - 1);
	return (unsigned)(bits << shift) + (n >> bits);
}

static void put_match(struct bits *b, unsigned length, unsigned distance)
{
	unsigned extra, code;
	int bits;

	if (length == MATCH_MAX) {
		put_symbol(b, 285);
	} else {
		code = split_code(length - MATCH_MIN, 2, &bits, &extra);
		put_symbol(b, 257 + code);
		put_bits(b, extra, bits);
	}
	code = split_code(distance - 1, 1, &bits, &extra);
	put_code(b, code, 5);
	put_bits(b, extra, bits);
}

/* Earlier places of each hash of three bytes; positions are one too large, 0 is none. */
struct finder {
	const unsigned char *p;
	size_t len;
	uint32_t *head, *before;
};

static uint32_t hash_at(const unsigned char *p)
{
	uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

	return v * 2654435761u >> (32 - HASH_BITS);
}

static void remember(struct finder *f, size_t at)
{
	if (at + MATCH_MIN > f->len)
		return;

	uint32_t *head = &f->head[hash_at(f->p + at)];

	f->before[at % WINDOW] = *head;
	*head = (uint32_t)at + 1;
}

static unsigned match_length(const struct finder *f, size_t at, size_t from)
{
	unsigned n = 0;

	while (n < MATCH_MAX && at + n < f->len && f->p[at + n] == f->p[from + n])
		n++;
	return n;
}

static unsigned find_match(const struct finder *f, size_t at, unsigned *ret_distance)
{
	unsigned best = 0;
	uint32_t place;
	int tries = 0;

	if (at + MATCH_MIN > f->len)
		return 0;
	place = f->head[hash_at(f->p + at)];
	while (place && at - (place - 1) < WINDOW && tries++ < CHAIN_MAX) {
		unsigned n = match_length(f, at, place - 1);

		if (n > best) {
			best = n;
			*ret_distance = (unsigned)(at - (place - 1));
		}
		place = f->before[(place - 1) % WINDOW];
	}
	return best;
}

static void deflate(struct strbuf *out, const unsigned char *p, size_t len)
{
	AUTO_FREE uint32_t *head = xcalloc((size_t)1 << HASH_BITS, sizeof(*head));
	AUTO_FREE uint32_t *before = xcalloc(WINDOW, sizeof(*before));
	struct finder f = { p, len, head, before };
	struct bits b = { .out = out };
	size_t at = 0;

	put_bits(&b, 1, 1); /* the last block */
	put_bits(&b, 1, 2); /* with fixed codes */
	while (at < len) {
		unsigned distance = 0, n = find_match(&f, at, &distance);

		if (n >= MATCH_MIN) {
			put_match(&b, n, distance);
		} else {
			put_symbol(&b, p[at]);
			n = 1;
		}
		for (; n; n--)
			remember(&f, at++);
	}
	put_symbol(&b, END_OF_BLOCK);
	put_bits(&b, 0, 7); /* to the end of the byte */
}

static uint32_t crc32_of(const unsigned char *p, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (; len; len--, p++) {
		crc ^= *p;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void add_le32(struct strbuf *out, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		strbuf_addch(out, (char)(v >> (8 * i) & 0xff));
}

void gzip_compress(struct strbuf *out, const void *data, size_t len)
{
	/* deflate, no name, no time, unknown system */
	static const char header[] = { 0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, (char)0xff };

	strbuf_add(out, header, sizeof(header));
	deflate(out, data, len);
	add_le32(out, crc32_of(data, len));
	add_le32(out, (uint32_t)len);
}
