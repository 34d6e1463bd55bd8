/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own table of neighbours, in a network namespace made for the test. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/neighbour.h"
#include "os/proc.h"
#include "os/wait.h"

#include <sched.h>
#include <unistd.h>

static const unsigned char card[MAC_BYTES] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
#define CARD "52:54:00:12:34:56"

/* One command of ip(8), its words separated by spaces. */
static void ip(const char *words)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { .spec.argv = &argv };

	strv_push(&argv, "ip");
	for (struct str rest = str_of(words); rest.len;) {
		AUTO_FREE char *word = str_dup(str_split(rest, ' ', &rest));

		strv_push(&argv, word);
	}
	if (proc_run(&run, NULL, NULL, &err) < 0)
		fail_msg("ip %s: %s", words, err->message);
}

static struct neighbours *listen_to(const char *name)
{
	struct interface on;
	AUTO(error) struct error *err = NULL;

	if (interface_find(name, &on, &err) < 0)
		fail_msg("%s", err->message);

	struct neighbours *n = neighbours_open(&on, &err);

	if (!n)
		fail_msg("%s", err->message);
	return n;
}

/* Looks until something is known, or nothing more comes. */
static struct neighbour_sight look(struct neighbours *n)
{
	struct neighbour_sight sight = { 0 };
	AUTO(error) struct error *err = NULL;

	do {
		assert_int_equal(neighbours_look(n, card, &sight, &err), 0);
	} while (!*sight.address && io_wait(neighbours_fd(n), POLLIN,
					    clock_deadline(100 * NSEC_PER_MSEC), NULL, &err) == 0);
	error_ignore(&err, "nothing more");
	return sight;
}

static void test_interface(void **state)
{
	struct interface on;
	AUTO(error) struct error *err = NULL;

	assert_int_equal(interface_find("net0", &on, &err), 0);
	assert_string_equal(on.text, "10.9.8.1");
	assert_int_equal(on.prefix, 28);
	assert_int_equal(interface_find("nowhere", &on, &err), -1);
	assert_string_equal(err->message, "no such network interface");
	assert_int_equal(on.index, 0);
	error_ignore(&err, "as wanted");
	assert_int_equal(interface_find("bare0", &on, &err), -1);
	assert_string_equal(err->message, "cannot find any IPv4 address");
	assert_true(on.index > 0);
}

static void test_news(void **state)
{
	AUTO(neighbours) struct neighbours *n = listen_to("net0");
	struct neighbour_sight sight = look(n);

	assert_string_equal(sight.address, "");
	ip("neigh replace 10.9.8.2 lladdr 52:54:00:00:00:01 dev net0 nud reachable");
	ip("neigh replace 10.9.7.9 lladdr " CARD " dev other0 nud reachable");
	ip("neigh replace 10.9.8.3 lladdr " CARD " dev net0 nud failed");
	sight = look(n);
	assert_string_equal(sight.address, "");
	ip("neigh replace 10.9.8.4 lladdr " CARD " dev net0 nud stale");
	sight = look(n);
	assert_string_equal(sight.address, "10.9.8.4");
}

/* An address that the card had before is believed when somebody has answered for it. */
static void test_memory_of_others(void **state)
{
	ip("neigh replace 10.9.8.5 lladdr " CARD " dev net0 nud stale");

	AUTO(neighbours) struct neighbours *n = listen_to("net0");
	struct neighbour_sight sight = look(n);

	assert_string_equal(sight.address, "");
	ip("neigh replace 10.9.8.5 lladdr " CARD " dev net0 nud delay");
	sight = look(n);
	assert_string_equal(sight.address, "");
	ip("neigh replace 10.9.8.5 lladdr " CARD " dev net0 nud reachable");
	sight = look(n);
	assert_string_equal(sight.address, "10.9.8.5");
}

/* The kernel asks for everybody; nobody is there to answer, but it can be seen to ask. */
static void test_knock(void **state)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(65536);
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { .spec.argv = &argv, .output = &out };
	AUTO(neighbours) struct neighbours *n = listen_to("net0");

	neighbours_knock(n);
	strv_pushl(&argv, "ip", "neigh", "show", "dev", "net0", "nud", "incomplete", NULL);
	if (proc_run(&run, NULL, NULL, &err) < 0)
		fail_msg("%s", err->message);
	assert_non_null(strstr(out.buf, "10.9.8.6 "));
	assert_non_null(strstr(out.buf, "10.9.8.14 "));
	assert_null(strstr(out.buf, "10.9.8.1 "));
	assert_null(strstr(out.buf, "10.9.8.15 "));
}

static void test_mac(void **state)
{
	static const char *const bad[] = { "", "52:54:00:12:34", "52:54:00:12:34:5g",
					   "52:54:00:12:34:56:78", "5:54:00:12:34:56" };
	unsigned char mac[MAC_BYTES];

	assert_true(mac_parse("52:54:00:AB:cd:0f", mac));
	assert_memory_equal(mac, ((unsigned char[]){ 0x52, 0x54, 0, 0xab, 0xcd, 0x0f }), MAC_BYTES);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(mac_parse(bad[i], mac));
}

static int make_network(void **state)
{
	static const char *const commands[] = {
		"link set lo up",
		"link add net0 type veth peer name far0",
		"addr add 10.9.8.1/28 dev net0",
		"link set net0 up",
		"link set far0 up",
		"link add other0 type veth peer name bare0",
		"addr add 10.9.7.1/24 dev other0",
		"link set other0 up",
	};
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = NULL;

	if (proc_find("ip", &path, &err) < 0 || (geteuid() && unshare(CLONE_NEWUSER) < 0) ||
	    unshare(CLONE_NEWNET) < 0)
		return 0; /* each test finds out */
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		ip(commands[i]);
	*state = &make_network;
	return 0;
}

static int needs_network(void **state)
{
	if (!*state)
		skip();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_interface, needs_network),
		cmocka_unit_test_setup(test_news, needs_network),
		cmocka_unit_test_setup(test_memory_of_others, needs_network),
		cmocka_unit_test_setup(test_knock, needs_network),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, make_network, NULL);
}
