/* SPDX-License-Identifier: Apache-2.0 */
/* cache: the store of finished steps (cache/store.h): list, measure, remove, carry to another host. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "cache/parcel.h"
#include "cli/cache_args.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "core/away_image.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/signals.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SHOWN = 12, JSON_FORM = JSON_INDENT(1) };

struct cache_args {
	bool json, all, without_base;
	const char *older_than, *max_size, *output;
	struct strv words; /* after the verb */
};

static const struct option_spec cache_options[] = {
	OPT_BOOL(struct cache_args, all, "all", "With rm: all steps."),
	OPT_BOOL(struct cache_args, json, "json", "With ls and du: print JSON."),
	OPT_STRING(struct cache_args, max_size, "max-size", "SIZE",
		   "With prune: leave at most so much."),
	OPT_STRING(struct cache_args, output, "o", "FILE", "With export: the file to write."),
	OPT_STRING(struct cache_args, older_than, "older-than", "TIME",
		   "With prune: what was last used longer ago."),
	OPT_BOOL(struct cache_args, without_base, "without-base",
		 "With export: leave out the base disk."),
	OPT_END,
};

static int fail(struct command_ctx *ctx, struct error *e)
{
	command_print_error(ctx, e);
	error_free(e);
	return EXIT_ERROR;
}

static void print_json(json_t *o)
{
	json_dumpf(o, stdout, JSON_FORM);
	putchar('\n');
	json_decref(o);
}

static char *size_text(int64_t bytes)
{
	struct strbuf sb = STRBUF_INIT;

	format_bytes(&sb, (double)bytes);
	return strbuf_detach(&sb);
}

/* ---- ls ---------------------------------------------------------------------------------- */

/* In the largest unit that is full: 5s, 12m, 3h, 4d. */
static char *age_text(int64_t ns)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	int64_t seconds = MAX(ns, INT64_C(0)) / NSEC_PER_SEC;
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && seconds < units[i].seconds)
		i++;
	return xasprintf("%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "-";
}

static int64_t number_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static void set_time(json_t *o, const char *name)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	clock_format_utc(&text, number_of(o, name));
	json_object_set_new(o, name, json_string(text.buf));
}

/* For other programs: what the store needs for itself is left out. */
static void tidy(json_t *step)
{
	json_object_del(step, "format");
	json_object_del(step, "files");
	json_object_del(step, "layers");
	json_object_del(step, "base");
	set_time(step, "made");
	set_time(step, "used");
}

/* By build, in the order of its steps. */
static int compare_steps(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int r = strcmp(text_of(x, "build"), text_of(y, "build"));
	int64_t left, right;

	for (size_t i = 0; !r && i < 2; i++) {
		left = number_of(x, i ? "made" : "index");
		right = number_of(y, i ? "made" : "index");
		r = left < right ? -1 : left > right;
	}
	return r;
}

static void add_row(struct strbuf *sb, const json_t *step, int64_t now)
{
	AUTO_FREE char *age = age_text(now - number_of(step, "made"));
	AUTO_FREE char *used = age_text(now - number_of(step, "used"));
	AUTO_FREE char *size = size_text(number_of(step, "bytes"));

	strbuf_addf(sb, "%-*.*s  %5s  %5s  %9s  %-20s  %s\n", KEY_SHOWN, KEY_SHOWN,
		    text_of(step, "key"), age, used, size, text_of(step, "build"),
		    text_of(step, "step"));
}

static int list_steps(struct command_ctx *ctx, struct store *s, const struct cache_args *args)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(strv) struct strv keys = STRV_INIT;
	VEC_DECLARE(, json_t *) steps = { 0 };
	json_t *all = json_array();
	struct error *e = NULL;

	if (s && store_list(s, &keys, &e) < 0) {
		json_decref(all);
		return fail(ctx, e);
	}
	strbuf_addf(&sb, "%-*s  %5s  %5s  %9s  %-20s  %s\n", KEY_SHOWN, "KEY", "AGE", "USED",
		    "SIZE", "BUILD", "STEP");
	for (size_t i = 0; i < keys.len; i++) {
		json_t *step = store_peek(s, keys.v[i]);

		if (step) /* else removed meanwhile */
			*vec_push(&steps) = step;
	}
	if (steps.len)
		qsort(steps.items, steps.len, sizeof(json_t *), compare_steps);
	for (size_t i = 0; i < steps.len; i++) {
		add_row(&sb, steps.items[i], ctx->start_time);
		tidy(steps.items[i]);
		json_array_append_new(all, steps.items[i]);
	}
	strbuf_rtrim(&sb);
	if (args->json)
		print_json(json_incref(all));
	else
		command_say(ctx, "%s", steps.len ? sb.buf : "No steps are kept.");
	json_decref(all);
	vec_release(&steps);
	return EXIT_OK;
}

