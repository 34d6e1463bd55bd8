/* SPDX-License-Identifier: Apache-2.0 */
/* What the hooks find, and what the tools get as their environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"
#include "builder/bootstrap/host.h"
#include "builder/bootstrap/stage.h"
#include "os/fs.h"
#include "sample.h"

#include <sys/stat.h>

static const char *const keys[] = { "ssh-ed25519 AAAA one ", "ssh-rsa AAAA two", NULL };
static const char *const groups[] = { "adm", "www-data", NULL };

static void check_file(const char *dir, const char *name, const char *want, mode_t mode)
{
	AUTO_FREE char *path = path_join(dir, name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	struct stat st;

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(text.buf, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, mode);
}

static void test_stage(void **state)
{
	struct bootstrap b = sample_config();
	const struct bootstrap_user users[] = {
		{
			.name = "me",
			.shell = "/bin/bash",
			.uid = 1234,
			.sudo = true,
			.password_hash = "$6$salt$hash",
			.ssh_authorized_keys = { .v = keys, .len = 2 },
			.groups = { .v = groups, .len = 2 },
		},
		{ .name = "root", .shell = "/bin/sh" },
	};
	struct disk_ids ids;
	AUTO_FREE char *dir = NULL;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf list = STRBUF_INIT;

	(void)state;
	b.user = (struct block_list){ .v = users, .len = 2 };
	b.locale = "de_DE.UTF-8";
	disk_ids_make(&ids, "seed");
	assert_int_equal(fs_temp_dir("/tmp", "stage", &dir, &err), 0);
	assert_int_equal(stage_write(&b, &ids, dir, &err), 0);
	check_file(dir, "users", "me:1234:/bin/bash:adm,www-data\nroot::/bin/sh:\n", 0600);
	check_file(dir, "passwords", "me:$6$salt$hash\n", 0600);
	check_file(dir, "keys/me", "ssh-ed25519 AAAA one\nssh-rsa AAAA two\n", 0600);
	check_file(dir, "overlay/etc/sudoers.d/90-ingot-me", "me ALL=(ALL:ALL) NOPASSWD: ALL\n",
		   0600);
	check_file(dir, "overlay/etc/locale.gen", "de_DE.UTF-8 UTF-8\n", 0600);
	check_file(dir, "overlay/etc/hostname", "web\n", 0600);

	AUTO_FREE char *path = path_join(dir, "overlay.list");

	assert_int_equal(fs_read(path, FS_READ_MAX, &list, &err), 0);
	assert_non_null(strstr(list.buf, "0440 etc/sudoers.d/90-ingot-me\n"));
	assert_non_null(strstr(list.buf, "0755 usr/local/lib/ingot/grow-root\n"));
	assert_null(strstr(list.buf, "keyrings"));
	assert_int_equal(fs_remove_tree(dir, &err), 0);
}

static void test_environment(void **state)
{
	char path[] = "PATH=/opt/bin", lang[] = "LC_TIME=de_DE", date[] = "SOURCE_DATE_EPOCH=1",
	     secret[] = "PKR_VAR_password=x", proxy[] = "http_proxy=http://p:1";
	char *own[] = { path, lang, date, secret, proxy, NULL };
	AUTO(strv) struct strv env = STRV_INIT;

	(void)state;
	host_environment(own, "/t", 1700000000, &env);
	assert_true(strv_contains(&env, "PATH=/opt/bin:/usr/local/sbin:/usr/sbin:/sbin"));
	assert_true(strv_contains(&env, "http_proxy=http://p:1"));
	assert_true(strv_contains(&env, "SOURCE_DATE_EPOCH=1700000000"));
	assert_true(strv_contains(&env, "E2FSPROGS_FAKE_TIME=1700000000"));
	assert_false(strv_contains(&env, date));
	assert_false(strv_contains(&env, lang));
	assert_false(strv_contains(&env, secret));
}

static void test_memory_is_not_for_everything(void **state)
{
	(void)state;
	assert_null(host_memory_dir(INT64_C(1) << 60));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stage),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_memory_is_not_for_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
