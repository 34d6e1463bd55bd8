/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin's options look like (plugin-protocol.md 7): the bytes of
 * ConfigSpec and OutputSpec, in either encoding, as a tree of schema/spec.h.
 * Both encodings of one schema give the same tree. Fields of an object are
 * sorted by name: the order on the wire is random.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "schema/spec.h"

/* The tree lives in the arena, types it needs too. ERROR_INVALID with what is wrong, and where, for
 * bytes that are no schema; unknown nodes are named. Depth 64, sizes bounded by the input. */
MUST_CHECK int schema_from_protobuf(const void *bytes, size_t len, struct arena *arena,
				    const struct spec **ret, struct error **err);
MUST_CHECK int schema_from_gob(const void *bytes, size_t len, struct arena *arena,
			       const struct spec **ret, struct error **err);
