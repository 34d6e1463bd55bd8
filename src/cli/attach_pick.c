/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attach_pick.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "core/records.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { ID_SHOWN = 8, STATES_MAX = 10000 };

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static int64_t number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

void attach_target_release(struct attach_target *t)
{
	free(t->run_id);
	free(t->build);
	free(t->failure);
	free(t->error);
	store_entry_free(t->entry);
	*t = (struct attach_target){ 0 };
}

/* ---- builds that left a machine ------------------------------------------------------------- */

static bool is_kept(const json_t *build)
{
	return text_of(build, "checkpoint") != NULL;
}

static size_t count_kept(const json_t *run)
{
	const json_t *builds = json_object_get(run, "builds");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(builds); i++)
		n += is_kept(json_array_get(builds, i));
	return n;
}

/* "step 2 (shell)", as the record has it. */
static char *describe_failure(const json_t *build)
{
	const json_t *steps = json_object_get(build, "steps");
	int64_t nr = number_of(build, "failed_step");
	const char *name = NULL;

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);

		if (json_is_false(json_object_get(step, "ok")))
			name = text_of(step, "name");
	}
	if (!name)
		return xasprintf("step %lld", (long long)nr);
	return xasprintf("step %lld (%s)", (long long)nr, name);
}

/* -on-error=abort, or somebody who was asked: that machine may still run. */
static bool may_be_left(const json_t *run)
{
	const json_t *arguments = json_object_get(run, "arguments");

	for (size_t i = 0; i < json_array_size(arguments); i++) {
		const char *arg = json_string_value(json_array_get(arguments, i));

		if (arg && strstr(arg, "on-error=") &&
		    (text_ends_with(arg, "=abort") || text_ends_with(arg, "=ask")))
			return true;
	}
	return false;
}

/* ---- which one -------------------------------------------------------------------------------- */

static int say_nothing(const json_t *run, struct error **err)
{
	const char *result = text_of(run, "result");
	bool failed = text_eq(result, "failed");

	error_set(err, ERROR_NOT_FOUND, "there is nothing to attach to: run %s %s",
		  text_of(run, "id"),
		  failed                           ? "kept no machine"
		  : text_eq(result, "succeeded")   ? "succeeded"
		  : text_eq(result, "interrupted") ? "was killed"
						   : "was cancelled");
	if (failed)
		error_hint(err,
			   "the machine is kept when a provisioner fails, by builders that can "
			   "(qemu), unless -no-cache is given");
	if (may_be_left(run))
		error_add_hint(err,
			       "what -on-error left of it may still be there: 'ingot runs show "
			       "%s' tells of it",
			       text_of(run, "id"));
	return -1;
}

static void list_kept(const json_t *run, struct strbuf *ret)
{
	const json_t *builds = json_object_get(run, "builds");

	for (size_t i = 0; i < json_array_size(builds); i++) {
		const json_t *b = json_array_get(builds, i);

		if (is_kept(b))
			strbuf_addf(ret, "%s-build=%s", ret->len ? ", " : "", text_of(b, "name"));
	}
}

static int say_which(const json_t *run, const char *wanted, struct error **err)
{
	AUTO(strbuf) struct strbuf list = STRBUF_INIT;

	list_kept(run, &list);
	if (wanted)
		error_set(err, ERROR_NOT_FOUND, "run %s kept no machine of a build '%s'",
			  text_of(run, "id"), wanted);
	else
		error_set(err, ERROR_INVALID, "several builds of run %s failed",
			  text_of(run, "id"));
	return error_hint(err, "%s %s", wanted ? "there is" : "choose one:", list.buf);
}

static const json_t *pick_build(const json_t *run, const char *wanted, struct error **err)
{
	const json_t *builds = json_object_get(run, "builds"), *found = NULL;
	size_t n = 0;

	if (!count_kept(run)) {
		say_nothing(run, err);
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(builds); i++) {
		const json_t *b = json_array_get(builds, i);

		if (!is_kept(b) || (wanted && !text_eq(text_of(b, "name"), wanted)))
			continue;
		found = b;
		n++;
	}
	if (n == 1)
		return found;
	say_which(run, wanted, err);
	return NULL;
}

static json_t *newest_kept(const struct record_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		json_t *run = record_read(&list->items[i], true);

		if (count_kept(run))
			return run;
		json_decref(run);
	}
	return NULL;
}

static int pick_run(const struct command_ctx *ctx, const char *id, json_t **ret, int64_t *ret_wall,
		    struct error **err)
{
	AUTO(record_list) struct record_list list = { 0 };
	const struct record_entry *entry;
	json_t *run;

	if (records_list(ctx->dirs.state, &list, err) < 0)
		return -1;
	run = id ? NULL : newest_kept(&list);
	if (!id && !run) {
		error_set(err, ERROR_NOT_FOUND,
			  "there is nothing to attach to: no run on record "
			  "kept the machine of a step that failed");
		return error_hint(err,
				  "builds of builders that can (qemu) keep it, unless -no-cache "
				  "is given");
	}
	if (records_find(&list, id ? id : text_of(run, "id"), &entry, err) < 0) {
		json_decref(run);
		return -1;
	}
	*ret_wall = record_wall(entry);
	*ret = run ? run : record_read(entry, true);
	if (!text_eq(text_of(*ret, "result"), "running"))
		return 0;
	json_decref(*ret);
	error_set(err, ERROR_EXISTS, "run %s is still in progress", entry->id);
	return error_hint(err, "its machines are its own until it has ended");
}

