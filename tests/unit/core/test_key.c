/* SPDX-License-Identifier: Apache-2.0 */
/* What decides a step, and what does not. */
#include "key_case.h"

static void use(struct key_case *c, const char *text)
{
	write_file("t.pkr.hcl", text, strlen(text));
	key_case_load(c, ".", case_dir, NULL, 0);
	key_case_make(c, 0, case_dir, case_dir);
}

#define HEAD                                                                                       \
	"source \"file\" \"a\" {\n  target = \"x\"\n  content = \"y\"\n}\nbuild {\n  sources = "   \
	"[\"file.a\"]\n"
#define STEP(body) HEAD "  provisioner \"shell\" {\n" body "  }\n}\n"

static void test_same(void **state)
{
	(void)state;
	struct key_case a, b;
	use(&a, STEP("inline = [\"date\"]\n"));
	use(&b, STEP("inline = [\"date\"]\n"));
	assert_non_null(a.keys[0].hex);
	assert_string_equal(a.keys[1].hex, b.keys[1].hex);
	assert_string_equal(a.artifact.hex, b.artifact.hex);
	key_case_release(&b);
	use(&b, STEP("inline = [\"date -u\"]\n"));
	assert_string_equal(a.keys[0].hex, b.keys[0].hex);
	assert_string_not_equal(a.keys[1].hex, b.keys[1].hex);
	key_case_release(&a);
	key_case_release(&b);
}

static int setup(void **state)
{
	(void)state;
	case_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	case_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
