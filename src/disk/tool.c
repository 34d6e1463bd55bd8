/* SPDX-License-Identifier: Apache-2.0 */
#include "disk/tool.h"

#include "base/duration.h"
#include "os/clock.h"
#include "os/proc.h"

enum { TOOL_SECONDS = 600 };

struct tool {
	const struct disk_host *host;
	uint64_t id;
};

static int tool_started(void *data, pid_t pid, struct error **err)
{
	struct tool *t = data;

	return t->host->started ? t->host->started(t->host->data, t->id, pid, err) : 0;
}

int disk_tool_run(const struct disk_host *host, const struct strv *argv, struct cancel *c,
		  int *ret_status, struct error **err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	struct tool t = { .host = host };
	struct proc_run run = { .spec = { .argv = argv, .env = &env },
				.deadline = clock_deadline(TOOL_SECONDS * NSEC_PER_SEC),
				.started = tool_started,
				.started_data = &t };
	int r = 0;

	strv_pushv(&env, host->environ);
	strv_push(&env, "LC_ALL=C");
	if (host->announce)
		r = host->announce(host->data, argv->v[0], &env, &t.id, err);
	if (r == 0)
		r = proc_run(&run, c, ret_status, err);
	if (host->ended)
		host->ended(host->data, t.id);
	if (r == 0 || (*err)->kind != ERROR_NOT_FOUND)
		return r;
	return error_hint(err, "install the package qemu-utils");
}