/* ---- its machine -------------------------------------------------------------------------------- */

static int say_gone(struct error **err)
{
	error_ignore(err, "said better below");
	error_set(err, ERROR_NOT_FOUND, "the kept machine is no longer there");
	return error_hint(err, "it was removed to make room, or by 'ingot cache': build again. "
			       "INGOT_CACHE_SIZE says how much is kept");
}

static int hold(struct store *store, const char *key, struct cancel *c, struct store_entry **ret,
		struct error **err)
{
	if (!store)
		return say_gone(err);
	if (store_get(store, key, c, ret, err) == 0)
		return 0;
	if ((*err)->kind == ERROR_NOT_FOUND)
		return say_gone(err);
	return error_prefix(err, "the kept machine is of no use");
}

/* The state in which `count` provisioners have run, at or below the one of `key`; heap. */
static char *find_state(struct store *store, const char *key, int64_t count, struct error **err)
{
	AUTO_FREE char *at = xstrdup(key);
	AUTO(strbuf) struct strbuf known = STRBUF_INIT;

	for (int i = 0; store && at && i < STATES_MAX; i++) {
		json_t *meta = store_peek(store, at);
		int64_t state = number_of(meta, "index");

		if (!meta)
			break;
		if (state == count) {
			json_decref(meta);
			return TAKE(at);
		}
		strbuf_addf(&known, "%s%lld", known.len ? ", " : "", (long long)state + 1);
		free(at);
		at = xstrdup(text_of(meta, "parent"));
		json_decref(meta);
	}
	error_set(err, ERROR_NOT_FOUND, "the machine before step %lld is not kept",
		  (long long)count + 1);
	if (known.len)
		error_hint(err, "-step can be %s", known.buf);
	return NULL;
}

static void fill(struct attach_target *t, const json_t *run, const json_t *build, int64_t wall)
{
	double seconds = json_number_value(json_object_get(run, "seconds"));

	t->run_id = xstrdup(text_of(run, "id"));
	t->build = xstrdup(text_of(build, "name"));
	t->interrupted = text_eq(text_of(build, "status"), "cancelled");
	t->failure = describe_failure(build);
	t->error = xstrdup(text_of(json_object_get(build, "error"), "message"));
	t->ended = wall + (int64_t)(seconds * (double)NSEC_PER_SEC);
}

static int take_machine(const struct attach_wish *wish, struct store *store, const char *key,
			struct cancel *c, struct attach_target *t, struct error **err)
{
	AUTO_FREE char *wanted =
		wish->step ? find_state(store, key, wish->step - 1, err) : xstrdup(key);

	if (!wanted || hold(store, wanted, c, &t->entry, err) < 0)
		return -1;
	t->state = number_of(t->entry->meta, "index");
	t->made = t->entry->made;
	return 0;
}

int attach_pick(const struct command_ctx *ctx, const struct attach_wish *wish, struct store *store,
		struct cancel *c, struct attach_target *ret, struct error **err)
{
	AUTO(attach_target) struct attach_target t = { 0 };
	const json_t *build;
	json_t *run = NULL;
	int64_t wall = 0;
	int r = -1;

	if (pick_run(ctx, wish->run, &run, &wall, err) < 0)
		return -1;
	build = pick_build(run, wish->build, err);
	if (build) {
		fill(&t, run, build, wall);
		r = take_machine(wish, store, text_of(build, "checkpoint"), c, &t, err);
		if (r < 0 && may_be_left(run))
			error_add_hint(err,
				       "what -on-error left of it may still be there: 'ingot "
				       "runs show %s' tells of it",
				       t.run_id);
	}
	json_decref(run);
	if (r < 0)
		return -1;
	*ret = t;
	t = (struct attach_target){ 0 };
	return 0;
}

/* ---- -list --------------------------------------------------------------------------------------- */

static bool is_there(struct store *store, const char *key)
{
	json_t *meta = store ? store_peek(store, key) : NULL;

	json_decref(meta);
	return meta != NULL;
}

static size_t list_run(struct strbuf *sb, const struct record_entry *entry, struct store *store)
{
	json_t *run = record_read(entry, true), *builds = json_object_get(run, "builds");
	AUTO_FREE char *when = command_time(record_wall(entry));
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(builds); i++) {
		const json_t *b = json_array_get(builds, i);

		if (!is_kept(b) || !is_there(store, text_of(b, "checkpoint")))
			continue;

		AUTO_FREE char *failure = describe_failure(b);

		strbuf_addf(sb, "%.*s  %s  %-24s  %s\n", ID_SHOWN, entry->id, when,
			    text_of(b, "name"), failure);
		n++;
	}
	json_decref(run);
	return n;
}

int attach_list(struct command_ctx *ctx, struct store *store, struct error **err)
{
	AUTO(record_list) struct record_list list = { 0 };
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	size_t n = 0;

	if (records_list(ctx->dirs.state, &list, err) < 0)
		return -1;
	strbuf_addf(&sb, "%-*s  %-19s  %-24s  %s\n", ID_SHOWN, "RUN", "STARTED", "BUILD",
		    "FAILED IN");
	for (size_t i = 0; i < list.len; i++)
		n += list_run(&sb, &list.items[i], store);
	strbuf_rtrim(&sb);
	command_say(ctx, "%s", n ? sb.buf : "There is nothing to attach to.");
	return 0;
}
