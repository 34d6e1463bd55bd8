/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"
#include "builder/qemu/guest.h"
#include "lab.h"
#include "os/fd.h"
#include "os/wait.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

/* The real emulator with an empty machine: it is up in a tenth of a second. */
static struct guest *start(const struct lab *lab, const char *further, const char *value,
			   struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_FREE char *console = path_join(lab->dir, "console.log");
	const struct guest_spec spec = { .argv = &argv,
					 .temp_dir = lab->dir,
					 .console = console,
					 .journal = lab->journal,
					 .environ = environ };

	strv_pushl(&argv, "qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display",
		   "none", NULL);
	if (further)
		strv_pushl(&argv, further, value, NULL);
	return guest_start(&spec, NULL, err);
}

static int64_t soon(void)
{
	return clock_deadline(10 * NSEC_PER_SEC);
}

/* Process id of the emulator, as the journal tells it. */
static pid_t pid_of(const struct lab *lab)
{
	AUTO(strv) struct strv open = STRV_INIT;
	pid_t pid = 0;

	journal_describe_open(lab->journal, &open);
	assert_int_equal(open.len, 1);

	const char *digits = strpbrk(open.v[0], "0123456789");

	assert_non_null(digits);
	while (*digits >= '0' && *digits <= '9')
		pid = pid * 10 + (*digits++ - '0');
	return pid;
}

static void test_start_and_stop(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL;

	lab_open(&lab);
	struct guest *g = start(&lab, NULL, NULL, &err);

	if (!g)
		fail_msg("%s", err->message);
	assert_int_equal(guest_check(g, false, &err), 0);
	guest_stop(g);
	lab_close(&lab);
}

static void test_killed(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL;

	lab_open(&lab);
	AUTO_FREE char *console = lab_file(&lab, "console.log", "kernel: panicking\r\n", 0600);
	struct guest *g = start(&lab, NULL, NULL, &err);

	assert_non_null(g);
	assert_int_equal(kill(pid_of(&lab), SIGKILL), 0);
	for (;;) {
		assert_int_equal(io_wait(guest_watch_fd(g), POLLIN, soon(), NULL, &err), 0);
		if (guest_check(g, true, &err) < 0)
			break;
	}
	assert_int_equal(err->kind, ERROR_GONE);
	assert_string_equal(err->message, "QEMU was killed by signal 9");
	assert_string_equal(err->hint, "the last lines of the serial console:\nkernel: panicking");
	guest_stop(g);
	lab_close(&lab);
}

static void test_orderly_end(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL;

	lab_open(&lab);
	struct guest *g = start(&lab, NULL, NULL, &err);

	assert_non_null(g);
	guest_expect_end(g);
	assert_int_equal(qmp_command(guest_monitor(g), "quit", soon(), NULL, &err), 0);
	assert_int_equal(guest_wait_end(g, soon(), NULL, &err), 0);
	/* an expected end does not end anybody's wait */
	assert_int_equal(io_wait(guest_watch_fd(g), POLLIN, clock_deadline(0), NULL, &err), -1);
	assert_int_equal(err->kind, ERROR_TIMEOUT);
	guest_stop(g);
	lab_close(&lab);
}

static void test_power_off_gives_a_moment(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL;

	lab_open(&lab);
	struct guest *g = start(&lab, NULL, NULL, &err);

	assert_non_null(g);
	assert_int_equal(qmp_command(guest_monitor(g), "quit", soon(), NULL, &err), 0);
	while (!guest_has_ended(g))
		assert_int_equal(io_wait(guest_watch_fd(g), POLLIN, soon(), NULL, &err), 0);
	guest_stop(g);
	lab_close(&lab);
}

static void test_bad_option(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL;

	lab_open(&lab);
	assert_null(start(&lab, "-device", "no-such-card", &err));
	assert_int_equal(err->kind, ERROR_GONE);
	assert_non_null(strstr(err->message, "Error launching VM: Qemu failed to start: "));
	assert_non_null(strstr(err->message, "no-such-card"));
	lab_close(&lab);
}

static void test_port_is_taken(void **state)
{
	struct lab lab;
	AUTO(error) struct error *err = NULL;
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	lab_open(&lab);
	AUTO_FREE char *net =
		xasprintf("user,id=n,hostfwd=tcp:127.0.0.1:%d-:22", ntohs(at.sin_port));
	assert_null(start(&lab, "-netdev", net, &err));
	assert_int_equal(err->kind, ERROR_EXISTS);
	lab_close(&lab);
}

static void test_missing_binary(void **state)
{
	struct lab lab;
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;

	lab_open(&lab);
	strv_push(&argv, "qemu-system-riscv99");
	const struct guest_spec spec = {
		.argv = &argv, .temp_dir = lab.dir, .journal = lab.journal, .environ = environ
	};
	assert_null(guest_start(&spec, NULL, &err));
	assert_int_equal(err->kind, ERROR_NOT_FOUND);
	assert_string_equal(err->message,
			    "Failed creating Qemu driver: exec: \"qemu-system-riscv99\": "
			    "executable file not found in $PATH");
	assert_string_equal(err->hint, "the Debian package qemu-system-misc brings it");
	lab_close(&lab);
}

static int needs_emulator(void **state)
{
	(void)state;
	if (!lab_has("qemu-system-x86_64"))
		skip();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_binary),
		cmocka_unit_test_setup(test_start_and_stop, needs_emulator),
		cmocka_unit_test_setup(test_killed, needs_emulator),
		cmocka_unit_test_setup(test_orderly_end, needs_emulator),
		cmocka_unit_test_setup(test_power_off_gives_a_moment, needs_emulator),
		cmocka_unit_test_setup(test_bad_option, needs_emulator),
		cmocka_unit_test_setup(test_port_is_taken, needs_emulator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
