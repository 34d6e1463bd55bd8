/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step in one file, for another host: a tar, compressed by zstd where libarchive can.
 *
 *   manifest.json   first: { "format": 1, "entry": meta.json, "base": { name, size, sha256 } }
 *   base/NAME       what the lowest layer stands on; optional
 *   layers/NAME     all of the chain
 *   files/NAME      those of the entry
 *
 * The secret of the host is not in it: steps whose keys hold secrets are found only by who has that, too.
 */
#pragma once

#include "cache/store.h"

/* Writes a held and checked entry. `with_base`: ERROR_NOT_FOUND when the base is gone; without,
 * the other host must have it. */
MUST_CHECK int store_export(struct store *s, const struct store_entry *e, bool with_base,
			    const char *path, struct cancel *c, struct error **err);
/*
 * Publishes what is in the file, as old as it was when it was exported. Nothing in it is believed:
 * ERROR_INVALID says what is wrong, and nothing is left. *ret_key is heap.
 */
MUST_CHECK int store_import(struct store *s, const char *path, struct cancel *c, char **ret_key,
			    struct error **err);
