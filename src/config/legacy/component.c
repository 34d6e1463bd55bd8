/* SPDX-License-Identifier: Apache-2.0 */
/* Builders, provisioners and post-processors: what is ours in them (3 to 5), and 6. */
#include "base/alloc.h"
#include "config/legacy/legacy.h"
#include "value/gotext.h"

#include <strings.h>

static const char *const builder_keys[] = { "type", "name", NULL };
static const char *const step_keys[] = {
	"type",    "only",  "except",    "override",     "pause_before", "max_retries",
	"timeout", "cache", "cache_ttl", "cache_inputs", NULL,
};
static const char *const post_keys[] = {
	"type", "name", "only", "except", "keep_input_artifact", NULL,
};

/* Members of ours are found in any case, an exact one first. */
static const struct json_node *member(const struct json_node *n, const char *key)
{
	const struct json_node *exact = json_member(n, key);

	for (size_t i = 0; !exact && i < n->object.len; i++)
		if (strcasecmp(n->object.members[i].name.p, key) == 0)
			exact = n->object.members[i].value;
	return exact && exact->kind != JSON_NULL ? exact : NULL;
}

static const struct body *options_of(struct legacy_loader *ll, const struct json_node *n,
				     const char *const *ours)
{
	return body_hide(ll->l->arena, json_body(n, ll->l->arena), ours);
}

/* The complaints about one object, each at the start of a line of its own. */
static char *decoding_errors(const struct strv *errors)
{
	AUTO_FREE char *all = strv_join(errors, "\n* ");

	return xasprintf("%zu error(s) decoding:\n\n* %s", errors->len, all);
}

/* The text of a member; "" if absent, NULL after adding to `errors`. */
static const char *text_member(struct legacy_loader *ll, const struct json_node *n, const char *key,
			       const char *name, bool weak, struct strv *errors)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	const struct json_node *m = member(n, key);
	const char *text = !m     ? ""
			   : weak ? legacy_weak_text(ll, name, m, &why)
				  : legacy_strict_text(ll, name, m, &why);

	if (!text)
		strv_push(errors, why.buf);
	return text;
}

static void texts_member(struct legacy_loader *ll, const struct json_node *n, const char *key,
			 bool weak, struct text_list *ret, struct strv *errors)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	const struct json_node *m = member(n, key);
	const char *name = text_eq(key, "only") ? "Only" : text_eq(key, "except") ? "Except" : key;

	if (m && !legacy_texts(ll, name, m, weak, ret, &why))
		strv_push(errors, why.buf);
}

/* ---- builders ------------------------------------------------------------------------------ */

static void read_builder(struct legacy_loader *ll, const struct json_node *n, size_t number,
			 struct map *names)
{
	AUTO(strv) struct strv errors = STRV_INIT;
	struct legacy_builder b = { .node = n };

	if (n->kind != JSON_OBJECT) {
		legacy_complain(ll, n->range, "builder %zu: '' expected a map, got '%s'", number,
				value_go_kind(legacy_value(ll, n)));
		return;
	}
	b.type = text_member(ll, n, "type", "Type", true, &errors);
	b.name = text_member(ll, n, "name", "Name", true, &errors);
	if (errors.len) {
		AUTO_FREE char *text = decoding_errors(&errors);

		legacy_complain(ll, n->range, "builder %zu: %s", number, text);
		return;
	}
	if (!*b.type) {
		legacy_complain(ll, n->range, "builder %zu: missing 'type'", number);
		return;
	}
	if (!*b.name)
		b.name = b.type;
	if (map_has(names, b.name)) {
		legacy_complain(ll, n->range, "builder %zu: builder with name '%s' already exists",
				number, b.name);
		return;
	}
	map_set(names, b.name, (void *)n);
	*vec_push(&ll->built) = b;
}

void legacy_read_builders(struct legacy_loader *ll)
{
	AUTO(map) struct map names = MAP_INIT(NULL);

	for (size_t i = 0; ll->builders && i < ll->builders->array.len; i++)
		read_builder(ll, ll->builders->array.items[i], i + 1, &names);
}

/* ---- provisioners ----------------------------------------------------------------------------- */

static void durations(struct legacy_loader *ll, const struct json_node *n,
		      struct config_provisioner *p, struct strv *errors)
{
	const struct json_node *pause = member(n, "pause_before"), *timeout = member(n, "timeout");
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;

	if (pause && !legacy_duration(ll, "pause_before", pause, &p->pause_before, &why))
		strv_push(errors, why.buf);
	strbuf_truncate(&why, 0);
	if (timeout && !legacy_duration(ll, "timeout", timeout, &p->timeout, &why))
		strv_push(errors, why.buf);
	/* One wrapper at most: a pause hides a limit. */
	if (p->pause_before && p->timeout)
		diags_warning(ll->l->diags, &timeout->range, "timeout without effect", "%s",
			      config_hidden_timeout);
	if (p->pause_before)
		p->timeout = 0;
}

static void read_override(struct legacy_loader *ll, const struct json_node *n,
			  struct config_provisioner *p, struct strv *errors)
{
	const struct json_node *m = member(n, "override");

