/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"
#include "builder/qemu/panic.h"
#include "lab.h"
#include "os/wait.h"

#include <fcntl.h>
#include <unistd.h>

static const char words[] = "[   12.1] Kernel panic - not syncing: sysrq triggered \033[1mcrash\r\n"
			    "[   12.2] Call Trace:\r\n";
static const char end[] =
	"[   12.9] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---\r\n";

/* The console of a guest, written to in pieces. */
struct console {
	struct lab lab;
	struct panic *panic;
	int fd;
};

static void open_console(struct console *c)
{
	AUTO(error) struct error *err = NULL;

	lab_open(&c->lab);
	AUTO_FREE char *path = path_join(c->lab.dir, "console.log");

	c->panic = panic_new(path, &err);
	assert_non_null(c->panic);
	c->fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(c->fd >= 0);
}

static void close_console(struct console *c)
{
	panic_free(c->panic);
	close(c->fd);
	lab_close(&c->lab);
}

static void say(struct console *c, const char *text)
{
	assert_int_equal(write(c->fd, text, strlen(text)), strlen(text));
}

/* Waits for the descriptor as its user does. */
static bool look(struct console *c)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(
		io_wait(panic_fd(c->panic), POLLIN, clock_deadline(10 * NSEC_PER_SEC), NULL, &err),
		0);
	return panic_look(c->panic);
}

static void check_words(const struct panic *p, const char *message)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(panic_say(p, &err), -1);
	assert_int_equal(err->kind, ERROR_GONE);
	assert_string_equal(err->message, message);
}

static void test_read_on_the_console(void **state)
{
	struct console c;

	open_console(&c);
	say(&c, "[    0.0] Linux version 6.1\r\nbooting\r\n");
	assert_false(look(&c));
	say(&c, words);
	while (!panic_is_told(c.panic))
		assert_false(look(&c));
	say(&c, end);
	while (!look(&c))
		;
	check_words(c.panic, "the guest's kernel panicked: sysrq triggered [1mcrash");
	close_console(&c);
}

static void test_pieces_and_long_lines(void **state)
{
	struct console c;

	open_console(&c);
	for (int i = 0; i < 4000; i++)
		say(&c, "no end ");
	say(&c, "\nKernel panic - not sync");
	assert_false(look(&c));
	say(&c, "ing: VFS: no root\n---[ end Ker");
	while (!panic_is_told(c.panic))
		assert_false(look(&c));
	say(&c, "nel panic - not syncing: VFS: no root ]---\n");
	while (!look(&c))
		;
	check_words(c.panic, "the guest's kernel panicked: VFS: no root");
	close_console(&c);
}

static void test_one_that_restarts(void **state)
{
	struct console c;

	open_console(&c);
	say(&c, words);
	say(&c, "[   12.9] Rebooting in 5 seconds..\r\n");
	while (!panic_is_told(c.panic))
		assert_false(look(&c));
	assert_false(panic_look(c.panic));
	panic_reset(c.panic);
	assert_false(panic_is_told(c.panic));
	/* with panic=-1 the last words come together with the reset */
	say(&c, words);
	panic_reset(c.panic);
	assert_false(panic_look(c.panic));
	assert_false(panic_is_told(c.panic));
	close_console(&c);
}

static void test_one_that_dumps_its_memory(void **state)
{
	struct console c;

	open_console(&c);
	say(&c, words);
	say(&c, "[    0.0] Linux version 6.1\r\n");
	while (!panic_is_told(c.panic))
		assert_false(look(&c));
	/* nothing is due any more: the guest may take its time */
	assert_false(panic_look(c.panic));
	panic_tell(c.panic, false);
	assert_false(panic_look(c.panic));
	close_console(&c);
}

static void test_told_by_the_device(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct panic *p = panic_new(NULL, &err);

	assert_non_null(p);
	panic_tell(p, false);
	assert_true(panic_is_told(p));
	assert_false(panic_look(p)); /* it may restart */
	panic_tell(p, true);
	assert_true(panic_look(p));
	check_words(p, "the guest's kernel panicked");
	panic_free(p);
}

static void test_device_and_console(void **state)
{
	struct console c;

	open_console(&c);
	say(&c, words);
	panic_tell(c.panic, true);
	assert_true(look(&c));
	check_words(c.panic, "the guest's kernel panicked: sysrq triggered [1mcrash");
	close_console(&c);
}

static void test_console_begun_anew(void **state)
{
	struct console c;

	open_console(&c);
	say(&c, "a line that is longer than what comes after it, by far and by far\n");
	assert_false(look(&c));
	assert_int_equal(ftruncate(c.fd, 0), 0);
	assert_int_equal(lseek(c.fd, 0, SEEK_SET), 0);
	say(&c, "Kernel panic - not syncing: x\n");
	while (!panic_is_told(c.panic))
		assert_false(look(&c));
	close_console(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_on_the_console),
		cmocka_unit_test(test_pieces_and_long_lines),
		cmocka_unit_test(test_one_that_restarts),
		cmocka_unit_test(test_one_that_dumps_its_memory),
		cmocka_unit_test(test_told_by_the_device),
		cmocka_unit_test(test_device_and_console),
		cmocka_unit_test(test_console_begun_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
