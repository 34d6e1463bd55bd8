/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a plugin as a gob: as a schema, as a value and as an exit status.
 * What could be read can be used.
 */
#include "base/alloc.h"
#include "plugin/codec/cty.h"
#include "plugin/codec/exit_status.h"
#include "plugin/codec/schema.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_schema(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(type) struct type *type = NULL;
	const struct spec *s = NULL;

	if ((schema_from_gob(data, size, arena, &s, &err) < 0) != (err != NULL))
		abort();
	if (!s)
		return;
	type = spec_type(s);
	type_json(&text, type);
	(void)spec_body_schema(s, arena);
}

static void read_value(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(value) struct value *v = cty_from_gob(data, size, &err);

	if (!v != (err != NULL))
		abort();
	if (v)
		cty_json(&text, v);
}

static void read_status(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf again = STRBUF_INIT;
	int status, back;

	if (exit_status_read(data, size, &status, &err) < 0)
		return;
	exit_status_write(&again, status);
	if (exit_status_read(again.buf, again.len, &back, &err) < 0 || back != status)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_schema(data, size);
	read_value(data, size);
	read_status(data, size);
	return 0;
}
