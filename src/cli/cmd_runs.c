/* SPDX-License-Identifier: Apache-2.0 */
/* runs: what builds have left on record (core/records.h): list, show, rm. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "cli/command.h"
#include "core/records.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_SHOWN = 8, JSON_FORM = JSON_INDENT(1) | JSON_REAL_PRECISION(6) };

struct runs_args {
	bool json, all;
};

static const struct option_spec runs_options[] = {
	OPT_BOOL(struct runs_args, all, "all", "With rm: all records."),
	OPT_BOOL(struct runs_args, json, "json", "Print JSON."),
	OPT_END,
};

/* ---- texts --------------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "-";
}

/* Three digits or so: 4ms, 1.2s, 1m5s. */
static char *format_seconds(const json_t *o)
{
	struct strbuf sb = STRBUF_INIT;
	double seconds = json_number_value(json_object_get(o, "seconds"));
	int64_t ns = (int64_t)(seconds * (double)NSEC_PER_SEC);
	int64_t unit = ns < NSEC_PER_SEC        ? NSEC_PER_MSEC
		       : ns < 60 * NSEC_PER_SEC ? NSEC_PER_SEC / 10
						: NSEC_PER_SEC;

	duration_format(&sb, (ns + unit / 2) / unit * unit);
	return strbuf_detach(&sb);
}

/* As a shell would take it. */
static void add_word(struct strbuf *sb, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_=+./:,@%";

	strbuf_addch(sb, ' ');
	if (*word && strspn(word, plain) == strlen(word)) {
		strbuf_addstr(sb, word);
		return;
	}
	strbuf_addch(sb, '\'');
	for (; *word; word++)
		if (*word == '\'')
			strbuf_addstr(sb, "'\\''");
		else
			strbuf_addch(sb, *word);
	strbuf_addch(sb, '\'');
}

static void add_indented(struct strbuf *sb, const char *text, const char *indent)
{
	for (struct str rest = str_of(text), line; rest.len;) {
		line = str_split(rest, '\n', &rest);
		strbuf_addf(sb, "%s%.*s\n", indent, STR_FMT(line));
	}
}

static void print_json(json_t *o)
{
	json_dumpf(o, stdout, JSON_FORM);
	putchar('\n');
	json_decref(o);
}

/* ---- list ------------------------------------------------------------------------------ */

static int list_runs(struct command_ctx *ctx, const struct record_list *list, bool json)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	json_t *all = json_array();

	strbuf_addf(&sb, "%-*s  %-19s  %-11s  %8s  %s\n", ID_SHOWN, "RUN", "STARTED", "RESULT",
		    "TIME", "TEMPLATE");
	for (size_t i = 0; i < list->len; i++) {
		const struct record_entry *e = &list->items[i];
		json_t *run = record_read(e, false);
		AUTO_FREE char *when = command_time(record_wall(e));
		AUTO_FREE char *took = format_seconds(run);

		strbuf_addf(&sb, "%.*s  %s  %-11s  %8s  %s\n", ID_SHOWN, e->id, when,
			    text_of(run, "result"), took, text_of(run, "template"));
		json_object_del(run, "builds");
		json_object_del(run, "errors");
		json_array_append_new(all, run);
	}
	strbuf_rtrim(&sb);
	if (json)
		print_json(json_incref(all));
	else
		command_say(ctx, "%s", list->len ? sb.buf : "No runs are on record.");
	json_decref(all);
	return EXIT_OK;
}

/* ---- show ------------------------------------------------------------------------------ */

