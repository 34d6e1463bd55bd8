/* SPDX-License-Identifier: Apache-2.0 */
/* Builds of text machines (tests/fakes/text_machine.h) in a folder with a store of its own: what the
 * tests of kept steps share. In memory where there is such a folder: all is flushed to the disk often. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../fakes/text_machine.h"
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "cache/store.h"
#include "config/config.h"
#include "core/engine.h"
#include "core/reuse.h"
#include "os/fs.h"
#include "os/random.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

enum { BUILDS_MAX = 8, FILE_MAX = 1 << 20 };

struct keep_result {
	bool ok;
	char *error, *checkpoint; /* heap or NULL */
	size_t failed_step;
};

struct keep_case {
	char *dir, *home, *store_dir, *state_dir;
	struct store *store;
	/* for the next run */
	struct reuse_policy policy;
	int parallel;
	const char *retry; /* failed phases are tried again after that file was removed; NULL */
	/* of the last run */
	struct keep_result results[BUILDS_MAX];
	size_t len;
	struct strbuf said; /* all messages, a line each */
};

static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;
static struct keep_case *current;

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err ? err->message : "no error");
}

UNUSED static void put(const char *name, const char *text)
{
	AUTO(error) struct error *err = NULL;

	must(fs_write(name, text, strlen(text), 0600, &err), err);
}

/* Heap; "" if there is none. */
static char *get(const char *name)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (fs_exists(name))
		must(fs_read(name, FILE_MAX, &text, &err), err);
	return strbuf_detach(&text);
}

UNUSED static void drop(const char *name)
{
	AUTO(error) struct error *err = NULL;

	must(fs_remove(name, &err), err);
}

/* ---- the folder --------------------------------------------------------------------------------- */

static void open_store(struct keep_case *c)
{
	AUTO(error) struct error *err = NULL;

	must(store_open(c->store_dir, 0, &c->store, &err), err);
}

UNUSED static int keep_case_begin(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct keep_case *c = NEW(struct keep_case);

	*c = (struct keep_case){ .home = fs_cwd(), .said = STRBUF_INIT };
	must(fs_temp_dir(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", "ingot-test-",
			 &c->dir, &err),
	     err);
	assert_int_equal(chdir(c->dir), 0);
	c->store_dir = path_join(c->dir, "store");
	c->state_dir = path_join(c->dir, "state");
	c->policy.ttl = 3600 * NSEC_PER_SEC;
	open_store(c);
	text_world = (struct text_world){ 0 };
	*state = c;
	return 0;
}

static void forget_results(struct keep_case *c)
{
	for (size_t i = 0; i < c->len; i++) {
		free(c->results[i].error);
		free(c->results[i].checkpoint);
	}
	c->len = 0;
	strbuf_truncate(&c->said, 0);
}

UNUSED static int keep_case_end(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct keep_case *c = *state;

	forget_results(c);
	strbuf_release(&c->said);
	store_close(c->store);
	assert_int_equal(chdir(c->home), 0);
	must(fs_remove_tree(c->dir, &err), err);
	free(c->dir);
	free(c->home);
	free(c->store_dir);
	free(c->state_dir);
	free(c);
	return 0;
}

/* ---- running ------------------------------------------------------------------------------------- */

static void hear(struct event_sink *sink, const struct event *ev)
{
	(void)sink;
	if (ev->kind != EVENT_SAY && ev->kind != EVENT_ERROR)
		return;
	pthread_mutex_lock(&said_lock);
	strbuf_addf(&current->said, "%s\n", ev->text);
	pthread_mutex_unlock(&said_lock);
}

static int answer(struct event_sink *sink, const struct event *ev, struct cancel *c,
		  char **ret_line, struct error **err)
{
	(void)sink;
	(void)ev;
	(void)c;
	if (fs_remove(current->retry, err) < 0)
		return -1;
	*ret_line = xstrdup("r");
	return 0;
}

static void take_results(struct keep_case *c, const struct build_result *results, size_t n)
{
	assert_true(n <= BUILDS_MAX);
	c->len = n;
	for (size_t i = 0; i < n; i++)
		c->results[i] = (struct keep_result){
			.ok = !results[i].error,
			.error = results[i].error ? xstrdup(results[i].error->message) : NULL,
			.checkpoint = xstrdup(results[i].checkpoint),
			.failed_step = results[i].failed_step,
		};
}

static void run_plan(struct keep_case *c, const struct plan *plan, struct redactor *redactor)
{
	AUTO(error) struct error *err = NULL;
	char uuid[UUID_TEXT];
	AUTO_FREE char *path = path_join(c->dir, "t.pkr.hcl");
	struct event_sink sink = { .emit = hear, .ask = answer };
	struct host_dirs dirs = { .home = c->dir,
				  .cache = c->dir,
				  .state = c->state_dir,
				  .config = c->dir,
				  .temp = c->dir };
	size_t n;

	random_uuid(uuid);
	c->policy.store = c->store;

	const struct engine_options opts = {
		.parallel = c->parallel,
		.on_error = c->retry ? "ask" : "cleanup",
		.sink = &sink,
		.redactor = redactor,
		.dirs = &dirs,
		.cwd = c->dir,
		.run_uuid = uuid,
		.source_date_epoch = -1,
		.reuse = &c->policy,
		.template_path = path,
	};
	AUTO(engine) struct engine *e = engine_start(plan, &opts, &err);

	must(e ? 0 : -1, err);

	const struct build_result *results = engine_wait(e, &n);

	take_results(c, results, n);
}

/* Runs t.pkr.hcl; what was done is in the file log. */
static void run(struct keep_case *c)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(redactor) struct redactor *redactor = redactor_new();
	const struct config_options opts = {
		.path = ".", .cwd = c->dir, .redactor = redactor, .sources = sources
	};
	const struct plan_options plan_opts = { .on_error = "cleanup",
						.cwd = c->dir,
						.redactor = redactor };

	current = c;
	forget_results(c);
	AUTO(config) struct config *config = config_load(&opts, &diags);
	AUTO(plan)
	struct plan *plan =
		diags.len ? NULL : plan_make(config, &text_components, &plan_opts, &diags);
	if (diags.len)
		fail_msg("%s: %s", diags.items[0].summary, diags.items[0].detail);
	run_plan(c, plan, redactor);
	assert_int_equal(text_world.held, 0);
}
