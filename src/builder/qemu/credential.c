/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/credential.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"

#include <string.h>

#define KEY_DIR "/run/ingot/authorized_keys.d"

static bool is_plain_name(const char *s)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return !text_is_empty(s) && *s != '.' && *s != '-' && s[strspn(s, safe)] == '\0';
}

char *credential_smbios(const char *user, const char *public_line)
{
	AUTO(strbuf) struct strbuf rules = STRBUF_INIT;
	AUTO(strbuf) struct strbuf value = STRBUF_INIT;
	struct str key = str_trim(str_of(public_line));

	if (!is_plain_name(user))
		return NULL;
	strbuf_addstr(&rules, "d /run/ingot 0755 root root -\n"
			      "d " KEY_DIR " 0755 root root -\n");
	strbuf_addf(&rules, "f " KEY_DIR "/%s 0644 root root - %.*s\n", user, STR_FMT(key));
	strbuf_addstr(&value, "type=11,value=io.systemd.credential.binary:tmpfiles.extra=");
	encode_base64(&value, rules.buf, rules.len);
	return strbuf_detach(&value);
}

bool credential_is_possible(const char *binary)
{
	const char *name = path_basename(binary);

	return !text_starts_with(name, "qemu-system-") || strstr(name, "x86_64") ||
	       strstr(name, "i386") || strstr(name, "aarch64");
}