static void add_facts(struct strbuf *sb, const struct record_entry *entry, const json_t *run)
{
	AUTO_FREE char *when = command_time(record_wall(entry));
	AUTO_FREE char *took = format_seconds(run);
	json_t *arguments = json_object_get(run, "arguments");

	strbuf_addf(sb, "Run %s\n", entry->id);
	strbuf_addf(sb, "  result     %s after %s\n", text_of(run, "result"), took);
	strbuf_addf(sb, "  started    %s\n", when);
	strbuf_addf(sb, "  template   %s\n", text_of(run, "template"));
	strbuf_addf(sb, "  directory  %s\n", text_of(run, "directory"));
	if (arguments)
		strbuf_addstr(sb, "  command    ingot build");
	for (size_t i = 0; i < json_array_size(arguments); i++)
		add_word(sb, json_string_value(json_array_get(arguments, i)));
	strbuf_addf(sb, "%s  version    %s\n", arguments ? "\n" : "", text_of(run, "version"));
	strbuf_addf(sb, "  record     %s\n", entry->dir);
}

static void add_build(struct strbuf *sb, const json_t *build)
{
	json_t *steps = json_object_get(build, "steps");
	json_t *artifacts = json_object_get(build, "artifacts");
	json_t *evidence = json_object_get(build, "evidence");
	json_t *error = json_object_get(build, "error");

	strbuf_addf(sb, "\nBuild '%s' %s", text_of(build, "name"), text_of(build, "status"));
	if (json_object_get(build, "seconds")) {
		AUTO_FREE char *took = format_seconds(build);

		strbuf_addf(sb, " after %s", took);
	}
	strbuf_addch(sb, '\n');
	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i), *ok = json_object_get(step, "ok");
		AUTO_FREE char *took = ok ? format_seconds(step) : xstrdup("");

		strbuf_addf(sb, "  %8s  %s%s\n", took, text_of(step, "name"),
			    !ok                 ? " (not ended)"
			    : json_is_false(ok) ? " (failed)"
						: "");
	}
	for (size_t i = 0; i < json_array_size(artifacts); i++)
		strbuf_addf(sb, "  --> %s\n", text_of(json_array_get(artifacts, i), "text"));
	if (error) {
		strbuf_addf(sb, "  Error: %s\n", text_of(error, "message"));
		add_indented(sb, json_string_value(json_object_get(error, "hint")), "    ");
	}
	for (size_t i = 0; i < json_array_size(evidence); i++)
		strbuf_addf(sb, "%s    %s\n", i ? "" : "  Kept of the machine:\n",
			    json_string_value(json_array_get(evidence, i)));
}

static int show_run(struct command_ctx *ctx, const struct record_entry *entry, bool json)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	json_t *run = record_read(entry, true);
	json_t *builds = json_object_get(run, "builds"), *errors = json_object_get(run, "errors");

	if (json) {
		print_json(run);
		return EXIT_OK;
	}
	add_facts(&sb, entry, run);
	for (size_t i = 0; i < json_array_size(errors); i++) {
		strbuf_addch(&sb, '\n');
		add_indented(&sb, json_string_value(json_array_get(errors, i)), "  ");
	}
	for (size_t i = 0; i < json_array_size(builds); i++)
		add_build(&sb, json_array_get(builds, i));
	strbuf_rtrim(&sb);
	command_say(ctx, "%s", sb.buf);
	json_decref(run);
	return EXIT_OK;
}

/* ---- rm -------------------------------------------------------------------------------- */

static int fail(struct command_ctx *ctx, struct error *e)
{
	command_print_error(ctx, e);
	error_free(e);
	return EXIT_ERROR;
}

static int remove_all(struct command_ctx *ctx, const struct record_list *list)
{
	size_t removed = 0, kept = 0;
	int r = EXIT_OK;

	for (size_t i = 0; i < list->len; i++) {
		struct error *e = NULL;

		if (record_remove(&list->items[i], &e) == 0) {
			removed++;
		} else if (e->kind == ERROR_EXISTS) {
			error_ignore(&e, "all means those that can be");
			kept++;
		} else {
			r = fail(ctx, e);
		}
	}
	command_say(ctx, "Removed %zu record%s.", removed, removed == 1 ? "" : "s");
	if (kept)
		command_say(ctx, "Kept those of runs in progress: %zu.", kept);
	return r;
}

