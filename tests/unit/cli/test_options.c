/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "cli/command.h"

#include <string.h>

struct args {
	bool color, force;
	const char *name, *mode;
	struct strv vars, only;
	int64_t count, wait;
};

static const char *const modes[] = { "fast", "slow", NULL };
static const struct option_spec specs[] = {
	OPT_BOOL(struct args, color, "color", "Colours."),
	OPT_BOOL(struct args, force, "force", "Replace."),
	OPT_STRING(struct args, name, "name", "NAME", "A name."),
	OPT_CHOICE(struct args, mode, "mode", modes, "How."),
	OPT_STRINGS(struct args, vars, "var", "'key=value'", "A variable."),
	OPT_CSV(struct args, only, "only", "a,b", "Which."),
	OPT_INT(struct args, count, "count", "N", "How many."),
	OPT_DURATION(struct args, wait, "wait", "TIME", "How long."),
	OPT_END,
};

enum { WORDS_MAX = 12 };

static int parse(const char *const *words, struct args *a, int *ret_first, struct error **err)
{
	int n = 0;

	*a = (struct args){ .color = true, .vars = STRV_INIT, .only = STRV_INIT };
	while (words[n])
		n++;
	return options_parse(specs, n, (char *const *)words, a, ret_first, err);
}

static void release(struct args *a)
{
	strv_release(&a->vars);
	strv_release(&a->only);
}

static void test_all_forms(void **state)
{
	static const char *const words[] = { "-color=false", "--force",  "-name",  "x=y",
					     "--mode=slow",  "-var",     "a=b=c",  "-var=d=",
					     "-only=a,,b",   "-only=c",  "-count", "-3",
					     "-wait=1m30s",  "template", "-force", NULL };
	AUTO(error) struct error *err = NULL;
	struct args a;
	int first = -1;

	(void)state;
	assert_int_equal(parse(words, &a, &first, &err), 0);
	assert_int_equal(first, 13);
	assert_false(a.color);
	assert_true(a.force);
	assert_string_equal(a.name, "x=y");
	assert_ptr_equal(a.mode, modes[1]);
	assert_int_equal(a.vars.len, 2);
	assert_string_equal(a.vars.v[0], "a=b=c");
	assert_string_equal(a.vars.v[1], "d=");
	assert_int_equal(a.only.len, 3);
	assert_string_equal(a.only.v[2], "c");
	assert_int_equal(a.count, -3);
	assert_int_equal(a.wait, 90 * NSEC_PER_SEC);
	release(&a);
}

static void test_end_of_options(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		int first;
		bool force;
	} rows[] = {
		{ { NULL }, 0, false },
		{ { "-force", "-", NULL }, 1, true }, /* standard input */
		{ { "-force", "--", "-force", NULL }, 2, true },
		{ { "--", "-force", NULL }, 1, false },
		{ { "t", "-force", NULL }, 0, false },
		{ { "", "-force", NULL }, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(error) struct error *err = NULL;
		struct args a;
		int first = -1;

		assert_int_equal(parse(rows[i].words, &a, &first, &err), 0);
		assert_int_equal(first, rows[i].first);
		assert_int_equal(a.force, rows[i].force);
		release(&a);
	}
}

static void test_booleans(void **state)
{
	static const struct {
		const char *word;
		bool want;
	} rows[] = {
		{ "-color", true },        { "-color=1", true },      { "-color=t", true },
		{ "-color=T", true },      { "-color=TRUE", true },   { "-color=True", true },
		{ "-color=0", false },     { "-color=f", false },     { "-color=F", false },
		{ "-color=FALSE", false }, { "-color=False", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const words[] = { rows[i].word, NULL };
		AUTO(error) struct error *err = NULL;
		struct args a;
		int first;

		assert_int_equal(parse(words, &a, &first, &err), 0);
		assert_int_equal(a.color, rows[i].want);
		release(&a);
	}
}

/* The exact texts of cli.md 1.5. */
static void test_mistakes(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *message, *hint;
	} rows[] = {
		{ { "-forse", NULL },
		  "flag provided but not defined: -forse",
		  "did you mean -force?" },
		{ { "--zzzzzzz=1", NULL }, "flag provided but not defined: -zzzzzzz", NULL },
		{ { "-=1", NULL }, "flag provided but not defined: -", NULL },
		{ { "---force", NULL },
		  "flag provided but not defined: --force",
		  "did you mean -force?" },
		{ { "-name", NULL }, "flag needs an argument: -name", NULL },
		{ { "-color=maybe", NULL },
		  "invalid boolean value \"maybe\" for -color: parse error",
		  NULL },
		{ { "-color=", NULL }, "invalid boolean value \"\" for -color: parse error", NULL },
		{ { "-count=x", NULL }, "invalid value \"x\" for flag -count: parse error", NULL },
		{ { "-count=1x", NULL },
		  "invalid value \"1x\" for flag -count: parse error",
		  NULL },
		{ { "-count=99999999999999999999", NULL },
		  "invalid value \"99999999999999999999\" for flag -count: parse error",
		  NULL },
		{ { "-mode=odd", NULL },
		  "invalid value \"odd\" for flag -mode: expected one of [\"fast\" \"slow\"]",
		  NULL },
		{ { "-var", "foo", NULL },
		  "invalid value \"foo\" for flag -var: No '=' value in arg: foo",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(error) struct error *err = NULL;
		struct args a;
		int first;

		assert_int_equal(parse(rows[i].words, &a, &first, &err), -1);
		assert_int_equal(err->kind, ERROR_INVALID);
		assert_string_equal(err->message, rows[i].message);
		if (rows[i].hint)
			assert_string_equal(err->hint, rows[i].hint);
		else
			assert_null(err->hint);
		release(&a);
	}
}

static void test_bad_duration(void **state)
{
	static const char *const words[] = { "-wait=soon", NULL };
	AUTO(error) struct error *err = NULL;
	struct args a;
	int first;

	(void)state;
	assert_int_equal(parse(words, &a, &first, &err), -1);
	assert_non_null(strstr(err->message, "invalid value \"soon\" for flag -wait: "));
	release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_forms),    cmocka_unit_test(test_end_of_options),
		cmocka_unit_test(test_booleans),     cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_bad_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
