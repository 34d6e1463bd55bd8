/* SPDX-License-Identifier: Apache-2.0 */
/* Binary <-> text encodings: hex, base64 (RFC 4648), URL query escaping, Go-quoting (%q), shell words. */
#pragma once

#include "base/macro.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

void encode_hex(struct strbuf *out, const void *data, size_t len); /* lower case */
bool decode_hex(struct strbuf *out, const char *text);

void encode_base64(struct strbuf *out, const void *data,
		   size_t len); /* padded, standard alphabet */
/* Strict: padding required, CR and LF skipped; false leaves `out` undefined. */
bool decode_base64(struct strbuf *out, const char *text, size_t len);

/* Query escaping: space -> '+', unreserved A-Za-z0-9-_.~ kept. */
void encode_url_query(struct strbuf *out, const char *text, size_t len);

/* Double-quoted with Go's escapes (language.md 9.4). */
void encode_go_quoted(struct strbuf *out, const char *text, size_t len);
/* One word of a POSIX shell; plain text stays as it is, all else is put in single quotes. */
void encode_shell_word(struct strbuf *out, const char *text);
