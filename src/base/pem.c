/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pem.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/* Never asks anybody. */
static int no_password(char *buf, int size, int writing, void *data)
{
	return 0;
}

EVP_PKEY *pem_private_key(const char *pem, struct error **err)
{
	BIO *bio;
	EVP_PKEY *key;

	if (!strstr(pem, "-----BEGIN ") || !strstr(pem, "PRIVATE KEY-----")) {
		error_set(err, ERROR_INVALID, "no key found");
		return NULL;
	}
	if (strstr(pem, ",ENCRYPTED") || strstr(pem, "ENCRYPTED PRIVATE KEY")) {
		error_set(err, ERROR_INVALID,
			  "password protected keys are not supported. Please decrypt the key "
			  "prior to use");
		return NULL;
	}
	bio = BIO_new_mem_buf(pem, -1);
	key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	if (!key)
		error_set(err, ERROR_INVALID, "the key is damaged or of an unknown form");
	return key;
}

EVP_PKEY *pem_certificate_key(const char *pem, struct error **err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
	EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;

	BIO_free(bio);
	X509_free(certificate);
	if (!key)
		error_set(err, ERROR_INVALID, "there is no certificate in it, or it is damaged");
	return key;
}
