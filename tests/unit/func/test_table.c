/* SPDX-License-Identifier: Apache-2.0 */
#include "base/macro.h"
#include "func/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_sorted(const struct func_def *const *table)
{
	for (size_t i = 0; table[i] && table[i + 1]; i++)
		if (strcmp(table[i]->name, table[i + 1]->name) >= 0)
			fail_msg("%s must come after %s", table[i]->name, table[i + 1]->name);
}

static void test_tables_are_sorted(void **state)
{
	expect_sorted(builtin_functions);
	expect_sorted(variable_default_functions);
}

static void expect_row(const struct func_def *def)
{
	size_t len;

	if (!def->doc || !def->example || !def->result)
		fail_msg("%s has no doc or no example with its result", def->name);
	len = strlen(def->doc);
	if (!len || def->doc[len - 1] != '.')
		fail_msg("the doc of %s is no sentence", def->name);
	if (!strstr(def->example, def->name))
		fail_msg("the example of %s does not use it", def->name);
	assert_non_null(def->call);
	for (size_t i = 0; i < func_param_count(def); i++)
		assert_non_null(func_param(def, i));
	if (def->variadic)
		assert_non_null(def->variadic->name);
}

static void test_rows_are_documented(void **state)
{
	for (size_t i = 0; builtin_functions[i]; i++)
		expect_row(builtin_functions[i]);
	for (size_t i = 0; variable_default_functions[i]; i++)
		expect_row(variable_default_functions[i]);
}

static void test_names_are_found(void **state)
{
	for (size_t i = 0; builtin_functions[i]; i++)
		assert_ptr_equal(func_find(builtin_functions, builtin_functions[i]->name),
				 builtin_functions[i]);
	assert_null(func_find(builtin_functions, "env"));
	assert_null(func_find(builtin_functions, "tostring"));
	assert_non_null(func_find(variable_default_functions, "env"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_sorted),
		cmocka_unit_test(test_rows_are_documented),
		cmocka_unit_test(test_names_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
