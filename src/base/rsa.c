/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rsa.h"

#include "base/pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

int rsa_decrypt(const char *pem, const void *data, size_t len, struct strbuf *out,
		struct error **err)
{
	EVP_PKEY *key = pem_private_key(pem, err);
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t size = 0;
	int rc = -1;

	if (ctx && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		error_set(err, ERROR_INVALID, "the key is no RSA key");
	else if (ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
		 EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
		 EVP_PKEY_decrypt(ctx, NULL, &size, data, len) > 0 &&
		 EVP_PKEY_decrypt(ctx, (unsigned char *)strbuf_reserve(out, size), &size, data,
				  len) > 0) {
		strbuf_advance(out, size);
		rc = 0;
	}
	if (rc < 0 && !*err)
		error_set(err, ERROR_FAILED, "decryption error");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}
