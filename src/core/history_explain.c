/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which step of now is which of then, and what differs. Steps are paired like lines of two texts:
 * in order, so that the pairs are alike as much as they can be. Only two of the same type make a
 * pair.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "core/history_steps.h"

#include <stdlib.h>
#include <string.h>

enum {
	MARK = 8, /* digits of a line */
	/* how much alike two steps are */
	ALIKE_TYPE = 10,
	ALIKE_NAME = 40, /* both have it */
	ALIKE_INPUTS = 80,
	ALIKE_EQUAL = 200,
};

const char *const history_change_names[] = { "none",   "not-run", "new",     "moved",  "input",
					     "failed", "before",  "removed", "program" };
static_assert(ARRAY_LEN(history_change_names) == CHANGE_KIND_COUNT, "names must match the enum");

/* ---- pairs ------------------------------------------------------------------------------ */

/* The k-th that has this name, before `end`. */
static size_t count_named(const struct key_inputs *v, const char *name, size_t end)
{
	size_t n = 0;

	for (size_t i = 0; i < end; i++)
		n += !strcmp(v->items[i].name, name);
	return n;
}

/* A name may be there more than once: the same occurrence. */
static const struct key_input *find_input(const struct key_inputs *v, const struct key_inputs *of,
					  size_t at)
{
	const char *name = of->items[at].name;
	size_t nth;

	/* mostly they are in the same place */
	if (at < v->len && !strcmp(v->items[at].name, name))
		return &v->items[at];
	nth = count_named(of, name, at);
	for (size_t i = 0; i < v->len; i++)
		if (!strcmp(v->items[i].name, name) && nth-- == 0)
			return &v->items[i];
	return NULL;
}

bool history_inputs_equal(const struct key_inputs *a, const struct key_inputs *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
		    strcmp(a->items[i].digest, b->items[i].digest) != 0)
			return false;
	return true;
}

static int alike_inputs(const struct key_inputs *a, const struct key_inputs *b)
{
	size_t shared = 0, all = MAX(a->len, b->len);

	for (size_t i = 0; i < MIN(a->len, b->len); i++)
		if (!strcmp(a->items[i].name, b->items[i].name))
			shared += 1 + !strcmp(a->items[i].digest, b->items[i].digest);
	return all ? (int)(ALIKE_INPUTS * shared / (2 * all)) : 0;
}

/* 0: they are two different steps. */
static int alike(const struct history_step *a, const struct history_step *b)
{
	bool equal = history_inputs_equal(&a->inputs, &b->inputs);

	if (a->kind != b->kind || strcmp(a->type, b->type) != 0)
		return 0;
	if (a->kind != HISTORY_STEP && a->kind != HISTORY_POST)
		return ALIKE_EQUAL;
	if (a->name && b->name && strcmp(a->name, b->name) != 0 && !equal)
		return 0;
	return ALIKE_TYPE + (a->name && text_eq(a->name, b->name) ? ALIKE_NAME : 0) +
	       (equal ? ALIKE_EQUAL : alike_inputs(&a->inputs, &b->inputs));
}

/* best[i][k]: of what comes from now[i] and then[k] on. */
void history_match(struct history *h)
{
	size_t n = h->now.len, m = h->then.len, w = m + 1;
	AUTO_FREE int *best = NULL;

	if (h->is_matched)
		return;
	best = xcalloc((n + 1) * w, sizeof(*best));
	for (size_t i = n; i-- > 0;)
		for (size_t k = m; k-- > 0;) {
			int pair = alike(&h->now.items[i], &h->then.items[k]);
			int skip = MAX(best[(i + 1) * w + k], best[i * w + k + 1]);

			best[i * w + k] = pair ? MAX(skip, pair + best[(i + 1) * w + k + 1]) : skip;
		}
	for (size_t i = 0, k = 0; i < n; i++) {
		h->now.items[i].last = NULL;
		while (k < m && best[i * w + k] == best[i * w + k + 1])
			k++;
		if (k < m && best[i * w + k] > best[(i + 1) * w + k])
			h->now.items[i].last = &h->then.items[k++];
	}
	h->is_matched = true;
}

