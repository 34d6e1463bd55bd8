/* SPDX-License-Identifier: Apache-2.0 */
/* releases.hashicorp.com, GitHub, and mirrors of the former. */
#include "base/alloc.h"
#include "base/str.h"
#include "plugin/get/place.h"
#include "plugin/get/platform.h"

#include <stdlib.h>
#include <string.h>

#define HASHICORP "github.com/hashicorp"

/* The digests of a release's zips, whose names are PREFIX OS_ARCH.zip. */
static void note_zips(const struct sum_list *sums, const char *prefix, struct map *ret)
{
	static const struct str end = { ".zip", 4 };

	map_init(ret, free);
	for (size_t i = 0; i < sums->len; i++) {
		struct str name = str_of(sums->items[i].name);

		if (!str_starts_with(name, str_of(prefix)) || !str_ends_with(name, end))
			continue;
		name.p += strlen(prefix);
		name.len -= strlen(prefix) + end.len;

		AUTO_FREE char *platform = str_dup(name);

		if (platform_is_valid(platform) && !map_has(ret, platform))
			map_set(ret, platform, xstrdup(sums->items[i].digest));
	}
}

/* Fills in a zip of the release at `sums_place`, beside it; *ret_why when there is none. */
static int find_zip(const struct asking *q, const char *sums_place, const char *prefix,
		    struct release *ret, char **ret_why, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(LISTING_MAX);
	AUTO(sum_list) struct sum_list sums = { 0 };
	AUTO_FREE char *shown = fetch_shown(sums_place);
	AUTO_FREE char *zip = xasprintf("%s%s.zip", prefix, q->platform);
	const char *digest;
	int folder = (int)(strrchr(sums_place, '/') - sums_place);

	if (fetch_text(q->fetcher, sums_place, NULL, q->cancel, &text, err) < 0)
		return -1;
	if (listing_read_sums(text.buf, text.len, &sums, err) < 0)
		return error_prefix(err, "%s", shown);
	digest = sum_list_find(&sums, zip);
	if (!digest) {
		*ret_why = xasprintf("%s has no '%s'", shown, zip);
		return 0;
	}
	note_zips(&sums, prefix, &ret->zips);
	ret->place = xasprintf("%.*s/%s", folder, sums_place, zip);
	ret->digest = xstrdup(digest);
	ret->is_zip = true;
	return 0;
}

/* The sums file is what makes a version a release. */
static int no_sums(const struct plugin_address *a, const char *version, struct error **err)
{
	return error_prefix(err,
			    "could not get sha256 checksum file for %s version %s. Is the file "
			    "present on the release and correctly named ?",
			    a->source, version);
}

/* ---- releases.hashicorp.com ---------------------------------------------------------------- */

static bool releases_serves(const struct plugin_address *a)
{
	return text_eq(a->parent, HASHICORP);
}

static int releases_versions(const struct place *p, const struct asking *q,
			     struct version_list *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(LISTING_MAX);
	AUTO_FREE char *rest = xasprintf("packer-plugin-%s/index.json", q->address->name);
	AUTO_FREE char *place = fetch_place(p->base, rest);
	AUTO_FREE char *shown = fetch_shown(place);

	if (fetch_text(q->fetcher, place, NULL, q->cancel, &text, err) < 0)
		return -1;
	if (listing_read_index(text.buf, text.len, ret, err) < 0)
		return error_prefix(err, "%s", shown);
	return 0;
}

