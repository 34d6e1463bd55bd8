/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signature.h"

#include "base/pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>

DEFINE_AUTO(pkey, EVP_PKEY *, EVP_PKEY_free);

int signature_make(const char *key_pem, const void *data, size_t len, struct strbuf *out,
		   struct error **err)
{
	AUTO(pkey) EVP_PKEY *key = pem_private_key(key_pem, err);

	if (!key)
		return -1;

	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t room = (size_t)EVP_PKEY_get_size(key);
	bool ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(md, (unsigned char *)strbuf_reserve(out, room), &room, data,
				 len) == 1;

	EVP_MD_CTX_free(md);
	ERR_clear_error();
	if (!ok)
		return error_set(err, ERROR_INVALID, "a key of this kind cannot sign a SHA-256");
	strbuf_advance(out, room);
	return 0;
}

int signature_check_pair(const char *key_pem, const char *certificate_pem, struct error **err)
{
	AUTO(pkey) EVP_PKEY *certified = pem_certificate_key(certificate_pem, err);

	if (!certified)
		return error_prefix(err, "cannot use the certificate");

	AUTO(pkey) EVP_PKEY *key = pem_private_key(key_pem, err);

	if (!key)
		return error_prefix(err, "cannot use the private key");
	if (EVP_PKEY_eq(key, certified) != 1) {
		ERR_clear_error();
		return error_set(err, ERROR_INVALID, "the certificate is not of this private key");
	}
	return 0;
}
