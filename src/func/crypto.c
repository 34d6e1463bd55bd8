/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and UUIDs. */
#include "base/digest.h"
#include "base/encode.h"
#include "func/args.h"
#include "func/rows.h"
#include "os/random.h"

#include <string.h>

static const struct param str_params[] = { { "str", &type_string, 0 }, { 0 } };

static struct value *digest_of(const struct func_call *call, enum digest_type type)
{
	AUTO(digest) struct digest *d = digest_new(type);
	AUTO_FREE char *hex = NULL;

	digest_add(d, arg_text(call, 0), arg_size(call, 0));
	hex = digest_finish_hex(d);
	return value_string(hex);
}

static struct value *call_md5(const struct func_call *call, struct error **err)
{
	return digest_of(call, DIGEST_MD5);
}

static struct value *call_sha1(const struct func_call *call, struct error **err)
{
	return digest_of(call, DIGEST_SHA1);
}

static struct value *call_sha256(const struct func_call *call, struct error **err)
{
	return digest_of(call, DIGEST_SHA256);
}

static struct value *call_sha512(const struct func_call *call, struct error **err)
{
	return digest_of(call, DIGEST_SHA512);
}

static struct value *call_uuidv4(const struct func_call *call, struct error **err)
{
	char text[UUID_TEXT];

	random_uuid(text);
	return value_string(text);
}

/* "" and why: the text is no UUID. Accepts urn:uuid:…, {…} and plain hex too. */
static bool parse_uuid(const char *s, unsigned char out[16], struct strbuf *why)
{
	AUTO(strbuf) struct strbuf hex = STRBUF_INIT;
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT;
	size_t len = strlen(s);

	if (len == 45 && !strncasecmp(s, "urn:uuid:", 9))
		s += 9;
	else if (len == 38 && s[0] == '{')
		s++;
	else if (len != 36 && len != 32) {
		strbuf_addf(why, len == 45 ? "invalid urn prefix" : "invalid UUID length: %zu",
			    len);
		return false;
	}
	for (size_t i = 0; i < (len == 32 ? 32 : 36); i++) {
		bool dash = len != 32 && (i == 8 || i == 13 || i == 18 || i == 23);

		if (!dash)
			strbuf_addch(&hex, s[i]);
		else if (s[i] != '-')
			strbuf_addch(&hex, '?');
	}
	if (!decode_hex(&bytes, hex.buf) || bytes.len != 16) {
		strbuf_addstr(why, "invalid UUID format");
		return false;
	}
	memcpy(out, bytes.buf, 16);
	return true;
}

static struct value *call_uuidv5(const struct func_call *call, struct error **err)
{
	/* RFC 4122, appendix C: 6ba7b81N-9dad-11d1-80b4-00c04fd430c8. */
	static const struct {
		const char *name;
		unsigned char last;
	} spaces[] = { { "dns", 0x10 }, { "url", 0x11 }, { "oid", 0x12 }, { "x500", 0x14 } };
	unsigned char ns[16] = { 0x6b, 0xa7, 0xb8, 0,    0x9d, 0xad, 0x11, 0xd1,
				 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	const char *name = arg_text(call, 0);
	char text[UUID_TEXT];
	size_t i;

	for (i = 0; i < ARRAY_LEN(spaces); i++) {
		if (strcmp(spaces[i].name, name) != 0)
			continue;
		ns[3] = spaces[i].last;
		break;
	}
	if (i == ARRAY_LEN(spaces) && !parse_uuid(name, ns, &why))
		return fail(err, "uuidv5() doesn't support namespace %s (%s)", name, why.buf);
	uuid_v5(ns, arg_text(call, 1), text);
	return value_string(text);
}

const struct func_def func_md5 = {
	.name = "md5",
	.params = str_params,
	.call = call_md5,
	.returns = &type_string,
	.doc = "Gives the MD5 digest of a text in hexadecimal.",
	.example = "md5(\"hello\")",
	.result = "\"5d41402abc4b2a76b9719d911017c592\"",
};

const struct func_def func_sha1 = {
	.name = "sha1",
	.params = str_params,
	.call = call_sha1,
	.returns = &type_string,
	.doc = "Gives the SHA-1 digest of a text in hexadecimal.",
	.example = "sha1(\"hello\")",
	.result = "\"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\"",
};

const struct func_def func_sha256 = {
	.name = "sha256",
	.params = str_params,
	.call = call_sha256,
	.returns = &type_string,
	.doc = "Gives the SHA-256 digest of a text in hexadecimal.",
	.example = "sha256(\"hello\")",
	.result = "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"",
};

const struct func_def func_sha512 = {
	.name = "sha512",
	.params = str_params,
	.call = call_sha512,
	.returns = &type_string,
	.doc = "Gives the SHA-512 digest of a text in hexadecimal.",
	.example = "substr(sha512(\"hello\"), 0, 16)",
	.result = "\"9b71d224bd62f378\"",
};

const struct func_def func_uuidv4 = {
	.name = "uuidv4",
	.is_fresh = true,
	.call = call_uuidv4,
	.returns = &type_string,
	.doc = "Makes a random UUID; another one each time.",
	.example = "length(uuidv4())",
	.result = "36",
};

const struct func_def func_uuidv5 = {
	.name = "uuidv5",
	.params = PARAMS({ "namespace", &type_string, 0 }, { "name", &type_string, 0 }),
	.call = call_uuidv5,
	.returns = &type_string,
	.doc = "Makes the UUID of a name in a namespace: dns, url, oid, x500 or another UUID.",
	.example = "uuidv5(\"dns\", \"example.com\")",
	.result = "\"cfbff0d1-9375-5685-968c-48ce8b15ae17\"",
};
