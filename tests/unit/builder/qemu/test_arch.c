/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "builder/qemu/arch.h"

#include <string.h>
#include <sys/utsname.h>

static void test_names(void **state)
{
	static const struct {
		const char *binary, *arch, *package, *machine;
	} rows[] = {
		{ "qemu-system-x86_64", "x86_64", "qemu-system-x86", "pc" },
		{ "/usr/bin/qemu-system-aarch64", "aarch64", "qemu-system-arm", "virt" },
		{ "qemu-system-arm", "arm", "qemu-system-arm", "virt" },
		{ "qemu-system-riscv64", "riscv", "qemu-system-misc", "virt" },
		{ "qemu-system-ppc64le", "ppc64", "qemu-system-ppc", "pseries" },
		{ "qemu-system-xtensa", "", "qemu-system", "pc" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct guest_arch *arch = guest_arch_of(rows[i].binary);

		assert_string_equal(arch->name, rows[i].arch);
		assert_string_equal(arch->machine, rows[i].machine);
		assert_string_equal(guest_arch_package(rows[i].binary), rows[i].package);
	}
	assert_string_equal(guest_arch_named("/opt/qemu-system-xtensa"), "xtensa");
}

/* A program of another name emulates the host; nobody knows which package brings it. */
static void test_host(void **state)
{
	struct utsname host;

	assert_int_equal(uname(&host), 0);
	assert_null(guest_arch_named("/usr/libexec/qemu-kvm"));
	assert_true(guest_arch_is_native("/usr/libexec/qemu-kvm"));
	assert_string_equal(guest_arch_package("qemu-kvm"), "qemu-system");
	assert_int_equal(guest_arch_is_native("qemu-system-x86_64"),
			 !strcmp(host.machine, "x86_64"));
	assert_int_equal(guest_arch_is_native("qemu-system-aarch64"),
			 !strcmp(host.machine, "aarch64"));
	assert_false(guest_arch_is_native("qemu-system-sparc"));
}

static void test_bare(void **state)
{
	const struct guest_arch *arm = guest_arch_of("qemu-system-aarch64");

	assert_true(guest_arch_is_bare(arm, "virt"));
	assert_true(guest_arch_is_bare(arm, "virt-7.2"));
	assert_true(guest_arch_is_bare(arm, "virt,gic-version=3"));
	assert_false(guest_arch_is_bare(arm, "virtual"));
	assert_false(guest_arch_is_bare(arm, "raspi3b"));
	assert_false(guest_arch_is_bare(guest_arch_of("qemu-system-x86_64"), "virt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