/* ---- du ---------------------------------------------------------------------------------- */

static int measure(struct command_ctx *ctx, struct store *s, const struct cache_args *args)
{
	struct store_usage u = { 0 };
	struct error *e = NULL;

	if (!s && !args->json) {
		command_say(ctx, "No steps are kept.");
		return EXIT_OK;
	}
	if (s && store_usage(s, &u, &e) < 0)
		return fail(ctx, e);
	if (args->json) {
		print_json(json_pack("{s:s?, s:I, s:I, s:I, s:I}", "directory",
				     s ? store_dir(s) : NULL, "bytes", (json_int_t)u.bytes, "max",
				     (json_int_t)u.max, "steps", (json_int_t)u.entries, "layers",
				     (json_int_t)u.layers));
		return EXIT_OK;
	}

	AUTO_FREE char *size = size_text(u.bytes), *max = size_text(u.max);

	command_say(ctx, "%zu step%s with %zu disk layer%s: %s of at most %s, in %s", u.entries,
		    u.entries == 1 ? "" : "s", u.layers, u.layers == 1 ? "" : "s", size, max,
		    store_dir(s));
	return EXIT_OK;
}

/* ---- rm, prune ----------------------------------------------------------------------------- */

static int find_key(const struct strv *keys, const char *prefix, const char **ret,
		    struct error **err)
{
	const char *found = NULL;

	for (size_t i = 0; i < keys->len && *prefix; i++) {
		if (!text_starts_with(keys->v[i], prefix))
			continue;
		if (found) {
			error_set(err, ERROR_INVALID, "several steps begin with '%s'", prefix);
			return error_hint(err, "two of them are %s and %s", found, keys->v[i]);
		}
		found = keys->v[i];
	}
	if (!found) {
		error_set(err, ERROR_NOT_FOUND, "no step '%s' is kept", prefix);
		return error_hint(err, "'ingot cache ls' lists them");
	}
	*ret = found;
	return 0;
}

/* Those of steps that were removed now, and what could not be removed before. */
static void remove_images(struct command_ctx *ctx, struct store *s)
{
	AUTO(interrupt) struct interrupt i = INTERRUPT_INIT;
	AUTO(error) struct error *e = NULL;
	size_t left;

	if (!store_gone_count(s))
		return;
	if (interrupt_open(&i, &e) < 0) {
		error_ignore(&e, "the next call removes them");
		return;
	}
	left = away_images_remove(s, i.cancel);
	if (left)
		command_error(
			ctx,
			"warning: %zu image%s of removed steps cannot be removed now: %s in use, "
			"or the container engine is not to be reached; later builds try again",
			left, left == 1 ? "" : "s", left == 1 ? "it is" : "they are");
}

/* Removed and freed by store_collect(). */
static int collect(struct command_ctx *ctx, struct store *s, int64_t before, int64_t max)
{
	struct store_usage was, is;
	struct error *e = NULL;
	int removed;

	if (store_usage(s, &was, &e) < 0 || store_collect(s, before, max, &removed, &e) < 0 ||
	    store_usage(s, &is, &e) < 0)
		return fail(ctx, e);

	AUTO_FREE char *freed = size_text(MAX(was.bytes - is.bytes, INT64_C(0)));

	remove_images(ctx, s);
	command_say(ctx, "Removed %d step%s, %s.", removed, removed == 1 ? "" : "s", freed);
	if (is.entries && before == INT64_MAX)
		command_say(ctx, "Kept those that are in use: %zu.", is.entries);
	return EXIT_OK;
}

