/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin directory for tests, with plugins that are shell scripts: they
 * print an answer to `describe` and count how often they were asked.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/host.h"
#include "plugin/find.h"

#include <stdlib.h>
#include <sys/stat.h>

static char *case_dir, *plugins, *cache;

static int case_setup(void **state)
{
	AUTO(error) struct error *err = NULL;

	(void)state;
	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &case_dir, &err), 0);
	plugins = path_join(case_dir, "plugins");
	cache = path_join(case_dir, "cache");
	return 0;
}

static int case_teardown(void **state)
{
	AUTO(error) struct error *err = NULL;

	(void)state;
	assert_int_equal(fs_remove_tree(case_dir, &err), 0);
	free(case_dir);
	free(plugins);
	free(cache);
	return 0;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = path_dirname(path);

	assert_int_equal(fs_mkdir_all(dir, 0777, &err), 0);
	assert_int_equal(fs_write(path, text, strlen(text), mode, &err), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void write_sum(const char *path)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *sum = NULL;
	AUTO_FREE char *file = xasprintf("%s_SHA256SUM", path);

	assert_int_equal(fs_digest(path, DIGEST_SHA256, NULL, &sum, &err), 0);
	write_file(file, sum, 0644);
}

/* A script of this text with its checksum; heap: its path. */
static char *install_script(const char *folder, const char *base, const char *script)
{
	char *path = xasprintf("%s/%s/%s", plugins, folder, base);

	write_file(path, script, 0755);
	write_sum(path);
	return path;
}

/* packer-plugin-NAME_vVERSION_x5.0_PLATFORM that answers `describe` with `answer`. */
static void install_answer(const char *folder, const char *name, const char *version,
			   const char *answer)
{
	AUTO_FREE char *base =
		xasprintf("packer-plugin-%s_v%s_x5.0_%s", name, version, host_platform);
	AUTO_FREE char *script = xasprintf("#!/bin/sh\n[ \"$*\" = describe ] || exit 9\n"
					   "echo asked >>'%s/asked'\ncat <<'END'\n%s\nEND\n",
					   case_dir, answer);

	free(install_script(folder, base, script));
}

/* One that is as it should be. `components`: more members, beginning with a comma, or "". */
static void install(const char *folder, const char *name, const char *version,
		    const char *components)
{
	AUTO_FREE char *answer =
		xasprintf("{\"version\":\"%s\",\"api_version\":\"x5.0\"%s}", version, components);

	install_answer(folder, name, version, answer);
}
