/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/listing.h"

#include "base/alloc.h"
#include "base/str.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { HEX_DIGITS = 64 };

/* ---- versions ------------------------------------------------------------------------------ */

void version_list_release(struct version_list *l)
{
	for (size_t i = 0; i < l->len; i++)
		free(l->items[i].text);
	vec_release(l);
}

char *release_version(const char *text, struct version *ret)
{
	const int64_t *n = ret->segments;

	if (strlen(text) > 128 || !version_parse(text, ret) || *ret->pre || ret->given > 3)
		return NULL;
	/* What is built from the same sources with other means is not what was released. */
	if (strchr(text, '+'))
		return NULL;
	return xasprintf("%lld.%lld.%lld", (long long)n[0], (long long)n[1], (long long)n[2]);
}

bool version_list_add(struct version_list *l, const char *text)
{
	struct version v;
	AUTO_FREE char *canonical = release_version(text, &v);

	if (!canonical)
		return false;
	*vec_push(l) = (struct listed_version){ .text = TAKE(canonical), .version = v };
	return true;
}

static int highest_first(const void *a, const void *b)
{
	const struct listed_version *x = a, *y = b;

	return version_compare(&y->version, &x->version);
}

int version_list_choose(struct version_list *l, const char *constraint, struct error **err)
{
	size_t kept = 0;

	if (l->len)
		qsort(l->items, l->len, sizeof(*l->items), highest_first);
	for (size_t i = 0; i < l->len; i++) {
		struct listed_version *v = &l->items[i];
		bool fits = true;

		if (!text_is_empty(constraint) &&
		    version_matches(constraint, &v->version, &fits, err) < 0)
			return -1;
		if (kept && version_compare(&l->items[kept - 1].version, &v->version) == 0)
			fits = false;
		if (fits && i != kept) {
			free(l->items[kept].text);
			l->items[kept] = *v;
			v->text = NULL;
		}
		kept += fits;
	}
	for (size_t i = kept; i < l->len; i++)
		free(TAKE(l->items[i].text));
	l->len = kept;
	return 0;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void auto_json(json_t **j)
{
	json_decref(*j);
}

static json_t *load(const char *text, size_t len, struct error **err)
{
	json_error_t why;
	json_t *j = json_loadb(text, len, 0, &why);

	if (!j)
		error_set(err, ERROR_INVALID, "it is no JSON: line %d: %s", why.line, why.text);
	return j;
}

static bool has_room(const struct version_list *l)
{
	return l->len < LISTING_VERSIONS_MAX;
}

int listing_read_index(const char *text, size_t len, struct version_list *ret, struct error **err)
{
	AUTO(json) json_t *j = load(text, len, err);
	json_t *versions = json_object_get(j, "versions"), *one;
	const char *key;

	if (!j)
		return -1;
	if (!json_is_object(versions))
		return error_set(err, ERROR_INVALID, "it has no object 'versions'");
	json_object_foreach (versions, key, one) {
		const char *named = json_string_value(json_object_get(one, "version"));

		if (has_room(ret))
			version_list_add(ret, named ? named : key);
	}
	return 0;
}

int listing_read_tags(const char *text, size_t len, struct version_list *ret, struct error **err)
{
	static const char prefix[] = "refs/tags/";
	AUTO(json) json_t *j = load(text, len, err);
	json_t *one;
	size_t i;

	if (!j)
		return -1;
	if (!json_is_array(j))
		return error_set(err, ERROR_INVALID, "it is no list of tags");
	json_array_foreach (j, i, one) {
		const char *ref = json_string_value(json_object_get(one, "ref"));

		if (ref && text_starts_with(ref, prefix) && has_room(ret))
			version_list_add(ret, ref + strlen(prefix));
	}
	return 0;
}

int listing_read_manifest(const char *text, size_t len, char **ret, struct error **err)
{
	AUTO(json) json_t *j = load(text, len, err);
	const char *version;

	if (!j)
		return -1;
	version = json_string_value(
		json_object_get(json_object_get(j, "metadata"), "protocol_version"));
	if (!version)
		return error_set(err, ERROR_INVALID, "it has no 'metadata.protocol_version'");
	*ret = xstrdup(version);
	return 0;
}

/* ---- checksums ----------------------------------------------------------------------------- */

void sum_list_release(struct sum_list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		free(l->items[i].name);
		free(l->items[i].digest);
	}
	vec_release(l);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct str next_word(struct str *rest)
{
	struct str word;

	while (rest->len && is_space(*rest->p))
		rest->p++, rest->len--;
	word = (struct str){ rest->p, 0 };
	while (word.len < rest->len && !is_space(rest->p[word.len]))
		word.len++;
	rest->p += word.len;
	rest->len -= word.len;
	return word;
}

/* 64 hex digits in lower case; NULL: it is something else. */
static char *read_hex(struct str s)
{
	AUTO_FREE char *hex = NULL;

	if (s.len != HEX_DIGITS)
		return NULL;
	hex = str_dup(s);
	for (char *p = hex; p < hex + HEX_DIGITS; p++) {
		if (*p >= 'A' && *p <= 'F')
			*p |= 0x20;
		if (!(*p >= '0' && *p <= '9') && !(*p >= 'a' && *p <= 'f'))
			return NULL;
	}
	return TAKE(hex);
}

int listing_read_sums(const char *text, size_t len, struct sum_list *ret, struct error **err)
{
	for (struct str rest = { text, len }, line; rest.len;) {
		line = str_split(rest, '\n', &rest);

		struct str digest = next_word(&line), name = next_word(&line);
		AUTO_FREE char *hex = read_hex(digest);

		if (name.len && *name.p == '*') /* of a file that was read as it is */
			name.p++, name.len--;
		if (!hex || !name.len || next_word(&line).len || memchr(name.p, '\0', name.len))
			continue;
		*vec_push(ret) = (struct sum){ .name = str_dup(name), .digest = TAKE(hex) };
	}
	if (!ret->len)
		return error_set(err, ERROR_INVALID, "it has no line of a SHA-256 and a name");
	return 0;
}

const char *sum_list_find(const struct sum_list *l, const char *name)
{
	for (size_t i = 0; i < l->len; i++)
		if (text_eq(l->items[i].name, name))
			return l->items[i].digest;
	return NULL;
}

int listing_read_digest(const char *text, size_t len, char **ret, struct error **err)
{
	*ret = read_hex((struct str){ text, len < HEX_DIGITS ? len : HEX_DIGITS });
	if (!*ret)
		return error_set(err, ERROR_INVALID, "it does not begin with a SHA-256");
	return 0;
}
