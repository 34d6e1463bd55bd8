/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in PEM form, for the modules that use OpenSSL's libcrypto. */
#pragma once

#include "base/error.h"

struct evp_pkey_st; /* libcrypto's EVP_PKEY: free it with EVP_PKEY_free() */

/* Without a password. Kind INVALID: the key cannot be used. */
struct evp_pkey_st *pem_private_key(const char *pem, struct error **err);
/* The public key of an X.509 certificate, the first of the text. */
struct evp_pkey_st *pem_certificate_key(const char *pem, struct error **err);