/* *ret_why when the release speaks another protocol than we do. */
static int check_protocol(const struct asking *q, const char *manifest, char **ret_why,
			  struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(LISTING_MAX);
	AUTO_FREE char *shown = fetch_shown(manifest);
	AUTO_FREE char *protocol = NULL;
	struct str minor, major;
	AUTO_FREE char *number = NULL;

	if (fetch_text(q->fetcher, manifest, NULL, q->cancel, &text, err) < 0)
		return -1;
	if (listing_read_manifest(text.buf, text.len, &protocol, err) < 0)
		return error_prefix(err, "%s", shown);
	major = str_split(str_of(protocol), '.', &minor);
	if (!str_is(major, "5"))
		*ret_why = xasprintf("unsupported remote protocol MAJOR version %.*s. The current "
				     "MAJOR protocol "
				     "version is 5. (%s)",
				     STR_FMT(major), shown);
	else if (!str_is(minor, "0"))
		*ret_why = xasprintf("unsupported remote protocol MINOR version %.*s. The current "
				     "MINOR protocol "
				     "version is 0. (%s)",
				     STR_FMT(minor), shown);
	return 0;
}

static int releases_release(const struct place *p, const struct asking *q, const char *version,
			    struct release *ret, char **ret_why, struct error **err)
{
	AUTO_FREE char *folder = xasprintf("packer-plugin-%s/%s", q->address->name, version);
	AUTO_FREE char *prefix = xasprintf("packer-plugin-%s_%s_", q->address->name, version);
	AUTO_FREE char *sums = xasprintf("%s/%sSHA256SUMS", folder, prefix);
	AUTO_FREE char *manifest = xasprintf("%s/%smanifest.json", folder, prefix);
	AUTO_FREE char *sums_place = fetch_place(p->base, sums);
	AUTO_FREE char *manifest_place = fetch_place(p->base, manifest);

	if (find_zip(q, sums_place, prefix, ret, ret_why, err) < 0)
		return no_sums(q->address, version, err);
	if (*ret_why)
		return 0;
	ret->binary = platform_binary_name(q->address->name, version, q->platform);
	return check_protocol(q, manifest_place, ret_why, err);
}

const struct place_ops place_releases = {
	.name = "releases",
	.serves = releases_serves,
	.versions = releases_versions,
	.release = releases_release,
};

/* ---- GitHub -------------------------------------------------------------------------------- */

/* github.com/NAMESPACE/NAME, nothing deeper. */
static bool github_serves(const struct plugin_address *a)
{
	static const char host[] = "github.com/";

	return text_starts_with(a->parent, host) && !strchr(a->parent + strlen(host), '/');
}

static const char *github_namespace(const struct plugin_address *a)
{
	return strchr(a->parent, '/') + 1;
}

static int github_versions(const struct place *p, const struct asking *q, struct version_list *ret,
			   struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(LISTING_MAX);
	AUTO_FREE char *rest = xasprintf("repos/%s/packer-plugin-%s/git/matching-refs/tags",
					 github_namespace(q->address), q->address->name);
	AUTO_FREE char *place = fetch_place(p->base, rest);
	AUTO_FREE char *shown = fetch_shown(place);

	if (fetch_text(q->fetcher, place, p->token, q->cancel, &text, err) < 0)
		return -1;
	if (listing_read_tags(text.buf, text.len, ret, err) < 0)
		return error_prefix(err, "%s", shown);
	return 0;
}

static int github_release(const struct place *p, const struct asking *q, const char *version,
			  struct release *ret, char **ret_why, struct error **err)
{
	AUTO_FREE char *sums = xasprintf(
		"%s/packer-plugin-%s/releases/download/v%s/packer-plugin-%s_v%s_"
		"SHA256SUMS",
		github_namespace(q->address), q->address->name, version, q->address->name, version);
	AUTO_FREE char *prefix =
		xasprintf("packer-plugin-%s_v%s_" PLUGIN_API "_", q->address->name, version);
	AUTO_FREE char *sums_place = fetch_place(p->downloads, sums);

	if (find_zip(q, sums_place, prefix, ret, ret_why, err) < 0)
		return no_sums(q->address, version, err);
	if (!*ret_why)
		ret->binary = platform_binary_name(q->address->name, version, q->platform);
	return 0;
}

const struct place_ops place_github = {
	.name = "github",
	.serves = github_serves,
	.versions = github_versions,
	.release = github_release,
};
