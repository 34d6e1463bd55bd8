/* SPDX-License-Identifier: Apache-2.0 */
/* Headers as somebody may have made them who means no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/alloc.h"
#include "base/path.h"
#include "disk/image.h"
#include "os/fs.h"

static struct strv known = STRV_INIT;

static int forget(void **state)
{
	strv_release(&known);
	return remove_dir(state);
}

static char *put(const char *name, const void *data, size_t len)
{
	AUTO(error) struct error *err = NULL;
	char *path = path_join(dir, name);

	assert_int_equal(fs_write(path, data, len, 0644, &err), 0);
	return path;
}

/* A qcow2 header of version 3; backing: the name of what it stands on, or NULL. */
static char *put_qcow2(const char *name, const char *backing, unsigned char crypt,
		       unsigned char features)
{
	unsigned char head[1024] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 };

	if (backing) {
		head[14] = 512 >> 8;
		head[19] = (unsigned char)strlen(backing);
		memcpy(head + 512, backing, strlen(backing));
	}
	head[35] = crypt;
	head[79] = features;
	return put(name, head, sizeof(head));
}

static void refused(const char *path, const char *words)
{
	AUTO(error) struct error *err = NULL;
	struct disk_image image = { 0 };

	assert_int_equal(disk_image_look(path, &known, &image, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_non_null(strstr(err->message, words));
}

static void test_each_layer_is_named_and_so_is_the_end(void **state)
{
	AUTO_FREE char *base = put("base.raw", "content", 7);
	AUTO_FREE char *below = put_qcow2("below", "base.raw", 0, 0);
	AUTO_FREE char *top = put_qcow2("top", below, 0, 0);
	AUTO_FREE char *alone = put_qcow2("alone", NULL, 0, 0);
	AUTO_FREE char *want = xasprintf(
		"{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"},"
		"\"backing\":{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"%"
		"s\"},"
		"\"backing\":{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}"
		"}}}",
		top, below, base);
	AUTO(disk_image) struct disk_image image = { 0 };
	AUTO(disk_image) struct disk_image single = { 0 };
	AUTO(error) struct error *err = NULL;

	strv_push(&known, base);
	strv_push(&known, below);
	assert_int_equal(disk_image_look(top, &known, &image, &err), 0);
	assert_string_equal(image.options, want);
	assert_int_equal(disk_image_look(alone, &known, &single, &err), 0);
	assert_non_null(strstr(single.options, "\"backing\":null"));
}

static void test_other_files_are_not_opened(void **state)
{
	AUTO_FREE char *shadow = put_qcow2("a", "/etc/shadow", 0, 0);
	AUTO_FREE char *json = put_qcow2("b", "json:{\"driver\":\"file\"}", 0, 0);
	AUTO_FREE char *net = put_qcow2("c", "nbd://example.org/x", 0, 0);
	AUTO_FREE char *data = put_qcow2("d", NULL, 0, 4);

	refused(shadow, "stands on '/etc/shadow'");
	refused(json, "stands on");
	refused(net, "stands on");
	refused(data, "content in another file");
}

static void test_one_that_stands_on_itself(void **state)
{
	AUTO_FREE char *loop = put_qcow2("loop", "loop", 0, 0);

	strv_push(&known, loop);
	refused(loop, "stands on too many images");
}

static void test_what_is_not_read_is_said(void **state)
{
	unsigned char vdi[512] = { 0 };

	memcpy(vdi + 64, "\x7f\x10\xda\xbe", 4);

	AUTO_FREE char *secret = put_qcow2("e", NULL, 2, 0);
	AUTO_FREE char *corrupt = put_qcow2("f", NULL, 0, 2);
	AUTO_FREE char *old = put("g", "QFI\xfb\0\0\0\1", 8);
	AUTO_FREE char *empty = put("h", "", 0);
	AUTO_FREE char *other = put("i", "vhdxfile", 8);
	AUTO_FREE char *box = put("j", vdi, sizeof(vdi));

	refused(secret, "is encrypted");
	refused(corrupt, "marked as corrupt");
	refused(old, "version 1");
	refused(empty, "is empty");
	refused(other, "format VHDX");
	refused(box, "format VDI");
	refused(dir, "is not a file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_layer_is_named_and_so_is_the_end),
		cmocka_unit_test(test_other_files_are_not_opened),
		cmocka_unit_test(test_one_that_stands_on_itself),
		cmocka_unit_test(test_what_is_not_read_is_said),
	};

	return cmocka_run_group_tests(tests, make_dir, forget);
}
