/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting a plugin: the highest release that satisfies a constraint, from the
 * first place that has one, checked in every way there is, put where plugins are
 * found. Whatever happens, the folder holds a whole binary with its checksum or
 * none: both are made beside it and renamed, and a lock keeps two processes apart.
 */
#pragma once

#include "base/map.h"
#include "os/cancel.h"
#include "plugin/get/lock_file.h"
#include "plugin/get/place.h"

#include <stdbool.h>
#include <stdint.h>

/* How; everything borrowed. One thread. */
struct plugin_getting {
	const char *dir; /* plugins are installed below it */
	const char *platform;
	bool is_foreign; /* not of this host: its programs cannot be asked what they are */
	const struct place_list *places;
	struct http_client *http;
	const char *plain_proxy; /* as in struct http_request */
	/* `what` is being fetched; at most ten times a second. May be NULL. */
	void (*progress)(void *data, const char *what, int64_t done, int64_t total);
	void *data;
};

/* What. */
struct plugin_want {
	const char *source;
	const char *constraint;         /* NULL: any */
	const struct plugin_lock *lock; /* what it says of the version must hold; NULL: nothing */
	bool force;                     /* also when it is there already */
};

struct plugin_got {
	char *path;    /* of the binary */
	char *version; /* "1.3.2" */
	char *digest;  /* SHA-256, hex */
	struct map
		zips;   /* platform -> char *: digests of the downloads of this release, if known */
	bool was_there; /* nothing was written */
};
void plugin_got_release(struct plugin_got *g);
static inline void auto_plugin_got(struct plugin_got *g)
{
	plugin_got_release(g);
}

/* The message has a line for each place that had nothing. */
MUST_CHECK int plugin_get(const struct plugin_getting *g, const struct plugin_want *w,
			  struct cancel *c, struct plugin_got *ret, struct error **err);

/* Adds what the release's files look like to the lock file's entry for its version. */
void plugin_lock_note(struct plugin_lock_entry *e, const char *platform,
		      const struct plugin_got *got);

/*
 * A binary of this host that somebody built (plugins install -path): described, then copied to where
 * plugins of this source are found; pre-releases only as -dev. *ret_path and the summary of what
 * went wrong as cli.md 8.5 has them: *ret_summary is set with *err (static).
 */
MUST_CHECK int plugin_adopt(const char *dir, const char *source, const char *binary,
			    struct cancel *c, char **ret_path, const char **ret_summary,
			    struct error **err);

/* Deletes a binary and its checksum file, under the same lock. */
MUST_CHECK int plugin_delete(const char *binary, struct cancel *c, struct error **err);
