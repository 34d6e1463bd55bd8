/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/codec/exit_status.h"

#include "plugin/codec/gob.h"

#include <limits.h>

/* Describes struct CommandFinished { ExitStatus int } as type 65. */
static const char definition[] = "\x2c\xff\x81\x03\x01\x01\x0f"
				 "CommandFinished"
				 "\x01\xff\x82\x00\x01\x01\x01\x0a"
				 "ExitStatus"
				 "\x01\x04\x00\x00\x00";

void exit_status_write(struct strbuf *sb, int status)
{
	uint64_t u = status < 0 ? ~((uint64_t)(int64_t)status << 1) : (uint64_t)status << 1;
	unsigned char value[4];
	size_t len = 0;

	for (int shift = 24; shift >= 0; shift -= 8)
		if (u >> shift)
			value[len++] = (unsigned char)(u >> shift);
	strbuf_add(sb, definition, sizeof(definition) - 1);
	if (u == 0) {
		strbuf_add(sb, "\x03\xff\x82\x00", 4);
		return;
	}
	if (u < 0x80) {
		strbuf_addf(sb, "\x05\xff\x82\x01");
	} else {
		strbuf_addch(sb, (char)(5 + len));
		strbuf_addf(sb, "\xff\x82\x01%c", (int)(256 - len));
	}
	strbuf_add(sb, value, len);
	strbuf_addch(sb, '\0');
}

int exit_status_read(const void *bytes, size_t len, int *ret, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	const struct gob *g = gob_read((struct str){ bytes, len }, arena, err);
	int64_t status;

	if (!g)
		return error_prefix(err, "cannot read the exit status");
	if (g->kind != GOB_STRUCT || !gob_field_int(g, "ExitStatus", &status))
		return error_set(err, ERROR_INVALID, "cannot read the exit status: there is none");
	/* Windows counts without a sign: 0xc0000005 and the like. */
	if (status > INT_MAX && status <= UINT_MAX)
		status -= INT64_C(1) << 32;
	if (status < INT_MIN || status > INT_MAX)
		return error_set(err, ERROR_INVALID, "cannot read the exit status: %lld is too %s",
				 (long long)status, status < 0 ? "small" : "large");
	*ret = (int)status;
	return 0;
}
