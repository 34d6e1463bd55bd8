/* SPDX-License-Identifier: Apache-2.0 */
/* Pure tests of single texts, shared by prepare() and its unit tests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool is_package_name(const char *s); /* name, name/suite, name=version */
bool is_hostname(const char *s);     /* RFC 1123 label or dotted name */
bool is_user_name(const char *s);    /* as useradd wants it */
bool is_mirror(const char *s);       /* an address apt can use, safe in a sources line */
bool is_word_of(const char *s, const char *extra); /* letters, digits and `extra`, not empty */
bool is_locale(const char *s);
bool is_password_hash(const char *s);  /* crypt(5) */
bool is_authorized_key(const char *s); /* one line of authorized_keys */
/* "4G", "512M", "1T", "2048" (MiB); false when malformed or beyond 64 TiB. */
bool parse_disk_size(const char *s, int64_t *ret_bytes);
