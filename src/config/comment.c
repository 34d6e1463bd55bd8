/* SPDX-License-Identifier: Apache-2.0 */
#include "config/comment.h"

#include "base/strbuf.h"
#include "base/utf8.h"

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

void comment_complain(const struct comment *c, struct str word, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct range at = place_of(c, word);
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	diags_warning(c->l->diags, &at, "Comment for ingot not understood", "%s", sb.buf);
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

static void take_line(const struct comment *c, comment_word_fn take, void *data)
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
			take(c, (struct str){ p, len }, data);
		at += len + 1;
	}
}

static bool is_blank(struct str s)
{
	return str_trim(s).len == 0;
}

/* Does it begin its line? In JSON it cannot: a quote is before it. */
static bool has_own_line(struct range header)
{
	struct str line = source_line(header.source, header.start.line);
	size_t before = (size_t)(header.source->text + header.start.byte - line.p);
	return before <= line.len && is_blank((struct str){ line.p, before }) &&
	       before < line.len && line.p[before] != '"' && line.p[before] != '{' &&
	       line.p[before] != '[';
}

void comment_read(struct loader *l, struct range at, comment_word_fn word, void *data)
{
	struct comment c = { .l = l, .source = at.source };
	if (!at.source || at.source->origin || !has_own_line(at))
		return;
	int first = at.start.line;
	while (first > 1 && comment_text(source_line(c.source, first - 1)).len > 0)
		first--;
	for (c.line = first; c.line < at.start.line; c.line++)
		take_line(&c, word, data);
}
