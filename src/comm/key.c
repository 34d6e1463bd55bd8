/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libssh makes, reads and writes the keys. What it does not tell apart (no
 * key, encrypted key, expired certificate) is read from the text here.
 */
#include "comm/key.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/redact.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/clock.h"
#include "os/fs.h"

#include <libssh/libssh.h>
#include <stdbool.h>

enum { KEY_FILE_MAX = 1024 * 1024 };

struct key_kind {
	const char *name, *title;
	int default_bits;
};
static const struct key_kind key_kinds[] = {
	[KEY_RSA] = { "rsa", "RSA", 4096 },
	[KEY_DSA] = { "dsa", "DSA", 1024 },
	[KEY_ECDSA] = { "ecdsa", "ECDSA", 521 },
	[KEY_ED25519] = { "ed25519", "ED25519", 0 },
};
static_assert(ARRAY_LEN(key_kinds) == KEY_TYPE_COUNT, "key_kinds must match the enum");

static const struct key_kind *find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(key_kinds); i++)
		if (text_eq(key_kinds[i].name, name))
			return &key_kinds[i];
	return NULL;
}

const char *keypair_type_title(const char *type)
{
	const struct key_kind *k = find_kind(type);

	return k ? k->title : type;
}

static int check_size(const struct key_kind *k, int64_t bits, struct error **err)
{
	switch ((enum key_type)(k - key_kinds)) {
	case KEY_RSA:
		if (bits < 1024 || bits > 16384)
			return error_set(err, ERROR_INVALID,
					 "an rsa key cannot have %lld bits: 1024 to 16384",
					 (long long)bits);
		return 0;
	case KEY_ECDSA:
		if (bits != 256 && bits != 384 && bits != 521)
			return error_set(err, ERROR_INVALID,
					 "an ecdsa key cannot have %lld bits: 256, 384 or 521",
					 (long long)bits);
		return 0;
	case KEY_ED25519:
		return 0;
	case KEY_DSA:
	case KEY_TYPE_COUNT:
		break;
	}
	error_set(err, ERROR_INVALID, "temporary_key_pair_type 'dsa' is not supported");
	return error_hint(err,
			  "OpenSSH has refused DSA keys since version 7.0; use ed25519 or rsa.");
}

static enum ssh_keytypes_e library_type(const struct key_kind *k, int64_t bits)
{
	switch ((enum key_type)(k - key_kinds)) {
	case KEY_RSA:
		return SSH_KEYTYPE_RSA;
	case KEY_ECDSA:
		return bits == 256   ? SSH_KEYTYPE_ECDSA_P256
		       : bits == 384 ? SSH_KEYTYPE_ECDSA_P384
				     : SSH_KEYTYPE_ECDSA_P521;
	case KEY_ED25519:
		return SSH_KEYTYPE_ED25519;
	case KEY_DSA:
	case KEY_TYPE_COUNT:
		break;
	}
	return SSH_KEYTYPE_UNKNOWN;
}

static int keypair_export(ssh_key key, struct keypair **ret, struct error **err)
{
	AUTO(keypair) struct keypair *k = NEW(struct keypair);
	char *b64 = NULL, *pem = NULL;

	if (ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		return error_set(err, ERROR_FAILED, "cannot write the public key");
	k->public_line = xasprintf("%s %s\n", ssh_key_type_to_char(ssh_key_type(key)), b64);
	ssh_string_free_char(b64);
	if (ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &pem) != SSH_OK)
		return error_set(err, ERROR_FAILED, "cannot write the private key");
	k->private_pem = xstrdup(pem);
	secret_wipe(pem, strlen(pem));
	ssh_string_free_char(pem);
	*ret = TAKE(k);
	return 0;
}

int keypair_generate(const char *type, int64_t bits, struct keypair **ret, struct error **err)
{
	const struct key_kind *k = find_kind(type);
	ssh_key key = NULL;

	if (!k)
		return error_set(
			err, ERROR_INVALID,
			"temporary_key_pair_type '%s' is invalid: possible algorithm types "
			"are `dsa` | `ecdsa` | `ed25519` | `rsa` ( the default )",
			type);
	if (bits == 0)
		bits = k->default_bits;
	if (check_size(k, bits, err) < 0)
		return -1;
	if (ssh_pki_generate(library_type(k, bits), (int)bits, &key) != SSH_OK)
		return error_set(err, ERROR_FAILED, "cannot generate an %s key", k->name);

	int r = keypair_export(key, ret, err);

	ssh_key_free(key);
	return r;
}

void keypair_free(struct keypair *k)
{
	if (!k)
		return;
	secret_free(k->private_pem);
	free(k->public_line);
	free(k);
}

/* An OpenSSH key whose cipher is not "none", or an old PEM with a Proc-Type header. */
static bool is_encrypted(const char *text)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	static const char magic[] = "openssh-key-v1";
	const char *p = strstr(text, begin);

	if (strstr(text, "Proc-Type: 4,ENCRYPTED") || strstr(text, "BEGIN ENCRYPTED PRIVATE KEY"))
		return true;
	if (!p)
		return false;
	p += sizeof(begin) - 1;

	const char *end = strstr(p, "-----END");
	AUTO(strbuf) struct strbuf blob = STRBUF_INIT_MAX(KEY_FILE_MAX);

	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	if (!end || !decode_base64(&blob, p, (size_t)(end - p)))
		return false;
	/* magic NUL, then the cipher's name as a length-prefixed string */
	return blob.len > sizeof(magic) + 8 && memcmp(blob.buf, magic, sizeof(magic)) == 0 &&
	       memcmp(blob.buf + sizeof(magic), "\0\0\0\4none", 8) != 0;
}