	if (!m)
		return;
	if (m->kind == JSON_OBJECT)
		p->override = legacy_value(ll, m);
	else
		strv_pushf(errors, "'Override' expected a map, got '%s'",
			   value_go_kind(legacy_value(ll, m)));
}

static void read_reuse_of(struct legacy_loader *ll, const struct json_node *n,
			  struct config_provisioner *p, struct strv *errors)
{
	const struct json_node *cache = member(n, "cache");
	const char *ttl = text_member(ll, n, "cache_ttl", "cache_ttl", true, errors);
	struct text_list *inputs = ARENA_NEW(ll->l->arena, struct text_list);
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	if (cache && cache->kind == JSON_BOOL)
		p->cache = cache->boolean ? TRIBOOL_TRUE : TRIBOOL_FALSE;
	else if (cache)
		value_go_mismatch(&why, "cache", "bool", legacy_value(ll, cache));
	if (why.len)
		strv_push(errors, why.buf);
	if (!text_is_empty(ttl) && config_cache_ttl(ttl, p, &e) < 0)
		strv_pushf(errors, "cache_ttl: %s", e->message);
	texts_member(ll, n, "cache_inputs", true, inputs, errors);
	if (member(n, "cache_inputs"))
		p->cache_inputs = inputs;
}

/* False with the complaint in `why`. */
static bool read_step(struct legacy_loader *ll, const struct json_node *n,
		      struct legacy_provisioner *ret, struct strbuf *why)
{
	AUTO(strv) struct strv errors = STRV_INIT;
	struct config_provisioner *p = &ret->pub;

	if (n->kind != JSON_OBJECT) {
		strbuf_addf(why, "Error decoding provisioner: '' expected a map, got '%s'",
			    value_go_kind(legacy_value(ll, n)));
		return false;
	}
	*p = (struct config_provisioner){ .range = n->range };
	p->range.end = p->range.start;
	p->type = text_member(ll, n, "type", "Type", true, &errors);
	texts_member(ll, n, "only", true, &p->only, &errors);
	texts_member(ll, n, "except", true, &p->except, &errors);
	read_override(ll, n, p, &errors);
	durations(ll, n, p, &errors);
	ret->max_retries = text_member(ll, n, "max_retries", "max_retries", true, &errors);
	read_reuse_of(ll, n, p, &errors);
	p->body = options_of(ll, n, step_keys);
	if (errors.len) {
		AUTO_FREE char *text = NULL;

		strv_sort(&errors);
		text = decoding_errors(&errors);
		strbuf_addf(why, "Error decoding provisioner: %s", text);
		return false;
	}
	if (!*p->type)
		strbuf_addstr(why, "Provisioner missing 'type'");
	return *p->type != '\0';
}

void legacy_read_provisioners(struct legacy_loader *ll)
{
	const struct json_node *all = ll->provisioners;

	for (size_t i = 0; all && i < all->array.len; i++) {
		AUTO(strbuf) struct strbuf why = STRBUF_INIT;
		struct legacy_provisioner step = { 0 };

		if (read_step(ll, all->array.items[i], &step, &why))
			*vec_push(&ll->steps) = step;
		else
			legacy_complain(ll, all->array.items[i]->range, "provisioner %zu: %s",
					i + 1, why.buf);
	}
	if (!ll->cleanup)
		return;

	AUTO(strbuf) struct strbuf why = STRBUF_INIT;

	ll->has_last = read_step(ll, ll->cleanup, &ll->last, &why);
	ll->last.pub.only = ll->last.pub.except = (struct text_list){ 0 };
	if (!ll->has_last)
		legacy_complain(ll, ll->cleanup->range, "On Error Cleanup Provisioner error: %s",
				why.buf);
}

/* ---- post-processors ------------------------------------------------------------------------------ */

static void read_keep(struct legacy_loader *ll, const struct json_node *n,
		      struct config_postprocessor *pp, struct strv *errors)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	const struct json_node *m = member(n, "keep_input_artifact");

	if (!m)
		return;
	if (m->kind == JSON_BOOL) {
		pp->keep_input_artifact = m->boolean ? TRIBOOL_TRUE : TRIBOOL_FALSE;
		return;
	}
	value_go_mismatch(&why, "keep_input_artifact", "bool", legacy_value(ll, m));
	strv_push(errors, why.buf);
}

static bool read_post_object(struct legacy_loader *ll, const struct json_node *n,
			     struct config_postprocessor *ret, struct strbuf *why)
{
	AUTO(strv) struct strv errors = STRV_INIT;

	ret->type = text_member(ll, n, "type", "Type", false, &errors);
	ret->name = text_member(ll, n, "name", "Name", false, &errors);
	texts_member(ll, n, "only", false, &ret->only, &errors);
	texts_member(ll, n, "except", false, &ret->except, &errors);
	read_keep(ll, n, ret, &errors);
	ret->body = options_of(ll, n, post_keys);
	if (errors.len) {
		AUTO_FREE char *text = NULL;

		strv_sort(&errors);
		text = decoding_errors(&errors);
		strbuf_addstr(why, text);
		return false;
	}
	if (!*ret->type)
		strbuf_addstr(why, "type is required");
	return *ret->type != '\0';
}

