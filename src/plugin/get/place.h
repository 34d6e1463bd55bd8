/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where releases come from (plugin-protocol.md 1.7), behind one table: which
 * versions there are, and where the file of one is. Mirrors first, then the two
 * public hosts.
 *
 * A mirror is a folder or a tree behind HTTP, in either layout or both:
 *
 *   HOST/NAMESPACE/NAME/packer-plugin-NAME_vV_x5.0_OS_ARCH (and _SHA256SUM)
 *           as plugins are installed; behind HTTP with an index.json beside
 *           them that has the form of the other layout's
 *   packer-plugin-NAME/index.json, packer-plugin-NAME/V/...
 *           as on releases.hashicorp.com; for github.com/hashicorp only, as
 *           there is no other namespace in it
 */
#pragma once

#include "base/vec.h"
#include "plugin/get/fetch.h"
#include "plugin/get/listing.h"

#include <stdbool.h>

/* A source taken apart. */
struct plugin_address {
	char *source;     /* "github.com/hashicorp/amazon" */
	char *parent;     /* "github.com/hashicorp" */
	const char *name; /* "amazon", in `source` */
};
/* ERROR_INVALID with Packer's text. */
MUST_CHECK int plugin_address_parse(const char *source, struct plugin_address *ret,
				    struct error **err);
void plugin_address_release(struct plugin_address *a);
static inline void auto_plugin_address(struct plugin_address *a)
{
	plugin_address_release(a);
}

/* What a place has of one version for one platform. */
struct release {
	char *place;     /* path or URL */
	char *digest;    /* of what is there, SHA-256 */
	char *binary;    /* how the program in it is called */
	bool is_zip;     /* else it is the program itself */
	struct map zips; /* platform -> char *: digests of the zips of this release */
};
void release_release(struct release *r);
static inline void auto_release(struct release *r)
{
	release_release(r);
}

/* Who asks a place, and for what. Everything borrowed. */
struct asking {
	const struct fetcher *fetcher;
	const struct plugin_address *address;
	const char *platform;
	struct cancel *cancel;
};

struct place;
struct place_ops {
	const char *name;
	bool (*serves)(const struct plugin_address *a);
	/* All there are; for the platform, where that can be told. */
	int (*versions)(const struct place *p, const struct asking *q, struct version_list *ret,
			struct error **err);
	/* *ret_why (heap) instead of a release: it has none that fits; a lower version may. */
	int (*release)(const struct place *p, const struct asking *q, const char *version,
		       struct release *ret, char **ret_why, struct error **err);
};

struct place {
	const struct place_ops *ops;
	char *base;      /* folder or URL */
	char *downloads; /* GitHub: where the files are */
	char *token;     /* GitHub's, or NULL */
	bool is_mirror;
};
VEC_DECLARE(place_list, struct place);
void place_list_release(struct place_list *l);
static inline void auto_place_list(struct place_list *l)
{
	place_list_release(l);
}

/* What the environment says of places; members NULL: nothing. */
struct place_settings {
	const char *mirrors; /* comma-separated; the word "off": nothing after it */
	const char *releases_url, *github_api_url, *github_url;
	const char *token;
	const char *cwd; /* mirrors may be relative folders */
};
void place_list_init(struct place_list *l, const struct place_settings *s);
struct place place_copy(const struct place *p);
void place_list_add_mirror(struct place_list *l, const char *base);

extern const struct place_ops place_releases, place_github, place_plain;
