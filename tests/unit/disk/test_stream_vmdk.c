/* SPDX-License-Identifier: Apache-2.0 */
/* Read back by a reader of the test's own, from the footer on, as the format's description has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "../temp_dir.h"
#include "base/alloc.h"
#include "base/path.h"
#include "disk/stream_vmdk.h"
#include "os/fs.h"

enum { GRAIN = 65536, SECTOR = 512, MIB = 1024 * 1024 };

/* ---- the reader ------------------------------------------------------------------------ */

static uint64_t le(const void *at, int bytes)
{
	const unsigned char *p = at;
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | p[bytes];
	return n;
}

static void check_header(const unsigned char *h, uint64_t capacity, uint64_t directory)
{
	assert_memory_equal(h, "KDMV", 4);
	assert_int_equal(le(h + 4, 4), 3);
	assert_int_equal(le(h + 8, 4), 0x30001);
	assert_int_equal(le(h + 12, 8) * SECTOR, capacity);
	assert_int_equal(le(h + 20, 8), 128);
	assert_int_equal(le(h + 44, 4), 512);
	assert_true(le(h + 56, 8) == directory);
	assert_memory_equal(h + 73, "\n \r\n", 4);
	assert_int_equal(le(h + 77, 2), 1);
}

/* The marker in front of metadata. */
static void check_marker(const unsigned char *m, uint64_t sectors, uint32_t type)
{
	assert_int_equal(le(m, 8), sectors);
	assert_int_equal(le(m + 8, 4), 0);
	assert_int_equal(le(m + 12, 4), type);
}

static void read_grain(const struct strbuf *file, uint64_t sector, uint64_t grain,
		       unsigned char *out)
{
	const unsigned char *at = (const unsigned char *)file->buf + sector * SECTOR;
	uLongf size = GRAIN;

	assert_true(sector >= 128 && sector * SECTOR + 12 < file->len);
	assert_int_equal(le(at, 8), grain * 128);
	assert_int_equal(uncompress(out, &size, at + 12, le(at + 8, 4)), Z_OK);
	assert_int_equal(size, GRAIN);
}

static unsigned char *read_disk(const struct strbuf *file, uint64_t capacity)
{
	const unsigned char *f = (const unsigned char *)file->buf;
	unsigned char *disk = xcalloc(1, capacity);
	const unsigned char *footer = f + file->len - 1024;
	uint64_t directory = le(footer + 56, 8);
	uint64_t tables = (capacity / GRAIN + 511) / 512;

	check_header(f, capacity, UINT64_MAX);
	check_marker(footer - SECTOR, 1, 3);
	check_header(footer, capacity, directory);
	check_marker(footer + SECTOR, 0, 0);
	check_marker(f + (directory - 1) * SECTOR, (tables * 4 + 511) / 512, 2);
	for (uint64_t t = 0; t < tables; t++) {
		uint64_t table = le(f + directory * SECTOR + t * 4, 4);

		if (table)
			check_marker(f + (table - 1) * SECTOR, 4, 1);
		for (uint64_t g = t * 512; table && g < (t + 1) * 512; g++) {
			uint64_t sector = le(f + table * SECTOR + g % 512 * 4, 4);

			if (sector)
				read_grain(file, sector, g, disk + g * GRAIN);
		}
	}
	return disk;
}

/* ---- writing --------------------------------------------------------------------------- */

static const struct stream_vmdk_spec plain = { .name = "disk.vmdk" };

static void fill(unsigned char *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = (unsigned char)(i % 3 ? seed >> 16 : i);
	}
}

