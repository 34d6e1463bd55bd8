/* SPDX-License-Identifier: Apache-2.0 */
/* The boot command language (qemu-builder.md 8): which keys, which waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "builder/qemu/boot_command.h"

/* `+key` down, `-key` up, a number of milliseconds for a wait. */
static char *show(const struct boot_events *events)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < events->len; i++) {
		const struct boot_event *ev = &events->items[i];

		strbuf_addstr(&sb, i ? " " : "");
		if (ev->wait)
			strbuf_addf(&sb, "%lld", (long long)(ev->wait / 1000000));
		else
			strbuf_addf(&sb, "%c%s", ev->down ? '+' : '-', ev->qcode);
	}
	return strbuf_detach(&sb);
}

static void test_keys(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "a", "+a -a" },
		{ "A", "+shift +a -a -shift" },
		{ "~`", "+shift +grave_accent -grave_accent -shift +grave_accent -grave_accent" },
		{ "\"|", "+shift +apostrophe -apostrophe -shift +shift +backslash -backslash "
			 "-shift" },
		{ "<enter><RETURN><Esc>", "+ret -ret +ret -ret +esc -esc" },
		{ "<f1><f12>", "+f1 -f1 +f12 -f12" },
		{ "<leftCtrlOn>c<leftCtrlOff>", "+ctrl +c -c -ctrl" },
		{ "<aOn><aOff>", "+a -a" },
		{ "<AON>", "+shift +a" },
		{ "<AOff>", "-a -shift" },
		{ "<wait>", "1000" },
		{ "<wait0>", "1000" },
		{ "<wait10>", "10000" },
		{ "<wait1m30s>", "90000" },
		{ "<wait500ms><wait0.5s>", "500 500" },
		{ "<spacebar> ", "+spc -spc +spc -spc" },
		{ "\n", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct boot_events events = { 0 };
		struct error *err = NULL;

		assert_int_equal(boot_command_parse(rows[i].text, &events, NULL, &err), 0);

		AUTO_FREE char *got = show(&events);

		assert_string_equal(got, rows[i].want);
		vec_release(&events);
	}
}

/* What looks like a command and is none is typed. */
static void test_literals(void **state)
{
	static const char *const rows[] = {
		"<wait05>", "<wait1.5>",  "<wait 5>", "<Wait>",   "<waiit>",
		"<f13>",    "<leftMeta>", "<on>",     "<enterx>", "<wait1s-1>",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct boot_events events = { 0 };
		struct error *err = NULL;

		assert_int_equal(boot_command_parse(rows[i], &events, NULL, &err), 0);
		/* the first is `<` on a US keyboard */
		assert_true(events.len > 8);
		assert_string_equal(events.items[0].qcode, "shift");
		assert_string_equal(events.items[1].qcode, "comma");
		vec_release(&events);
	}
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "<wait-1s>", "Expecting a positive wait value. Got -1s" },
		{ "<wait0s>", "Expecting a positive wait value. Got 0s" },
		{ "<wait99999999999999999999>", "cannot wait 99999999999999999999 seconds" },
		{ "<wait1s-1s>", "in duration \"1s-1s\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct boot_events events = { 0 };
		AUTO(error) struct error *err = NULL;

		assert_int_equal(boot_command_parse(rows[i].text, &events, NULL, &err), -1);
		assert_non_null(strstr(err->message, rows[i].want));
		vec_release(&events);
	}
}

static void test_untyped(void **state)
{
	struct boot_events events = { 0 };
	struct error *err = NULL;
	size_t untyped = 0;

	assert_int_equal(boot_command_parse("a\xc3\xa9\n\xff\tb", &events, &untyped, &err), 0);
	assert_int_equal(untyped, 3);
	assert_int_equal(events.len, 4);
	vec_release(&events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_untyped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
