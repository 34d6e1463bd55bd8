/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"
#include "builder/qemu/accel.h"
#include "lab.h"

#include <sys/utsname.h>

#define VIRTUALIZES "processor\t: 0\nflags\t\t: fpu vme vmx sse\nbugs\t:\n"
#define DOES_NOT    "processor\t: 0\nflags\t\t: fpu vme hypervisor vmxnot\nbugs\t: vmx\n"

static bool on_x86(void)
{
	struct utsname u;

	return uname(&u) == 0 && !strcmp(u.machine, "x86_64");
}

static struct accel_query query(const struct lab *lab, const char *binary)
{
	return (struct accel_query){ .binary = binary,
				     .state_dir = lab->dir,
				     .temp_dir = lab->dir,
				     .journal = lab->journal,
				     .environ = environ };
}

static void check_choice(const struct accel_query *q, const char *accel, const char *why)
{
	struct accel_choice choice;
	AUTO(error) struct error *err = NULL;

	if (accel_choose(q, NULL, &choice, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(choice.accel, accel);
	if (!why)
		assert_null(choice.why);
	else if (!choice.why || !strstr(choice.why, why))
		fail_msg("reason is '%s', want '%s'", choice.why ? choice.why : "", why);
	accel_choice_release(&choice);
}

static void test_ruled_out(void **state)
{
	struct lab lab;

	lab_open(&lab);
	AUTO_FREE char *device = lab_file(&lab, "kvm", "", 0600);
	AUTO_FREE char *cpuinfo = lab_file(&lab, "cpuinfo", DOES_NOT, 0600);
	struct accel_query q = query(&lab, "qemu-system-x86_64");

	q.device = "/nonexistent/kvm";
	check_choice(&q, "tcg", "/nonexistent/kvm cannot be opened");
	q.device = device;
	q.cpuinfo = cpuinfo;
	if (on_x86())
		check_choice(&q, "tcg", "does not offer virtualization");
	q.wanted = "kvm"; /* asking for it does not make it work */
	check_choice(&q, "tcg", "");
	q.wanted = "tcg";
	check_choice(&q, "tcg", NULL);
	q.wanted = NULL;
	q.binary = "qemu-system-sparc";
	check_choice(&q, "tcg", "the guest is sparc");
	lab_close(&lab);
}

/* Real firmware in the real emulator: the probe's guest count where guests run. */
static void probe_software(const char *binary)
{
	struct lab lab;
	char *why = NULL;
	AUTO(error) struct error *err = NULL;

	if (!lab_has(binary))
		skip();
	lab_open(&lab);
	const struct accel_query q = query(&lab, binary);

	assert_int_equal(accel_probe(&q, "tcg", NULL, &why, &err), 0);
	assert_null(why);
	assert_int_equal(accel_probe(&q, "nonsense", NULL, &why, &err), 0);
	assert_non_null(strstr(why, "nonsense starts no guest"));
	free(why);
	lab_close(&lab);
}

static void test_probe_of_software(void **state)
{
	probe_software("qemu-system-x86_64");
}

static void test_probe_of_i386(void **state)
{
	probe_software("qemu-system-i386");
}

static void test_probe_of_aarch64(void **state)
{
	probe_software("qemu-system-aarch64");
}

/* The device of this very host, whatever it is worth: a verdict, in time. */
static void test_probe_of_this_host(void **state)
{
	struct lab lab;
	AUTO_FREE char *why = NULL;
	AUTO(error) struct error *err = NULL;
	int64_t began = clock_monotonic();

	if (!lab_has("qemu-system-x86_64") || !fs_exists("/dev/kvm"))
		skip();
	lab_open(&lab);
	struct accel_query q = query(&lab, "qemu-system-x86_64");

	q.patience = NSEC_PER_SEC;
	assert_int_equal(accel_probe(&q, "kvm", NULL, &why, &err), 0);
	assert_true(clock_monotonic() - began < 10 * NSEC_PER_SEC);
	print_message("# kvm here: %s\n", why ? why : "a guest count");
	lab_close(&lab);
}

static void test_hang_and_memory(void **state)
{
	struct lab lab;

	if (!on_x86())
		skip();
	lab_open(&lab);
	AUTO_FREE char *device = lab_file(&lab, "kvm", "", 0600);
	AUTO_FREE char *cpuinfo = lab_file(&lab, "cpuinfo", VIRTUALIZES, 0600);
	AUTO_FREE char *fake =
		lab_file(&lab, "fake-emulator",
			 "#!/bin/sh\necho x >>\"${0%/*}/count\"\nexec sleep 60\n", 0755);
	AUTO_FREE char *count = path_join(lab.dir, "count");
	struct accel_query q = query(&lab, fake);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	q.device = device;
	q.cpuinfo = cpuinfo;
	q.patience = 200 * NSEC_PER_MSEC;
	check_choice(&q, "tcg", "hangs");
	check_choice(&q, "tcg", "hangs");
	assert_int_equal(fs_read(count, 1000, &text, &err), 0);
	assert_string_equal(text.buf, "x\n"); /* the second time it was remembered */
	lab_close(&lab);
}

static void test_success_is_remembered(void **state)
{
	struct lab lab;

	if (!on_x86())
		skip();
	lab_open(&lab);
	AUTO_FREE char *device = lab_file(&lab, "kvm", "", 0600);
	AUTO_FREE char *cpuinfo = lab_file(&lab, "cpuinfo", VIRTUALIZES, 0600);
	AUTO_FREE char *fake = lab_file(
		&lab, "fake-emulator", "#!/bin/sh\nrm \"${0%/*}/once\" || exit 1\nexit 99\n", 0755);
	AUTO_FREE char *once = lab_file(&lab, "once", "", 0600);
	struct accel_query q = query(&lab, fake);

	q.device = device;
	q.cpuinfo = cpuinfo;
	check_choice(&q, "kvm", NULL);
	check_choice(&q, "kvm", NULL);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ruled_out),
		cmocka_unit_test(test_probe_of_software),
		cmocka_unit_test(test_probe_of_i386),
		cmocka_unit_test(test_probe_of_aarch64),
		cmocka_unit_test(test_probe_of_this_host),
		cmocka_unit_test(test_hang_and_memory),
		cmocka_unit_test(test_success_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
