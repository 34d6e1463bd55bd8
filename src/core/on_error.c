/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -on-error and -debug (cli.md 5.4, 5.5): the questions between the phases of
 * a build, and whether the cleaning up is skipped. Phases have the names that
 * the reference gives to its steps of that kind.
 */
#include "base/alloc.h"
#include "core/run.h"

#include <stdlib.h>
#include <string.h>

const char *const on_error_names[] = { "cleanup", "abort", "ask", "run-cleanup-provisioner", NULL };

static const char question[] = "[c] Clean up and exit, [a] abort without cleanup, or [r] retry "
			       "step (build may fail even if retry succeeds)?";

static bool is_mode(const struct build_run *run, enum on_error mode)
{
	return !strcmp(run->opts->on_error, on_error_names[mode]);
}

/* Without somebody who answers it is the empty answer. */
static char *answer_of(struct build_run *run, const char *text)
{
	AUTO(error) struct error *e = NULL;
	char *line;

	if (ui_ask(&run->ui, text, run->stop, &line, &e) == 0)
		return line;
	error_ignore(&e, "no terminal, or an interrupt: the build goes on by itself");
	return NULL;
}

static char first_letter(const char *answer)
{
	char c = answer && *answer ? *answer : 'c';

	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* 'c', 'a' or 'r' */
static char ask(struct build_run *run, const char *phase, const struct error *e)
{
	ui_error(&run->ui, "%s", e->message);
	if (e->hint)
		ui_error(&run->ui, "%s", e->hint);
	ui_say(&run->ui, "Step \"%s\" failed", phase);
	for (;;) {
		AUTO_FREE char *answer = answer_of(run, question);
		char letter = first_letter(answer);

		if (letter == 'c' || letter == 'a' || letter == 'r')
			return letter;
		ui_say(&run->ui, "Incorrect input: \"%s\"", answer);
	}
}

bool build_failed(struct build_run *run, const char *phase, const struct error *e)
{
	char letter;

	run->after = AFTER_CLEAN;
	if (run->machine && run->machine->decides_itself)
		return false;
	if (is_mode(run, ON_ERROR_ABORT))
		run->after = AFTER_LEAVE;
	else if (is_mode(run, ON_ERROR_SWEEP))
		run->after = AFTER_SWEEP;
	if (!is_mode(run, ON_ERROR_ASK) || e->kind == ERROR_CANCELLED)
		return false;
	letter = ask(run, phase, e);
	if (letter == 'a')
		run->after = AFTER_LEAVE;
	return letter == 'r';
}

void build_skip_cleanup(struct build_run *run, const char *phase, const struct error *e)
{
	if (run->told_skipping) {
		ui_error(&run->ui, "aborted: skipping cleanup of step \"%s\"", phase);
		return;
	}
	run->told_skipping = true;
	if (e->kind == ERROR_CANCELLED) {
		ui_error(&run->ui, "Interrupted, aborting...");
		return;
	}
	ui_error(&run->ui, "%s", e->message);
	ui_error(&run->ui, "Step \"%s\" failed, aborting...", run->failed_phase);
}

void build_pause(struct build_run *run, const char *where, const char *phase)
{
	if (!run->build->info.debug)
		return;

	AUTO_FREE char *text =
		xasprintf("Pausing %s step '%s'. Press enter to continue.", where, phase);

	free(answer_of(run, text));
}

int build_pause_before_provisioner(struct build_run *run, struct error **err)
{
	if (!run->build->info.debug)
		return 0;
	free(answer_of(run, "Pausing before the next provisioner . Press enter to continue."));
	return cancel_check(run->ctx.cancel, err);
}
