/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "provisioner/vars.h"

static void expect_text(const struct script_vars *v, const char *format, const char *want)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	script_vars_format(v, format, &text);
	assert_string_equal(text.buf, want);
}

static void test_order(void **state)
{
	AUTO(script_vars) struct script_vars v = SCRIPT_VARS_INIT;

	(void)state;
	script_vars_set_pair(&v, "b=1=2");
	script_vars_set_pair(&v, "a=");
	script_vars_set(&v, "B", "x");
	script_vars_set(&v, "b", "last");
	script_vars_sort(&v);
	expect_text(&v, "%s='%s' ", "B='x' a='' b='last' ");
}

static void test_formats(void **state)
{
	AUTO(script_vars) struct script_vars v = SCRIPT_VARS_INIT;

	(void)state;
	script_vars_set(&v, "A", "it's");
	expect_text(&v, "%s='%s' ", "A='it'\"'\"'s' ");
	expect_text(&v, "export %s=\"%s\"\n", "export A=\"it'\"'\"'s\"\n");
	expect_text(&v, "%[2]s %[1]s %% %d %s", "it'\"'\"'s A % %d A");
}

static void test_build(void **state)
{
	struct bench *b = *state;
	AUTO(script_vars) struct script_vars v = SCRIPT_VARS_INIT;
	struct map m;

	value_map_init(&m);
	map_set(&m, "PackerHTTPAddr", value_string("10.0.2.2:8080"));
	map_set(&m, "PackerHTTPIP", value_string("ERR_HTTP_IP_NOT_IMPLEMENTED_BY_BUILDER"));
	map_set(&m, "PackerHTTPPort", value_int(0));
	b->ctx.generated = value_object_take(&m);
	script_vars_add_build(&v, &b->ctx);
	script_vars_sort(&v);
	expect_text(&v, "%s=%s ",
		    "PACKER_BUILDER_TYPE=null PACKER_BUILD_NAME=src PACKER_HTTP_ADDR=10.0.2.2:8080 "
		    "PACKER_HTTP_PORT=0 ");
}

static void test_export(void **state)
{
	static char *const env[] = { (char *)"A=1", (char *)"AB=2", (char *)"C=3", NULL };
	AUTO(script_vars) struct script_vars v = SCRIPT_VARS_INIT;
	AUTO(strv) struct strv out = STRV_INIT;

	(void)state;
	script_vars_set(&v, "A", "it's");
	script_vars_export(&v, env, &out);
	AUTO_FREE char *all = strv_join(&out, " ");

	assert_string_equal(all, "AB=2 C=3 A=it's");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_formats),
		BENCH(test_build),
		cmocka_unit_test(test_export),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
