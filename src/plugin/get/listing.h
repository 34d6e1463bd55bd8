/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts that hosts of releases publish (plugin-protocol.md 1.7): which
 * versions there are, and the checksums of one. They come from the network: what
 * cannot be a version or a checksum is passed over, what is none at all is an
 * error, and all is bounded by the text, which is bounded by its reader.
 */
#pragma once

#include "base/error.h"
#include "base/vec.h"
#include "config/version.h"

#include <stddef.h>

enum { LISTING_MAX = 4 * 1024 * 1024, LISTING_VERSIONS_MAX = 10000 };

/* The interface that we speak; its major must be equal, its minor not above. There was no other. */
#define PLUGIN_API "x5.0"

struct listed_version {
	char *text; /* "1.2.3", always three numbers */
	struct version version;
};
VEC_DECLARE(version_list, struct listed_version);
void version_list_release(struct version_list *l);
static inline void auto_version_list(struct version_list *l)
{
	version_list_release(l);
}

/* "1.2.3" of a release; heap. NULL: it is none (a pre-release, or no version). */
char *release_version(const char *text, struct version *ret);
/* Adds one that is not there yet; false: `text` is no release. */
bool version_list_add(struct version_list *l, const char *text);
/* Highest first; those that do not meet the constraint (NULL: any) are taken out. */
MUST_CHECK int version_list_choose(struct version_list *l, const char *constraint,
				   struct error **err);

/* index.json of the releases host: {"versions": {"1.2.3": {"version": "1.2.3", ...}}}. */
MUST_CHECK int listing_read_index(const char *text, size_t len, struct version_list *ret,
				  struct error **err);
/* GitHub's list of references: [{"ref": "refs/tags/v1.2.3"}]. */
MUST_CHECK int listing_read_tags(const char *text, size_t len, struct version_list *ret,
				 struct error **err);
/* The manifest of a release: "5.0" of {"metadata": {"protocol_version": "5.0"}}; heap. */
MUST_CHECK int listing_read_manifest(const char *text, size_t len, char **ret, struct error **err);

struct sum {
	char *name;   /* of the file */
	char *digest; /* SHA-256, hex, lower case */
};
VEC_DECLARE(sum_list, struct sum);
void sum_list_release(struct sum_list *l);
static inline void auto_sum_list(struct sum_list *l)
{
	sum_list_release(l);
}
/* Lines of a checksum and a name. An error if there is none. */
MUST_CHECK int listing_read_sums(const char *text, size_t len, struct sum_list *ret,
				 struct error **err);
const char *sum_list_find(const struct sum_list *l, const char *name); /* borrowed, or NULL */

/* The first 64 hex digits of a _SHA256SUM file, in lower case; heap. */
MUST_CHECK int listing_read_digest(const char *text, size_t len, char **ret, struct error **err);
