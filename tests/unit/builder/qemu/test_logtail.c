/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/logtail.h"
#include "lab.h"

static void check(const char *text, size_t lines, const char *want)
{
	struct lab lab;

	lab_open(&lab);
	AUTO_FREE char *path = lab_file(&lab, "log", text, 0600);
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	log_tail(path, lines, &got);
	assert_string_equal(got.buf, want);
	lab_close(&lab);
}

static void test_lines(void **state)
{
	check("", 3, "");
	check("one", 3, "one");
	check("a\nb\nc\nd\n", 2, "c\nd");
	check("a\n\n \r\nb\r\n\n", 5, "a\nb");
}

static void test_control_sequences(void **state)
{
	check("\033[1;31mred\033[0m \033[?25lx\033c\a\n", 1, "red x");
	check("cut \033[", 1, "cut");
	check("bad \xff\xfe utf8 \xc3\xa9\n", 1, "bad  utf8 \xc3\xa9");
}

static void test_long(void **state)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	for (int i = 0; i < 9000; i++)
		strbuf_addf(&text, "line %d\n", i);
	check(text.buf, 2, "line 8998\nline 8999");
}

static void test_absent(void **state)
{
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	log_tail("/nonexistent/log", 3, &got);
	assert_int_equal(got.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_control_sequences),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
