/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../temp_dir.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/port.h"

/* A socket that listens on some free port of an address. */
static int listen_on(const char *address, int *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_port = htons((uint16_t)*ret_port);
	inet_pton(AF_INET, address, &at.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* A port that nobody has right now. */
static int free_port(void)
{
	int port = 0;

	fd_close(listen_on("127.0.0.1", &port));
	return port;
}

static void check_used_up(const char *address, int port)
{
	AUTO(error) struct error *err = NULL;
	struct port_reservation r = { .lock_fd = -1 };

	assert_int_equal(port_reserve(dir, address, port, port, &r, &err), -1);
	assert_int_equal(err->kind, ERROR_EXISTS);
	assert_non_null(err->hint);
	assert_int_equal(r.lock_fd, -1);
}

static void test_reserve(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct port_reservation a, b;
	int port = free_port();

	assert_int_equal(port_reserve(dir, "127.0.0.1", port, port, &a, &err), 0);
	assert_int_equal(a.port, port);
	check_used_up("127.0.0.1", port); /* by its lock alone */
	fd_close(a.lock_fd);
	assert_int_equal(port_reserve(dir, "127.0.0.1", port, port, &b, &err), 0);
	fd_close(b.lock_fd);
}

static void test_listener_is_seen(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "127.0.0.2", "0.0.0.0" };

	for (size_t i = 0; i < 3; i++) {
		int port = 0;
		AUTO_CLOSE int fd = listen_on(addresses[i], &port);

		check_used_up("127.0.0.1", port);
		check_used_up("0.0.0.0", port);
		assert_true(fd >= 0);
	}
}

/* Every port of a range is tried, whatever the start. */
static void test_last_free_one(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct port_reservation r[3], last;
	int base = 0;

	/* three free neighbours */
	for (int tries = 0; !base && tries < 100; tries++) {
		int port = free_port();

		if (port_reserve(dir, "127.0.0.1", port, port + 2, &r[0], &err) == 0 &&
		    port_reserve(dir, "127.0.0.1", port, port + 2, &r[1], &err) == 0 &&
		    port_reserve(dir, "127.0.0.1", port, port + 2, &r[2], &err) == 0)
			base = port;
		error_ignore(&err, "next try");
	}
	assert_true(base > 0);
	assert_int_equal(r[0].port + r[1].port + r[2].port, 3 * base + 3);
	assert_int_equal(port_reserve(dir, "127.0.0.1", base, base + 2, &last, &err), -1);
	assert_int_equal(err->kind, ERROR_EXISTS);
	error_ignore(&err, "looked at");
	fd_close(r[1].lock_fd);
	assert_int_equal(port_reserve(dir, "127.0.0.1", base, base + 2, &last, &err), 0);
	assert_int_equal(last.port, r[1].port);
	fd_close(last.lock_fd);
	fd_close(r[0].lock_fd);
	fd_close(r[2].lock_fd);
}

/* A port whose last connection lingers in TIME_WAIT can be had again. */
static void test_time_wait(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct port_reservation r;
	struct sockaddr_in at = { .sin_family = AF_INET };
	int port = 0;
	AUTO_CLOSE int server = listen_on("127.0.0.1", &port);
	AUTO_CLOSE int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_port = htons((uint16_t)port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	fd_close(accept(server, NULL, NULL)); /* closed here first: it is this side that lingers */

	char c;

	assert_int_equal(read(client, &c, 1), 0);
	fd_close(fd_take(&client));
	fd_close(fd_take(&server));
	assert_int_equal(port_reserve(dir, "127.0.0.1", port, port, &r, &err), 0);
	fd_close(r.lock_fd);
}

static void check_refused(const char *address, int min, int max, const char *message)
{
	AUTO(error) struct error *err = NULL;
	struct port_reservation r;

	assert_int_equal(port_reserve(dir, address, min, max, &r, &err), -1);
	if (message)
		assert_string_equal(err->message, message);
	assert_int_not_equal(err->kind, ERROR_EXISTS);
}

static void test_refuses(void **state)
{
	check_refused("127.0.0.1", 0, 10, "invalid port range 0 to 10");
	check_refused("127.0.0.1", 10, 9, "invalid port range 10 to 9");
	check_refused("127.0.0.1", 65000, 65536, "invalid port range 65000 to 65536");
	check_refused("192.0.2.1", 40000, 50000, NULL); /* not an address of ours */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserve),       cmocka_unit_test(test_listener_is_seen),
		cmocka_unit_test(test_last_free_one), cmocka_unit_test(test_time_wait),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
