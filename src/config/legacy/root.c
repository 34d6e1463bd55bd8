/* SPDX-License-Identifier: Apache-2.0 */
/* The root object: which members there are, and of which type (1.1 to 1.3). */
#include "base/alloc.h"
#include "config/legacy/legacy.h"
#include "value/gotext.h"

#include <strings.h>

enum root_type { ROOT_TEXT, ROOT_LIST, ROOT_MAP, ROOT_TEXTS, ROOT_TEXT_MAPS, ROOT_ANY };

static const struct root_key {
	const char *key;
	const char *name; /* in messages */
	enum root_type type;
} root_keys[] = {
	{ "min_packer_version", "min_packer_version", ROOT_TEXT },
	{ "description", "Description", ROOT_TEXT },
	{ "variables", "Variables", ROOT_MAP },
	{ "sensitive-variables", "sensitive-variables", ROOT_TEXTS },
	{ "builders", "builders", ROOT_LIST },
	{ "provisioners", "Provisioners", ROOT_LIST },
	{ "error-cleanup-provisioner", "error-cleanup-provisioner", ROOT_ANY },
	{ "post-processors", "post-processors", ROOT_LIST },
	{ "comments", "Comments", ROOT_TEXT_MAPS },
	{ "push", "Push", ROOT_MAP },
};

/* By key. */
struct root_members {
	const struct json_member *v[ARRAY_LEN(root_keys)];
};

/* Which member of the root a key is; an exact match wins over one in another case. */
static const struct json_member *find_member(const struct json_node *root, const char *key)
{
	const struct json_member *near = NULL;

	for (size_t i = 0; i < root->object.len; i++) {
		const struct json_member *m = &root->object.members[i];

		if (str_is(m->name, key))
			return m;
		if (!near && strcasecmp(m->name.p, key) == 0)
			near = m;
	}
	return near;
}

/* ---- names that stand twice ------------------------------------------------------------ */

static const struct json_member *find_duplicate(const struct json_node *n);

static const struct json_member *duplicate_in_object(const struct json_node *n)
{
	AUTO(map) struct map seen = MAP_INIT(NULL);

	for (size_t i = 0; i < n->object.len; i++) {
		const struct json_member *m = &n->object.members[i];

		if (map_has(&seen, m->name.p))
			return m;
		map_set(&seen, m->name.p, (void *)m);

		const struct json_member *inner = find_duplicate(m->value);

		if (inner)
			return inner;
	}
	return NULL;
}

static const struct json_member *find_duplicate(const struct json_node *n)
{
	if (n->kind == JSON_OBJECT)
		return duplicate_in_object(n);
	for (size_t i = 0; n->kind == JSON_ARRAY && i < n->array.len; i++) {
		const struct json_member *inner = find_duplicate(n->array.items[i]);

		if (inner)
			return inner;
	}
	return NULL;
}

/* ---- types --------------------------------------------------------------------------------- */

static void check_text(struct legacy_loader *ll, const char *name, const struct json_node *n,
		       struct strv *errors)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;

	if (!legacy_strict_text(ll, name, n, &why))
		strv_push(errors, why.buf);
}

static bool check_kind(struct legacy_loader *ll, const char *name, const struct json_node *n,
		       enum json_kind want, struct strv *errors)
{
	if (n->kind == want)
		return true;
	if (n->kind == JSON_NULL)
		return false;

	const char *kind = value_go_kind(legacy_value(ll, n));

	if (want == JSON_OBJECT)
		strv_pushf(errors, "'%s' expected a map, got '%s'", name, kind);
	else
		strv_pushf(errors, "'%s': source data must be an array or slice, got %s", name,
			   kind);
	return false;
}

static void check_text_maps(struct legacy_loader *ll, const char *name, const struct json_node *n,
			    struct strv *errors)
{
	for (size_t i = 0; i < n->array.len; i++) {
		const struct json_node *item = n->array.items[i];
		AUTO_FREE char *path = xasprintf("%s[%zu]", name, i);

		if (!check_kind(ll, path, item, JSON_OBJECT, errors))
			continue;
		for (size_t j = 0; j < item->object.len; j++) {
			AUTO_FREE char *inner =
				xasprintf("%s[%s]", path, item->object.members[j].name.p);

			check_text(ll, inner, item->object.members[j].value, errors);
		}
	}
}

