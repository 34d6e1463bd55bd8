/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers that a dead run left. Their tool is asked to remove them by name: that works for one that
 * runs, that has ended, or that was never made.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "core/journal_entry.h"
#include "os/clock.h"
#include "os/proc.h"

#include <string.h>
#include <unistd.h>

enum { REMOVE_SEC = 60, OUTPUT_MAX = 64 * 1024 };

bool journal_may_remove_container(const char *tool, const char *name)
{
	static const char *const tools[] = { "docker", "podman", "nerdctl" };
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(tools); i++)
		known |= text_starts_with(path_basename(tool), tools[i]);
	return known && *name && *name != '-' && strspn(name, letters) == strlen(name);
}

bool journal_is_container_variable(const char *assignment)
{
	static const char *const names[] = {
		"DOCKER_HOST=",      "DOCKER_CONTEXT=",          "DOCKER_CONFIG=",
		"DOCKER_CERT_PATH=", "DOCKER_TLS_VERIFY=",       "CONTAINER_HOST=",
		"CONTAINER_SSHKEY=", "CONTAINER_CONNECTION=",    "XDG_RUNTIME_DIR=",
		"CONTAINERS_CONF=",  "CONTAINERS_STORAGE_CONF=",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_starts_with(assignment, names[i]))
			return true;
	return false;
}

/* Where the run had it, not where our own environment says. */
static void make_env(const struct journal_entry *e, struct strv *ret)
{
	for (char *const *v = environ; v && *v; v++)
		if (!journal_is_container_variable(*v))
			strv_push(ret, *v);
	strv_pushv(ret, e->env.v);
}

/* The tools do not agree whether one that is not there is a failure. */
static bool says_absent(const char *text)
{
	return strstr(text, "o such container") || strstr(text, "no container with");
}

int journal_remove_container(const struct journal_entry *e, bool *ret_found, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(OUTPUT_MAX);
	AUTO(error) struct error *failed = NULL;
	struct proc_run run = {
		.spec = { .argv = &argv, .env = &env },
		.output = &out,
		.deadline = clock_deadline(REMOVE_SEC * NSEC_PER_SEC),
	};

	if (!journal_may_remove_container(e->tool, e->container))
		return error_set(err, ERROR_INVALID,
				 "'%s' of '%s' is no container that a build may remove: look at it "
				 "yourself",
				 e->container, e->tool);
	strv_pushl(&argv, e->tool, "rm", "--force", "--volumes", NULL);
	/* Podman would give it ten seconds to end by itself */
	if (text_starts_with(path_basename(e->tool), "podman"))
		strv_pushl(&argv, "--time", "0", NULL);
	strv_push(&argv, e->container);
	make_env(e, &env);
	if (proc_run(&run, NULL, NULL, &failed) < 0 && !says_absent(failed->message)) {
		error_move(err, TAKE(failed));
		return error_prefix(err, "container %s", e->container);
	}
	*ret_found = !failed && out.len > 0;
	return 0;
}
