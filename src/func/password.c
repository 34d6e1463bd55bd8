/* SPDX-License-Identifier: Apache-2.0 */
/* bcrypt() and rsadecrypt(). */
#include "base/encode.h"
#include "base/redact.h"
#include "base/rsa.h"
#include "func/args.h"
#include "func/rows.h"
#include "os/random.h"

#include <crypt.h>
#include <string.h>

enum { COST_DEFAULT = 10, COST_MIN = 4, COST_MAX = 31, PASSWORD_MAX = 72, SALT_BYTES = 16 };

static struct value *hash_password(const char *password, int64_t cost, struct error **err)
{
	static const char failed[] = "error occured generating password";
	AUTO_FREE struct crypt_data *data = xcalloc(1, sizeof(*data));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], noise[SALT_BYTES], *hash;
	struct value *v = NULL;

	random_bytes(noise, sizeof(noise));
	if (crypt_gensalt_rn("$2b$", (unsigned long)cost, noise, sizeof(noise), salt, sizeof(salt)))
		hash = crypt_rn(password, salt, data, sizeof(*data));
	else
		hash = NULL;
	if (hash && hash[0] == '$') {
		/* "2b" is what the algorithm is called since; the result is the same. */
		hash[2] = 'a';
		v = value_string(hash);
	} else {
		fail(err, "%s the C library has no bcrypt", failed);
	}
	secret_wipe(data, sizeof(*data));
	return v;
}

static struct value *call_bcrypt(const struct func_call *call, struct error **err)
{
	static const char failed[] = "error occured generating password";
	int64_t cost = COST_DEFAULT;

	if (call->argc > 2)
		return fail(err, "bcrypt() takes no more than two arguments");
	if (call->argc > 1 && !arg_int(call, 1, &cost, err))
		return NULL;
	if (cost < COST_MIN)
		cost = COST_DEFAULT;
	if (cost > COST_MAX)
		return fail(err, "%s crypto/bcrypt: cost %lld is outside allowed range (%d,%d)",
			    failed, (long long)cost, COST_MIN, COST_MAX);
	if (arg_size(call, 0) > PASSWORD_MAX)
		return fail(err, "%s bcrypt: password length exceeds %d bytes", failed,
			    PASSWORD_MAX);
	if (strlen(arg_text(call, 0)) != arg_size(call, 0))
		return fail(err, "%s the password contains a NUL character", failed);
	return hash_password(arg_text(call, 0), cost, err);
}

static struct value *call_rsadecrypt(const struct func_call *call, struct error **err)
{
	AUTO(strbuf) struct strbuf data = STRBUF_INIT;
	AUTO(strbuf) struct strbuf plain = STRBUF_INIT;
	AUTO(strbuf) struct strbuf quoted = STRBUF_INIT;
	AUTO(error) struct error *why = NULL;

	encode_go_quoted(&quoted, arg_text(call, 0), arg_size(call, 0));
	if (!decode_base64(&data, arg_text(call, 0), arg_size(call, 0)))
		return fail(err, "failed to decode input %s: cipher text must be base64-encoded",
			    quoted.buf);
	if (rsa_decrypt(arg_text(call, 1), data.buf, data.len, &plain, &why) == 0)
		return value_string_len(plain.buf, plain.len);
	return fail(err, "%s: %s",
		    why->kind == ERROR_INVALID ? "failed to parse key" : "crypto/rsa",
		    why->message);
}

const struct func_def func_bcrypt = {
	.name = "bcrypt",
	.is_fresh = true,
	.params = PARAMS({ "str", &type_string, 0 }),
	.variadic = VARIADIC("cost", &type_number, 0),
	.call = call_bcrypt,
	.returns = &type_string,
	.doc = "Hashes a password with bcrypt; another salt each time.",
	.example = "substr(bcrypt(\"secret\", 10), 0, 7)",
	.result = "\"$2a$10$\"",
};

const struct func_def func_rsadecrypt = {
	.name = "rsadecrypt",
	.params = PARAMS({ "ciphertext", &type_string, 0 }, { "privatekey", &type_string, 0 }),
	.call = call_rsadecrypt,
	.returns = &type_string,
	.doc = "Decrypts base64 with an RSA key in PEM form (PKCS #1 v1.5).",
	.example = "rsadecrypt(\"AHZlxgRFrwPyef0yr42qfM2jU321Ir3vNJzhFdSO9Y7a9ZXf0sCh9XjOSbcxNn/"
		   "SzpRd/40dYJGYf4m6chXGNw==\", file(\"key.pem\"))",
	.result = "\"message\"",
};
