/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

void encode_hex(struct strbuf *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		strbuf_addch(out, digits[p[i] >> 4]);
		strbuf_addch(out, digits[p[i] & 15]);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool decode_hex(struct strbuf *out, const char *text)
{
	for (; *text; text += 2) {
		int high = hex_value(text[0]);
		int low = high < 0 ? -1 : hex_value(text[1]);

		if (low < 0)
			return false;
		strbuf_addch(out, (char)(high << 4 | low));
	}
	return true;
}

void encode_base64(struct strbuf *out, const void *data, size_t len)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = MIN(len - i, (size_t)3);
		uint32_t bits = (uint32_t)p[i] << 16;

		if (n > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			bits |= p[i + 2];

		char group[4] = { alphabet[bits >> 18], alphabet[bits >> 12 & 63],
				  n > 1 ? alphabet[bits >> 6 & 63] : '=',
				  n > 2 ? alphabet[bits & 63] : '=' };

		strbuf_add(out, group, sizeof(group));
	}
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

bool decode_base64(struct strbuf *out, const char *text, size_t len)
{
	uint32_t bits = 0;
	unsigned filled = 0, padding = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r' || text[i] == '\n')
			continue;
		if (text[i] == '=' && filled >= 2 && filled + padding < 4) {
			padding++;
			continue;
		}

		int value = base64_value(text[i]);

		if (value < 0 || padding)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (++filled < 4)
			continue;
		strbuf_addch(out, (char)(bits >> 16));
		strbuf_addch(out, (char)(bits >> 8));
		strbuf_addch(out, (char)bits);
		filled = 0;
	}
	if (!filled)
		return true;
	if (filled + padding != 4)
		return false;
	bits <<= 6 * padding;
	strbuf_addch(out, (char)(bits >> 16));
	if (filled == 3)
		strbuf_addch(out, (char)(bits >> 8));
	return true;
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-_.~", c));
}

void encode_url_query(struct strbuf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_unreserved(text[i]))
			strbuf_addch(out, text[i]);
		else if (text[i] == ' ')
			strbuf_addch(out, '+');
		else
			strbuf_addf(out, "%%%02X", (unsigned char)text[i]);
	}
}

static void add_escaped(struct strbuf *out, uint32_t cp)
{
	static const char letters[] = "abtnvfr"; /* BEL to CR */

	if (cp >= '\a' && cp <= '\r')
		strbuf_addf(out, "\\%c", letters[cp - '\a']);
	else if (cp < ' ' || cp == 0x7f)
		strbuf_addf(out, "\\x%02x", cp);
	else
		strbuf_addf(out, cp < 0x10000 ? "\\u%04x" : "\\U%08x", cp);
}

void encode_go_quoted(struct strbuf *out, const char *text, size_t len)
{
	strbuf_addch(out, '"');
	while (len) {
		uint32_t cp;
		size_t n = utf8_decode(text, len, &cp);

		if (!n) {
			strbuf_addf(out, "\\x%02x", (unsigned char)*text);
			n = 1;
		} else if (cp == '"' || cp == '\\') {
			strbuf_addch(out, '\\');
			strbuf_addch(out, (char)cp);
		} else if (utf8_is_printable(cp)) {
			strbuf_add(out, text, n);
		} else {
			add_escaped(out, cp);
		}
		text += n;
		len -= n;
	}
	strbuf_addch(out, '"');
}

void encode_shell_word(struct strbuf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "%+,-./:=@_";

	if (*text && strspn(text, plain) == strlen(text)) {
		strbuf_addstr(out, text);
		return;
	}
	strbuf_addch(out, '\'');
	for (; *text; text++)
		if (*text == '\'')
			strbuf_addstr(out, "'\"'\"'");
		else
			strbuf_addch(out, *text);
	strbuf_addch(out, '\'');
}
