/* SPDX-License-Identifier: Apache-2.0 */
/* Anything at all as a file with a key, a certificate, or both. It signs and decrypts, or there is an error. */
#include "base/alloc.h"
#include "base/rsa.h"
#include "base/signature.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Failed, and says why, or neither. */
static void require(int r, struct error *const *err)
{
	if ((r < 0) != (*err != NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *pem = xstrndup((const char *)data, size);
	AUTO(strbuf) struct strbuf signature = STRBUF_INIT, plain = STRBUF_INIT;
	AUTO(error) struct error *a = NULL, *b = NULL, *c = NULL;

	require(signature_check_pair(pem, pem, &a), &a);
	require(signature_make(pem, "text", 4, &signature, &b), &b);
	require(rsa_decrypt(pem, data, size, &plain, &c), &c);
	if (b && signature.len)
		abort();
	return 0;
}
