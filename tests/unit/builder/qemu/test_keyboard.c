/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "builder/qemu/keyboard.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* A monitor that says these things, one for each command. */
struct peer {
	struct qmp *q;
	pthread_t thread;
	int fd;
	const char *const *answers;
};

static void *answer_all(void *data)
{
	struct peer *p = data;
	char c;

	while (*p->answers && read(p->fd, &c, 1) == 1) {
		if (c != '\n')
			continue;

		AUTO_FREE char *line = xasprintf("{\"return\": \"%s\\r\\n\"}\n", *p->answers++);

		if (write(p->fd, line, strlen(line)) < 0)
			return NULL;
	}
	return NULL;
}

static void open_peer(struct peer *p, const char *const *answers)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*p = (struct peer){ .fd = fds[0], .answers = answers };
	p->q = qmp_new(fds[1], NULL, NULL);
	assert_int_equal(pthread_create(&p->thread, NULL, answer_all, p), 0);
}

static void close_peer(struct peer *p)
{
	qmp_free(p->q);
	pthread_join(p->thread, NULL);
	close(p->fd);
	assert_null(*p->answers);
}

static bool is_read(struct keyboard *k)
{
	AUTO(error) struct error *err = NULL;
	bool read = false;

	if (keyboard_is_read(k, NULL, &read, &err) < 0)
		fail_msg("%s", err->message);
	return read;
}

#define EMPTY "portb[0x0064] = 0x1c"
#define FULL  "portb[0x0064] = 0x1d"

static void test_bios(void **state)
{
	struct peer p;

	open_peer(&p, (const char *const[]){ EMPTY, "000000000000041a: 0x0020 0x0022", FULL, EMPTY,
					     "000000000000041a: 0x0020 0x0030", NULL });

	struct keyboard k = { .kind = QEMU_KEYBOARD_PS2, .monitor = p.q };

	assert_int_equal(keyboard_batch(&k), 1); /* nothing is known yet */
	assert_true(is_read(&k));
	assert_int_equal(keyboard_batch(&k), KEYBOARD_BATCH_MAX);
	assert_int_equal(keyboard_pace(&k), 0);
	assert_false(is_read(&k)); /* still in the controller */
	assert_false(is_read(&k)); /* eight keys are in the ring */
	close_peer(&p);
}

/* No ring of keys: what the controller gave away is not worked on yet. */
static void test_uefi(void **state)
{
	struct peer p;

	open_peer(&p, (const char *const[]){ EMPTY, "000000000000041a: 0x0000 0x0000", FULL, EMPTY,
					     "000000000000041a: 0xafaf 0xafaf", NULL });

	struct keyboard k = { .kind = QEMU_KEYBOARD_PS2, .monitor = p.q };

	assert_true(is_read(&k));
	assert_int_equal(keyboard_batch(&k), 1);
	assert_true(keyboard_pace(&k) > 0);
	assert_false(is_read(&k));
	assert_true(is_read(&k));
	assert_int_equal(keyboard_batch(&k), 1);
	close_peer(&p);
}

static void test_no_controller(void **state)
{
	struct peer p;

	open_peer(&p, (const char *const[]){ "portb[0x0064] = 0xff",
					     "000000000000041a: 0x0000 0x0000", NULL });

	struct keyboard k = { .kind = QEMU_KEYBOARD_PS2, .monitor = p.q };

	assert_true(is_read(&k));
	assert_int_equal(k.kind, QEMU_KEYBOARD_UNKNOWN);
	assert_int_equal(keyboard_batch(&k), 1);
	assert_true(is_read(&k)); /* nobody can tell */
	close_peer(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bios),
		cmocka_unit_test(test_uefi),
		cmocka_unit_test(test_no_controller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
