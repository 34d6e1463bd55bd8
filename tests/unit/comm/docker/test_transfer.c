/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "comm/docker/transfer.h"

/* Lines as Docker 20.10 and Podman 4.3 print them into a pipe. */
static const struct {
	const char *line, *id; /* NULL: about no layer */
	bool done;
} lines[] = {
	{ "3da95a905ed5: Pulling fs layer", "3da95a905ed5", false },
	{ "3da95a905ed5: Verifying Checksum", "3da95a905ed5", false },
	{ "3da95a905ed5: Pull complete", "3da95a905ed5", true },
	{ "3da95a905ed5: Already exists", "3da95a905ed5", true },
	{ "3da95a905ed5: Preparing", "3da95a905ed5", false },
	{ "3da95a905ed5: Retrying in 5 seconds", "3da95a905ed5", false },
	{ "3da95a905ed5: Pushed", "3da95a905ed5", true },
	{ "3da95a905ed5: Layer already exists", "3da95a905ed5", true },
	{ "3da95a905ed5: Mounted from library/debian", "3da95a905ed5", true },
	{ "Copying blob sha256:0123456789abcdef", "0123456789abcdef", false },
	{ "Copying blob 0123456789ab done  ", "0123456789ab", true },
	{ "Copying blob 0123456789ab skipped: already exists  ", "0123456789ab", true },
	{ "latest: Pulling from library/debian", NULL, false },
	{ "3da95a905ed5: something new", NULL, false },
	{ "3da95a905ed: Pushed", NULL, false },
	{ "3da95a905ed5f: Pushed", NULL, false },
	{ "1: digest: sha256:0011 size: 529", NULL, false },
	{ "Copying blob of what", NULL, false },
	{ "Copying config 0123456789ab done", NULL, false },
	{ "", NULL, false },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct str id = { "", 0 };
		bool done = false;
		bool got = docker_layer_line(lines[i].line, &id, &done);

		if (got != (lines[i].id != NULL))
			fail_msg("'%s'", lines[i].line);
		if (!got)
			continue;
		assert_true(str_eq(id, str_of(lines[i].id)));
		if (done != lines[i].done)
			fail_msg("'%s'", lines[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
