/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of secrets of a run, and the filter that every output passes
 * through (language.md 22). A registered text is replaced by `<sensitive>`
 * wherever it occurs: as is, with CRLF -> LF, each of its lines (when there
 * are several), as it stands in quoted texts and in a shell's single quotes, and in standard, unpadded and URL-safe base64 and in
 * URL-encoded form (encoded forms of texts from four bytes on: shorter ones
 * occur by chance). Registering the empty string does nothing.
 *
 * Shared by all threads; a mutex inside guards the list, never held across I/O.
 */
#pragma once

#include "base/macro.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct redactor;

struct redactor *redactor_new(void);
void redactor_free(struct redactor *r); /* wipes the secrets */
DEFINE_AUTO(redactor, struct redactor *, redactor_free);

void redactor_add(struct redactor *r, const char *secret, size_t len);
/* Filters in place. Overlapping secrets are replaced as one: no part is left over. */
void redactor_filter(struct redactor *r, struct strbuf *text);
/* Is there a secret in it, in any of these forms? `known`: one that does not count; or NULL. */
bool redactor_has(struct redactor *r, const char *text, size_t len, const char *known);
char *redactor_copy(struct redactor *r, const char *text); /* heap; NULL stays NULL */

/* Overwrites memory in a way the compiler keeps. */
void secret_wipe(void *p, size_t len);
void secret_free(char *s); /* wipes and frees; NULL is fine */