/* All names are understood, or nothing is removed. */
static int remove_some(struct command_ctx *ctx, const struct record_list *list,
		       const struct strv *ids)
{
	VEC_DECLARE(, const struct record_entry *) found = { 0 };
	struct error *e = NULL;
	int r = EXIT_OK;

	for (size_t i = 0; i < ids->len && !e; i++)
		if (records_find(list, ids->v[i], vec_push(&found), &e) < 0)
			break;
	for (size_t i = 0; i < found.len && !e; i++)
		if (record_remove(found.items[i], &e) < 0)
			break;
	if (e)
		r = fail(ctx, e);
	vec_release(&found);
	return r;
}

/* ---- the command ------------------------------------------------------------------------ */

static int wrong_usage(struct command_ctx *ctx, const char *what)
{
	struct error *e = NULL;

	error_set(&e, ERROR_INVALID, "%s", what);
	return command_usage_error(ctx, e);
}

static int act(struct command_ctx *ctx, const struct runs_args *args, const char *verb,
	       const struct strv *ids)
{
	AUTO(record_list) struct record_list list = { 0 };
	const struct record_entry *entry = NULL;
	bool removes = text_eq(verb, "rm");
	struct error *e = NULL;

	if (verb && !removes && strcmp(verb, "show") != 0)
		return wrong_usage(ctx, "'runs' can 'show' and 'rm'");
	if (args->all && !removes)
		return wrong_usage(ctx, "-all is for 'rm'");
	if (removes && (ids->len > 0) == args->all)
		return wrong_usage(ctx, "'rm' needs the runs to remove, or -all");
	if (!removes && ids->len > 1)
		return wrong_usage(ctx, "'show' takes one run at a time");
	if (records_list(ctx->dirs.state, &list, &e) < 0)
		return fail(ctx, e);
	if (!verb)
		return list_runs(ctx, &list, args->json);
	if (removes)
		return args->all ? remove_all(ctx, &list) : remove_some(ctx, &list, ids);
	if (ids->len ? records_find(&list, ids->v[0], &entry, &e) < 0 : !list.len)
		return e ? fail(ctx, e)
			 : (command_error(ctx, "No runs are on record."), EXIT_ERROR);
	return show_run(ctx, entry ? entry : &list.items[0], args->json);
}

static int run(struct command_ctx *ctx)
{
	struct runs_args args = { 0 };
	AUTO(strv) struct strv ids = STRV_INIT;
	const char *verb = NULL;
	struct error *e = NULL;

	/* Flags may stand anywhere. */
	for (int i = 0, first; i < ctx->argc; i++) {
		if (options_parse(runs_options, ctx->argc - i, ctx->argv + i, &args, &first, &e) <
		    0)
			return command_usage_error(ctx, e);
		i += first;
		if (i >= ctx->argc)
			break;
		if (verb)
			strv_push(&ids, ctx->argv[i]);
		else
			verb = ctx->argv[i];
	}
	return act(ctx, &args, verb, &ids);
}

const struct command command_runs = {
	.name = "runs",
	.synopsis = "show what builds have left on record",
	.usage = "[options] [show [RUN] | rm RUN... | rm -all]",
	.doc = "Each run of 'build' leaves a record: its events, what was run and how it went,\n"
	       "and of guests whose build failed the console, the screen and the emulator's\n"
	       "words. Without more this lists them, newest first; 'show' tells of one (of the\n"
	       "newest, if none is named), 'rm' removes some. RUN is an id or its beginning.\n"
	       "\n"
	       "The newest 50 stay, at most 200 MiB of them; INGOT_RUNS_KEEP=N is another\n"
	       "number, 0 means that nothing is recorded. The record of a run in progress is\n"
	       "never removed.",
	.options = runs_options,
	.run = run,
};
