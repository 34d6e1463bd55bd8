/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/str.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

STRING_TABLE(digest_type, DIGEST_TYPE_COUNT, "md5", "sha1", "sha224", "sha256", "sha384", "sha512");

struct digest {
	enum digest_type type;
	EVP_MD_CTX *md;        /* plain digest, else NULL */
	EVP_MAC_CTX *mac;      /* HMAC, else NULL */
	digest_field_fn field; /* or NULL */
	void *watcher;
};

/* These can only fail for lack of memory or a crippled libcrypto. */
static void must(bool ok)
{
	assert(ok);
	(void)ok;
}

const char *digest_name(enum digest_type type)
{
	return digest_type_names[type];
}

bool digest_from_name(const char *name, enum digest_type *ret)
{
	for (size_t i = 0; i < DIGEST_TYPE_COUNT; i++) {
		if (text_eq(name, digest_type_names[i])) {
			*ret = (enum digest_type)i;
			return true;
		}
	}
	return false;
}

size_t digest_size(enum digest_type type)
{
	static const unsigned char sizes[DIGEST_TYPE_COUNT] = { 16, 20, 28, 32, 48, 64 };

	return sizes[type];
}

struct digest *digest_new(enum digest_type type)
{
	struct digest *d = NEW(struct digest);
	const EVP_MD *md = EVP_get_digestbyname(digest_name(type));

	d->type = type;
	d->md = EVP_MD_CTX_new();
	must(d->md && md && EVP_DigestInit_ex(d->md, md, NULL) == 1);
	return d;
}

struct digest *digest_new_hmac(enum digest_type type, const void *key, size_t key_len)
{
	struct digest *d = NEW(struct digest);
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest_name(type),
						 0),
		OSSL_PARAM_construct_end(),
	};

	d->type = type;
	d->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	/* a NULL key would mean "keep the old one" */
	must(d->mac && EVP_MAC_init(d->mac, key_len ? key : "", key_len, params) == 1);
	EVP_MAC_free(hmac);
	return d;
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->md);
	EVP_MAC_CTX_free(d->mac);
	free(d);
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	if (!len)
		return;
	must(d->md ? EVP_DigestUpdate(d->md, data, len) == 1
		   : EVP_MAC_update(d->mac, data, len) == 1);
}

static void add_length(struct digest *d, uint64_t len)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(len >> (56 - 8 * i));
	digest_add(d, bytes, sizeof(bytes));
}

void digest_add_field(struct digest *d, const char *name, const void *data, size_t len)
{
	add_length(d, strlen(name));
	digest_add(d, name, strlen(name));
	add_length(d, len);
	digest_add(d, data, len);
	if (d->field)
		d->field(d->watcher, name, data, len);
}

void digest_watch(struct digest *d, digest_field_fn fn, void *watcher)
{
	d->field = fn;
	d->watcher = watcher;
}

void digest_finish(struct digest *d, unsigned char out[DIGEST_MAX])
{
	size_t len = 0;

	if (d->md)
		must(EVP_DigestFinal_ex(d->md, out, NULL) == 1);
	else
		must(EVP_MAC_final(d->mac, out, &len, DIGEST_MAX) == 1);
}

char *digest_finish_hex(struct digest *d)
{
	unsigned char out[DIGEST_MAX];
	struct strbuf hex = STRBUF_INIT;

	digest_finish(d, out);
	encode_hex(&hex, out, digest_size(d->type));
	return strbuf_detach(&hex);
}
