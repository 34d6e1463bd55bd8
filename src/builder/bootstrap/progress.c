/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/progress.h"

#include "base/alloc.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char label[] = "packages";

/* Two events per package: unpacked, configured. */
static void tell(struct progress *p)
{
	int64_t total = 2 * p->packages, done = p->unpacked + p->configured;

	ui_progress(p->ui, label, MIN(done, total), total, UNIT_ITEMS);
}

/* "I: …" of mmdebstrap, without what names our own hooks and the host. */
static void say_step(struct progress *p, const char *text)
{
	static const char lists[] = "Reading the package lists...";
	static const char *const steps[][2] = {
		{ "running --setup-hook", lists }, /* one of them may read them first */
		{ "running apt-get update", lists },
		{ "downloading packages", "Downloading packages..." },
		{ "installing essential", "Installing the essential system..." },
		{ "installing remaining", "Installing packages..." },
		{ "running --customize-hook", "Configuring the machine..." },
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (text_starts_with(text, steps[i][0]) && p->said != steps[i][1]) {
			p->said = steps[i][1];
			ui_say(p->ui, "%s", p->said);
		}
}

static void note_counts(struct progress *p, const char *line)
{
	int64_t upgraded, installed;

	if (text_starts_with(line, "Unpacking ")) {
		p->unpacked++;
		tell(p);
	} else if (text_starts_with(line, "Setting up ")) {
		p->configured++;
		tell(p);
	} else if (sscanf(line, "%" SCNd64 " upgraded, %" SCNd64 " newly installed", &upgraded,
			  &installed) == 2) {
		p->packages += installed;
	}
}

static bool is_cause(const char *line)
{
	return text_starts_with(line, "E: ") || text_starts_with(line, "dpkg: error") ||
	       text_starts_with(line, "Err:") || strstr(line, "No space left on device");
}

void progress_line(struct progress *p, const char *line)
{
	if (!*line)
		return;
	if (text_starts_with(line, "I: "))
		say_step(p, line + 3);
	else
		note_counts(p, line);
	if (!p->cause && is_cause(line))
		p->cause = xstrdup(line);
	free(p->tail[p->next]);
	p->tail[p->next] = xstrndup(line, 400);
	p->next = (p->next + 1) % PROGRESS_TAIL;
}

void progress_release(struct progress *p)
{
	ui_progress_end(p->ui, label);
	for (size_t i = 0; i < PROGRESS_TAIL; i++)
		free(p->tail[i]);
	free(p->cause);
}

void progress_tail(const struct progress *p, struct strbuf *ret)
{
	for (size_t i = 0; i < PROGRESS_TAIL; i++) {
		const char *line = p->tail[(p->next + i) % PROGRESS_TAIL];

		if (line)
			strbuf_addf(ret, "%s%s", ret->len ? "\n" : "", line);
	}
}
