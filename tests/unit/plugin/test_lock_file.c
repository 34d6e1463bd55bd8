/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "lang/parser.h"
#include "os/fs.h"
#include "plugin/get/lock_file.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char text[] = "# Written by 'ingot init'; keep it under version control.\n"
			   "\n"
			   "plugin \"github.com/hashicorp/amazon\" {\n"
			   "  version    = \"1.3.2\"\n"
			   "  constraint = \">= 1.2, < 2\"\n"
			   "  hashes = {\n"
			   "    darwin_arm64 = \"sha256:" HEX_B "\"\n"
			   "    linux_amd64  = \"sha256:" HEX_A "\"\n"
			   "  }\n"
			   "  zip_hashes = {\n"
			   "    linux_arm64 = \"sha256:" HEX_B "\"\n"
			   "  }\n"
			   "}\n"
			   "\n"
			   "plugin \"github.com/me/tool\" {\n"
			   "  version = \"0.1.0\"\n"
			   "}\n";

static void test_round_trip(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(plugin_lock) struct plugin_lock l = { .path = xstrdup("lock") };
	AUTO(strbuf) struct strbuf again = STRBUF_INIT;

	if (plugin_lock_parse(text, strlen(text), "lock", &l, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(plugin_lock_find(&l, "github.com/hashicorp/amazon")->version, "1.3.2");
	plugin_lock_format(&again, &l);
	assert_string_equal(again.buf, text);
}

/* Whatever order things came in, the text is the same, and as `fmt` would have it. */
static void test_order_does_not_matter(void **state)
{
	AUTO(plugin_lock) struct plugin_lock l = { .path = xstrdup("lock") };
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct plugin_lock_entry *e;

	plugin_lock_set_version(plugin_lock_take_up(&l, "github.com/me/tool"), "0.1.0", "");
	e = plugin_lock_take_up(&l, "github.com/hashicorp/amazon");
	plugin_lock_set_version(e, "1.3.2", ">= 1.2, < 2");
	map_set(&e->hashes, "linux_amd64", xstrdup(HEX_A));
	map_set(&e->zip_hashes, "linux_arm64", xstrdup(HEX_B));
	map_set(&e->hashes, "darwin_arm64", xstrdup(HEX_B));
	plugin_lock_format(&got, &l);
	assert_string_equal(got.buf, text);

	AUTO_FREE char *formatted =
		hcl_format(sources_add(sources, "lock", got.buf, got.len), &diags);

	assert_string_equal(formatted, got.buf);
}

static void test_another_version_forgets_the_hashes(void **state)
{
	AUTO(plugin_lock) struct plugin_lock l = { 0 };
	struct plugin_lock_entry *e = plugin_lock_take_up(&l, "github.com/a/b");

	plugin_lock_set_version(e, "1.0.0", "");
	map_set(&e->hashes, "linux_amd64", xstrdup(HEX_A));
	plugin_lock_set_version(e, "1.0.0", ">= 1");
	assert_int_equal(e->hashes.len, 1);
	plugin_lock_set_version(e, "1.0.1", ">= 1");
	assert_int_equal(e->hashes.len, 0);
	assert_ptr_equal(plugin_lock_take_up(&l, "github.com/a/b"), e);
	plugin_lock_remove(&l, "github.com/a/b");
	assert_null(plugin_lock_find(&l, "github.com/a/b"));
}

/* file:LINE, and what is wrong there. */
static void check_damaged(const char *bad, const char *place, const char *why)
{
	AUTO(error) struct error *err = NULL;
	AUTO(plugin_lock) struct plugin_lock l = { 0 };

	assert_int_equal(plugin_lock_parse(bad, strlen(bad), "dir/lock", &l, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_non_null(err->hint);
	if (!text_starts_with(err->message, place) || !strstr(err->message, why))
		fail_msg("%s", err->message);
}

#define AMAZON "plugin \"github.com/hashicorp/amazon\" {\n"

static void test_damaged(void **state)
{
	check_damaged("plugin {", "dir/lock:1,", "");
	check_damaged("\n\nx = 1\n", "dir/lock:3,", "Unsupported argument");
	check_damaged("\nplugin \"a\" {\n  version = \"1.0.0\"\n}\n", "dir/lock:2,",
		      "Invalid source");
	check_damaged(AMAZON "}\n", "dir/lock:1,", "version");
	check_damaged(AMAZON "  version = \"1.0\"\n}\n", "dir/lock:2,", "Invalid version");
	check_damaged(AMAZON "  version = \"1.0.0-dev\"\n}\n", "dir/lock:2,", "Invalid version");
	check_damaged(AMAZON "  version = 7 + x\n}\n", "dir/lock:2,", "");
	check_damaged(AMAZON "  version = null\n}\n", "dir/lock:2,", "Invalid value");
	check_damaged(AMAZON "  version = \"1.0.0\"\n  constraint = \"soon\"\n}\n", "dir/lock:3,",
		      "Malformed constraint");
	check_damaged(AMAZON "  version = \"1.0.0\"\n  hashes = \"x\"\n}\n", "dir/lock:3,",
		      "Invalid value");
	check_damaged(AMAZON "  version = \"1.0.0\"\n  hashes = { linux_amd64 = \"md5:" HEX_A
			     "\" }\n}\n",
		      "dir/lock:3,", "Invalid hash");
	check_damaged(AMAZON "  version = \"1.0.0\"\n  hashes = { linux = \"sha256:" HEX_A
			     "\" }\n}\n",
		      "dir/lock:3,", "Invalid platform");
	check_damaged(AMAZON "  version = \"1.0.0\"\n}\n" AMAZON "  version = \"1.0.0\"\n}\n",
		      "dir/lock:4,", "Duplicate plugin");
	check_damaged(AMAZON "  version = \"1.0.0\"\n  size = 1\n}\n", "dir/lock:3,",
		      "Unsupported argument");
}

static void test_check(void **state)
{
	static const char source[] = "github.com/hashicorp/amazon";
	AUTO(error) struct error *err = NULL, *version = NULL, *hash = NULL;
	AUTO(plugin_lock) struct plugin_lock l = { .path = xstrdup("lock") };

	if (plugin_lock_parse(text, strlen(text), "lock", &l, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(plugin_lock_check(&l, source, "1.3.2", HEX_A, "linux_amd64", &err), 0);
	assert_int_equal(plugin_lock_check(&l, source, "1.3.2", HEX_A, "linux_arm64", &err), 0);
	assert_int_equal(
		plugin_lock_check(&l, "github.com/no/where", "1.0.0", HEX_A, "linux_amd64", &err),
		0);
	assert_int_equal(plugin_lock_check(&l, source, "1.3.3", HEX_A, "linux_amd64", &version),
			 -1);
	assert_non_null(strstr(version->message, "says 1.3.2"));
	assert_non_null(strstr(version->hint, "init -upgrade"));
	assert_int_equal(plugin_lock_check(&l, source, "1.3.2", HEX_B, "linux_amd64", &hash), -1);
	assert_non_null(strstr(hash->message, "wanted is sha256:" HEX_A));
	assert_non_null(strstr(hash->hint, "init -force"));
}

static void test_file(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(plugin_lock) struct plugin_lock none = { 0 }, written = { 0 };
	AUTO_FREE char *dir = NULL, *before = NULL, *after = NULL;

	assert_int_equal(fs_temp_dir("/tmp", "lock-", &dir, &err), 0);
	assert_int_equal(plugin_lock_read(dir, &none, &err), 0);
	assert_false(none.exists);
	plugin_lock_set_version(plugin_lock_take_up(&none, "github.com/a/b"), "1.0.0", "");
	assert_int_equal(plugin_lock_write(&none, &err), 0);
	assert_int_equal(fs_identity(none.path, &before, &err), 0);
	assert_int_equal(plugin_lock_read(dir, &written, &err), 0);
	assert_true(written.exists);
	/* What says the same is not written again. */
	assert_int_equal(plugin_lock_write(&written, &err), 0);
	assert_int_equal(fs_identity(none.path, &after, &err), 0);
	assert_string_equal(before, after);
	assert_int_equal(fs_remove_tree(dir, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_another_version_forgets_the_hashes),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests_name("plugin/lock_file", tests, NULL, NULL);
}
