/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/fat_name.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum {
	ENTRY = 32,
	ALIAS = 11,
	BASE = 8,
	UNITS = 13, /* of UTF-16 in one entry */
	MAX_UNITS = 255,
	ATTR_LONG = 0x0f,
	ATTR_VOLUME = 0x08,
	LAST_PART = 0x40,
};

/* Up to MAX_UNITS units; returns how many there would be. */
static size_t to_utf16(const char *name, uint16_t units[static MAX_UNITS])
{
	size_t left = strlen(name), n = 0;

	while (left) {
		uint32_t cp;
		size_t len = utf8_decode(name, left, &cp);

		if (!len) {
			cp = 0xfffd;
			len = 1;
		}
		if (cp > 0xffff) {
			if (n < MAX_UNITS)
				units[n] = (uint16_t)(0xd800 + ((cp - 0x10000) >> 10));
			n++;
			cp = 0xdc00 + ((cp - 0x10000) & 0x3ff);
		}
		if (n < MAX_UNITS)
			units[n] = (uint16_t)cp;
		n++;
		name += len;
		left -= len;
	}
	return n;
}

static bool is_short_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("$%'-_@~`!(){}^#&", c));
}

/* Upper case, what an alias cannot have replaced; false when more than case was lost. */
static bool shorten(const char *from, size_t len, char *to, size_t room)
{
	bool whole = true;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c == ' ' || c == '.' || n == room) {
			whole = false;
			continue;
		}
		if (!is_short_char(c)) {
			c = '_';
			whole = false;
		}
		to[n++] = c;
	}
	return whole;
}

/* The alias before it is made unique. */
static bool plain_alias(const char *name, char ret[static ALIAS])
{
	const char *dot = strrchr(name, '.');
	size_t base = dot && dot != name ? (size_t)(dot - name) : strlen(name);
	bool whole;

	memset(ret, ' ', ALIAS);
	whole = shorten(name, base, ret, BASE);
	if (name[base] &&
	    !shorten(name + base + 1, strlen(name + base + 1), ret + BASE, ALIAS - BASE))
		whole = false;
	/* a dot with nothing behind it would not come back */
	return whole && (!name[base] || name[base + 1]);
}

static bool needs_long(const char *name, const char alias[static ALIAS])
{
	AUTO_FREE char *text = xcalloc(1, ALIAS + 2);
	size_t n = 0;

	for (size_t i = 0; i < ALIAS; i++) {
		if (i == BASE && alias[i] != ' ')
			text[n++] = '.';
		if (alias[i] != ' ')
			text[n++] = alias[i];
	}
	return strcmp(text, name) != 0;
}

int fat_name_slots(const char *name, struct error **err)
{
	uint16_t units[MAX_UNITS];
	size_t n = to_utf16(name, units);
	char alias[ALIAS];
	size_t len = strlen(name);

	if (n > MAX_UNITS)
		return error_set(err, ERROR_INVALID, "the name '%s' is too long for a floppy disk",
				 name);
	if (strpbrk(name, "\"*:<>?\\|") || name[len - 1] == '.' || name[len - 1] == ' ')
		return error_set(err, ERROR_INVALID, "a floppy disk cannot have the name '%s'",
				 name);
	if (plain_alias(name, alias) && !needs_long(name, alias))
		return 1;
	return 1 + (int)((n + UNITS - 1) / UNITS);
}

bool fat_name_same(const char *a, const char *b)
{
	a = path_basename(a);
	b = path_basename(b);
	while (*a || *b) {
		uint32_t x = 0, y = 0;
		size_t n = utf8_decode(a, strlen(a), &x), m = utf8_decode(b, strlen(b), &y);

		if (!n || !m)
			return !strcmp(a, b);
		if (utf8_to_upper(x) != utf8_to_upper(y))
			return false;
		a += n;
		b += m;
	}
	return true;
}

static bool is_taken(const char alias[static ALIAS], const uint8_t *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *e = entries + i * ENTRY;

		if (!(e[ALIAS] & ATTR_VOLUME) && !memcmp(e, alias, ALIAS))
			return true;
	}
	return false;
}

void fat_name_alias(const char *name, const uint8_t *entries, size_t count, char ret[static ALIAS])
{
	bool whole = plain_alias(name, ret);
	size_t base = BASE;
	char plain[ALIAS];

	if (whole && !is_taken(ret, entries, count))
		return;
	memcpy(plain, ret, ALIAS);
	while (base && plain[base - 1] == ' ')
		base--;
	for (int i = 1;; i++) {
		char tail[12];
		size_t len = (size_t)snprintf(tail, sizeof(tail), "~%d", i);
		size_t at = base + len > BASE ? BASE - len : base;

		memcpy(ret, plain, ALIAS);
		memcpy(ret + at, tail, len);
		if (!is_taken(ret, entries, count))
			return;
	}
}

/* Ties the parts of a long name to their alias. */
static uint8_t checksum(const char alias[static ALIAS])
{
	uint8_t sum = 0;

	for (size_t i = 0; i < ALIAS; i++)
		sum = (uint8_t)(((sum & 1) << 7) + (sum >> 1) + (uint8_t)alias[i]);
	return sum;
}

uint8_t *fat_name_put_long(uint8_t *at, const char *name, const char alias[static ALIAS])
{
	static const uint8_t places[UNITS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	uint16_t units[MAX_UNITS];
	size_t n, parts;

	if (!needs_long(name, alias))
		return at;
	n = to_utf16(name, units);
	parts = (n + UNITS - 1) / UNITS;
	for (size_t part = parts; part > 0; part--, at += ENTRY) {
		at[0] = (uint8_t)(part | (part == parts ? LAST_PART : 0));
		at[ALIAS] = ATTR_LONG;
		at[13] = checksum(alias);
		for (size_t i = 0; i < UNITS; i++) {
			size_t u = (part - 1) * UNITS + i;
			uint16_t unit = u < n ? units[u] : u == n ? 0 : 0xffff;

			at[places[i]] = (uint8_t)unit;
			at[places[i] + 1] = (uint8_t)(unit >> 8);
		}
	}
	return at;
}
