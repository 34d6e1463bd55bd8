/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack as the SDK's codec speaks it (plugin-protocol.md 5.6, 5.7), the
 * one place that sees the library. Writing appends to a strbuf. Reading gives
 * a tree in an arena whose nodes remember their own bytes, so that what is
 * only passed on is passed on as it came.
 *
 * Limits: nesting 32, 64 MiB and a million parts a message. What is promised and
 * not there costs nothing.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PACKED_MESSAGE_MAX = 64 * 1024 * 1024,
	PACKED_VALUES_MAX = 1024 * 1024,
	PACKED_DEPTH_MAX = 32,
};

void pack_nil(struct strbuf *sb);
void pack_bool(struct strbuf *sb, bool v);
void pack_int(struct strbuf *sb, int64_t v);   /* a signed integer of Go */
void pack_uint(struct strbuf *sb, uint64_t v); /* an unsigned one */
void pack_float(struct strbuf *sb, double v);
void pack_text(struct strbuf *sb, const char *text); /* NULL: nil */
void pack_text_n(struct strbuf *sb, const char *text, size_t len);
void pack_bytes(struct strbuf *sb, const void *bytes, size_t len);
void pack_array(struct strbuf *sb, size_t n); /* n values follow */
void pack_map(struct strbuf *sb, size_t n);   /* n pairs follow */
/* The timestamp extension (seconds and nanoseconds since the epoch). */
void pack_time(struct strbuf *sb, int64_t seconds, uint32_t ns);

enum packed_kind {
	PACKED_NIL,
	PACKED_BOOL,
	PACKED_INT,  /* fixint and d0-d3: signed for Go */
	PACKED_UINT, /* cc-cf */
	PACKED_FLOAT,
	PACKED_TEXT,  /* str */
	PACKED_BYTES, /* bin */
	PACKED_ARRAY,
	PACKED_MAP,
	PACKED_EXT,
};

/* Owned by the arena it was read into, like all it points to. */
struct packed {
	enum packed_kind kind;
	const char *raw; /* its bytes as they came */
	size_t raw_len;
	union {
		bool boolean;
		int64_t integer;
		uint64_t uinteger;
		double number;
		struct {
			const char *p; /* text, bytes, ext: NUL-terminated, may contain NULs */
			size_t len;
			int8_t ext_type;
		} bytes;
		struct {
			const struct packed *items; /* maps: key, value, key, value, … */
			size_t len;                 /* array: values; map: pairs */
		} many;
	};
};

/* The first whole value of `bytes`: its length, 0 when more is needed (with *err untouched), -1 when
 * it is none or breaks a limit. The tree points into the arena, not into `bytes`. */
MUST_CHECK ssize_t packed_read(const void *bytes, size_t len, struct arena *arena,
			       const struct packed **ret, struct error **err);
/*
 * The same in two steps, for what comes in pieces: a scan (zeroed at first) goes on where it stopped
 * when there is more of the same bytes, and says what packed_read() would; then the tree of a whole
 * value is built.
 */
struct packed_scan {
	size_t at, values, depth;
	size_t left[PACKED_DEPTH_MAX]; /* values that are missing at each depth */
};
MUST_CHECK ssize_t packed_scan(struct packed_scan *s, const void *bytes, size_t len,
			       struct error **err);
const struct packed *packed_build(const void *bytes, size_t len, struct arena *arena);

/* Leniently, for typed fields (5.7): nil and absent are zero values. */
const struct packed *packed_member(const struct packed *map, const char *name); /* NULL: absent */
bool packed_bool(const struct packed *p);
MUST_CHECK int packed_int(const struct packed *p, int64_t *ret, struct error **err);
MUST_CHECK int packed_uint32(const struct packed *p, uint32_t *ret, struct error **err);
/* NULL for nil and absent; else NUL-terminated, also from bin. ERROR_INVALID for other kinds. */
MUST_CHECK int packed_text(const struct packed *p, const char **ret, struct error **err);
/* The timestamp extension and the 15 bytes of SDK 0.0.11; false: it is none. */
bool packed_time(const struct packed *p, int64_t *ret_seconds, uint32_t *ret_ns);
