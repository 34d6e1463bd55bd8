/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/check.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_word_of(const char *s, const char *extra)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!is_alnum(*s) && !strchr(extra, *s))
			return false;
	return true;
}

bool is_package_name(const char *s)
{
	size_t n = 0;

	while (is_lower_or_digit(s[n]) || (n && s[n] && strchr("+.-:", s[n])))
		n++;
	if (n < 2)
		return false;
	if (!s[n])
		return true;
	if (s[n] == '=' || s[n] == '/')
		return is_word_of(s + n + 1, ".+~:-");
	return false;
}

bool is_hostname(const char *s)
{
	if (strlen(s) > 64 || !is_word_of(s, ".-"))
		return false;
	for (const char *p = s; *p; p++) {
		bool first = p == s || p[-1] == '.', last = !p[1] || p[1] == '.';

		if (*p == '.' ? first || last : *p == '-' && (first || last))
			return false;
	}
	return true;
}

bool is_user_name(const char *s)
{
	if (strlen(s) > 32 || !((*s >= 'a' && *s <= 'z') || *s == '_'))
		return false;
	for (; *s; s++)
		if (!is_lower_or_digit(*s) && *s != '_' && *s != '-')
			return false;
	return true;
}

bool is_mirror(const char *s)
{
	const char *colon = strchr(s, ':');

	if (!colon || colon == s || colon[1] != '/')
		return false;
	for (const char *p = s; p < colon; p++)
		if (!is_alnum(*p) && *p != '+')
			return false;
	return is_word_of(colon + 1, "/.:@_~%+-=?&");
}

bool is_locale(const char *s)
{
	if (!strcmp(s, "C") || !strcmp(s, "POSIX"))
		return true;
	return is_word_of(s, "_.@-") && strstr(s, ".UTF-8") != NULL;
}

bool is_password_hash(const char *s)
{
	return *s == '$' && strlen(s) >= 20 && strlen(s) < 512 && strchr(s + 1, '$') &&
	       is_word_of(s, "$./,=+-_");
}

bool is_authorized_key(const char *s)
{
	static const char *const types[] = { "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-" };

	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\t')
			return false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const char *at = strstr(s, types[i]); /* options may stand before it */

		if (at && (at == s || at[-1] == ' ') && strstr(at, " AAAA"))
			return true;
	}
	return false;
}

bool parse_disk_size(const char *s, int64_t *ret_bytes)
{
	static const struct {
		char letter;
		int shift;
	} units[] = { { 'M', 20 }, { 'G', 30 }, { 'T', 40 } };
	size_t len = strlen(s);
	int shift = 20;
	int64_t n;

	for (size_t i = 0; len && i < ARRAY_LEN(units); i++)
		if ((s[len - 1] & ~0x20) == units[i].letter) {
			shift = units[i].shift;
			len--;
			break;
		}

	AUTO_FREE char *digits = xstrndup(s, len);

	if (!parse_int64(digits, 10, &n) || n <= 0 || n > (INT64_C(64) << 40 >> shift))
		return false;
	*ret_bytes = n << shift;
	return true;
}
