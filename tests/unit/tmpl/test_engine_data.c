/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/data/tmpl/engine.jsonl: one template per line, with its result or the
 * mistake that it contains. Here is the data that they see.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "os/fs.h"
#include "tmpl/tmpl.h"
#include "value/jsontext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char data_text[] =
	"{\"Path\":\"/tmp/script.sh\",\"Vars\":\"A='b' \",\"List\":[\"x\",\"y\"],"
	"\"Map\":{\"b\":2,\"a\":1},\"Port\":8080,\"Ratio\":0.5,\"On\":true,\"Empty\":\"\"}";

static const char *text_of(const struct value *line, const char *name)
{
	const struct value *v = value_get(line, name);

	return v ? value_as_string(v) : NULL;
}

static bool run_line(const struct value *line, struct value *data)
{
	const struct func_world world = { .cwd = "/" };
	const struct tmpl_ctx ctx = { .data = data, .world = &world };
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *have = tmpl_render(text_of(line, "template"), &ctx, &e);
	const char *want = text_of(line, "want"), *mistake = text_of(line, "err");
	bool ok = have ? text_eq(have, want) : text_eq(e->message, mistake);

	if (!ok)
		print_error("%s\n  want %s\n  have %s\n", text_of(line, "template"),
			    want ? want : mistake, have ? have : e->message);
	return ok;
}

static void test_engine_data(void **state)
{
	const char *root = getenv("SRCDIR");
	AUTO_FREE char *path = xasprintf("%s/tests/data/tmpl/engine.jsonl", root ? root : ".");
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO(value) struct value *data = jsontext_decode(data_text, strlen(data_text), &e);
	unsigned bad = 0, lines = 0;

	(void)state;
	assert_non_null(data);
	assert_int_equal(fs_read(path, FS_READ_MAX, &text, &e), 0);
	for (const char *p = text.buf, *end; *p; p = *end ? end + 1 : end, lines++) {
		end = strchrnul(p, '\n');

		AUTO(value) struct value *line = jsontext_decode(p, (size_t)(end - p), &e);

		assert_non_null(line);
		bad += !run_line(line, data);
	}
	assert_true(lines > 50);
	assert_int_equal(bad, 0);
}

static char *repeated(const char *piece, size_t bytes)
{
	struct strbuf sb = STRBUF_INIT;

	while (sb.len < bytes)
		strbuf_addstr(&sb, piece);
	return strbuf_detach(&sb);
}

/* None of these may take a time that grows faster than the text. */
static void test_long_templates(void **state)
{
	static const char *const pieces[] = {
		"{{.Path}}",       "{{/* c */}}", "{{$x := 1}}", "{{define `a`}} {{end}}",
		"{{if .}}{{end}}", "{{(1)}} -\n", "{{`a` -}} ",  "{{- 1}}",
	};
	const struct tmpl_ctx ctx = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		AUTO_FREE char *text = repeated(pieces[i], 200000);
		AUTO(error) struct error *e = NULL;
		AUTO_FREE char *out = tmpl_render(text, &ctx, &e);

		assert_non_null(out);
	}
}

static void expect_refusal(const char *text, const char *part)
{
	const struct tmpl_ctx ctx = { 0 };
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *out = tmpl_render(text, &ctx, &e);

	assert_null(out);
	if (!strstr(e->message, part))
		print_error("%s\n", e->message);
	assert_non_null(strstr(e->message, part));
}

static void test_work_is_limited(void **state)
{
	AUTO_FREE char *nested = repeated("{{if 1}}", 100000);
	AUTO_FREE char *chain = repeated("{{if 1}}{{else if 2}}", 100000);

	(void)state;
	expect_refusal(nested, "max expression depth exceeded");
	expect_refusal(chain, "max expression depth exceeded");
	expect_refusal("{{range 100000}}{{range 100000}}{{end}}{{end}}", "does not come to an end");
	expect_refusal("{{$x := `0123456789`}}{{range 100}}{{$x = print $x $x}}{{end}}",
		       "too much memory");
	expect_refusal("{{range 1000}}{{printf `%1000000d` 1}}{{end}}", "larger than 64 MiB");
}

static void test_variables_section(void **state)
{
	const struct tmpl_ctx ctx = { .in_variables = true };
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *out = tmpl_render("{{user `a`}}", &ctx, &e);

	(void)state;
	assert_null(out);
	assert_string_equal(e->message,
			    "template: root:1:2: executing \"root\" at <user `a`>: error calling "
			    "user: Error: variable not set: a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engine_data),
		cmocka_unit_test(test_long_templates),
		cmocka_unit_test(test_work_is_limited),
		cmocka_unit_test(test_variables_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
