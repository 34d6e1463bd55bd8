/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a plugin as MessagePack: a value with its type, and plain data. What
 * could be read can be written, and what was written is read.
 */
#include "base/alloc.h"
#include "plugin/codec/cty.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_value(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(value) struct value *v = cty_from_msgpack(data, size, &err);

	if (!v != (err != NULL))
		abort();
	if (v)
		cty_json(&text, v);
}

static struct value *read_plain(const void *data, size_t size)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *err = NULL;
	const struct packed *p = NULL;

	if (packed_read(data, size, arena, &p, &err) <= 0)
		return NULL;
	return value_from_packed(p, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	AUTO(value) struct value *v = read_plain(data, size), *again = NULL;

	read_value(data, size);
	if (!v)
		return 0;
	value_pack(&bytes, v);
	again = read_plain(bytes.buf, bytes.len);
	if (!again)
		abort();
	return 0;
}
