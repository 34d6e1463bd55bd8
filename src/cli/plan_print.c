/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_print.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/output.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, TYPE_WIDTH_MAX = 40 };
enum { BOLD = 1, RED = 31, GREEN = 32, YELLOW = 33, CYAN = 36 };

STRING_TABLE(cause, PREVIEW_CAUSE_COUNT, "none", "change", "asked", "expired", "never", "before",
	     "not-kept", "no-states", "artifact", "together", "off");

static const char *const kind_names[] = { "start", "connect", "provisioner", "finish",
					  "post-processor" };
static_assert(ARRAY_LEN(kind_names) == HISTORY_KIND_COUNT, "names must match the enum");

/* ---- pieces --------------------------------------------------------------------------- */

static int64_t seconds_of(int64_t ns)
{
	return (ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
}

/* Two digits or so: 0.2s, 42s, 1m20s, 1h05m. */
static void add_took(struct strbuf *sb, int64_t ns)
{
	long long s = seconds_of(ns);

	if (ns < NSEC_PER_SEC / 20)
		strbuf_addstr(sb, "<0.1s");
	else if (ns < 10 * NSEC_PER_SEC)
		strbuf_addf(sb, "%.1fs", (double)ns / (double)NSEC_PER_SEC);
	else if (s < MINUTE)
		strbuf_addf(sb, "%llds", s);
	else if (s < HOUR)
		strbuf_addf(sb, "%lldm%02llds", s / MINUTE, s % MINUTE);
	else
		strbuf_addf(sb, "%lldh%02lldm", s / HOUR, s % HOUR / MINUTE);
}

static void add_age(struct strbuf *sb, int64_t then, int64_t now)
{
	long long s = seconds_of(MAX(now - then, INT64_C(0)));

	if (s < 2 * MINUTE)
		strbuf_addf(sb, "%llds ago", s);
	else if (s < 2 * HOUR)
		strbuf_addf(sb, "%lldm ago", s / MINUTE);
	else if (s < 2 * DAY)
		strbuf_addf(sb, "%lldh ago", s / HOUR);
	else
		strbuf_addf(sb, "%lldd ago", s / DAY);
}

struct counts {
	size_t run, shared, reused, done_builds;
	int64_t duration;
	bool is_guess;
};

static struct counts count(const struct preview *p)
{
	struct counts c = { 0 };

	for (size_t i = 0; i < p->len; i++) {
		const struct preview_build *b = &p->builds[i];

		c.done_builds += b->done;
		c.duration += b->duration;
		c.is_guess |= b->is_guess;
		for (size_t k = 0; k < b->steps.len; k++) {
			enum preview_action a = b->steps.items[k].action;

			c.run += a == PREVIEW_RUN;
			c.shared += a == PREVIEW_SHARE;
			c.reused += (a == PREVIEW_REUSE || a == PREVIEW_DONE) && !b->done;
		}
	}
	return c;
}

/* ---- for people ------------------------------------------------------------------------- */

static void add_colored(struct strbuf *sb, const struct plan_style *style, int color,
			const char *text, size_t width)
{
	size_t len = utf8_width(text, strlen(text));

	if (style->color && color)
		strbuf_addf(sb, "\033[%dm%s\033[0m", color, text);
	else
		strbuf_addstr(sb, text);
	strbuf_addchars(sb, ' ', width > len ? width - len : 0);
}

static char *label_of(const struct preview_step *s)
{
	if (s->kind == HISTORY_START || s->kind == HISTORY_FINISH)
		return xasprintf("%s", kind_names[s->kind]);
	return s->name && strcmp(s->name, s->type) != 0 ? xasprintf("%s %s", s->type, s->name)
							: xstrdup(s->type);
}

static size_t label_width(const struct preview_build *b)
{
	size_t width = 0;

	for (size_t i = 0; i < b->steps.len; i++) {
		AUTO_FREE char *label = label_of(&b->steps.items[i]);

		width = MAX(width, utf8_width(label, strlen(label)));
	}
	return MIN(width, (size_t)TYPE_WIDTH_MAX);
}

static void add_row(struct strbuf *sb, const struct preview_step *s, size_t width,
		    const struct plan_style *style)
{
	static const int colors[] = { YELLOW, CYAN, GREEN, GREEN };
	AUTO_FREE char *label = label_of(s);
	AUTO(strbuf) struct strbuf took = STRBUF_INIT, why = STRBUF_INIT;

	if (s->kind == HISTORY_STEP)
		strbuf_addf(sb, "  %3zu  ", s->number);
	else
		strbuf_addstr(sb, "       ");
	add_colored(sb, style, 0, label, width + 2);
	add_colored(sb, style, colors[s->action], preview_action_names[s->action],
		    strlen("up-to-date") + 1);
	if (s->action == PREVIEW_RUN && s->duration >= 0)
		add_took(&took, s->duration);
	else if (s->action == PREVIEW_RUN)
		strbuf_addstr(&took, "?");
	strbuf_addf(sb, "%6s  ", took.buf);
	if (s->action == PREVIEW_SHARE)
		strbuf_addf(&why, "with %s, run once", s->with);
	else if (s->action == PREVIEW_RUN)
		strbuf_addstr(&why, s->reason ? s->reason : "");
	else if (s->ran)
		add_age(&why, s->ran, style->now);
	strbuf_addstr(sb, why.buf);
	strbuf_rtrim(sb);
	strbuf_addch(sb, '\n');
}

static const struct preview_step *last_shared(const struct preview_build *b)
{
	const struct preview_step *last = NULL;

	for (size_t i = 0; i < b->steps.len; i++)
		if (b->steps.items[i].action == PREVIEW_SHARE)
			last = &b->steps.items[i];
	return last;
}

static void add_heading(struct strbuf *sb, const struct preview_build *b,
			const struct plan_style *style)
{
	const struct preview_step *last = last_shared(b);
	AUTO(strbuf) struct strbuf age = STRBUF_INIT;

	add_colored(sb, style, BOLD, b->name, 0);
	if (b->made)
		add_age(&age, b->made, style->now);
	if (b->done)
		strbuf_addf(sb, ": up to date, made %s", age.buf);
	else if (b->built)
		strbuf_addf(sb, ": the image is up to date, made %s; post-processors run", age.buf);
	else if (last && last->number)
		strbuf_addf(sb, ": goes on after step %zu of %s", last->number, last->with);
	else if (last)
		strbuf_addf(sb, ": goes on from the started machine of %s", last->with);
	else if (b->begin > 1)
		strbuf_addf(sb, ": goes on after step %zu, kept %s", b->begin - 1, age.buf);
	else if (b->begin)
		strbuf_addf(sb, ": goes on from the started machine, kept %s", age.buf);
	else
		strbuf_addstr(sb, ": runs from the start");
	strbuf_addch(sb, '\n');
	if (b->problem)
		strbuf_addf(sb, "  nothing can be reused: %s\n", b->problem);
}

static void add_estimate(struct strbuf *sb, const struct counts *c)
{
	if (c->is_guess && !c->duration) {
		strbuf_addstr(sb, "; how long is not known yet");
		return;
	}
	if (c->duration < NSEC_PER_SEC / 20) {
		strbuf_addstr(sb, "; less than 0.1s");
		return;
	}
	strbuf_addstr(sb, c->is_guess ? "; at least " : "; about ");
	add_took(sb, c->duration);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

void plan_text(struct strbuf *sb, const struct preview *p, const struct plan_style *style)
{
	struct counts c = count(p);

	for (size_t i = 0; i < p->len; i++) {
		const struct preview_build *b = &p->builds[i];
		size_t width = label_width(b);

		add_heading(sb, b, style);
		for (size_t k = 0; k < b->steps.len; k++)
			add_row(sb, &b->steps.items[k], width, style);
		strbuf_addch(sb, '\n');
	}
	if (c.done_builds == p->len) {
		strbuf_addf(sb, "Nothing to do: %s up to date.",
			    p->len == 1 ? "the build is" : "all builds are");
		return;
	}
	add_colored(sb, style, BOLD, "Plan:", 0);
	strbuf_addf(sb, " %zu step%s to run, ", c.run, plural(c.run));
	if (c.shared)
		strbuf_addf(sb, "%zu shared, ", c.shared);
	strbuf_addf(sb, "%zu to reuse", c.reused);
	if (c.done_builds)
		strbuf_addf(sb, ", %zu build%s up to date", c.done_builds, plural(c.done_builds));
	add_estimate(sb, &c);
	strbuf_addch(sb, '.');
}

/* ---- for programs ------------------------------------------------------------------------- */

static void set_text(json_t *o, const char *name, const char *text)
{
	json_object_set_new(o, name, text ? json_string(text) : json_null());
}

static void set_seconds(json_t *o, const char *name, int64_t ns)
{
	json_object_set_new(o, name,
			    ns < 0 ? json_null() : json_real((double)ns / (double)NSEC_PER_SEC));
}

static void set_age(json_t *o, const char *name, int64_t then, int64_t now)
{
	json_object_set_new(o, name,
			    then ? json_integer(seconds_of(MAX(now - then, INT64_C(0))))
				 : json_null());
}

static const char *cause_of(const struct preview_step *s)
{
	return s->cause == CAUSE_CHANGE ? history_change_names[s->change.kind]
					: cause_names[s->cause];
}

static json_t *step_json(const struct preview_step *s, int64_t now)
{
	json_t *o = json_object();

	set_text(o, "kind", kind_names[s->kind]);
	json_object_set_new(o, "number",
			    s->number ? json_integer((json_int_t)s->number) : json_null());
	set_text(o, "type", s->type);
	set_text(o, "name", s->name);
	set_text(o, "action", preview_action_names[s->action]);
	set_text(o, "cause", s->action == PREVIEW_RUN ? cause_of(s) : NULL);
	set_text(o, "reason", s->action == PREVIEW_RUN ? s->reason : NULL);
	json_object_set_new(o, "line",
			    s->cause == CAUSE_CHANGE && s->change.line
				    ? json_integer((json_int_t)s->change.line)
				    : json_null());
	set_text(o, "with", s->with);
	set_text(o, "never", s->never);
	set_age(o, "age", s->ran, now);
	set_seconds(o, "seconds", s->duration);
	return o;
}

static json_t *build_json(const struct preview_build *b, int64_t now)
{
	json_t *o = json_object(), *steps = json_array();

	set_text(o, "name", b->name);
	set_text(o, "action",
		 b->done    ? "none"
		 : b->built ? "post-process"
		 : b->begin ? "resume"
			    : "build");
	set_age(o, "age", b->made, now);
	set_text(o, "problem", b->problem);
	set_seconds(o, "seconds", b->duration);
	json_object_set_new(o, "complete", json_boolean(!b->is_guess));
	for (size_t i = 0; i < b->steps.len; i++)
		json_array_append_new(steps, step_json(&b->steps.items[i], now));
	json_object_set_new(o, "steps", steps);
	return o;
}

json_t *plan_json(const struct preview *p, const char *template_path, int64_t now)
{
	struct counts c = count(p);
	json_t *o = json_object(), *builds = json_array();

	json_object_set_new(o, "format", json_integer(1));
	set_text(o, "template", template_path);
	json_object_set_new(o, "work", json_boolean(c.done_builds < p->len));
	json_object_set_new(o, "run", json_integer((json_int_t)c.run));
	json_object_set_new(o, "share", json_integer((json_int_t)c.shared));
	json_object_set_new(o, "reuse", json_integer((json_int_t)c.reused));
	set_seconds(o, "seconds", c.duration);
	json_object_set_new(o, "complete", json_boolean(!c.is_guess));
	for (size_t i = 0; i < p->len; i++)
		json_array_append_new(builds, build_json(&p->builds[i], now));
	json_object_set_new(o, "builds", builds);
	return o;
}

static void machine_step(const struct preview_build *b, const struct preview_step *s, int64_t now)
{
	char number[24] = "", seconds[24] = "";

	if (s->number)
		(void)snprintf(number, sizeof(number), "%zu", s->number);
	if (s->duration >= 0)
		(void)snprintf(seconds, sizeof(seconds), "%.3f",
			       (double)s->duration / (double)NSEC_PER_SEC);
	machine_line(stdout, now, b->name, "plan-step",
		     (const char *const[]){ kind_names[s->kind], number, s->type,
					    s->name ? s->name : "", preview_action_names[s->action],
					    s->action == PREVIEW_RUN ? cause_of(s) : "",
					    s->action == PREVIEW_SHARE              ? s->with
					    : s->action == PREVIEW_RUN && s->reason ? s->reason
										    : "",
					    seconds, NULL });
}

void plan_machine(const struct preview *p, int64_t now)
{
	struct counts c = count(p);
	char run[24], reuse[24], seconds[24];

	for (size_t i = 0; i < p->len; i++)
		for (size_t k = 0; k < p->builds[i].steps.len; k++)
			machine_step(&p->builds[i], &p->builds[i].steps.items[k], now);
	(void)snprintf(run, sizeof(run), "%zu", c.run);
	(void)snprintf(reuse, sizeof(reuse), "%zu", c.reused);
	(void)snprintf(seconds, sizeof(seconds), "%.3f", (double)c.duration / (double)NSEC_PER_SEC);
	machine_line(stdout, now, NULL, "plan",
		     (const char *const[]){ c.done_builds < p->len ? "work" : "none", run, reuse,
					    seconds, NULL });
}