/* All names are understood, or nothing is removed. */
static int remove_steps(struct command_ctx *ctx, struct store *s, const struct cache_args *args)
{
	AUTO(strv) struct strv keys = STRV_INIT, found = STRV_INIT;
	struct error *e = NULL;

	if (args->all && s)
		return collect(ctx, s, INT64_MAX, 0);
	if (args->all) {
		command_say(ctx, "No steps are kept.");
		return EXIT_OK;
	}
	if (s && store_list(s, &keys, &e) < 0)
		return fail(ctx, e);
	for (size_t i = 0; i < args->words.len; i++) {
		const char *key;

		if (find_key(&keys, args->words.v[i], &key, &e) < 0)
			return fail(ctx, e);
		if (!strv_contains(&found, key))
			strv_push(&found, key);
	}
	for (size_t i = 0; i < found.len; i++)
		if (store_remove(s, found.v[i], &e) < 0)
			return fail(ctx, e);
	if (s)
		remove_images(ctx, s);
	return EXIT_OK;
}

static int prune(struct command_ctx *ctx, struct store *s, const struct cache_args *args)
{
	int64_t age = 0, max = INT64_MAX, before = 0;
	struct error *e = NULL;

	if (args->older_than && duration_parse_age(args->older_than, &age, &e) < 0) {
		error_prefix(&e, "-older-than");
		return command_usage_error(ctx, e);
	}
	if (args->max_size && cache_parse_size(args->max_size, &max, &e) < 0) {
		error_prefix(&e, "-max-size");
		return command_usage_error(ctx, e);
	}
	if (!s) {
		command_say(ctx, "No steps are kept.");
		return EXIT_OK;
	}
	if (args->older_than)
		before = MAX(ctx->start_time - age, INT64_C(0));
	if (!args->max_size && !args->older_than) {
		struct store_usage u;

		if (store_usage(s, &u, &e) < 0)
			return fail(ctx, e);
		max = u.max;
	}
	return collect(ctx, s, before, max);
}

/* ---- export, import ------------------------------------------------------------------------ */

static int export_held(struct store *s, const struct cache_args *args, const char *path,
		       struct cancel *c, struct error **err)
{
	AUTO(store_entry) struct store_entry *entry = NULL;
	AUTO(strv) struct strv keys = STRV_INIT;
	const char *key;

	if ((s && store_list(s, &keys, err) < 0) ||
	    find_key(&keys, args->words.v[0], &key, err) < 0 ||
	    store_get(s, key, c, &entry, err) < 0)
		return -1;
	if (store_export(s, entry, !args->without_base, path, c, err) < 0)
		return error_prefix(err, "cannot export the step '%.*s'", KEY_SHOWN, key);
	return 0;
}

static int carry(struct command_ctx *ctx, struct store *s, const struct cache_args *args, bool out)
{
	const char *file = out ? args->output : args->words.v[0];
	AUTO_FREE char *path = path_absolute(ctx->cwd, file), *key = NULL;
	AUTO(interrupt) struct interrupt i = INTERRUPT_INIT;
	struct error *e = NULL;
	int r;

	if (interrupt_open(&i, &e) < 0)
		return fail(ctx, e);
	r = out ? export_held(s, args, path, i.cancel, &e)
		: store_import(s, path, i.cancel, &key, &e);
	if (r < 0)
		return fail(ctx, e);
	if (!out)
		command_say(ctx, "Imported the step %.*s.", KEY_SHOWN, key);
	return EXIT_OK;
}

static int export_step(struct command_ctx *ctx, struct store *s, const struct cache_args *args)
{
	return carry(ctx, s, args, true);
}

static int import_step(struct command_ctx *ctx, struct store *s, const struct cache_args *args)
{
	return carry(ctx, s, args, false);
}

