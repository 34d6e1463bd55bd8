/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "comm/proxy/scp_server.h"
#include "comm/proxy/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_words(void **state)
{
	static const struct {
		const char *line, *words; /* NULL: not only words */
	} cases[] = {
		{ "", "" },
		{ "  a  b\tc ", "a|b|c" },
		{ "a 'b c' \"d e\"f", "a|b c|d ef" },
		{ "a\\ b 'it'\\''s'", "a b|it's" },
		{ "\"a\\\"b\\$c\\d\" ''", "a\"b$c\\d|" },
		{ "'$x *'", "$x *" },
		{ "a $x", NULL },
		{ "a \"$x\"", NULL },
		{ "a; b", NULL },
		{ "a*", NULL },
		{ "'a", NULL },
		{ "a\\", NULL },
		{ "a `b`", NULL },
		{ "a > b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strv) struct strv words = STRV_INIT;
		AUTO_FREE char *got = NULL;

		assert_int_equal(words_split(cases[i].line, &words), cases[i].words != NULL);
		if (!cases[i].words)
			continue;
		got = strv_join(&words, "|");
		assert_string_equal(got, cases[i].words);
	}
}

static void test_scp_requests(void **state)
{
	static const struct {
		const char *command, *path; /* NULL: a command as any other */
		bool is_upload, recursive, into;
	} cases[] = {
		{ "scp -t /a", "/a", true, false, false },
		{ "scp -r -p -t '/a b'", "/a b", true, true, false },
		{ "scp -vrdpt -- -x", "-x", true, true, true },
		{ "scp -f ~/x", "x", false, false, false },
		{ "scp -f ~", ".", false, false, false },
		{ "scp -f ~other/x", NULL, false, false, false },
		{ "scp -f *.txt", NULL, false, false, false },
		{ "scp -f a b", NULL, false, false, false },
		{ "scp -t", NULL, false, false, false },
		{ "scp -tf x", NULL, false, false, false },
		{ "scp a b:c", NULL, false, false, false },
		{ "scp -S prog -t x", NULL, false, false, false },
		{ "scpx -t x", NULL, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scp_request r = { 0 };

		assert_int_equal(scp_request_parse(&r, cases[i].command), cases[i].path != NULL);
		if (!cases[i].path)
			continue;
		assert_string_equal(r.path, cases[i].path);
		assert_int_equal(r.is_upload, cases[i].is_upload);
		assert_int_equal(r.recursive, cases[i].recursive);
		assert_int_equal(r.into, cases[i].into);
		scp_request_release(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_scp_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
