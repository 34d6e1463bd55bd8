/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors that hold the programs themselves, as they are installed. */
#include "base/alloc.h"
#include "base/str.h"
#include "os/fs.h"
#include "plugin/get/place.h"
#include "plugin/get/platform.h"

#include <stdlib.h>
#include <string.h>

static bool plain_serves(const struct plugin_address *a)
{
	return true;
}

/* By the names of the files. */
static int list_folder(const char *folder, const struct plugin_address *a, const char *platform,
		       struct version_list *ret, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_FREE char *begin = xasprintf("packer-plugin-%s_v", a->name);
	AUTO_FREE char *end =
		xasprintf("_" PLUGIN_API "_%s%s", platform, platform_suffix(platform));

	if (fs_list(folder, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		struct str name = str_of(names.v[i]);

		if (!str_starts_with(name, str_of(begin)) || !str_ends_with(name, str_of(end)) ||
		    name.len < strlen(begin) + strlen(end))
			continue;
		name.p += strlen(begin);
		name.len -= strlen(begin) + strlen(end);

		AUTO_FREE char *version = str_dup(name);

		if (ret->len < LISTING_VERSIONS_MAX)
			version_list_add(ret, version);
	}
	return 0;
}

static int plain_versions(const struct place *p, const struct asking *q, struct version_list *ret,
			  struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(LISTING_MAX);
	AUTO_FREE char *folder = fetch_place(p->base, q->address->source);
	AUTO_FREE char *index = fetch_place(folder, "index.json");
	AUTO_FREE char *shown = fetch_shown(index);

	if (!fetch_is_url(p->base))
		return list_folder(folder, q->address, q->platform, ret, err);
	if (fetch_text(q->fetcher, index, NULL, q->cancel, &text, err) < 0)
		return -1;
	if (listing_read_index(text.buf, text.len, ret, err) < 0)
		return error_prefix(err, "%s", shown);
	return 0;
}

static int plain_release(const struct place *p, const struct asking *q, const char *version,
			 struct release *ret, char **ret_why, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(LISTING_MAX);
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *binary = platform_binary_name(q->address->name, version, q->platform);
	AUTO_FREE char *rest = xasprintf("%s/%s", q->address->source, binary);
	AUTO_FREE char *place = fetch_place(p->base, rest);
	AUTO_FREE char *sum = xasprintf("%s_SHA256SUM", place);
	AUTO_FREE char *shown = fetch_shown(sum);

	map_init(&ret->zips, free);
	if (fetch_text(q->fetcher, sum, NULL, q->cancel, &text, &e) < 0) {
		if (e->kind != ERROR_NOT_FOUND)
			return error_move(err, TAKE(e));
		*ret_why = xasprintf("there is no %s", shown);
		return 0;
	}
	if (listing_read_digest(text.buf, text.len, &ret->digest, err) < 0)
		return error_prefix(err, "%s", shown);
	ret->place = TAKE(place);
	ret->binary = TAKE(binary);
	return 0;
}

const struct place_ops place_plain = {
	.name = "plain",
	.serves = plain_serves,
	.versions = plain_versions,
	.release = plain_release,
};