/* Writes the disk in pieces of 256 KiB, those that are zero left out, and compares what is read. */
static void round_trip(const unsigned char *disk, uint64_t size, uint64_t *ret_populated)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = path_join(dir, "disk.vmdk");
	AUTO(strbuf) struct strbuf file = STRBUF_INIT;
	AUTO_FREE char *digest = NULL;
	const struct disk_target target = { path, size, 3 };
	AUTO(disk_sums)
	struct disk_sums *sums = disk_sums_new((enum digest_type[]){ DIGEST_SHA256 }, 1);
	const struct stream_vmdk_spec spec = { .name = "disk.vmdk", .sums = sums };
	struct disk_writer *w = stream_vmdk_new(&target, &spec, &err);
	static const unsigned char zeros[4 * GRAIN];

	assert_non_null(w);
	for (uint64_t at = 0; at < size; at += 4 * GRAIN) {
		size_t len = (size_t)MIN(size - at, 4 * GRAIN);

		if (memcmp(disk + at, zeros, len) != 0)
			assert_int_equal(w->ops->write(w, at, disk + at, len, NULL, &err), 0);
	}
	assert_int_equal(w->ops->finish(w, NULL, &err), 0);
	*ret_populated = stream_vmdk_populated(w);
	assert_int_equal(fs_digest(path, DIGEST_SHA256, NULL, &digest, &err), 0);
	assert_string_equal(disk_sums_hex(sums, 0), digest);
	disk_writer_free(w);

	assert_int_equal(fs_read(path, FS_READ_MAX, &file, &err), 0);
	assert_int_equal(file.len % SECTOR, 0);

	AUTO_FREE unsigned char *back = read_disk(&file, stream_vmdk_capacity(size));

	assert_memory_equal(back, disk, size);
	for (uint64_t i = size; i < stream_vmdk_capacity(size); i++)
		assert_int_equal(back[i], 0);
	assert_int_equal(fs_remove(path, &err), 0);
}

static void test_an_empty_disk(void **state)
{
	AUTO_FREE unsigned char *disk = xcalloc(1, 64 * MIB);
	uint64_t populated;

	round_trip(disk, 64 * MIB, &populated);
	assert_int_equal(populated, 0);
}

static void test_one_grain(void **state)
{
	unsigned char *disk = xcalloc(1, MIB);
	uint64_t populated;

	disk[5 * GRAIN + 17] = 1;
	round_trip(disk, MIB, &populated);
	assert_int_equal(populated, GRAIN);
	free(disk);
}

static void test_a_last_grain_that_is_not_whole(void **state)
{
	uint64_t size = 3 * GRAIN + 5 * SECTOR, populated;
	AUTO_FREE unsigned char *disk = xcalloc(1, size);

	fill(disk + 3 * GRAIN, 5 * SECTOR, 1);
	disk[0] = 9;
	round_trip(disk, size, &populated);
	assert_int_equal(populated, 2 * GRAIN);
}

static void test_a_disk_of_one_sector(void **state)
{
	unsigned char disk[SECTOR];
	uint64_t populated;

	fill(disk, sizeof(disk), 2);
	round_trip(disk, sizeof(disk), &populated);
	assert_int_equal(populated, GRAIN);
}

/* A table is 32 MiB: the first is half full, the second has nothing, the last one grain. */
static void test_several_grain_tables(void **state)
{
	AUTO_FREE unsigned char *disk = xcalloc(1, 97 * MIB);
	uint64_t populated;

	for (int i = 0; i < 4; i += 2)
		fill(disk + i * MIB, MIB, (unsigned)i);
	fill(disk + 32 * MIB - GRAIN, GRAIN, 3);
	fill(disk + 64 * MIB, GRAIN, 4);
	disk[97 * MIB - 1] = 1;
	round_trip(disk, 97 * MIB, &populated);
	assert_int_equal(populated, 2 * MIB + 3 * GRAIN);
}

static char *descriptor_of(const struct disk_target *target, const struct stream_vmdk_spec *spec)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf file = STRBUF_INIT;
	struct disk_writer *w = stream_vmdk_new(target, spec, &err);

	assert_non_null(w);
	assert_int_equal(w->ops->finish(w, NULL, &err), 0);
	disk_writer_free(w);
	assert_int_equal(fs_read(target->path, FS_READ_MAX, &file, &err), 0);
	assert_int_equal(fs_remove(target->path, &err), 0);
	return xstrdup(file.buf + SECTOR);
}

