/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/clock.h"
#include "plugin/handshake.h"

static void expect_good(const char *line, bool is_tcp, const char *text)
{
	AUTO(error) struct error *err = NULL;
	AUTO(handshake) struct handshake a = { 0 };

	if (handshake_parse(line, strlen(line), &a, &err) < 0)
		fail_msg("%s", err->message);
	assert_int_equal(a.is_tcp, is_tcp);
	assert_string_equal(a.text, text);
}

static void expect_bad(const char *line, size_t len, const char *message)
{
	AUTO(error) struct error *err = NULL;
	AUTO(handshake) struct handshake a = { 0 };

	assert_int_equal(handshake_parse(line, len, &a, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	assert_string_equal(err->message, message);
}

#define BAD(line, message) expect_bad((line), sizeof(line) - 1, (message))

static void test_good(void **state)
{
	expect_good("5|0|unix|/tmp/packer-plugin3807102422", false, "/tmp/packer-plugin3807102422");
	expect_good("5|0|tcp|127.0.0.1:10000\r", true, "127.0.0.1:10000");
	/* what follows the third bar is the address */
	expect_good("5|0|unix|/tmp/a|b", false, "/tmp/a|b");
}

static void test_bad(void **state)
{
	BAD("5|unix|/tmp/x", "is too old: it was made before plugins told their API version");
	BAD("4|0|unix|/tmp/x", "speaks version 4.0 of the plugin API, we speak 5.0");
	BAD("5|1|unix|/tmp/x", "speaks version 5.1 of the plugin API, we speak 5.0");
	BAD("", "said '' where it should say where it listens");
	BAD("hello", "said 'hello' where it should say where it listens");
	BAD("hello|you|there", "said 'hello|you|there' where it should say where it listens");
	BAD("5|0|pipe|x", "said '5|0|pipe|x' where it should say where it listens");
	BAD("5|0|unix|", "said '5|0|unix|' where it should say where it listens");
	BAD("5|x|unix|a", "said '5|x|unix|a' where it should say where it listens");
	BAD("5|0|unix|/a\0b", "said '5|0|unix|/a' where it should say where it listens");
	BAD("\x1b[2J", "said '?[2J' where it should say where it listens");
}

static void expect_no_way(bool is_tcp, const char *text, const char *message)
{
	AUTO(error) struct error *err = NULL;
	char copy[200];
	int fd = -1;

	memcpy(copy, text, strlen(text) + 1);
	assert_int_equal(handshake_connect(&(struct handshake){ is_tcp, copy },
					   clock_deadline(INT64_C(5000000000)), NULL, &fd, &err),
			 -1);
	assert_string_equal(err->message, message);
	assert_int_equal(fd, -1);
}

static void test_connect(void **state)
{
	char path[200], message[300] = "listens on a path that is too long: '";

	memset(path, 'x', 108);
	path[108] = '\0';
	memcpy(message + strlen(message), path, 109);
	message[strlen(message)] = '\'';
	expect_no_way(false, path, message);
	expect_no_way(false, "/nonexistent/x",
		      "cannot be connected to at '/nonexistent/x': No such file or directory");
	expect_no_way(true, "localhost:80", "listens on 'localhost:80', which is no address");
	expect_no_way(true, "127.0.0.1:0", "listens on '127.0.0.1:0', which is no address");
	expect_no_way(true, "127.0.0.1:99999", "listens on '127.0.0.1:99999', which is no address");
	expect_no_way(true, "127.0.0.1", "listens on '127.0.0.1', which is no address");
	expect_no_way(true, "]:1", "listens on ']:1', which is no address");
	expect_no_way(true, "[]:1", "listens on '[]:1', which is no address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
