/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/flash.h"
#include "lab.h"

#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1024 * 1024 };

static void test_halves(void **state)
{
	assert_string_equal(firmware_vars_of("/usr/share/OVMF/OVMF_CODE_4M.ms.fd"),
			    "/usr/share/OVMF/OVMF_VARS_4M.ms.fd");
	assert_string_equal(firmware_vars_of("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"),
			    "/usr/share/OVMF/OVMF_VARS_4M.fd");
	assert_string_equal(firmware_code_of("/usr/share/OVMF/OVMF_VARS.fd"),
			    "/usr/share/OVMF/OVMF_CODE.fd");
	assert_null(firmware_vars_of("/mine/code.fd"));
	assert_null(firmware_code_of("/mine/vars.fd"));
	assert_true(firmware_needs_smm("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"));
	assert_false(firmware_needs_smm("/usr/share/OVMF/OVMF_CODE_4M.fd"));
	assert_false(firmware_needs_smm("/usr/share/AAVMF/AAVMF_CODE.ms.fd"));
}

/* Whatever this host has, a pair is whole, and nobody gets secure boot unasked. */
static void test_find(void **state)
{
	static const char *const binaries[] = { "qemu-system-x86_64", "qemu-system-aarch64" };

	for (size_t i = 0; i < 2; i++) {
		struct firmware_pair pair;
		AUTO(error) struct error *err = NULL;

		if (firmware_find(guest_arch_of(binaries[i]), &pair, &err) < 0) {
			assert_int_equal(err->kind, ERROR_NOT_FOUND);
			continue;
		}
		assert_true(fs_exists(pair.code));
		assert_false(firmware_needs_smm(pair.code));
		assert_null(firmware_mismatch(&pair));
	}
}

static char *sized(const struct lab *lab, const char *name, off_t size)
{
	char *path = lab_file(lab, name, "code", 0600);

	assert_int_equal(truncate(path, size), 0);
	return path;
}

static void test_mismatch(void **state)
{
	struct lab lab;

	lab_open(&lab);
	AUTO_FREE char *small_code = sized(&lab, "small-code", 1966080);
	AUTO_FREE char *small_vars = sized(&lab, "small-vars", 131072);
	AUTO_FREE char *large_code = sized(&lab, "large-code", 3653632);
	AUTO_FREE char *large_vars = sized(&lab, "large-vars", 540672);
	AUTO_FREE char *why = NULL;

	assert_null(firmware_mismatch(&(struct firmware_pair){ small_code, small_vars }));
	assert_null(firmware_mismatch(&(struct firmware_pair){ large_code, large_vars }));
	assert_null(firmware_mismatch(&(struct firmware_pair){ large_code, NULL }));
	why = firmware_mismatch(&(struct firmware_pair){ small_code, large_vars });
	assert_non_null(why);
	assert_non_null(strstr(why, "are not of one pair (1966080 and 540672 bytes)"));
	lab_close(&lab);
}

static void check_flash(const struct lab *lab, const struct guest_arch *arch,
			const struct firmware_pair *pair, const char *want)
{
	AUTO_FREE char *code = path_join(lab->dir, "c");
	AUTO_FREE char *vars = path_join(lab->dir, "v");
	const struct flash_spec spec = {
		.arch = arch, .pair = pair, .code_copy = code, .vars_copy = vars
	};
	struct flash flash;
	struct stat c, v;
	AUTO(error) struct error *err = NULL;

	if (flash_make(&flash, &spec, NULL, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(stat(flash.code, &c), 0);
	assert_int_equal(stat(flash.vars, &v), 0);

	AUTO_FREE char *got =
		xasprintf("%s %lld %s, %s %lld %s", path_basename(flash.code), (long long)c.st_size,
			  flash.code_format, path_basename(flash.vars), (long long)v.st_size,
			  flash.vars_format);

	assert_string_equal(got, want);
	flash_release(&flash);
	(void)unlink(vars);
}

/* ARM's machine wants both to have 64 MiB; a PC takes them as they are. */
static void test_flash(void **state)
{
	const struct guest_arch *arm = guest_arch_of("qemu-system-aarch64");
	const struct guest_arch *pc = guest_arch_of("qemu-system-x86_64");
	struct lab lab;

	lab_open(&lab);
	AUTO_FREE char *code = sized(&lab, "code", 2 * MIB);
	AUTO_FREE char *vars = sized(&lab, "vars", MIB);
	AUTO_FREE char *packed = lab_file(&lab, "packed", "QFI\xfb more", 0600);

	check_flash(&lab, pc, &(struct firmware_pair){ code, vars },
		    "code 2097152 raw, v 1048576 raw");
	check_flash(&lab, arm, &(struct firmware_pair){ code, vars },
		    "c 67108864 raw, v 67108864 raw");
	check_flash(&lab, arm, &(struct firmware_pair){ code, NULL },
		    "c 67108864 raw, v 67108864 raw");
	check_flash(&lab, arm, &(struct firmware_pair){ packed, packed },
		    "packed 9 qcow2, v 9 qcow2");
	lab_close(&lab);
}

static void test_missing(void **state)
{
	const struct guest_arch *arm = guest_arch_of("qemu-system-aarch64");
	const struct firmware_pair pair = { "/nonexistent/code.fd", NULL };
	AUTO(error) struct error *err = NULL;

	assert_int_equal(firmware_check(arm, &pair, &err), -1);
	assert_string_equal(err->message, "UEFI firmware '/nonexistent/code.fd' does not exist");
	assert_non_null(strstr(err->hint, "the Debian package qemu-efi-aarch64 brings it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_halves),   cmocka_unit_test(test_find),
		cmocka_unit_test(test_mismatch), cmocka_unit_test(test_flash),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