/* ---- what differs ------------------------------------------------------------------------- */

static void add_range(struct strbuf *sb, size_t from, size_t count)
{
	if (count == 1)
		strbuf_addf(sb, ": line %zu", from);
	else
		strbuf_addf(sb, ": lines %zu-%zu", from, from + count - 1);
}

/* The first line that differs, 0 when none does or that cannot be known. */
static size_t add_lines(struct strbuf *sb, const char *then, const char *now)
{
	size_t n = now ? strlen(now) / MARK : 0, m = then ? strlen(then) / MARK : 0;
	size_t head = 0, tail = 0, max = MIN(n, m);

	if (!n || !m || (n == 1 && m == 1)) /* that is known without its number */
		return 0;
	while (head < max && !memcmp(now + head * MARK, then + head * MARK, MARK))
		head++;
	while (tail < max - head &&
	       !memcmp(now + (n - tail - 1) * MARK, then + (m - tail - 1) * MARK, MARK))
		tail++;
	if (n == head + tail && m == head + tail)
		return 0;
	if (n == head + tail) {
		add_range(sb, head + 1, m - head - tail);
		strbuf_addstr(sb, " removed");
	} else {
		add_range(sb, head + 1, n - head - tail);
		if (m == head + tail)
			strbuf_addstr(sb, " added");
	}
	return head + 1;
}

/* The first input that differs in full, the rest as a number. */
static void explain_inputs(const struct history_step *s, struct history_change *ret)
{
	const struct key_inputs *now = &s->inputs, *then = &s->last->inputs;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	size_t differ = 0;

	for (size_t i = 0; i < now->len; i++) {
		const struct key_input *a = &now->items[i], *b = find_input(then, now, i);

		if (b && !strcmp(a->digest, b->digest))
			continue;
		if (differ++)
			continue;
		strbuf_addf(&sb, "%s %s", a->name, b ? "changed" : "was added");
		if (b)
			ret->line = add_lines(&sb, b->lines, a->lines);
	}
	for (size_t i = 0; i < then->len; i++)
		if (!find_input(now, then, i) && !differ++)
			strbuf_addf(&sb, "%s was removed", then->items[i].name);
	if (!differ) /* the order */
		strbuf_addstr(&sb, "the order of its inputs changed");
	if (differ > 1)
		strbuf_addf(&sb, " (and %zu more)", differ - 1);
	ret->kind = CHANGE_INPUT;
	ret->text = strbuf_detach(&sb);
}

static bool is_paired(const struct history *h, const struct history_step *then)
{
	for (size_t i = 0; i < h->now.len; i++)
		if (h->now.items[i].last == then)
			return true;
	return false;
}

/* Two without a partner, which would be one if they stood elsewhere. */
static bool is_moved(const struct history *h, const struct history_step *now,
		     const struct history_step *then)
{
	return now->kind == then->kind && !strcmp(now->type, then->type) && now->inputs.len &&
	       history_inputs_equal(&now->inputs, &then->inputs) && !now->last &&
	       !is_paired(h, then);
}

static void explain_new(const struct history *h, const struct history_step *s,
			struct history_change *ret)
{
	ret->kind = CHANGE_NEW;
	ret->text = xstrdup(s->kind == HISTORY_POST ? "new post-processor" : "new step");
	for (size_t i = 0; i < h->then.len; i++) {
		const struct history_step *t = &h->then.items[i];

		if (!is_moved(h, s, t))
			continue;
		free(ret->text);
		ret->kind = CHANGE_MOVED;
		ret->text = xasprintf("moved: it was step %zu", t->index + 1);
		return;
	}
}

/* What comes before `s` in its way from the start to the artifact or to the end of its chain. */
static bool comes_before(const struct history_step *a, const struct history_step *s)
{
	if (a->kind == HISTORY_CONNECT)
		return false;
	if (s->kind == HISTORY_POST && a->kind == HISTORY_POST)
		return a->chain == s->chain && a->index < s->index;
	return a->kind < s->kind || (a->kind == s->kind && a->index < s->index);
}

