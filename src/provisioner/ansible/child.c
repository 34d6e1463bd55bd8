/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/child.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/proc.h"

#include <sys/stat.h>

enum { MASTER_SECONDS = 5 };

struct starting {
	struct journal *journal;
	uint64_t id;
};

static int on_started(void *data, pid_t pid, struct error **err)
{
	struct starting *s = data;

	return journal_started(s->journal, s->id, pid, err);
}

int child_run(const struct child *c, const struct strv *argv, int *ret_status, struct error **err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	struct starting s = { .journal = c->build->journal };
	struct proc_run run = {
		.spec = { .argv = argv, .env = &env, .dir = c->build->cwd },
		.line = watch_line,
		.line_data = c->watch,
		.started = on_started,
		.started_data = &s,
	};
	int r;

	strv_pushv(&env, c->env->v);
	if (journal_process(s.journal, argv->v[0], &env, &s.id, err) < 0)
		return -1;
	if (c->proxy)
		r = proxy_run(c->proxy, &run, c->build->cancel, ret_status, err);
	else
		r = proc_run(&run, c->build->cancel, ret_status, err);
	journal_done(s.journal, s.id);
	return r;
}

static bool is_socket(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void end_master(const struct child *c, const char *path)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	struct proc_run run = {
		.spec = { .argv = &argv, .env = c->env, .dir = c->build->cwd },
		.deadline = clock_deadline(MASTER_SECONDS * NSEC_PER_SEC),
	};

	strv_pushl(&argv, "ssh", "-F", "none", "-O", "exit", "-S", path, "machine", NULL);
	if (proc_run(&run, NULL, NULL, &e) < 0)
		error_ignore(&e, "it ends by itself");
}

void child_end_masters(const struct child *c, const char *dir)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_list(dir, &names, &e) < 0) {
		error_ignore(&e, "there are none");
		return;
	}
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (is_socket(path))
			end_master(c, path);
	}
}
