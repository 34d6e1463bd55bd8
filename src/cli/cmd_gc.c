/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/duration.h"
#include "cache/store.h"
#include "cli/cache_args.h"
#include "cli/command.h"
#include "cli/output.h"
#include "core/away_image.h"
#include "core/history.h"
#include "core/journal.h"
#include "core/outcome.h"
#include "core/records.h"

#include <stdio.h>

static void report(void *data, const char *run_id, const char *what, bool ok)
{
	if (ok)
		command_say(data, "Removed %s, left by run %s", what, run_id);
	else
		command_error(data, "Could not remove what run %s left: %s", run_id, what);
}

/* What every build does, too; here for those who build no more. */
static int prune(struct command_ctx *ctx, int *ret_removed, struct error **err)
{
	int64_t keep;

	if (command_runs_kept(&keep, err) < 0)
		return -1;
	if (records_prune(ctx->dirs.state, keep, RECORDS_BYTES_MAX, ret_removed, err) < 0)
		return -1;
	if (*ret_removed)
		command_say(ctx, "Removed %d records of old runs", *ret_removed);
	return 0;
}

/* Builds that nobody has run for long. */
static int forget(struct command_ctx *ctx, int *ret_removed, struct error **err)
{
	int64_t max_age = HISTORY_DAYS_MAX * INT64_C(86400) * NSEC_PER_SEC;

	int outcomes;

	if (history_prune(ctx->dirs.state, ctx->start_time - max_age, HISTORY_FILES_MAX,
			  ret_removed, err) < 0 ||
	    outcome_prune(ctx->dirs.state, ctx->start_time - max_age, &outcomes, err) < 0)
		return -1;
	if (*ret_removed)
		command_say(ctx, "Removed the history of %d builds", *ret_removed);
	return 0;
}

/* What nothing needs in the store of finished steps, and what is more than it may hold. */
static int collect(struct command_ctx *ctx, int64_t *ret_freed, struct error **err)
{
	AUTO(store) struct store *s = NULL;
	AUTO(strbuf) struct strbuf size = STRBUF_INIT;
	struct store_usage was, is;
	int removed;

	if (cache_open_existing(ctx, &s, err) < 0)
		return -1;
	if (!s)
		return 0;
	if (store_usage(s, &was, err) < 0 || store_collect(s, 0, was.max, &removed, err) < 0 ||
	    store_usage(s, &is, err) < 0)
		return -1;
	(void)away_images_remove(s, NULL);
	*ret_freed = was.bytes - is.bytes;
	format_bytes(&size, (double)*ret_freed);
	if (*ret_freed > 0)
		command_say(ctx, "Removed %s of the finished steps", size.buf);
	return 0;
}

static int run(struct command_ctx *ctx)
{
	struct error *e = NULL;
	int first = 0, removed = 0, records = 0, histories = 0;
	int64_t freed = 0;

	if (options_parse(NULL, ctx->argc, ctx->argv, NULL, &first, &e) < 0)
		return command_usage_error(ctx, e);
	if (first != ctx->argc)
		return command_usage_error(ctx, NULL);
	if (journal_recover(ctx->dirs.state, report, ctx, &removed, &e) < 0 ||
	    prune(ctx, &records, &e) < 0 || forget(ctx, &histories, &e) < 0 ||
	    collect(ctx, &freed, &e) < 0) {
		command_print_error(ctx, e);
		error_free(e);
		return EXIT_ERROR;
	}
	if (!removed && !records && !histories && freed <= 0)
		command_say(ctx, "Nothing to clean up.");
	return EXIT_OK;
}

const struct command command_gc = {
	.name = "gc",
	.synopsis = "remove what dead runs left behind",
	.usage = "",
	.doc = "Ends the processes and removes the files of runs that were killed before they\n"
	       "could clean up. Runs that are alive, and what -on-error=abort left on purpose,\n"
	       "are not touched. Every build does the same when it starts.\n"
	       "\n"
	       "Removes the oldest records of runs, too, as far as there are too many (see\n"
	       "'ingot runs'), what is known of builds that have not run for 90 days, and\n"
	       "what nothing needs of the finished steps (see 'ingot plan', 'ingot cache').",
	.run = run,
};