static void name_step(struct strbuf *sb, const struct history_step *s)
{
	switch (s->kind) {
	case HISTORY_START:
		strbuf_addstr(sb, "start");
		return;
	case HISTORY_CONNECT:
		strbuf_addstr(sb, "connect");
		return;
	case HISTORY_STEP:
		strbuf_addf(sb, "step %zu", s->index + 1);
		return;
	case HISTORY_FINISH:
		strbuf_addstr(sb, "finish");
		return;
	case HISTORY_POST:
		strbuf_addf(sb, "post-processor %zu", s->index + 1);
		return;
	case HISTORY_KIND_COUNT:
		break;
	}
}

/* Says that `then`, which was before it, is no longer. */
static void explain_gone(const struct history *h, const struct history_step *then,
			 struct history_change *ret)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	bool moved = false;

	for (size_t i = 0; i < h->now.len; i++)
		moved |= is_moved(h, &h->now.items[i], then);
	name_step(&sb, then);
	strbuf_addf(&sb, " (%s%s%s) was %s", then->type, then->name ? " " : "",
		    then->name ? then->name : "", moved ? "moved behind it" : "removed before it");
	ret->kind = CHANGE_REMOVED;
	ret->text = strbuf_detach(&sb);
}

static bool explain_before(const struct history *h, const struct history_step *s,
			   struct history_change *ret)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < h->now.len; i++) {
		const struct history_step *a = &h->now.items[i];

		if (!comes_before(a, s) ||
		    (a->last &&
		     (!a->last->is_noted || history_inputs_equal(&a->inputs, &a->last->inputs))))
			continue;
		ret->kind = CHANGE_BEFORE;
		ret->cause_kind = a->kind;
		ret->cause_index = a->index;
		strbuf_addstr(&sb, "after ");
		name_step(&sb, a);
		ret->text = strbuf_detach(&sb);
		return true;
	}
	for (size_t i = 0; i < h->then.len; i++) {
		const struct history_step *t = &h->then.items[i];

		if (t->kind != HISTORY_STEP || !comes_before(t, s->last) || is_paired(h, t))
			continue;
		explain_gone(h, t, ret);
		return true;
	}
	return false;
}

void history_explain(struct history *h, enum history_kind kind, size_t i,
		     struct history_change *ret)
{
	const struct history_step *s = history_find(h, kind, i);

	*ret = (struct history_change){ 0 };
	history_match(h);
	if (!h->then.len || (s->last && !s->last->key && !s->last->ran)) {
		ret->kind = CHANGE_NOT_RUN;
		ret->text = xstrdup("not run yet");
	} else if (!s->last) {
		explain_new(h, s, ret);
	} else if (s->is_noted && s->last->is_noted &&
		   !history_inputs_equal(&s->inputs, &s->last->inputs)) {
		explain_inputs(s, ret);
	} else if (s->key && s->last->key && strcmp(s->key, s->last->key) != 0 &&
		   !explain_before(h, s, ret) && !text_eq(h->version, INGOT_VERSION)) {
		ret->kind = CHANGE_PROGRAM;
		ret->text = xasprintf("ingot %s ran it, this is %s", h->version, INGOT_VERSION);
	}
	if (ret->kind == CHANGE_NONE && s->last && s->last->failed) {
		ret->kind = CHANGE_FAILED;
		ret->text = xstrdup("failed last time");
	}
}

void history_change_release(struct history_change *c)
{
	free(TAKE(c->text));
}

/* ---- times --------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int64_t history_duration(struct history *h, enum history_kind kind, size_t i)
{
	const struct history_step *s = history_find(h, kind, i);
	int64_t sorted[HISTORY_RUNS];
	size_t n;

	history_match(h);
	if (!s->last || !s->last->duration_count)
		return -1;
	n = s->last->duration_count;
	memcpy(sorted, s->last->durations, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_value);
	return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

int64_t history_ran(struct history *h, enum history_kind kind, size_t i)
{
	const struct history_step *s = history_find(h, kind, i);

	history_match(h);
	return s->last ? s->last->ran : 0;
}
