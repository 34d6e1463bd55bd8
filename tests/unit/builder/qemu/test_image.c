/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/image.h"
#include "lab.h"

#include <errno.h>

struct bench {
	struct lab lab;
	struct image_ctx x;
};

static int setup(void **state)
{
	static struct bench b;

	if (!lab_has("qemu-img"))
		skip();
	lab_open(&b.lab);
	b.x = (struct image_ctx){ .journal = b.lab.journal, .environ = environ, .cwd = b.lab.dir };
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	lab_close(&b->lab);
	return 0;
}

static void must(int r, struct error **err)
{
	if (r < 0)
		fail_msg("%s", (*err)->message);
}

static void run_io(const struct bench *b, const char *image, const char *command)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { .spec = { .argv = &argv, .dir = b->lab.dir } };

	strv_pushl(&argv, "qemu-io", "-f", "qcow2", "-c", command, image, NULL);
	must(proc_run(&run, NULL, NULL, &err), &err);
}

static void test_sizes(void **state)
{
	assert_int_equal(image_size_parse("1"), 1);
	assert_int_equal(image_size_parse("512b"), 512);
	assert_int_equal(image_size_parse("40960M"), 40960LL << 20);
	assert_int_equal(image_size_parse("2g"), 2LL << 30);
	assert_int_equal(image_size_parse("1T"), 1LL << 40);
	assert_int_equal(image_size_parse(""), -1);
	assert_int_equal(image_size_parse("G"), -1);
	assert_int_equal(image_size_parse("10GB"), -1);
	assert_int_equal(image_size_parse("-1G"), -1);
	assert_int_equal(image_size_parse("1.5G"), -1);
	assert_int_equal(image_size_parse(" 1G"), -1);
	assert_int_equal(image_size_parse("99999999999T"), -1);
}

static void test_create_and_probe(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(image_info) struct image_info info = { 0 };

	must(image_create(&b->x,
			  &(struct image_create){ .path = "a", .format = "qcow2", .size = "8M" },
			  &err),
	     &err);
	must(image_probe(&b->x, "a", &info, &err), &err);
	assert_string_equal(info.format, "qcow2");
	assert_int_equal(info.virtual_size, 8 << 20);
	assert_true(info.is_plain);
	assert_false(info.has_backing);
}

static void test_missing_image(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(image_info) struct image_info info = { 0 };

	assert_int_equal(image_probe(&b->x, "none", &info, &err), -1);
	assert_non_null(strstr(err->message, "QemuImg error: "));
	assert_non_null(strstr(err->message, "No such file"));
}

static void test_no_program(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(image_info) struct image_info info = { 0 };
	char path[] = "PATH=/nonexistent";
	char *env[] = { path, NULL };
	struct image_ctx x = b->x;

	x.environ = env;
	assert_int_equal(image_probe(&x, "a", &info, &err), -1);
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	assert_string_equal(err->message, "Failed creating Qemu driver: exec: \"qemu-img\": "
					  "executable file not found in $PATH");
	assert_string_equal(err->hint, "the Debian package qemu-utils brings it");
}

/* The merge of an overlay must equal its conversion, block by block, and stand alone. */
static void test_merge(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO(image_info) struct image_info info = { 0 };
	AUTO_FREE char *base = path_join(b->lab.dir, "base");
	const struct image_create over = { .path = "over",
					   .format = "qcow2",
					   .size = "24M",
					   .backing = base,
					   .backing_format = "qcow2" };

	must(image_create(
		     &b->x,
		     &(struct image_create){ .path = "plain", .format = "qcow2", .size = "16M" },
		     &err),
	     &err);
	run_io(b, "plain", "write -P 0x11 0 4M");
	run_io(b, "plain", "write -P 0x22 8M 1M");
	must(image_convert(&b->x,
			   &(struct image_convert){ .from = "plain",
						    .from_format = "qcow2",
						    .to = "base",
						    .to_format = "qcow2",
						    .compress = true,
						    .label = "x" },
			   &err),
	     &err);
	must(image_create(&b->x, &over, &err), &err);
	run_io(b, "over", "write -P 0x33 1M 1M");
	run_io(b, "over", "write -z 8M 1M");
	run_io(b, "over", "write -P 0x44 23M 512k");
	must(image_convert(&b->x,
			   &(struct image_convert){ .from = "over",
						    .from_format = "qcow2",
						    .to = "want",
						    .to_format = "qcow2",
						    .label = "x" },
			   &err),
	     &err);
	must(image_merge(&b->x,
			 &(struct image_merge){ .overlay = "over", .base = base, .to = "got" },
			 &err),
	     &err);
	must(image_probe(&b->x, "got", &info, &err), &err);
	assert_false(info.has_backing);
	assert_int_equal(info.virtual_size, 24 << 20);

	AUTO(strv) struct strv argv = STRV_INIT;
	struct proc_run run = { .spec = { .argv = &argv, .dir = b->lab.dir } };

	strv_pushl(&argv, "qemu-img", "compare", "got", "want", NULL);
	must(proc_run(&run, NULL, NULL, &err), &err);
}

static void test_full_disk(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *fake_dir = path_join(b->lab.dir, "bin");
	AUTO_FREE char *path = xasprintf("PATH=%s", fake_dir);
	char *env[] = { path, NULL };
	struct image_ctx x = b->x;

	must(fs_mkdir_all(fake_dir, 0755, &err), &err);
	AUTO_FREE char *fake = lab_file(
		&b->lab, "bin/qemu-img",
		"#!/bin/sh\nprintf '    (10.00/100%%)\\r'\n"
		"echo 'qemu-img: error while writing: No space left on device' >&2\nexit 1\n",
		0755);
	x.environ = env;
	assert_int_equal(
		image_create(&x,
			     &(struct image_create){ .path = "a", .format = "raw", .size = "1M" },
			     &err),
		-1);
	assert_int_equal(err->os_errno, ENOSPC);
	assert_string_equal(
		err->message,
		"QemuImg error: qemu-img: error while writing: No space left on device");
	assert_non_null(strstr(err->hint, "make room"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test_setup_teardown(test_create_and_probe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_image, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
