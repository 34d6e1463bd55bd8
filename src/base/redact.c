/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All occurrences of all secrets are found in the original text first; then
 * each stretch that is covered by overlapping ones is replaced as a whole. So
 * the order of registration does not matter, no tail of an overlapped secret
 * survives, and a secret cannot match inside a replacement.
 */
#include "base/redact.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/str.h"
#include "base/vec.h"

#include <pthread.h>
#include <string.h>

/*
 * Encoded forms of shorter texts are so short that they occur by chance: the
 * unpadded base64 of "1" is "MQ".
 */
enum { ENCODED_MIN = 4 };

static const char replacement[] = "<sensitive>";

struct form {
	char *text;
	size_t len;
};
VEC_DECLARE(form_list, struct form);

struct span {
	size_t start, end;
};
VEC_DECLARE(span_list, struct span);

struct redactor {
	pthread_mutex_t lock; /* guards forms */
	struct form_list forms;
};

void secret_wipe(void *p, size_t len)
{
	if (len)
		explicit_bzero(p, len);
}

void secret_free(char *s)
{
	if (s)
		secret_wipe(s, strlen(s));
	free(s);
}

struct redactor *redactor_new(void)
{
	struct redactor *r = NEW(struct redactor);

	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void redactor_free(struct redactor *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->forms.len; i++) {
		secret_wipe(r->forms.items[i].text, r->forms.items[i].len);
		free(r->forms.items[i].text);
	}
	vec_release(&r->forms);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void add_form_locked(struct redactor *r, const char *text, size_t len)
{
	if (!len)
		return;
	for (size_t i = 0; i < r->forms.len; i++) {
		struct form *f = &r->forms.items[i];

		if (f->len == len && !memcmp(f->text, text, len))
			return;
	}
	*vec_push(&r->forms) = (struct form){ xmemdup(text, len), len };
}

/* `"` and `\` stand behind a backslash in quoted texts, in texts quoted twice again. */
static void add_quoted_locked(struct redactor *r, struct str text)
{
	enum { TIMES = 2, GROWTH = 10 }; /* a rune of four bytes can become \U00012345 */
	struct strbuf forms[TIMES] = { STRBUF_INIT, STRBUF_INIT };

	for (int i = 0; i < TIMES; i++) {
		strbuf_reserve(&forms[i], text.len * GROWTH + 3); /* never moves */
		encode_go_quoted(&forms[i], text.p, text.len);
		text = (struct str){ forms[i].buf + 1, forms[i].len - 2 };
		add_form_locked(r, text.p, text.len);
	}
	for (int i = 0; i < TIMES; i++) {
		secret_wipe(forms[i].buf, forms[i].len);
		strbuf_release(&forms[i]);
	}
}

/* Between the single quotes of a shell, in both ways to say one in them. */
static void add_shell_quoted_locked(struct redactor *r, struct str text)
{
	static const char *const quotes[] = { "'\"'\"'", "'\\''" };

	if (!text.len || !memchr(text.p, '\'', text.len))
		return;
	for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
		struct strbuf form = STRBUF_INIT;

		strbuf_reserve(&form, text.len * strlen(quotes[i]) + 1); /* never moves */
		for (size_t k = 0; k < text.len; k++)
			if (text.p[k] == '\'')
				strbuf_addstr(&form, quotes[i]);
			else
				strbuf_addch(&form, text.p[k]);
		add_form_locked(r, form.buf, form.len);
		secret_wipe(form.buf, form.len);
		strbuf_release(&form);
	}
}

