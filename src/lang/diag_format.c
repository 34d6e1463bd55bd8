/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics as text (language.md 9.1, 9.2). */
#include "base/strbuf.h"
#include "base/utf8.h"
#include "lang/diag.h"
#include "lang/outline.h"

#include <string.h>

/* Lines longer than this are shown as an excerpt around the subject. */
enum { LINE_SHOWN_MAX = 2000, LINES_SHOWN_MAX = 200 };

/* --- word wrap ---------------------------------------------------------- */

struct wrapper {
	struct strbuf *out;
	size_t width, column;
	struct str space, word; /* read but not written */
	size_t space_width, word_width;
};

static void wrap_flush(struct wrapper *w)
{
	if (w->word.len == 0)
		return;
	if (w->column + w->space_width + MIN(w->word_width, w->width - 1) > w->width) {
		strbuf_addch(w->out, '\n');
		w->column = 0;
	} else {
		strbuf_add(w->out, w->space.p, w->space.len);
		w->column += w->space_width;
	}
	strbuf_add(w->out, w->word.p, w->word.len);
	w->column += w->word_width;
	w->space = w->word = (struct str){ NULL, 0 };
	w->space_width = w->word_width = 0;
}

static void wrap_newline(struct wrapper *w)
{
	wrap_flush(w);
	if (w->column + w->space_width <= w->width)
		strbuf_add(w->out, w->space.p, w->space.len);
	strbuf_addch(w->out, '\n');
	w->column = 0;
	w->space = (struct str){ NULL, 0 };
	w->space_width = 0;
}

static void wrap(struct strbuf *out, const char *text, int width)
{
	struct wrapper w = { .out = out, .width = (size_t)width };

	for (const char *p = text; *p; p++) {
		if (*p == '\n') {
			wrap_newline(&w);
			continue;
		}
		if (*p == ' ' || *p == '\t') {
			if (w.word.len)
				wrap_flush(&w);
			if (w.space.len == 0)
				w.space.p = p;
			w.space.len++;
			w.space_width++;
			continue;
		}
		if (w.word.len == 0)
			w.word.p = p;
		w.word.len++;
		w.word_width += ((unsigned char)*p & 0xc0) != 0x80;
	}
	wrap_flush(&w);
	strbuf_add(out, w.space.p, w.space.len);
}

/* --- source lines ------------------------------------------------------- */

static size_t line_start(const struct source *src, size_t at)
{
	const char *nl = memrchr(src->text, '\n', at);

	return nl ? (size_t)(nl - src->text) + 1 : 0;
}

static size_t line_end(const struct source *src, size_t at)
{
	const char *nl = memchr(src->text + at, '\n', src->len - at);

	return nl ? (size_t)(nl - src->text) : src->len;
}

/* Source text for a terminal: control characters and what is not UTF-8 become U+FFFD. */
static void add_visible(struct strbuf *sb, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = utf8_decode(s + i, len - i, &cp);
		bool is_control = (cp < 0x20 && cp != '\t') || (cp >= 0x7f && cp < 0xa0);

		if (n && !is_control)
			strbuf_add(sb, s + i, n);
		else
			strbuf_addstr(sb, "\xef\xbf\xbd");
		i += MAX(n, 1u);
	}
}

static const char *severity_color(const struct diag *d)
{
	return d->severity == DIAG_ERROR ? "\033[31m" : "\033[33m";
}

/* Carets under the part of the subject that is in [from, end), on the line below `margin`. */
static void add_carets(struct strbuf *sb, const struct diag *d, const struct diag_style *style,
		       size_t from, size_t end, size_t margin)
{
	const char *text = d->subject.source->text;
	size_t start = d->subject.start.byte, stop = MIN(d->subject.end.byte, end);
	AUTO(strbuf) struct strbuf lead = STRBUF_INIT;
	AUTO(strbuf) struct strbuf marked = STRBUF_INIT;

	strbuf_addchars(sb, ' ', margin);
	add_visible(&lead, text + from, start - from);
	for (size_t i = 0, n; i < lead.len; i += n) {
		const char *p = lead.buf + i;

		n = *p == '\t' ? 1 : MAX(utf8_grapheme(p, lead.len - i), 1u);
		if (*p == '\t')
			strbuf_addch(sb, '\t');
		else
			strbuf_addchars(sb, ' ', utf8_width(p, n));
	}
	while (stop > start && strchr(" \t\r\n", text[stop - 1]))
		stop--;
	if (stop > start)
		add_visible(&marked, text + start, stop - start);
	if (style->color)
		strbuf_addstr(sb, severity_color(d));
	strbuf_addchars(sb, '^', MAX(utf8_width(marked.buf, marked.len), 1u));
	if (style->color)
		strbuf_addstr(sb, "\033[0m");
	strbuf_addch(sb, '\n');
}

