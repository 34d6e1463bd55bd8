/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "base/pem.h"
#include "base/signature.h"

/* Made for these tests, of no use elsewhere. */
static const char ec_key[] = "-----BEGIN PRIVATE KEY-----\n"
			     "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzZQa+QqpmWTG/kWr\n"
			     "y6mlgEMzt6rzIiyggfEqEVxIm/ahRANCAATWBka3w5TlY9geFDeIjW2+NBEgmv9K\n"
			     "HIaVRgzDql8m2t07i9byPp7Fm873HfG76WwlBfUQ4jqE+ZnpUQk7VLh6\n"
			     "-----END PRIVATE KEY-----\n";
static const char ec_certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBdTCCARugAwIBAgIUVzjUseQfhz0wU62oO4ckK0nE98QwCgYIKoZIzj0EAwIw\n"
	"DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjkxOTU3MDJaGA8yMTI2MTEwNTE5NTcw\n"
	"MlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNYG\n"
	"RrfDlOVj2B4UN4iNbb40ESCa/0ochpVGDMOqXyba3TuL1vI+nsWbzvcd8bvpbCUF\n"
	"9RDiOoT5melRCTtUuHqjUzBRMB0GA1UdDgQWBBSiFmKQXbDLGkkdBKtRuqbfoY8Z\n"
	"cTAfBgNVHSMEGDAWgBSiFmKQXbDLGkkdBKtRuqbfoY8ZcTAPBgNVHRMBAf8EBTAD\n"
	"AQH/MAoGCCqGSM49BAMCA0gAMEUCICqfIgOCQQBlCp83olsZTp0DpM387lKF7t4s\n"
	"aDuox8AcAiEA+2iXQsLeNv1tCyvJr7a+cvSC9XFWyrq+RC3c66mibzU=\n"
	"-----END CERTIFICATE-----\n";
static const char other_key[] = "-----BEGIN EC PRIVATE KEY-----\n"
				"MHcCAQEEILhgVljse9UhjlDm6s91/ubcFKVh9i0YQzi7ifMyJAogoAoGCCqGSM49\n"
				"AwEHoUQDQgAE6tAuGmGfr+3nVteF2POBdULT7uiqYE0lffyaiY+pr+jYOLdrdM+m\n"
				"55LJlgnwrJhL67jaMraCuOYtIQeooM6e7Q==\n"
				"-----END EC PRIVATE KEY-----\n";
static const char ed25519_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIGpODNohfAT/PLxtnOJAILqoubPCo9ieWj+W7Qw+YUex\n"
	"-----END PRIVATE KEY-----\n";

static void test_a_signature_can_be_checked_with_the_certificate(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	EVP_PKEY *key = pem_certificate_key(ec_certificate, &err);
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	assert_non_null(key);
	assert_int_equal(signature_make(ec_key, "text", 4, &out, &err), 0);
	assert_int_equal(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestVerify(md, (unsigned char *)out.buf, out.len,
					  (const unsigned char *)"text", 4),
			 1);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

static void test_a_pair_is_told_from_two_strangers(void **state)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(signature_check_pair(ec_key, ec_certificate, &err), 0);
	assert_int_equal(signature_check_pair(other_key, ec_certificate, &err), -1);
	assert_string_equal(err->message, "the certificate is not of this private key");
}

static void refuse(const char *key, const char *certificate, const char *message)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(signature_check_pair(key, certificate, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_string_equal(err->message, message);
}

static void test_what_is_no_key_or_certificate_is_told(void **state)
{
	refuse("nothing", ec_certificate, "cannot use the private key: no key found");
	refuse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ec_certificate,
	       "cannot use the private key: the key is damaged or of an unknown form");
	refuse(ec_key, ec_key,
	       "cannot use the certificate: there is no certificate in it, or it is damaged");
}

static void test_a_key_that_signs_no_digests_is_told(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	assert_int_equal(signature_make(ed25519_key, "text", 4, &out, &err), -1);
	assert_string_equal(err->message, "a key of this kind cannot sign a SHA-256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_signature_can_be_checked_with_the_certificate),
		cmocka_unit_test(test_a_pair_is_told_from_two_strangers),
		cmocka_unit_test(test_what_is_no_key_or_certificate_is_told),
		cmocka_unit_test(test_a_key_that_signs_no_digests_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
