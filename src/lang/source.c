/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/source.h"

#include "base/alloc.h"
#include "lang/lexer.h"

#include <string.h>

struct owned_source {
	struct source source; /* first: what callers hold */
	char *name, *text;
};

struct sources {
	VEC_DECLARE(, struct owned_source *) list;
};

struct sources *sources_new(void)
{
	return NEW(struct sources);
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->list.len; i++) {
		free(s->list.items[i]->name);
		free(s->list.items[i]->text);
		free(s->list.items[i]);
	}
	vec_release(&s->list);
	free(s);
}

const struct source *sources_add(struct sources *s, const char *name, const char *text, size_t len)
{
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	struct owned_source *o = NEW(struct owned_source);
	o->name = xstrdup(name);
	o->text = xmalloc(len + 1);
	if (len)
		memcpy(o->text, text, len);
	o->text[len] = '\0';
	o->source = (struct source){ .name = o->name, .text = o->text, .len = len };
	*vec_push(&s->list) = o;
	return &o->source;
}

static struct pos original_place(const struct source *src, size_t at)
{
	const struct source_origin *o = src->origin;
	size_t low = 0, high = o->len;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (o->turns[middle].at <= at)
			low = middle;
		else
			high = middle;
	}

	const struct source_turn *t = &o->turns[low];

	return t->is_atom ? t->place : pos_advance(t->place, src->text + t->at, at - t->at);
}

struct range source_range(const struct source *src, struct pos start, struct pos end)
{
	if (!src->origin)
		return (struct range){ src, start, end };
	return (struct range){
		src->origin->source,
		original_place(src, start.byte),
		original_place(src, end.byte),
	};
}

struct range range_between(struct range a, struct range b)
{
	return (struct range){ .source = a.source, .start = a.start, .end = b.end };
}

struct str range_text(struct range r)
{
	if (!r.source || r.end.byte <= r.start.byte || r.end.byte > r.source->len)
		return (struct str){ "", 0 };
	return (struct str){ r.source->text + r.start.byte, r.end.byte - r.start.byte };
}

void range_format(struct strbuf *sb, struct range r)
{
	strbuf_addf(sb, "%s:%d,%d-", r.source ? r.source->name : "", r.start.line, r.start.column);
	if (r.end.line != r.start.line)
		strbuf_addf(sb, "%d,", r.end.line);
	strbuf_addf(sb, "%d", r.end.column);
}

struct str source_line(const struct source *s, int line)
{
	const char *p = s->text, *end = s->text + s->len;
	for (int n = 1; n < line; n++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return (struct str){ "", 0 };
		p++;
	}
	const char *stop = memchr(p, '\n', (size_t)(end - p));
	if (!stop)
		stop = end;
	if (stop > p && stop[-1] == '\r')
		stop--;
	return (struct str){ p, (size_t)(stop - p) };
}
