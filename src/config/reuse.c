/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the state after a step is kept and reused, said in its block: by arguments, or by a comment
 * that other tools do not see, on the lines right above it:
 *
 *   # ingot: cache=false cache_ttl=24h cache_inputs=site.yml,vars.yml
 *   provisioner "shell" {
 */
#include "base/duration.h"
#include "base/utf8.h"
#include "base/vec.h"
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

struct comment {
	struct loader *l;
	const struct source *source;
	int line; /* of the words in work */
	struct config_provisioner *p;
};

/* Where a piece of the line in work stands. */
static struct range place_of(const struct comment *c, struct str word)
{
	struct str line = source_line(c->source, c->line);
	struct range r = { .source = c->source };
	r.start.line = r.end.line = c->line;
	r.start.byte = (size_t)(word.p - c->source->text);
	r.end.byte = r.start.byte + word.len;
	r.start.column = 1 + (int)utf8_grapheme_count(line.p, (size_t)(word.p - line.p));
	r.end.column = r.start.column + (int)utf8_grapheme_count(word.p, word.len);
	return r;
}

PRINTF(3, 4)
static void complain(const struct comment *c, struct str word, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct range at = place_of(c, word);
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	diags_warning(c->l->diags, &at, "Comment for ingot not understood", "%s", sb.buf);
}

static void take_cache(struct comment *c, struct str word, struct str value)
{
	if (str_is(value, "true"))
		c->p->cache = TRIBOOL_TRUE;
	else if (str_is(value, "false"))
		c->p->cache = TRIBOOL_FALSE;
	else
		complain(c, word, "cache is true or false, not \"%.*s\".", STR_FMT(value));
}

static void take_ttl(struct comment *c, struct str word, struct str value)
{
	AUTO_FREE char *text = str_dup(value);
	AUTO(error) struct error *e = NULL;
	if (config_cache_ttl(text, c->p, &e) < 0)
		complain(c, word, "cache_ttl: %s.", e->message);
}

/* Separated by commas that do not stand in braces. */
static void take_inputs(struct comment *c, struct str value)
{
	struct arena *arena = c->l->arena;
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
	c->p->cache_inputs = keep_patterns(arena, list.items, list.len);
	vec_release(&list);
}

static void take_word(struct comment *c, struct str word)
{
	struct str value, name = str_split(word, '=', &value);
	if (name.len == word.len)
		complain(c, word, "NAME=VALUE is expected, not \"%.*s\".", STR_FMT(word));
	else if (str_is(name, "cache"))
		take_cache(c, word, value);
	else if (str_is(name, "cache_ttl"))
		take_ttl(c, word, value);
	else if (str_is(name, "cache_inputs"))
		take_inputs(c, value);
	else
		complain(c, word,
			 "\"%.*s\" is not known; there are cache, cache_ttl and cache_inputs.",
			 STR_FMT(name));
}

/* The text of a comment that fills its line; an empty piece if the line is another one. */
static struct str comment_text(struct str line)
{
	line = str_trim(line);
	size_t mark = str_starts_with(line, STR("#"))    ? 1
		      : str_starts_with(line, STR("//")) ? 2
							 : 0;
	if (!mark)
		return (struct str){ "", 0 };
	return (struct str){ line.p + mark, line.len - mark };
}

static void take_line(struct comment *c)
{
	struct str text = str_trim(comment_text(source_line(c->source, c->line)));
	if (!str_starts_with(text, STR("ingot:")))
		return;
	size_t end = (size_t)(text.p - c->source->text) + text.len;
	for (size_t at = end - text.len + strlen("ingot:"); at < end;) {
		const char *p = c->source->text + at;
		size_t len = strcspn(p, " \t\r\n");
		if (at + len > end)
			len = end - at;
		if (len)
			take_word(c, (struct str){ p, len });
		at += len + 1;
	}
}

static bool is_blank(struct str s)
{
	return str_trim(s).len == 0;
}

/* Does the block begin its line? In JSON it cannot: a quote is before it. */
static bool has_own_line(struct range header)
{
	struct str line = source_line(header.source, header.start.line);
	size_t before = (size_t)(header.source->text + header.start.byte - line.p);
	return before <= line.len && is_blank((struct str){ line.p, before }) &&
	       before < line.len && line.p[before] != '"' && line.p[before] != '{' &&
	       line.p[before] != '[';
}

static void read_comment(struct loader *l, struct range header, struct config_provisioner *p)
{
	struct comment c = { .l = l, .source = header.source, .p = p };
	if (!header.source || header.source->origin || !has_own_line(header))
		return;
	int first = header.start.line;
	while (first > 1 && comment_text(source_line(c.source, first - 1)).len > 0)
		first--;
	for (c.line = first; c.line < header.start.line; c.line++)
		take_line(&c);
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
	read_comment(l, b->header, p);
	if (read_bool(l, content_attr(c, "cache"), scope, &cache))
		p->cache = cache ? TRIBOOL_TRUE : TRIBOOL_FALSE;
	read_ttl(l, content_attr(c, "cache_ttl"), scope, p);
	if (read_texts(l, content_attr(c, "cache_inputs"), scope, &inputs))
		p->cache_inputs = keep_patterns(l->arena, inputs.v, inputs.len);
}
