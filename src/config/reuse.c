/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the state after a step is kept and reused, said in its block: by arguments, or by a comment
 * that other tools do not see, on the lines right above it:
 *
 *   # ingot: cache=false cache_ttl=24h cache_inputs=site.yml,vars.yml
 *   provisioner "shell" {
 */
#include "base/duration.h"
#include "base/vec.h"
#include "config/comment.h"
#include "config/loader.h"
#include "eval/eval.h"

VEC_DECLARE(pattern_list, const char *);

int config_cache_ttl(const char *text, struct config_provisioner *p, struct error **err)
{
	if (duration_parse_age(text, &p->cache_ttl, err) < 0)
		return -1;
	if (p->cache_ttl == 0)
		p->cache_ttl = 1; /* nothing is that young; 0 means that nothing is said */
	return 0;
}

static const struct text_list *keep_patterns(struct arena *arena, const char *const *v, size_t len)
{
	struct text_list *list = ARENA_NEW(arena, struct text_list);
	const char **copy = ARENA_ARRAY(arena, const char *, len + 1);
	for (size_t i = 0; i < len; i++)
		copy[i] = v[i];
	*list = (struct text_list){ copy, len };
	return list;
}

/* ---- the comment ------------------------------------------------------------------------------ */

static void take_cache(const struct comment *c, struct config_provisioner *p, struct str word,
		       struct str value)
{
	if (str_is(value, "true"))
		p->cache = TRIBOOL_TRUE;
	else if (str_is(value, "false"))
		p->cache = TRIBOOL_FALSE;
	else
		comment_complain(c, word, "cache is true or false, not \"%.*s\".", STR_FMT(value));
}

static void take_ttl(const struct comment *c, struct config_provisioner *p, struct str word,
		     struct str value)
{
	AUTO_FREE char *text = str_dup(value);
	AUTO(error) struct error *e = NULL;
	if (config_cache_ttl(text, p, &e) < 0)
		comment_complain(c, word, "cache_ttl: %s.", e->message);
}

/* Separated by commas that do not stand in braces. */
static void take_inputs(struct arena *arena, struct config_provisioner *p, struct str value)
{
	struct pattern_list list = { 0 };
	int depth = 0;
	size_t start = 0;
	for (size_t i = 0; i <= value.len; i++) {
		char ch = i < value.len ? value.p[i] : ',';
		depth += ch == '{' ? 1 : ch == '}' ? -1 : 0;
		if (ch != ',' || (depth > 0 && i < value.len))
			continue;
		if (i > start)
			*vec_push(&list) = arena_strndup(arena, value.p + start, i - start);
		start = i + 1;
	}
	p->cache_inputs = keep_patterns(arena, list.items, list.len);
	vec_release(&list);
}

static void take_word(const struct comment *c, struct str word, void *data)
{
	struct config_provisioner *p = data;
	struct str value, name = str_split(word, '=', &value);
	if (name.len == word.len)
		comment_complain(c, word, "NAME=VALUE is expected, not \"%.*s\".", STR_FMT(word));
	else if (str_is(name, "cache"))
		take_cache(c, p, word, value);
	else if (str_is(name, "cache_ttl"))
		take_ttl(c, p, word, value);
	else if (str_is(name, "cache_inputs"))
		take_inputs(c->l->arena, p, value);
	else
		comment_complain(
			c, word,
			"\"%.*s\" is not known; there are cache, cache_ttl and cache_inputs.",
			STR_FMT(name));
}

/* ---- arguments --------------------------------------------------------------------------------- */

static void read_ttl(struct loader *l, const struct attribute *a, const struct scope *scope,
		     struct config_provisioner *p)
{
	const char *text = read_text(l, a, scope);
	AUTO(error) struct error *e = NULL;
	if (text && config_cache_ttl(text, p, &e) < 0)
		diags_error(l->diags, &a->expr->range, "Failed to parse cache_ttl", "%s",
			    e->message);
}

void read_reuse(struct loader *l, const struct block *b, const struct content *c,
		const struct scope *scope, struct config_provisioner *p)
{
	struct text_list inputs = { 0 };
	bool cache = false;
	comment_read(l, b->header, take_word, p);
	if (read_bool(l, content_attr(c, "cache"), scope, &cache))
		p->cache = cache ? TRIBOOL_TRUE : TRIBOOL_FALSE;
	read_ttl(l, content_attr(c, "cache_ttl"), scope, p);
	if (read_texts(l, content_attr(c, "cache_inputs"), scope, &inputs))
		p->cache_inputs = keep_patterns(l->arena, inputs.v, inputs.len);
}
