/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .ingot.lock.hcl beside a template: which release of each required plugin its
 * builds are made with, and what its files look like on each platform. `init`
 * writes it, people commit it, everything that uses plugins checks it.
 *
 *   plugin "github.com/hashicorp/amazon" {
 *     version    = "1.3.2"
 *     constraint = ">= 1.2"
 *     hashes = {
 *       linux_amd64 = "sha256:…"
 *     }
 *     zip_hashes = {
 *       linux_arm64 = "sha256:…"
 *     }
 *   }
 *
 * `hashes` are of the binaries themselves, as far as somebody had them in hand;
 * `zip_hashes` are what the release says of its downloads, so that a platform
 * that is new to the file can verify its own. The text depends on nothing but
 * what it says, and `fmt` leaves it as it is.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

#define PLUGIN_LOCK_NAME ".ingot.lock.hcl"
enum { PLUGIN_LOCK_MAX = 4 * 1024 * 1024 };

struct plugin_lock_entry {
	char *source;                  /* "github.com/hashicorp/amazon" */
	char *version;                 /* "1.3.2" */
	char *constraint;              /* what it was chosen for; "" : any */
	struct map hashes, zip_hashes; /* platform -> char *, SHA-256 in hex */
};
VEC_DECLARE(plugin_lock_entries, struct plugin_lock_entry *);

struct plugin_lock {
	char *path;
	bool exists; /* there is such a file */
	struct plugin_lock_entries entries;
};
void plugin_lock_release(struct plugin_lock *l);
static inline void auto_plugin_lock(struct plugin_lock *l)
{
	plugin_lock_release(l);
}

/* That of a folder. No file is an empty list; a damaged one is ERROR_INVALID with file and line. */
MUST_CHECK int plugin_lock_read(const char *folder, struct plugin_lock *ret, struct error **err);
/* The same of a text; `name` is for messages. */
MUST_CHECK int plugin_lock_parse(const char *text, size_t len, const char *name,
				 struct plugin_lock *ret, struct error **err);

/* Borrowed; NULL: the file does not speak of it. */
struct plugin_lock_entry *plugin_lock_find(const struct plugin_lock *l, const char *source);
/* Finds or adds. */
struct plugin_lock_entry *plugin_lock_take_up(struct plugin_lock *l, const char *source);
void plugin_lock_remove(struct plugin_lock *l, const char *source);
/* Another version than before: what is known of the old one's files goes. */
void plugin_lock_set_version(struct plugin_lock_entry *e, const char *version,
			     const char *constraint);

/* Does the template's constraint still allow what the file says? ERROR_INVALID with the way out. */
MUST_CHECK int plugin_lock_allows(const struct plugin_lock *l, const struct plugin_lock_entry *e,
				  const char *constraint, struct error **err);

/*
 * May this binary (version "1.3.2", SHA-256 in hex) be used for the source? Fine when the file does not
 * speak of the source, or not of the platform. ERROR_INVALID, with what to do as hint.
 */
MUST_CHECK int plugin_lock_check(const struct plugin_lock *l, const char *source,
				 const char *version, const char *digest, const char *platform,
				 struct error **err);

void plugin_lock_format(struct strbuf *sb, const struct plugin_lock *l);
/* Replaces the file as a whole; a file that says the same already is not touched. */
MUST_CHECK int plugin_lock_write(struct plugin_lock *l, struct error **err);
