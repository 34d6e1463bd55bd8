/* SPDX-License-Identifier: Apache-2.0 */
/* RSA with PKCS #1 v1.5 padding over OpenSSL's libcrypto. */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

#include <stddef.h>

/* Decrypts with a private key in PEM form. Kind INVALID: the key cannot be used,
 * FAILED: the data is not for this key. Appends to `out`. */
MUST_CHECK int rsa_decrypt(const char *pem, const void *data, size_t len, struct strbuf *out,
			   struct error **err);
