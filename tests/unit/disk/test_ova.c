/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../temp_dir.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/path.h"
#include "disk/ova.h"
#include "os/fs.h"

enum { MIB = 1024 * 1024, CHUNK = 65536 };

static char *path;
static const struct ovf_machine machine = { .name = "web",
					    .cpus = 1,
					    .memory = 512,
					    .guest_os_type = "debian12_64Guest",
					    .hardware_version = 10,
					    .controller = "sata" };

static int name_file(void **state)
{
	if (make_dir(state) < 0)
		return -1;
	path = path_join(dir, "web.ova");
	return 0;
}

static int remove_file(void **state)
{
	free(path);
	return remove_dir(state);
}

/* ---- reading the tar file --------------------------------------------------------------------- */

struct member {
	const char *name, *data;
	size_t len;
};

static size_t read_tar(const struct strbuf *tar, struct member *members, size_t max)
{
	const char *p = tar->buf;
	size_t n = 0;

	for (; *p; n++) {
		assert_true(n < max);
		assert_memory_equal(p + 257, "ustar\00000", 8);
		members[n] = (struct member){ p, p + 512, strtoull(p + 124, NULL, 8) };
		p += 512 + (members[n].len + 511) / 512 * 512;
	}
	assert_int_equal(tar->buf + tar->len - p, 1024);
	return n;
}

static void check_manifest(const struct member *manifest, const struct member *m)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	AUTO_FREE char *text = xstrndup(manifest->data, manifest->len);

	digest_add(d, m->data, m->len);

	AUTO_FREE char *hex = digest_finish_hex(d);
	AUTO_FREE char *line = xasprintf("SHA256(%s)= %s\n", m->name, hex);

	assert_non_null(strstr(text, line));
}

static void has(const struct member *m, const char *text)
{
	AUTO_FREE char *all = xstrndup(m->data, m->len);

	if (!strstr(all, text))
		fail_msg("no '%s' in %s", text, all);
}

static void put(struct disk_writer *w, uint64_t at, int c)
{
	AUTO(error) struct error *err = NULL;
	unsigned char data[CHUNK];

	memset(data, c, sizeof(data));
	assert_int_equal(w->ops->write(w, at, data, sizeof(data), NULL, &err), 0);
}

/* ---- tests ---------------------------------------------------------------------------------------- */

static void test_one_disk(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf tar = STRBUF_INIT;
	const struct disk_target target = { path, 3 * MIB, 2 };
	const struct ova_spec spec = { .name = "web", .machine = &machine, .disk_count = 1 };
	struct disk_writer *w = ova_writer_new(&target, &spec, &err);
	struct member m[4];

	assert_non_null(w);
	put(w, MIB, 'x');
	assert_int_equal(w->ops->finish(w, NULL, &err), 0);
	disk_writer_free(w);
	assert_int_equal(fs_read(path, FS_READ_MAX, &tar, &err), 0);
	assert_int_equal(read_tar(&tar, m, ARRAY_LEN(m)), 3);
	assert_string_equal(m[0].name, "web.ovf");
	assert_string_equal(m[1].name, "web-disk1.vmdk");
	assert_string_equal(m[2].name, "web.mf");
	assert_memory_equal(m[1].data, "KDMV", 4);
	check_manifest(&m[2], &m[0]);
	check_manifest(&m[2], &m[1]);

	AUTO_FREE char *file = xasprintf("<File ovf:href=\"web-disk1.vmdk\" ovf:id=\"file1\" "
					 "ovf:size=\"%zu\"/>",
					 m[1].len);

	has(&m[0], file);
	has(&m[0], "<Disk ovf:capacity=\"3145728\" ");
	has(&m[0], " ovf:populatedSize=\"65536\"/>");
	has(&m[0], "</Envelope>\n ");
	assert_int_equal(fs_remove(path, &err), 0);
}

static void test_two_disks(void **state)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf tar = STRBUF_INIT;
	const struct ova_spec spec = { .name = "../two b", .machine = &machine, .disk_count = 2 };
	struct ova *o = ova_new(path, &spec, &err);
	struct member m[4];

	assert_non_null(o);
	for (int i = 1; i <= 2; i++) {
		struct disk_writer *w = ova_disk(o, (uint64_t)i * MIB, 1, &err);

		put(w, 0, i);
		assert_int_equal(w->ops->finish(w, NULL, &err), 0);
		disk_writer_free(w);
	}
	assert_int_equal(ova_finish(o, &err), 0);
	ova_free(o);
	assert_int_equal(fs_read(path, FS_READ_MAX, &tar, &err), 0);
	assert_int_equal(read_tar(&tar, m, ARRAY_LEN(m)), 4);
	assert_string_equal(m[0].name, "vm..-two-b.ovf");
	assert_string_equal(m[1].name, "vm..-two-b-disk1.vmdk");
	assert_string_equal(m[2].name, "vm..-two-b-disk2.vmdk");
	for (int i = 0; i < 3; i++)
		check_manifest(&m[3], &m[i]);
	has(&m[0], "<Disk ovf:capacity=\"1048576\" ");
	has(&m[0], "<Disk ovf:capacity=\"2097152\" ");
	assert_int_equal(fs_remove(path, &err), 0);
}

static void test_an_unfinished_file_is_removed(void **state)
{
	AUTO(error) struct error *err = NULL;
	const struct disk_target target = { path, 3 * MIB, 2 };
	const struct ova_spec spec = { .name = "web", .machine = &machine, .disk_count = 1 };
	struct disk_writer *w = ova_writer_new(&target, &spec, &err);

	put(w, 0, 'x');
	assert_true(fs_exists(path));
	disk_writer_free(w);
	assert_false(fs_exists(path));
}

static void test_a_key_that_is_none_is_told_before_there_is_a_file(void **state)
{
	AUTO(error) struct error *err = NULL;
	const struct disk_target target = { path, 3 * MIB, 2 };
	const struct ova_spec spec = {
		.name = "web",
		.machine = &machine,
		.disk_count = 1,
		.private_key = "nothing",
		.certificate = "nothing",
	};

	assert_null(ova_writer_new(&target, &spec, &err));
	assert_string_equal(err->message, "cannot use the certificate: there is no certificate in "
					  "it, or it is damaged");
	assert_false(fs_exists(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_disk),
		cmocka_unit_test(test_two_disks),
		cmocka_unit_test(test_an_unfinished_file_is_removed),
		cmocka_unit_test(test_a_key_that_is_none_is_told_before_there_is_a_file),
	};

	return cmocka_run_group_tests(tests, name_file, remove_file);
}
