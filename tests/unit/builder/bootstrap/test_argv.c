/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command lines of a cast and the files rendered for it against
 * tests/data/argv/bootstrap-NAME.txt. REGENERATE=1 rewrites the files; the
 * reviewer reads the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "builder/bootstrap/argv.h"
#include "builder/bootstrap/stage.h"
#include "os/fs.h"
#include "sample.h"

static void check_golden(const char *name, const char *got)
{
	AUTO_FREE char *path =
		xasprintf("%s/tests/data/argv/bootstrap-%s.txt", getenv("SRCDIR"), name);
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	if (getenv("REGENERATE")) {
		assert_int_equal(fs_write(path, got, strlen(got), 0644, &err), 0);
		return;
	}
	if (fs_read(path, FS_READ_MAX, &want, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(got, want.buf);
}

static void check_argv(const char *name, const struct strv *argv)
{
	AUTO_FREE char *lines = strv_join(argv, "\n");
	AUTO_FREE char *text = xasprintf("%s\n", lines);

	check_golden(name, text);
}

static const struct cast_paths paths = {
	.stage = "/t/stage",
	.tree = "/t/tree",
	.disk = "/w/.output-web.run/disk.partial",
};

static void test_mmdebstrap(void **state)
{
	struct bootstrap b = sample_config();
	struct cast_paths root = paths;
	AUTO(strv) struct strv plain = STRV_INIT;
	AUTO(strv) struct strv other = STRV_INIT;

	(void)state;
	argv_mmdebstrap(&b, &paths, &plain);
	check_argv("mmdebstrap", &plain);
	root.as_root = true;
	b.locale = "de_DE.UTF-8";
	b.release = "trixie";
	b.rel = distro_release_find(b.distro, "trixie");
	b.install_recommends = true;
	b.check_valid_until = false;
	b.keyring = "/k/own.gpg";
	b.security_mirror = "";
	argv_mmdebstrap(&b, &root, &other);
	check_argv("mmdebstrap-other", &other);
}

static void test_disk(void **state)
{
	struct bootstrap b = sample_config();
	struct layout l;
	struct disk_ids ids;
	AUTO(strv) struct strv all = STRV_INIT;

	(void)state;
	layout_plan(&l, b.disk_bytes, true, true);
	disk_ids_make(&ids, "seed");
	argv_sfdisk(&paths, &all);
	strv_push(&all, "");
	argv_mkfs_vfat(&paths, &l, &ids, &all);
	strv_push(&all, "");
	argv_mmd(&paths, &l, &all);
	strv_push(&all, "");
	argv_mcopy(&b, &paths, &l, "/t/stage/boot.efi", &all);
	strv_push(&all, "");
	argv_grub_mkimage(&b, &paths, false, "/t/stage/core.img", &all);
	strv_push(&all, "");
	argv_grub_mkimage(&b, &paths, true, "/t/stage/boot.efi", &all);
	strv_push(&all, "");
	argv_mke2fs(&b, &paths, &l, &ids, &all);
	strv_push(&all, "");
	b.disk_compression = true;
	argv_qemu_img(&b, paths.disk, "/w/.output-web.run/web.qcow2", &all);
	strv_push(&all, "");
	argv_remove_tree(&paths, &all);
	check_argv("disk", &all);
}

static void test_files(void **state)
{
	struct bootstrap b = sample_config();
	struct disk_ids ids;

	(void)state;
	disk_ids_make(&ids, "seed");
	AUTO_FREE char *grub = stage_render(&b, &ids, "grub.cfg");
	AUTO_FREE char *fstab = stage_render(&b, &ids, "fstab");
	AUTO_FREE char *early = stage_render(&b, &ids, "early.cfg");
	AUTO_FREE char *initrd = stage_render(&b, &ids, "initrd.conf");
	AUTO_FREE char *hook = stage_render(&b, &ids, "initrd-hook");
	AUTO_FREE char *all = xasprintf("%s\n%s\n%s\n%s\n%s", grub, fstab, early, initrd, hook);

	assert_null(strchr(all, '@'));
	check_golden("files", all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mmdebstrap),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