static void add_line(struct strbuf *sb, const struct diag *d, const struct diag_style *style,
		     int number, size_t from)
{
	const struct source *src = d->subject.source;
	size_t end = line_end(src, from), subject = d->subject.start.byte;
	size_t first = from, last = end;

	if (end > from && src->text[end - 1] == '\r')
		last = --end;
	if (end - from > LINE_SHOWN_MAX) {
		bool here = subject >= from && subject < end;

		if (here && subject - from > LINE_SHOWN_MAX / 2)
			first = subject - LINE_SHOWN_MAX / 2;
		while (first > from && ((unsigned char)src->text[first] & 0xc0) == 0x80)
			first--;
		last = MIN(first + LINE_SHOWN_MAX, end);
		while (last > first && ((unsigned char)src->text[last] & 0xc0) == 0x80)
			last--;
	}

	size_t before = sb->len;

	strbuf_addf(sb, "%4d: ", number);

	size_t margin = sb->len - before;

	add_visible(sb, src->text + first, last - first);
	strbuf_addch(sb, '\n');
	if (style->caret && number == d->subject.start.line && subject >= first && subject <= last)
		add_carets(sb, d, style, first, last, margin);
}

static void add_snippet(struct strbuf *sb, const struct diag *d, const struct diag_style *style)
{
	const struct source *src = d->subject.source;
	struct range shown = d->subject;

	if (d->context.source == src) {
		if (d->context.start.byte < shown.start.byte)
			shown.start = d->context.start;
		if (d->context.end.byte > shown.end.byte)
			shown.end = d->context.end;
	}

	size_t at = line_start(src, MIN(shown.start.byte, src->len));
	int number = shown.start.line;

	for (int n = 0; n < LINES_SHOWN_MAX && at <= src->len; n++, number++) {
		size_t end = line_end(src, at);
		bool is_subject = number == d->subject.start.line;

		/* Packer shows a line that begins where the range ends, too. */
		if (at >= shown.end.byte + !style->caret && !is_subject)
			break;
		if (end > at || (is_subject && style->caret))
			add_line(sb, d, style, number, at);
		at = end + 1;
	}
}

static void add_location(struct strbuf *sb, const struct diag *d, const struct diag_style *style,
			 struct outline *outline)
{
	const struct source *src = d->subject.source;

	strbuf_addf(sb, "  on %s line %d", src->name, d->subject.start.line);
	if (d->no_snippet) {
		strbuf_addstr(sb, ":\n  (source code not available)\n\n");
		return;
	}
	outline_describe(outline, sb, src, d->subject.start.byte);
	strbuf_addstr(sb, ":\n");
	add_snippet(sb, d, style);
	strbuf_addch(sb, '\n');
}

/* Some of Packer's mistakes have no place, some no summary (language.md 9.1); people get both. */
static struct diag for_people(const struct diag *d, const struct diag_style *style)
{
	static char empty[1];
	struct diag copy = *d;

	if (style->caret && !copy.subject.source)
		copy.subject = copy.context;
	if (style->caret && !copy.summary[0]) {
		copy.summary = copy.detail;
		copy.detail = empty;
	}
	return copy;
}

static void format_one(struct strbuf *sb, const struct diag *given, const struct diag_style *style,
		       struct outline *outline)
{
	if (given->is_plain) {
		strbuf_addf(sb, "%s\n", given->detail);
		if (!given->subject.source || !style->caret)
			return;
		strbuf_addch(sb, '\n');
		add_location(sb, given, style, outline);
		return;
	}

	const struct diag copy = for_people(given, style), *d = &copy;
	const char *word = d->severity == DIAG_ERROR ? "Error" : "Warning";

	if (style->color)
		strbuf_addf(sb, "%s%s:\033[0m %s\n\n", severity_color(d), word, d->summary);
	else
		strbuf_addf(sb, "%s: %s\n\n", word, d->summary);
	if (d->subject.source) {
		add_location(sb, d, style, outline);
		if (d->values)
			strbuf_addf(sb, "%s\n\n", d->values);
	}
	if (d->detail[0]) {
		wrap(sb, d->detail, style->width);
		strbuf_addstr(sb, "\n\n");
	}
}

void diag_format(struct strbuf *sb, const struct diag *d, const struct diag_style *style)
{
	AUTO(outline) struct outline *outline = outline_new();

	format_one(sb, d, style, outline);
}

void diags_format(struct strbuf *sb, const struct diags *d, const struct diag_style *style)
{
	AUTO(outline) struct outline *outline = outline_new();

	for (size_t i = 0; i < d->len; i++)
		format_one(sb, &d->items[i], style, outline);
}
