/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as what ansible-playbook prints, and as its answer to --version.
 * What becomes of it is a message of bounded length.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "provisioner/ansible/version.h"
#include "provisioner/ansible/watch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 8 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop(struct event_sink *sink, const struct event *ev)
{
	(void)sink;
	(void)ev;
}

static void watch(const char *text)
{
	struct event_sink sink = { .emit = drop };
	struct ui ui = { .sink = &sink };
	AUTO(watch) struct watch *w = watch_new(&ui);
	struct str rest = str_of(text);

	while (rest.len) {
		AUTO_FREE char *line = str_dup(str_split(rest, '\n', &rest));

		watch_line(w, false, line);
	}

	AUTO_FREE char *failure = watch_failure(w);

	if (watch_unreachable(w) && !failure)
		abort();
	if (failure && strlen(failure) > MESSAGE_MAX)
		abort();
	ui_release(&ui);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	AUTO(ansible_version) struct ansible_version v = { 0 };
	AUTO(error) struct error *err = NULL;

	watch(text);
	if (ansible_version_parse(text, &v, &err) < 0 ? v.modules != NULL : v.major < 0)
		abort();
	return 0;
}
