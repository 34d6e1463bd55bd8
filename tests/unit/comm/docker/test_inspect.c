/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "comm/docker/inspect.h"

static void test_docker(void **state)
{
	AUTO(docker_facts) struct docker_facts f = DOCKER_FACTS_INIT;
	AUTO(error) struct error *err = NULL;

	(void)state;
	assert_int_equal(
		docker_parse_facts("[{\"Id\":\"sha256:12\",\"RepoDigests\":[\"a@sha256:3\",\"b\"],"
				   "\"State\":{\"Running\":true},"
				   "\"Config\":{\"Cmd\":[\"a\",\"b c\"],\"Entrypoint\":null}}]",
				   &f, &err),
		0);
	assert_string_equal(f.id, "sha256:12");
	assert_string_equal(f.digest, "a@sha256:3");
	assert_true(f.running);
	assert_int_equal(f.cmd.len, 2);
	assert_string_equal(f.cmd.v[1], "b c");
	assert_int_equal(f.entrypoint.len, 0);
}

static void test_podman(void **state)
{
	AUTO(docker_facts) struct docker_facts f = DOCKER_FACTS_INIT;
	AUTO(error) struct error *err = NULL;

	(void)state;
	assert_int_equal(docker_parse_facts("[{\"Id\":\"12\",\"Config\":{\"Cmd\":[\"a\"],"
					    "\"Entrypoint\":\"/bin/sh\"}}]",
					    &f, &err),
			 0);
	assert_string_equal(f.id, "12");
	assert_null(f.digest);
	assert_false(f.running);
	assert_int_equal(f.entrypoint.len, 1);
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"",           "[]",  "[{}]", "{\"Id\":\"1\"}", "[{\"Id\":3}]", "[{\"Id\":\"1\"",
		"[[[[[[[[[[", "null"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(docker_facts) struct docker_facts f = DOCKER_FACTS_INIT;
		AUTO(error) struct error *err = NULL;

		assert_int_equal(docker_parse_facts(texts[i], &f, &err), -1);
		assert_null(f.id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_podman),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
