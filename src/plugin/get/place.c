/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/place.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/str.h"
#include "config/plugin_source.h"

#include <stdlib.h>
#include <string.h>

#define RELEASES_URL   "https://releases.hashicorp.com"
#define GITHUB_API_URL "https://api.github.com"
#define GITHUB_URL     "https://github.com"

int plugin_address_parse(const char *source, struct plugin_address *ret, struct error **err)
{
	if (plugin_source_check(source, err) < 0)
		return -1;
	/* They become folders. */
	for (struct str rest = str_of(source), part; rest.len;) {
		part = str_split(rest, '/', &rest);
		if (!part.len || *part.p == '.')
			return error_set(err, ERROR_INVALID,
					 "a part of the source '%s' is empty or begins with a dot",
					 source);
	}
	ret->source = xstrdup(source);
	ret->name = strrchr(ret->source, '/') + 1;
	ret->parent = xstrndup(source, (size_t)(ret->name - ret->source) - 1);
	return 0;
}

void plugin_address_release(struct plugin_address *a)
{
	free(a->source);
	free(a->parent);
	*a = (struct plugin_address){ 0 };
}

void release_release(struct release *r)
{
	free(r->place);
	free(r->digest);
	free(r->binary);
	map_release(&r->zips);
	*r = (struct release){ 0 };
}

void place_list_release(struct place_list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		free(l->items[i].base);
		free(l->items[i].downloads);
		secret_free(l->items[i].token);
	}
	vec_release(l);
}

struct place place_copy(const struct place *p)
{
	return (struct place){ .ops = p->ops,
			       .base = xstrdup(p->base),
			       .downloads = xstrdup(p->downloads),
			       .token = xstrdup(p->token),
			       .is_mirror = p->is_mirror };
}

void place_list_add_mirror(struct place_list *l, const char *base)
{
	*vec_push(l) =
		(struct place){ .ops = &place_plain, .base = xstrdup(base), .is_mirror = true };
	*vec_push(l) =
		(struct place){ .ops = &place_releases, .base = xstrdup(base), .is_mirror = true };
}

/* True: only mirrors are to be asked. */
static bool add_mirrors(struct place_list *l, const struct place_settings *s)
{
	for (struct str rest = str_of(s->mirrors), one; rest.len;) {
		one = str_trim(str_split(rest, ',', &rest));

		AUTO_FREE char *base = str_dup(one);
		AUTO_FREE char *folder = NULL;

		if (text_eq(base, "off"))
			return true;
		if (one.len && !fetch_is_url(base))
			folder = path_absolute(s->cwd, base);
		if (one.len)
			place_list_add_mirror(l, folder ? folder : base);
	}
	return false;
}

static char *url_or(const char *url, const char *other)
{
	return xstrdup(text_is_empty(url) ? other : url);
}

void place_list_init(struct place_list *l, const struct place_settings *s)
{
	if (add_mirrors(l, s))
		return;
	*vec_push(l) = (struct place){ .ops = &place_releases,
				       .base = url_or(s->releases_url, RELEASES_URL) };
	*vec_push(l) = (struct place){ .ops = &place_github,
				       .base = url_or(s->github_api_url, GITHUB_API_URL),
				       .downloads = url_or(s->github_url, GITHUB_URL),
				       .token = xstrdup(s->token) };
}