/* ---- the command --------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	int (*run)(struct command_ctx *ctx, struct store *s, const struct cache_args *args);
	size_t words_min, words_max;
	const char *options; /* names, each with a space behind it */
	const char *usage;   /* what is said when the words are wrong */
} verbs[] = {
	{ "du", measure, 0, 0, "json ", "'du' takes no arguments" },
	{ "export", export_step, 1, 1, "o without-base ", "'export' needs one step, and -o FILE" },
	{ "import", import_step, 1, 1, "", "'import' needs one file" },
	{ "ls", list_steps, 0, 0, "json ", "'ls' takes no arguments" },
	{ "prune", prune, 0, 0, "older-than max-size ", "'prune' takes no arguments" },
	{ "rm", remove_steps, 0, SIZE_MAX, "all ", "'rm' needs the steps to remove, or -all" },
};

static int wrong_usage(struct command_ctx *ctx, const char *what)
{
	struct error *e = NULL;

	error_set(&e, ERROR_INVALID, "%s", what);
	return command_usage_error(ctx, e);
}

/* The first option that is for another verb; NULL: there is none. */
static const char *misplaced(const struct verb *verb, const struct cache_args *args)
{
	const struct {
		const char *name;
		bool given;
	} options[] = {
		{ "all ", args->all },
		{ "json ", args->json },
		{ "max-size ", args->max_size },
		{ "o ", args->output },
		{ "older-than ", args->older_than },
		{ "without-base ", args->without_base },
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].given && !strstr(verb->options, options[i].name))
			return options[i].name;
	return NULL;
}

static int act(struct command_ctx *ctx, const char *name, const struct cache_args *args)
{
	AUTO(store) struct store *s = NULL;
	const struct verb *verb = NULL;
	const char *option;
	struct error *e = NULL;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			verb = &verbs[i];
	if (!verb)
		return wrong_usage(ctx,
				   "'cache' can 'ls', 'du', 'rm', 'prune', 'export' and 'import'");
	option = misplaced(verb, args);
	if (option) {
		error_set(&e, ERROR_INVALID, "-%.*s is not for '%s'", (int)strlen(option) - 1,
			  option, name);
		return command_usage_error(ctx, e);
	}
	if (args->words.len < verb->words_min || args->words.len > verb->words_max ||
	    (verb->run == remove_steps && (args->words.len > 0) == args->all) ||
	    (verb->run == export_step && !args->output))
		return wrong_usage(ctx, verb->usage);
	if ((verb->run == import_step ? cache_open : cache_open_existing)(ctx, &s, &e) < 0)
		return fail(ctx, e);
	return verb->run(ctx, s, args);
}

static int run(struct command_ctx *ctx)
{
	struct cache_args args = { .words = STRV_INIT };
	const char *verb = "ls";
	struct error *e = NULL;
	bool named = false;
	int r;

	/* Flags may stand anywhere. */
	for (int i = 0, first; i < ctx->argc; i++) {
		if (options_parse(cache_options, ctx->argc - i, ctx->argv + i, &args, &first, &e) <
		    0) {
			strv_release(&args.words);
			return command_usage_error(ctx, e);
		}
		i += first;
		if (i >= ctx->argc)
			break;
		if (named)
			strv_push(&args.words, ctx->argv[i]);
		else
			verb = ctx->argv[i];
		named = true;
	}
	r = act(ctx, verb, &args);
	strv_release(&args.words);
	return r;
}

const struct command command_cache = {
	.name = "cache",
	.synopsis = "look after the finished steps that are kept",
	.usage = "[options] [ls|du|prune|rm KEY...|export KEY|import FILE]",
	.doc = "A build keeps the state of its machine after each step, so that the next one\n"
	       "continues from there. Losing what is kept costs time only.\n"
	       "\n"
	       "ls      what is kept, build by build (also without a word)\n"
	       "du      how much room it takes\n"
	       "rm      removes some steps, or all; KEY is a key of 'ls' or its beginning\n"
	       "prune   removes what nothing needs, what is old, or what is too much\n"
	       "export  writes one step, with the disks below it, to a file for another host\n"
	       "import  takes such a file in\n"
	       "\n"
	       "Steps that a build is using are never removed. INGOT_CACHE_SIZE=30G is how\n"
	       "much room there is in all (20 GiB or a tenth of the disk if that is less): the\n"
	       "least recently used make way. INGOT_CACHE_TTL=24h is how old a step may be to\n"
	       "be used again (7d).",
	.options = cache_options,
	.run = run,
};