static int key_load(const char *path, ssh_key *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(KEY_FILE_MAX);
	int r = 0;

	if (fs_read(path, KEY_FILE_MAX, &text, err) < 0)
		return -1;
	if (!strstr(text.buf, "-----BEGIN ")) {
		error_set(err, ERROR_INVALID, "Failed to read key '%s': no key found", path);
		r = error_hint(err, "A private key file begins with '-----BEGIN'; a public key "
				    "(.pub) cannot be used here.");
	} else if (is_encrypted(text.buf)) {
		error_set(err, ERROR_INVALID,
			  "Failed to read key '%s': password protected keys are\nnot supported. "
			  "Please decrypt the key prior to use.",
			  path);
		r = error_hint(err,
			       "Decrypt a copy with 'ssh-keygen -p -N \"\" -f COPY', or load the "
			       "key into an agent and set ssh_agent_auth = true.");
	} else if (ssh_pki_import_privkey_base64(text.buf, NULL, NULL, NULL, ret) != SSH_OK) {
		r = error_set(err, ERROR_INVALID,
			      "Failed to read key '%s': not a private key that can be read", path);
	}
	secret_wipe(text.buf, text.len);
	return r;
}

int key_check_file(const char *path, struct error **err)
{
	ssh_key key = NULL;

	if (key_load(path, &key, err) < 0)
		return -1;
	ssh_key_free(key);
	return 0;
}

int keypair_load(const char *path, struct keypair **ret, struct error **err)
{
	AUTO(keypair) struct keypair *k = NULL;
	ssh_key key = NULL;

	if (key_load(path, &key, err) < 0)
		return -1;

	int r = keypair_export(key, &k, err);

	ssh_key_free(key);
	if (r < 0)
		return error_prefix(err, "cannot use key '%s'", path);
	*ret = TAKE(k);
	return 0;
}

int keypair_parse(const char *pem, struct keypair **ret, struct error **err)
{
	ssh_key key = NULL;

	if (ssh_pki_import_privkey_base64(pem, NULL, NULL, NULL, &key) != SSH_OK)
		return error_set(err, ERROR_INVALID, "not a private key that can be read");

	int r = keypair_export(key, ret, err);

	ssh_key_free(key);
	return r;
}

/* ---- certificates ------------------------------------------------------------ */

/* What stands between the nonce and the serial number, per kind of key. */
static const struct cert_kind {
	const char *name;
	int key_fields;
} cert_kinds[] = {
	{ "ssh-rsa-cert-v01@openssh.com", 2 },
	{ "ssh-dss-cert-v01@openssh.com", 4 },
	{ "ecdsa-sha2-nistp256-cert-v01@openssh.com", 2 },
	{ "ecdsa-sha2-nistp384-cert-v01@openssh.com", 2 },
	{ "ecdsa-sha2-nistp521-cert-v01@openssh.com", 2 },
	{ "ssh-ed25519-cert-v01@openssh.com", 1 },
	{ "sk-ssh-ed25519-cert-v01@openssh.com", 2 },
	{ "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", 3 },
};

static bool take_number(struct str *s, size_t bytes, uint64_t *ret)
{
	if (s->len < bytes)
		return false;
	*ret = 0;
	for (size_t i = 0; i < bytes; i++)
		*ret = *ret << 8 | (unsigned char)s->p[i];
	s->p += bytes;
	s->len -= bytes;
	return true;
}

static bool skip_string(struct str *s)
{
	uint64_t len;

	if (!take_number(s, 4, &len) || len > s->len)
		return false;
	s->p += len;
	s->len -= len;
	return true;
}

/* PROTOCOL.certkeys: type, nonce, key fields, serial, type, id, principals, after, before */
static bool cert_validity(struct str blob, int key_fields, uint64_t *after, uint64_t *before)
{
	uint64_t ignored;

	for (int i = 0; i < 2 + key_fields; i++)
		if (!skip_string(&blob))
			return false;
	return take_number(&blob, 8, &ignored) && take_number(&blob, 4, &ignored) &&
	       skip_string(&blob) && skip_string(&blob) && take_number(&blob, 8, after) &&
	       take_number(&blob, 8, before);
}

int key_check_certificate(const char *path, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(KEY_FILE_MAX);
	AUTO(strbuf) struct strbuf blob = STRBUF_INIT_MAX(KEY_FILE_MAX);
	struct str rest, type, data;
	uint64_t after, before;
	int key_fields = -1;

	if (fs_read(path, KEY_FILE_MAX, &text, err) < 0)
		return -1;
	type = str_split(str_trim(str_of(text.buf)), ' ', &rest);
	data = str_split(rest, ' ', &rest);
	for (size_t i = 0; i < ARRAY_LEN(cert_kinds); i++)
		if (str_is(type, cert_kinds[i].name))
			key_fields = cert_kinds[i].key_fields;
	if (key_fields < 0 || !decode_base64(&blob, data.p, data.len) ||
	    !cert_validity((struct str){ blob.buf, blob.len }, key_fields, &after, &before))
		return error_set(err, ERROR_INVALID,
				 "Error loading certificate: '%s' is not an OpenSSH certificate",
				 path);

	uint64_t now = (uint64_t)(clock_wall() / 1000000000);

	if (now < after)
		return error_set(err, ERROR_INVALID,
				 "%s not a valid cert: ssh: cert is not yet valid", path);
	if (now >= before)
		return error_set(err, ERROR_INVALID, "%s not a valid cert: ssh: cert has expired",
				 path);
	return 0;
}
