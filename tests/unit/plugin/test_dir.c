/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/fs.h"
#include "plugin/find.h"

#include <stdlib.h>

static const char *ours, *theirs;

static const char *lookup(const char *name)
{
	if (text_eq(name, "INGOT_PLUGIN_PATH"))
		return ours;
	return text_eq(name, "PACKER_PLUGIN_PATH") ? theirs : NULL;
}

static void expect(const char *want)
{
	struct host_dirs dirs = { .config = (char[]){ "/home/me/.packer.d" } };
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = NULL;

	assert_int_equal(plugin_dir(&dirs, lookup, &dir, &err), 0);
	assert_string_equal(dir, want);
}

static void test_order(void **state)
{
	(void)state;
	ours = theirs = NULL;
	expect("/home/me/.packer.d/plugins");
	ours = theirs = "";
	expect("/home/me/.packer.d/plugins");
	theirs = "/theirs";
	expect("/theirs");
	ours = "/ours";
	expect("/ours");
}

static void test_relative(void **state)
{
	AUTO_FREE char *cwd = fs_cwd();
	AUTO_FREE char *want = xasprintf("%s/mine", cwd);

	(void)state;
	ours = NULL;
	theirs = "mine";
	expect(want);
}

static void test_list(void **state)
{
	struct host_dirs dirs = { .config = (char[]){ "/c" } };
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = NULL;

	(void)state;
	ours = NULL;
	theirs = "/a:/b";
	assert_int_equal(plugin_dir(&dirs, lookup, &dir, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_string_equal(err->message,
			    "Multiple paths are no longer supported for PACKER_PLUGIN_PATH.\n"
			    "This should be defined as one of the following options for your "
			    "environment:\n* PACKER_PLUGIN_PATH=/a\n* PACKER_PLUGIN_PATH=/b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
