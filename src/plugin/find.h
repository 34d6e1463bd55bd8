/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which plugins are installed (plugin-protocol.md 1.1-1.4). Binaries without
 * a matching checksum file, or that do not say what they are, are passed over
 * with a word in the debug log. Digests and descriptions are remembered in
 * the cache directory, so a run that knows all of them starts none.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"
#include "base/vec.h"
#include "config/version.h"
#include "os/cancel.h"
#include "os/host.h"

#include <stdbool.h>
#include <stddef.h>

/* What `BINARY describe` says. */
struct plugin_description {
	char *version;                                              /* "1.2.3-dev+meta" */
	char *sdk_version;                                          /* "" when not told */
	char *api_version;                                          /* "x5.0" */
	bool has_protobuf;                                          /* protocol_version v2 */
	struct strv builders, provisioners, postprocs, datasources; /* as told, sorted */
};
void plugin_description_release(struct plugin_description *d);
/* Runs it, with a deadline and a limit on what it says. ERROR_INVALID: it answered nonsense. */
MUST_CHECK int plugin_describe(const char *path, struct cancel *c, struct plugin_description *ret,
			       struct error **err);
/* Bytes of the JSON object. */
MUST_CHECK int plugin_description_parse(const void *bytes, size_t len,
					struct plugin_description *ret, struct error **err);

struct plugin_binary {
	char *path;
	char *source; /* "github.com/hashicorp/amazon", by its folder; NULL: directly in the plugin dir */
	char *name;   /* "amazon", from the file name */
	char *digest; /* SHA-256, hex */
	struct version version;
	char *version_text; /* of the file name, without v */
	struct plugin_description about;
};
void plugin_binary_free(struct plugin_binary *b);
VEC_DECLARE(plugin_binary_list, struct plugin_binary *);
void plugin_binary_list_release(struct plugin_binary_list *l);

/* PACKER_PLUGIN_PATH (INGOT_PLUGIN_PATH first), else CONFIG/plugins; heap. The directory may not
 * exist. ERROR_INVALID for a list of directories. */
MUST_CHECK int plugin_dir(const struct host_dirs *dirs, host_env_fn lookup, char **ret,
			  struct error **err);

struct plugin_query {
	const char *dir;        /* of plugin_dir() */
	const char *cache_dir;  /* NULL: nothing is remembered */
	const char *source;     /* "github.com/hashicorp/amazon"; NULL: all there are */
	const char *constraint; /* ">= 1.2"; NULL: any */
	const char *version;    /* "1.3.2", only that one, as names have it; NULL: any */
	bool releases_only;
	bool all_versions; /* not only the best one of each name */
	/* NULL, or gets `FILE: why` for plugins that do not count: a few, for people. */
	struct strv *passed_over;
};
/* In the order of 1.3, best last. An empty list is no error, nor is a directory that is not there. */
MUST_CHECK int plugin_find(const struct plugin_query *q, struct cancel *c,
			   struct plugin_binary_list *ret, struct error **err);
