/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures over a SHA-256: RSA (PKCS #1 v1.5) or ECDSA, as the key is. */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

#include <stddef.h>

/* Of the data, appended to `out`. `key_pem`: a private key without a password. */
MUST_CHECK int signature_make(const char *key_pem, const void *data, size_t len, struct strbuf *out,
			      struct error **err);
/* Does the certificate's key belong to the private one? Kind INVALID: it does not, or one of them
 * cannot be used. */
MUST_CHECK int signature_check_pair(const char *key_pem, const char *certificate_pem,
				    struct error **err);
