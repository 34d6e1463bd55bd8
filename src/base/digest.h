/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message digests and HMAC over OpenSSL's libcrypto (the only place that sees
 * EVP). Streaming; finish once.
 */
#pragma once

#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>

enum digest_type {
	DIGEST_MD5,
	DIGEST_SHA1,
	DIGEST_SHA224,
	DIGEST_SHA256,
	DIGEST_SHA384,
	DIGEST_SHA512,
	DIGEST_TYPE_COUNT,
};
enum { DIGEST_MAX = 64 };

const char *digest_name(enum digest_type type); /* "sha256" */
bool digest_from_name(const char *name, enum digest_type *ret);
size_t digest_size(enum digest_type type); /* bytes */

struct digest;
struct digest *digest_new(enum digest_type type);
struct digest *digest_new_hmac(enum digest_type type, const void *key, size_t key_len);
void digest_free(struct digest *d);
DEFINE_AUTO(digest, struct digest *, digest_free);
void digest_add(struct digest *d, const void *data, size_t len);
/* Adds a length-prefixed field, so that ("ab","c") and ("a","bc") differ. */
void digest_add_field(struct digest *d, const char *name, const void *data, size_t len);
/* Sees each field that is added from now on; NULL: nobody. */
typedef void (*digest_field_fn)(void *watcher, const char *name, const void *data, size_t len);
void digest_watch(struct digest *d, digest_field_fn fn, void *watcher);
/* Writes digest_size() bytes; the digest can only be freed afterwards. */
void digest_finish(struct digest *d, unsigned char out[DIGEST_MAX]);
char *digest_finish_hex(struct digest *d); /* heap */