static void test_the_descriptor(void **state)
{
	AUTO_FREE char *path = path_join(dir, "disk.vmdk");
	const struct disk_target target = { path, UINT64_C(20) << 30, 1 };
	const struct stream_vmdk_spec ide = { "web.vmdk", true, 13, 0 };
	AUTO_FREE char *text = descriptor_of(&target, &ide);
	AUTO_FREE char *again = descriptor_of(&target, &ide);
	AUTO_FREE char *scsi = descriptor_of(&target, &plain);

	assert_string_equal(text, again);
	assert_non_null(strstr(text, "\ncreateType=\"streamOptimized\"\n"));
	assert_non_null(strstr(text, "\nparentCID=ffffffff\n"));
	assert_non_null(strstr(text, "\nRW 41943040 SPARSE \"web.vmdk\"\n"));
	assert_non_null(strstr(text, "\nddb.virtualHWVersion = \"13\"\n"));
	assert_non_null(strstr(text, "\nddb.adapterType = \"ide\"\n"));
	assert_non_null(strstr(text, "\nddb.geometry.cylinders = \"16383\"\n"));
	assert_non_null(strstr(text, "\nddb.geometry.heads = \"16\"\n"));
	assert_non_null(strstr(scsi, "\nddb.adapterType = \"lsilogic\"\n"));
	assert_non_null(strstr(scsi, "\nddb.geometry.cylinders = \"2610\"\n"));
	assert_non_null(strstr(scsi, "\nddb.geometry.heads = \"255\"\n"));
}

static void test_an_unfinished_file_is_removed(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = path_join(dir, "disk.vmdk");
	const struct disk_target target = { path, MIB, 2 };
	struct disk_writer *w = stream_vmdk_new(&target, &plain, &err);
	unsigned char data[GRAIN] = { 1 };

	assert_int_equal(w->ops->write(w, 0, data, sizeof(data), NULL, &err), 0);
	assert_true(fs_exists(path));
	disk_writer_free(w);
	assert_false(fs_exists(path));
}

static void test_a_file_that_is_there_stays(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = path_join(dir, "mine.vmdk");
	const struct disk_target target = { path, MIB, 2 };

	assert_int_equal(fs_write(path, "x", 1, 0600, &err), 0);
	assert_null(stream_vmdk_new(&target, &plain, &err));
	assert_int_equal(err->kind, ERROR_EXISTS);
	assert_non_null(strstr(err->message, path));
	assert_true(fs_exists(path));
}

static void test_an_interrupt_ends_it(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = path_join(dir, "disk.vmdk");
	AUTO(cancel) struct cancel *c = cancel_new(NULL, INT64_MAX);
	const struct disk_target target = { path, MIB, 2 };
	struct disk_writer *w = stream_vmdk_new(&target, &plain, &err);
	unsigned char data[GRAIN] = { 1 };

	cancel_trigger(c);
	assert_int_equal(w->ops->write(w, 0, data, sizeof(data), c, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
	disk_writer_free(w);
}

/* The file is made, then what is written goes to a device that is always full. */
static void test_a_full_disk_is_told(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = path_join(dir, "full");
	const struct disk_target target = { path, 32 * MIB, 2 };
	struct sink s = SINK_INIT;
	unsigned char data[GRAIN];
	int r = 0, full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(sink_open(&s, path, &err), 0);
	assert_true(dup2(full, s.fd) >= 0);
	close(full);

	struct disk_writer *w = stream_vmdk_into(&s, &target, &plain, &err);

	for (uint64_t at = 0; r == 0 && at < 32 * MIB; at += GRAIN) {
		fill(data, GRAIN, (unsigned)at);
		r = w->ops->write(w, at, data, GRAIN, NULL, &err);
	}
	assert_int_equal(r, -1);
	assert_non_null(strstr(err->message, "full'"));
	assert_non_null(strstr(err->hint, "free space"));
	disk_writer_free(w);
	sink_release(&s);
	assert_false(fs_exists(path));
}

static void test_a_disk_that_is_too_large(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = path_join(dir, "disk.vmdk");
	const struct disk_target target = { path, UINT64_C(63) << 40, 2 };

	assert_null(stream_vmdk_new(&target, &plain, &err));
	assert_string_equal(err->message, "a VMDK holds at most 62 TiB, the disk has 63.0 TiB");
	assert_false(fs_exists(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_disk),
		cmocka_unit_test(test_one_grain),
		cmocka_unit_test(test_a_last_grain_that_is_not_whole),
		cmocka_unit_test(test_a_disk_of_one_sector),
		cmocka_unit_test(test_several_grain_tables),
		cmocka_unit_test(test_the_descriptor),
		cmocka_unit_test(test_an_unfinished_file_is_removed),
		cmocka_unit_test(test_a_file_that_is_there_stays),
		cmocka_unit_test(test_an_interrupt_ends_it),
		cmocka_unit_test(test_a_full_disk_is_told),
		cmocka_unit_test(test_a_disk_that_is_too_large),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
