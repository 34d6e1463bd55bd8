/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSH key pairs: temporary ones made in memory for one build, and checks of
 * those in files (communicators.md 3, 5, 10).
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

#include <stdint.h>

enum key_type { KEY_RSA, KEY_DSA, KEY_ECDSA, KEY_ED25519, KEY_TYPE_COUNT };

struct keypair {
	char *private_pem; /* as a private key file; wiped when freed */
	char *public_line; /* "ssh-rsa AAAA…\n", without a comment */
};

/* `bits` 0: the default of the type. An unknown type or size is ERROR_INVALID. */
MUST_CHECK int keypair_generate(const char *type, int64_t bits, struct keypair **ret,
				struct error **err);
/* From a private key file that is not encrypted. */
MUST_CHECK int keypair_load(const char *path, struct keypair **ret, struct error **err);
/* From the text of such a file. */
MUST_CHECK int keypair_parse(const char *pem, struct keypair **ret, struct error **err);
void keypair_free(struct keypair *k);
DEFINE_AUTO(keypair, struct keypair *, keypair_free);
/* "RSA", for `Creating temporary RSA SSH key for instance...` */
const char *keypair_type_title(const char *type);

/* Can the file be used as a private key without being asked for a passphrase? */
MUST_CHECK int key_check_file(const char *path, struct error **err);
/* Is it an OpenSSH certificate inside its validity? */
MUST_CHECK int key_check_certificate(const char *path, struct error **err);