static void add_lines_locked(struct redactor *r, struct str text)
{
	if (!memchr(text.p, '\n', text.len))
		return;
	while (text.len) {
		struct str tail;
		struct str line = str_split(text, '\n', &tail);

		text = tail;
		if (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		add_form_locked(r, line.p, line.len);
		add_quoted_locked(r, line);
	}
}

static void add_encoded_locked(struct redactor *r, struct str text)
{
	struct strbuf sb = STRBUF_INIT;

	if (text.len < ENCODED_MIN)
		return;
	strbuf_reserve(&sb, text.len * 3 + 4); /* never moves: no copy is left in the heap */
	encode_base64(&sb, text.p, text.len);
	for (int url_safe = 0; url_safe < 2; url_safe++) {
		struct str form = { sb.buf, sb.len };

		for (size_t i = 0; url_safe && i < sb.len; i++)
			sb.buf[i] = sb.buf[i] == '+' ? '-' : sb.buf[i] == '/' ? '_' : sb.buf[i];
		add_form_locked(r, form.p, form.len);
		while (form.p[form.len - 1] == '=')
			form.len--;
		add_form_locked(r, form.p, form.len);
	}
	secret_wipe(sb.buf, sb.len);
	strbuf_truncate(&sb, 0);
	encode_url_query(&sb, text.p, text.len);
	add_form_locked(r, sb.buf, sb.len);
	secret_wipe(sb.buf, sb.len);
	strbuf_release(&sb);
}

static void add_text_locked(struct redactor *r, struct str text)
{
	add_form_locked(r, text.p, text.len);
	add_quoted_locked(r, text);
	add_shell_quoted_locked(r, text);
	add_lines_locked(r, text);
	add_encoded_locked(r, text);
}

void redactor_add(struct redactor *r, const char *secret, size_t len)
{
	AUTO_FREE char *unix_text = xmalloc(len);
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (secret[i] != '\r' || i + 1 == len || secret[i + 1] != '\n')
			unix_text[n++] = secret[i];
	pthread_mutex_lock(&r->lock);
	add_text_locked(r, (struct str){ secret, len });
	if (n != len)
		add_text_locked(r, (struct str){ unix_text, n });
	pthread_mutex_unlock(&r->lock);
	secret_wipe(unix_text, n);
}

/* Appends where `f` occurs; overlapping occurrences give one span. */
static void find_form(struct span_list *spans, const struct strbuf *text, const struct form *f)
{
	const char *p = text->buf, *end = text->buf + text->len, *hit;
	size_t first = spans->len;

	while ((hit = memmem(p, (size_t)(end - p), f->text, f->len))) {
		size_t start = (size_t)(hit - text->buf);
		struct span *last = spans->len > first ? &spans->items[spans->len - 1] : NULL;

		if (last && start < last->end)
			last->end = start + f->len;
		else
			*vec_push(spans) = (struct span){ start, start + f->len };
		p = hit + 1;
	}
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void replace_spans(struct strbuf *text, struct span_list *spans)
{
	struct strbuf out = STRBUF_INIT_MAX(text->max);
	size_t done = 0;

	qsort(spans->items, spans->len, sizeof(*spans->items), compare_spans);
	for (size_t i = 0; i < spans->len;) {
		struct span s = spans->items[i];

		for (i++; i < spans->len && spans->items[i].start < s.end; i++)
			s.end = MAX(s.end, spans->items[i].end);
		strbuf_add(&out, text->buf + done, s.start - done);
		strbuf_addstr(&out, replacement);
		done = s.end;
	}
	strbuf_add(&out, text->buf + done, text->len - done);
	out.overflow |= text->overflow;
	secret_wipe(text->buf, text->len);
	strbuf_release(text);
	*text = out;
}

void redactor_filter(struct redactor *r, struct strbuf *text)
{
	struct span_list spans = { 0 };

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->forms.len; i++)
		find_form(&spans, text, &r->forms.items[i]);
	pthread_mutex_unlock(&r->lock);
	if (spans.len)
		replace_spans(text, &spans);
	vec_release(&spans);
}

bool redactor_has(struct redactor *r, const char *text, size_t len, const char *known)
{
	size_t known_len = known ? strlen(known) : 0;
	bool found = false;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->forms.len && !found; i++) {
		const struct form *f = &r->forms.items[i];

		if (f->len != known_len || memcmp(f->text, known, known_len) != 0)
			found = memmem(text, len, f->text, f->len) != NULL;
	}
	pthread_mutex_unlock(&r->lock);
	return found;
}

char *redactor_copy(struct redactor *r, const char *text)
{
	struct strbuf sb = STRBUF_INIT;

	if (!text)
		return NULL;
	strbuf_addstr(&sb, text);
	redactor_filter(r, &sb);
	return strbuf_detach(&sb);
}
