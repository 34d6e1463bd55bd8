/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as YAML. What can be read can be written, and what was
 * written reads back as the same value.
 */
#include "base/alloc.h"
#include "func/yamltext.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf once = STRBUF_INIT;
	AUTO(strbuf) struct strbuf twice = STRBUF_INIT;
	AUTO(value) struct value *v = yamltext_read((const char *)data, size, &err);

	if (!v)
		return 0;
	yamltext_write(&once, v);

	AUTO(value) struct value *again = yamltext_read(once.buf, once.len, &err);

	if (!again)
		abort();
	yamltext_write(&twice, again);
	if (strcmp(once.buf, twice.buf))
		abort();
	return 0;
}
