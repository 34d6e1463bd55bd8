/* SPDX-License-Identifier: Apache-2.0 */
/* The real swtpm, connected to the real emulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"
#include "builder/qemu/guest.h"
#include "builder/qemu/tpm.h"
#include "lab.h"
#include "os/wait.h"

#include <signal.h>

static struct tpm *start_tpm(const struct lab *lab)
{
	AUTO(error) struct error *err = NULL;
	const struct tpm_spec spec = { .temp_dir = lab->dir,
				       .journal = lab->journal,
				       .environ = environ };
	struct tpm *t = tpm_start(&spec, &err);

	if (!t)
		fail_msg("%s", err->message);
	return t;
}

static struct guest *start_guest(const struct lab *lab, struct tpm *t, const char *device)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	const struct guest_spec spec = { .argv = &argv,
					 .temp_dir = lab->dir,
					 .tpm = t,
					 .journal = lab->journal,
					 .environ = environ };

	strv_pushl(&argv, "qemu-system-x86_64", "-machine", "pc,accel=tcg", "-nodefaults",
		   "-display", "none", "-m", "16", "-tpmdev", "emulator,id=tpm0,chardev=vtpm",
		   "-device", device, "-chardev", NULL);
	strv_pushf(&argv, "socket,id=vtpm,fd=%d", tpm_fd(t));

	struct guest *g = guest_start(&spec, NULL, &err);

	if (!g)
		fail_msg("%s", err->message);
	return g;
}

/* Process id of swtpm, as the journal tells it. */
static pid_t swtpm_pid(const struct lab *lab)
{
	AUTO(strv) struct strv open = STRV_INIT;
	int64_t pid = 0;

	journal_describe_open(lab->journal, &open);
	for (size_t i = 0; i < open.len; i++) {
		const char *digits = strpbrk(open.v[i], "0123456789");

		for (; strstr(open.v[i], "swtpm") && *digits >= '0' && *digits <= '9'; digits++)
			pid = pid * 10 + (*digits - '0');
		if (pid)
			break;
	}
	assert_true(pid > 1);
	return (pid_t)pid;
}

static void test_connected(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *answer = NULL;

	lab_open(&lab);
	AUTO_FREE char *dir = path_join(lab.dir, "tpm");
	struct tpm *t = start_tpm(&lab);
	struct guest *g = start_guest(&lab, t, "tpm-tis,tpmdev=tpm0");

	assert_int_equal(guest_check(g, false, &err), 0);
	assert_int_equal(qmp_monitor_line(guest_monitor(g), "info tpm",
					  clock_deadline(10 * NSEC_PER_SEC), NULL, &answer, &err),
			 0);
	assert_non_null(strstr(answer, "tpm0: model=tpm-tis"));
	assert_true(fs_exists(dir));
	guest_stop(g);
	tpm_stop(t);
	assert_false(fs_exists(dir));
	lab_close(&lab);
}

static void test_end_in_the_middle(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL, *more = NULL;

	lab_open(&lab);
	struct tpm *t = start_tpm(&lab);
	struct guest *g = start_guest(&lab, t, "tpm-tis,tpmdev=tpm0");

	kill(swtpm_pid(&lab), SIGKILL);
	while (guest_check(g, false, &err) == 0)
		if (io_wait(guest_watch_fd(g), POLLIN, clock_deadline(10 * NSEC_PER_SEC), NULL,
			    &more) < 0)
			fail_msg("%s", more->message);
	assert_int_equal(err->kind, ERROR_GONE);
	assert_string_equal(err->message, "the guest's TPM is gone: swtpm was killed by signal 9");
	guest_stop(g);
	tpm_stop(t);
	lab_close(&lab);
}

/* The emulator is what ended, and said to have. */
static void test_end_of_the_emulator(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL, *more = NULL;

	lab_open(&lab);
	struct tpm *t = start_tpm(&lab);
	struct guest *g = start_guest(&lab, t, "tpm-tis,tpmdev=tpm0");

	assert_int_equal(qmp_command(guest_monitor(g), "quit", clock_deadline(10 * NSEC_PER_SEC),
				     NULL, &more),
			 0);
	while (guest_check(g, false, &err) == 0)
		if (io_wait(guest_watch_fd(g), POLLIN, clock_deadline(10 * NSEC_PER_SEC), NULL,
			    &more) < 0)
			fail_msg("%s", more->message);
	assert_non_null(strstr(err->message, "QEMU ended with status 0"));
	guest_stop(g);
	tpm_stop(t);
	lab_close(&lab);
}

static int needs_programs(void **state)
{
	(void)state;
	if (!lab_has("qemu-system-x86_64") || !lab_has("swtpm"))
		skip();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_connected, needs_programs),
		cmocka_unit_test_setup(test_end_in_the_middle, needs_programs),
		cmocka_unit_test_setup(test_end_of_the_emulator, needs_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
