/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/algorithms.h"

#include "base/macro.h"
#include "base/str.h"

struct algorithms {
	const char *const *usable; /* what libssh 0.10 has, best first */
	const char *const *absent;
};

static const char *const ciphers[] = {
	"aes128-gcm@openssh.com",
	"aes256-gcm@openssh.com",
	"chacha20-poly1305@openssh.com",
	"aes128-ctr",
	"aes192-ctr",
	"aes256-ctr",
	"aes128-cbc",
	"aes192-cbc",
	"aes256-cbc",
	"3des-cbc",
	NULL,
};

static const char *const absent_ciphers[] = {
	"arcfour",      "arcfour128",  "arcfour256",
	"blowfish-cbc", "cast128-cbc", "rijndael-cbc@lysator.liu.se",
	NULL,
};

static const char *const exchanges[] = {
	"curve25519-sha256",
	"curve25519-sha256@libssh.org",
	"ecdh-sha2-nistp256",
	"ecdh-sha2-nistp384",
	"ecdh-sha2-nistp521",
	"diffie-hellman-group18-sha512",
	"diffie-hellman-group16-sha512",
	"diffie-hellman-group-exchange-sha256",
	"diffie-hellman-group14-sha256",
	"diffie-hellman-group-exchange-sha1",
	"diffie-hellman-group14-sha1",
	"diffie-hellman-group1-sha1",
	NULL,
};

static const char *const absent_exchanges[] = {
	"sntrup761x25519-sha512",        "sntrup761x25519-sha512@openssh.com",
	"mlkem768x25519-sha256",         "diffie-hellman-group15-sha512",
	"diffie-hellman-group17-sha512", NULL,
};

static const struct algorithms all[] = {
	[ALGORITHM_CIPHER] = { ciphers, absent_ciphers },
	[ALGORITHM_KEY_EXCHANGE] = { exchanges, absent_exchanges },
};

static bool contains(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (text_eq(*list, word))
			return true;
	return false;
}

enum algorithm_state algorithm_find(enum algorithm_kind kind, const char *word)
{
	if (contains(all[kind].usable, word))
		return ALGORITHM_USABLE;
	return contains(all[kind].absent, word) ? ALGORITHM_ABSENT : ALGORITHM_UNKNOWN;
}

void algorithm_list(enum algorithm_kind kind, struct strbuf *ret)
{
	for (const char *const *p = all[kind].usable; *p; p++)
		strbuf_addf(ret, "%s%s", p == all[kind].usable ? "" : ", ", *p);
}