static void check_member(struct legacy_loader *ll, const struct root_key *key,
			 const struct json_node *n, struct strv *errors)
{
	switch (key->type) {
	case ROOT_TEXT:
		check_text(ll, key->name, n, errors);
		break;
	case ROOT_MAP:
		check_kind(ll, key->name, n, JSON_OBJECT, errors);
		break;
	case ROOT_LIST:
		check_kind(ll, key->name, n, JSON_ARRAY, errors);
		break;
	case ROOT_TEXT_MAPS:
		if (check_kind(ll, key->name, n, JSON_ARRAY, errors))
			check_text_maps(ll, key->name, n, errors);
		break;
	case ROOT_TEXTS: {
		AUTO(strbuf) struct strbuf why = STRBUF_INIT;
		struct text_list ignored;

		if (!legacy_texts(ll, key->name, n, false, &ignored, &why))
			strv_push(errors, why.buf);
		break;
	}
	case ROOT_ANY:
		break;
	}
}

static bool check_types(struct legacy_loader *ll, const struct root_members *all)
{
	AUTO(strv) struct strv errors = STRV_INIT;
	const struct range *at = NULL;

	for (size_t i = 0; i < ARRAY_LEN(root_keys); i++) {
		const struct json_member *m = all->v[i];

		if (m)
			check_member(ll, &root_keys[i], m->value, &errors);
		if (errors.len && !at)
			at = &m->value->range;
	}
	if (!errors.len)
		return true;
	strv_sort(&errors);

	AUTO_FREE char *text = strv_join(&errors, "\n* ");

	legacy_fail(ll->l, at, "%zu error(s) decoding:\n\n* %s", errors.len, text);
	return false;
}

/* ---- names ------------------------------------------------------------------------------------ */

static bool is_known(const struct root_members *all, const struct json_member *m)
{
	if (m->name.len && *m->name.p == '_')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(root_keys); i++)
		if (all->v[i] == m)
			return true;
	return false;
}

static bool check_comments(struct legacy_loader *ll)
{
	for (size_t i = 0; i < ll->root->object.len; i++) {
		const struct json_member *m = &ll->root->object.members[i];

		if (*m->name.p != '_' || m->value->kind == JSON_STRING)
			continue;
		legacy_fail(ll->l, &m->value->range,
			    "Failed to cast root level comment value in comment \"%s\" to string.",
			    m->name.p);
		return false;
	}
	return true;
}

static bool check_names(struct legacy_loader *ll, const struct root_members *all)
{
	AUTO(strv) struct strv unknown = STRV_INIT;
	AUTO(strv) struct strv errors = STRV_INIT;
	const struct range *at = NULL;

	for (size_t i = 0; i < ll->root->object.len; i++) {
		const struct json_member *m = &ll->root->object.members[i];

		if (is_known(all, m))
			continue;
		strv_push(&unknown, m->name.p);
		at = at ? at : &m->name_range;
	}
	if (!unknown.len)
		return true;
	strv_sort(&unknown);
	for (size_t i = 0; i < unknown.len; i++)
		strv_pushf(&errors, "Unknown root level key in template: '%s'", unknown.v[i]);

	AUTO_FREE char *text = legacy_several(&errors);

	legacy_fail(ll->l, at, "%s", text);
	return false;
}

static const struct json_node *node_of(struct legacy_loader *ll, const char *key)
{
	const struct json_member *m = find_member(ll->root, key);

	return m && m->value->kind != JSON_NULL ? m->value : NULL;
}

static const char *text_of(struct legacy_loader *ll, const char *key)
{
	const struct json_node *n = node_of(ll, key);

	return n ? arena_strndup(ll->l->arena, n->text.p, n->text.len) : "";
}

bool legacy_read_root(struct legacy_loader *ll)
{
	const struct json_member *twice = find_duplicate(ll->root);

	if (twice) {
		legacy_fail(ll->l, &twice->name_range, "template has duplicate field: %s",
			    twice->name.p);
		return false;
	}
	if (ll->root->kind != JSON_OBJECT) {
		legacy_fail(ll->l, &ll->root->range,
			    "1 error(s) decoding:\n\n* '' expected a map, got '%s'",
			    value_go_kind(legacy_value(ll, ll->root)));
		return false;
	}

	struct root_members all;

	for (size_t i = 0; i < ARRAY_LEN(root_keys); i++)
		all.v[i] = find_member(ll->root, root_keys[i].key);
	if (!check_comments(ll) || !check_types(ll, &all) || !check_names(ll, &all))
		return false;
	ll->variables = node_of(ll, "variables");
	ll->builders = node_of(ll, "builders");
	ll->provisioners = node_of(ll, "provisioners");
	ll->postprocs = node_of(ll, "post-processors");
	ll->cleanup = node_of(ll, "error-cleanup-provisioner");
	ll->sensitive = node_of(ll, "sensitive-variables");
	ll->min_version = text_of(ll, "min_packer_version");
	ll->description = text_of(ll, "description");
	return true;
}
