/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as MessagePack. A value that is read is made of its bytes and nothing else; found in
 * pieces it ends where it ends in one; no beginning of it is one.
 */
#include "base/alloc.h"
#include "plugin/wire/msgpack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void walk(const struct packed *v, const char *raw, size_t raw_len)
{
	size_t n = v->kind == PACKED_MAP ? 2 * v->many.len : v->many.len;
	const char *text;
	int64_t seconds, integer;
	uint32_t ns;
	AUTO(error) struct error *err = NULL;

	require(v->raw >= raw && v->raw_len && v->raw + v->raw_len <= raw + raw_len);
	(void)packed_bool(v);
	(void)packed_time(v, &seconds, &ns);
	if (packed_int(v, &integer, &err) < 0)
		error_ignore(&err, "of another kind");
	if (packed_text(v, &text, &err) == 0 && text)
		require(strlen(text) <= v->bytes.len);
	if (v->kind != PACKED_ARRAY && v->kind != PACKED_MAP)
		return;
	for (size_t i = 0; i < n; i++)
		walk(&v->many.items[i], v->raw, v->raw_len);
	(void)packed_member(v, "Seq");
}

static void check_pieces(const uint8_t *data, size_t len)
{
	AUTO(error) struct error *err = NULL;
	struct packed_scan scan = { 0 };

	for (size_t n = 0; n < len; n++)
		require(packed_scan(&scan, data, n, &err) == 0);
	require(packed_scan(&scan, data, len, &err) == (ssize_t)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *err = NULL;
	const struct packed *v = NULL;
	ssize_t n = packed_read(data, size, arena, &v, &err);

	if (n < 0) {
		require(err->kind == ERROR_INVALID);
		error_ignore(&err, "anything may come");
		return 0;
	}
	if (n == 0)
		return 0;
	require((size_t)n <= size && v->raw_len == (size_t)n &&
		memcmp(v->raw, data, (size_t)n) == 0);
	walk(v, v->raw, v->raw_len);
	check_pieces(data, (size_t)n);
	return 0;
}