/* `"compress"` is short for an object with nothing but a type. */
static const struct body *no_options(struct legacy_loader *ll, const struct json_node *n)
{
	struct json_node *empty = ARENA_NEW(ll->l->arena, struct json_node);

	*empty = (struct json_node){ JSON_OBJECT, n->reading, n->range };
	return json_body(empty, ll->l->arena);
}

static bool read_post(struct legacy_loader *ll, const struct json_node *n,
		      struct config_postprocessor *ret, struct strbuf *why)
{
	*ret = (struct config_postprocessor){ .range = n->range };
	ret->range.end = ret->range.start;
	switch (n->kind) {
	case JSON_STRING:
		ret->type = arena_strndup(ll->l->arena, n->text.p, n->text.len);
		ret->body = no_options(ll, n);
		break;
	case JSON_OBJECT:
		if (!read_post_object(ll, n, ret, why))
			return false;
		break;
	case JSON_ARRAY:
		strbuf_addstr(why, "sequence not allowed to be nested in a sequence");
		return false;
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_INVALID:
		strbuf_addstr(why, "unknown format");
		return false;
	}
	if (text_is_empty(ret->name))
		ret->name = ret->type;
	return true;
}

static void read_chain(struct legacy_loader *ll, const struct json_node *n, size_t number)
{
	bool is_array = n->kind == JSON_ARRAY, ok = true;
	size_t len = is_array ? n->array.len : 1;
	struct config_postprocessor *items =
		ARENA_ARRAY(ll->l->arena, struct config_postprocessor, len + 1);

	if (!is_array && n->kind != JSON_STRING && n->kind != JSON_OBJECT) {
		legacy_complain(ll, n->range, "post-processor %zu: bad format", number);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		AUTO(strbuf) struct strbuf why = STRBUF_INIT;
		const struct json_node *item = is_array ? n->array.items[i] : n;

		if (read_post(ll, item, &items[i], &why))
			continue;
		legacy_complain(ll, item->range, "post-processor %zu.%zu: %s", number, i + 1,
				why.buf);
		ok = false;
	}
	if (ok)
		*vec_push(&ll->chains) = (struct config_chain){ .items = items, .len = len };
}

void legacy_read_postprocs(struct legacy_loader *ll)
{
	for (size_t i = 0; ll->postprocs && i < ll->postprocs->array.len; i++)
		read_chain(ll, ll->postprocs->array.items[i], i + 1);
}

/* ---- 6: do the parts fit together? --------------------------------------------------------------------- */

struct validator {
	struct map names; /* of builders, as written */
	struct strv *errors;
};

static void check_selection(struct validator *v, const char *prefix, const struct text_list *only,
			    const struct text_list *except)
{
	if (only->len && except->len)
		strv_pushf(v->errors, "%sonly one of 'only' or 'except' may be specified", prefix);
	for (size_t i = 0; i < only->len; i++)
		if (!map_has(&v->names, only->v[i]))
			strv_pushf(v->errors, "%s'only' specified builder '%s' not found", prefix,
				   only->v[i]);
	for (size_t i = 0; i < except->len; i++)
		if (!map_has(&v->names, except->v[i]))
			strv_pushf(v->errors, "%s'except' specified builder '%s' not found", prefix,
				   except->v[i]);
}

static void check_step(struct validator *v, const struct config_provisioner *p, size_t number)
{
	AUTO_FREE char *prefix = xasprintf("provisioner %zu: ", number);

	check_selection(v, prefix, &p->only, &p->except);
	for (size_t i = 0; p->override && i < value_len(p->override); i++)
		if (!map_has(&v->names, value_key_at(p->override, i)))
			strv_pushf(v->errors, "%soverride '%s' doesn't exist", prefix,
				   value_key_at(p->override, i));
}

void legacy_validate(struct legacy_loader *ll, struct strv *errors)
{
	struct validator v = { .names = MAP_INIT(NULL), .errors = errors };

	if (!ll->built.len)
		strv_push(errors, "at least one builder must be defined");
	for (size_t i = 0; i < ll->built.len; i++)
		map_set(&v.names, ll->built.items[i].name, ll);
	for (size_t i = 0; i < ll->steps.len; i++)
		check_step(&v, &ll->steps.items[i].pub, i + 1);
	for (size_t i = 0; i < ll->chains.len; i++) {
		const struct config_chain *chain = &ll->chains.items[i];

		for (size_t j = 0; j < chain->len; j++) {
			AUTO_FREE char *prefix =
				xasprintf("post-processor %zu.%zu: ", i + 1, j + 1);

			check_selection(&v, prefix, &chain->items[j].only, &chain->items[j].except);
		}
	}
	map_release(&v.names);
}

const struct body *legacy_builder_body(struct legacy_loader *ll, const struct legacy_builder *b)
{
	return options_of(ll, b->node, builder_keys);
}
