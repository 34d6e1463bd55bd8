/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums as people write them (qemu-builder.md 13.2): HEX, TYPE:HEX,
 * file:PLACE, none. They are resolved into the canonical text `type:hex` in
 * lower case, or "none", from which also the names in the cache are made.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "net/http.h"
#include "os/cancel.h"

#include <stdbool.h>

enum { CHECKSUM_FILE_MAX = 16 * 1024 * 1024 };

/* What `file:` needs. */
struct checksum_context {
	const char *url; /* of what is summed (the first of several): which line is meant */
	const char *cwd; /* relative places are meant from here */
	const char *netrc, *plain_proxy; /* as in struct http_request; may be NULL */
};

/* Reads a file of checksums for `file:`, from disk or by HTTP. */
MUST_CHECK int checksum_resolve(const char *text, const struct checksum_context *ctx,
				struct cancel *c, char **ret_canonical, struct error **err);

/*
 * Finds the sum of `path` (of the source, decoded) in the content of a file of
 * checksums that is at `sums_path`; NULL if there is none; heap.
 */
char *checksum_find(const char *content, const char *path, const char *sums_path);

/* Takes a canonical text apart; false for "none". The hex digits are borrowed. */
bool checksum_split(const char *canonical, enum digest_type *ret_type, const char **ret_hex);
