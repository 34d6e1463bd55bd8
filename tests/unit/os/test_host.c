/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "os/fs.h"
#include "os/host.h"

static const char *const *env; /* name, value, …, NULL */

static const char *lookup(const char *name)
{
	for (size_t i = 0; env[i]; i += 2)
		if (!strcmp(env[i], name))
			return env[i + 1];
	return NULL;
}

static void check(const char *const *vars, const char *cache, const char *state, const char *config,
		  const char *temp)
{
	AUTO(error) struct error *err = NULL;
	struct host_dirs d;

	env = vars;
	assert_int_equal(host_dirs_init(&d, lookup, &err), 0);
	assert_string_equal(d.cache, cache);
	assert_string_equal(d.state, state);
	assert_string_equal(d.config, config);
	assert_string_equal(d.temp, temp);
	host_dirs_release(&d);
	host_dirs_release(&d);
}

static void test_defaults(void **state)
{
	const char *const vars[] = { "HOME", "/nonexistent", NULL };

	check(vars, "/nonexistent/.cache/ingot", "/nonexistent/.local/state/ingot",
	      "/nonexistent/.config/packer", "/tmp");
}

static void test_xdg(void **state)
{
	const char *const vars[] = {
		"HOME",
		"/nonexistent",
		"XDG_CACHE_HOME",
		"/c/",
		"XDG_STATE_HOME",
		"/s",
		"XDG_CONFIG_HOME",
		"/x",
		"TMPDIR",
		"/t",
		NULL,
	};

	check(vars, "/c/ingot", "/s/ingot", "/x/packer", "/t");
}

static void test_named(void **state)
{
	const char *const vars[] = {
		"PACKER_CACHE_DIR",
		"/pc",
		"INGOT_STATE_DIR",
		"/is",
		"PACKER_CONFIG_DIR",
		"/px",
		"XDG_CACHE_HOME",
		"/c",
		NULL,
	};
	const char *const both[] = {
		"INGOT_CACHE_DIR",
		"/ic",
		"PACKER_CACHE_DIR",
		"/pc",
		"INGOT_STATE_DIR",
		"/is",
		"INGOT_CONFIG_DIR",
		"/ix",
		"PACKER_CONFIG_DIR",
		"/px",
		"TMPDIR",
		"",
		NULL,
	};

	check(vars, "/pc", "/is", "/px/.packer.d", "/tmp");
	check(both, "/ic", "/is", "/ix/.packer.d", "/tmp");
}

static void test_relative(void **state)
{
	const char *const vars[] = { "HOME", "/nonexistent", "PACKER_CACHE_DIR", "./cache", NULL };
	AUTO_FREE char *cwd = fs_cwd();
	AUTO_FREE char *want = path_join(cwd, "cache");

	check(vars, want, "/nonexistent/.local/state/ingot", "/nonexistent/.config/packer", "/tmp");
}

static void test_old_config_dir(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *home = NULL;

	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &home, &err), 0);

	AUTO_FREE char *old = path_join(home, ".packer.d");
	const char *const vars[] = { "HOME", home, "XDG_CONFIG_HOME", "/x", NULL };
	struct host_dirs d;

	assert_int_equal(mkdir(old, 0700), 0);
	env = vars;
	assert_int_equal(host_dirs_init(&d, lookup, &err), 0);
	assert_string_equal(d.config, old);
	assert_string_equal(d.home, home);
	host_dirs_release(&d);
	assert_int_equal(fs_remove_tree(home, &err), 0);
}

static void test_no_home(void **state)
{
	const char *const nothing[] = { NULL };
	const char *const config[] = { "PACKER_CONFIG_DIR", "/x", "HOME", "", NULL };
	AUTO(error) struct error *err = NULL;
	struct host_dirs d;

	env = nothing;
	assert_int_equal(host_dirs_init(&d, lookup, &err), -1);
	assert_string_equal(
		err->message,
		"No $HOME environment variable found, required to set Config Directory");
	assert_non_null(err->hint);
	error_ignore(&err, "looked at");
	env = config;
	assert_int_equal(host_dirs_init(&d, lookup, &err), -1);
	assert_string_equal(err->message, "neither $XDG_CACHE_HOME nor $HOME are defined");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_xdg),
		cmocka_unit_test(test_named),    cmocka_unit_test(test_relative),
		cmocka_unit_test(test_no_home),  cmocka_unit_test(test_old_config_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
