/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/parser.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *in, const char *want)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct source *src = sources_add(sources, "x", in, strlen(in));
	AUTO_FREE char *out = hcl_format(src, &diags);
	AUTO_FREE char *again = NULL;

	assert_int_equal(diags.len, 0);
	assert_string_equal(out, want);
	src = sources_add(sources, "x", want, strlen(want));
	again = hcl_format(src, &diags);
	assert_string_equal(again, want);
}

static void test_spaces(void **state)
{
	check("", "");
	check("a=1#x\nbbb =  [1,2]", "a   = 1 #x\nbbb = [1, 2]");
	check("a=-1\nb=f( x,-y ... )\n", "a = -1\nb = f(x, -y...)\n");
	check("a=\"${ b }${c}\"\t \n\n\n", "a = \"${b}${c}\"\n\n\n");
	check("a=x [ 0 ] . y\n", "a = x[0].y\n");
	check("a=[for  x in[y]:x if ! z]\n", "a = [for x in [y] : x if !z]\n");
	check("b{}\nc { x=1 }\n", "b {}\nc { x = 1 }\n");
}

static void test_indent(void **state)
{
	check("a {\nb {\nc=[\n1,\n]\n}\n}\n", "a {\n  b {\n    c = [\n      1,\n    ]\n  }\n}\n");
	check("a {\n  x = <<-E\n text\n  E\n y=1\n}\n",
	      "a {\n  x = <<-E\n text\n  E\n  y = 1\n}\n");
	check("a=[{\nb=1\n}]\n", "a = [{\n  b = 1\n}]\n");
}

static void test_alignment(void **state)
{
	check("a=1\nlonger=2\n\nb=3\n", "a      = 1\nlonger = 2\n\nb = 3\n");
	check("a=1 # x\nlonger=22 // y\n", "a      = 1  # x\nlonger = 22 // y\n");
	check("\xc3\xa9=1\nab=2\n", "\xc3\xa9  = 1\nab = 2\n");
}

/* Comments and strings may contain any byte; none of them ends the file. */
static void test_nul_bytes(void **state)
{
	static const char in[] = "# a\0b\nx=\"c\0d\"\n", want[] = "# a\0b\nx = \"c\0d\"\n";
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	assert_true(hcl_format_into(sources_add(sources, "x", in, sizeof(in) - 1), &out, &diags));
	assert_int_equal(out.len, sizeof(want) - 1);
	assert_memory_equal(out.buf, want, sizeof(want) - 1);
}

static void test_refuses_mistakes(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct source *src = sources_add(sources, "x", "a = (1", 6);

	assert_null(hcl_format(src, &diags));
	assert_int_equal(diags.errors, 1);
	assert_string_equal(diags.items[0].summary, "Unbalanced parentheses");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spaces),           cmocka_unit_test(test_indent),
		cmocka_unit_test(test_alignment),        cmocka_unit_test(test_nul_bytes),
		cmocka_unit_test(test_refuses_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
