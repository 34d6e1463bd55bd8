/* SPDX-License-Identifier: Apache-2.0 */
/* Places on the disk, identifiers, and the boot sectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/bootstrap/layout.h"

#define MIB (INT64_C(1) << 20)

static void check_extent(const struct extent *e, int64_t start, int64_t end)
{
	assert_int_equal(e->start, start);
	assert_int_equal(e->start + e->len, end);
}

static void test_plan(void **state)
{
	struct layout l;

	(void)state;
	layout_plan(&l, 4096 * MIB, true, true);
	check_extent(&l.bios, 1 * MIB, 2 * MIB);
	check_extent(&l.esp, 2 * MIB, 66 * MIB);
	check_extent(&l.root, 66 * MIB, 4095 * MIB);
	layout_plan(&l, 4096 * MIB, false, true);
	assert_int_equal(l.bios.len, 0);
	check_extent(&l.esp, 1 * MIB, 65 * MIB);
	layout_plan(&l, 1000 * MIB + 12345, true, false);
	check_extent(&l.root, 2 * MIB, 999 * MIB);
}

static void test_ids(void **state)
{
	struct disk_ids a, b, c;

	(void)state;
	disk_ids_make(&a, "seed");
	disk_ids_make(&b, "seed");
	disk_ids_make(&c, "seeds");
	assert_memory_equal(&a, &b, sizeof(a));
	assert_string_not_equal(a.filesystem, c.filesystem);
	assert_string_not_equal(a.filesystem, a.root);
	assert_string_not_equal(a.bios, a.esp);
	assert_int_equal(strlen(a.fat), 8);
	assert_int_equal(strlen(a.disk), 36);
	assert_int_equal(a.disk[14], '5'); /* the version of the UUID */
}

static void test_script(void **state)
{
	struct layout l;
	struct disk_ids ids = {
		.disk = "D",
		.bios = "B",
		.esp = "E",
		.root = "R",
	};
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	(void)state;
	layout_plan(&l, 1024 * MIB, true, true);
	layout_script(&l, &ids, "T", &text);
	assert_string_equal(
		text.buf,
		"label: gpt\nlabel-id: D\nunit: sectors\nfirst-lba: 34\n"
		"1 : start=135168, size=1959936, type=T, uuid=R, name=root\n"
		"14 : start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, uuid=B, "
		"name=bios\n"
		"15 : start=4096, size=131072, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=E, "
		"name=esp\n");
}

static void test_boot_sector(void **state)
{
	unsigned char sector[SECTOR], img[SECTOR];
	struct error *err = NULL;

	(void)state;
	memset(sector, 0xaa, sizeof(sector));
	memset(img, 0x11, sizeof(img));
	assert_int_equal(boot_sector_patch(sector, img, sizeof(img), 2048, &err), 0);
	assert_int_equal(sector[0], 0x11);
	assert_int_equal(sector[0x3], 0xaa); /* BIOS parameter block: kept */
	assert_int_equal(sector[0x59], 0xaa);
	assert_int_equal(sector[0x5a], 0x11);
	assert_memory_equal(sector + 0x5c, "\x00\x08\x00\x00\x00\x00\x00\x00", 8);
	assert_memory_equal(sector + 0x66, "\x90\x90", 2);
	assert_int_equal(sector[0x1b7], 0x11);
	assert_int_equal(sector[0x1b8], 0xaa); /* partition table: kept */
	assert_int_equal(sector[511], 0xaa);
	assert_int_equal(boot_sector_patch(sector, img, 511, 2048, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	error_free(err);
}

static void test_core_image(void **state)
{
	unsigned char *core = calloc(3, SECTOR);
	struct error *err = NULL;

	(void)state;
	assert_int_equal(core_image_patch(core, 3 * SECTOR, 2048, &err), 0);
	assert_memory_equal(core + 0x1f4, "\x01\x08\x00\x00\x00\x00\x00\x00\x02\x00\x20\x08", 12);
	assert_int_equal(core_image_patch(core, 3 * SECTOR - 1, 2048, &err), -1);
	error_free(err);
	err = NULL;
	assert_int_equal(core_image_patch(core, SECTOR, 2048, &err), -1);
	error_free(err);
	err = NULL;
	/* refused before a byte of it is touched */
	assert_int_equal(core_image_patch(core, (size_t)(1 * MIB) + SECTOR, 2048, &err), -1);
	error_free(err);
	free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),       cmocka_unit_test(test_ids),
		cmocka_unit_test(test_script),     cmocka_unit_test(test_boot_sector),
		cmocka_unit_test(test_core_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
