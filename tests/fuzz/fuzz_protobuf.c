/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a plugin as a protobuf schema. What could be read can be used. */
#include "base/alloc.h"
#include "plugin/codec/schema.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(type) struct type *type = NULL;
	const struct spec *s = NULL;

	if ((schema_from_protobuf(data, size, arena, &s, &err) < 0) != (err != NULL))
		abort();
	if (!s)
		return 0;
	type = spec_type(s);
	type_json(&text, type);
	(void)spec_body_schema(s, arena);
	return 0;
}
