/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/data/syntax: texts with mistakes, and what people are told about them.
 * REGENERATE=1 rewrites the files; see the README there.
 */
#include "lang/json.h"
#include "lang/parser.h"

#include "base/alloc.h"
#include "os/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char fail_mark[] = "%%FAIL ";

static char *explain(const char *kind, const char *text, size_t len)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	struct diag_style style = { .width = 80, .caret = true };
	const struct source *src = sources_add(
		sources, strcmp(kind, "json") == 0 ? "x.pkr.json" : "x.pkr.hcl", text, len);

	if (strcmp(kind, "file") == 0)
		parse_file(src, arena, &diags);
	else if (strcmp(kind, "expression") == 0)
		parse_expression(src, arena, &diags);
	else if (strcmp(kind, "template") == 0)
		parse_template(src, arena, &diags);
	else if (strcmp(kind, "json") == 0)
		parse_json_file(src, arena, &diags);
	else
		fail_msg("unknown kind '%s'", kind);
	for (size_t i = 0; i < diags.len; i++)
		diag_format(&out, &diags.items[i], &style);
	return strbuf_detach(&out);
}

/* Checks one block and appends it with what really comes out. Returns its end. */
static const char *check_block(const char *p, struct strbuf *fresh, unsigned *failures)
{
	const char *kind = p + strlen(fail_mark);
	const char *text = strchr(kind, '\n') + 1;
	const char *sep = strstr(text, "\n---\n");

	if (!sep)
		fail_msg("a block without ---: %.40s", p);

	AUTO_FREE char *name = xstrndup(kind, (size_t)(text - kind) - 1);
	const char *want = sep + strlen("\n---\n");
	const char *next = strstr(want - 1, "\n%%FAIL ");
	const char *end = next ? next + 1 : want + strlen(want);
	size_t text_len = (size_t)(sep - text);
	/* The last newline is part of a file, not of an expression. */
	AUTO_FREE char *got = explain(
		name, text, text_len + (strcmp(name, "file") == 0 || strcmp(name, "json") == 0));

	strbuf_addf(fresh, "%s%s\n%.*s\n---\n%s", fail_mark, name, (int)text_len, text, got);
	if (strlen(got) != (size_t)(end - want) || memcmp(got, want, strlen(got)) != 0) {
		print_error("%.*s\n--- want\n%.*s--- have\n%s", (int)text_len, text,
			    (int)(end - want), want, got);
		++*failures;
	}
	return end;
}

static void check_file(const char *path, unsigned *failures)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(strbuf) struct strbuf fresh = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	const char *p;

	assert_int_equal(fs_read(path, FS_READ_MAX, &text, &err), 0);
	p = strstr(text.buf, fail_mark);
	assert_non_null(p);
	strbuf_add(&fresh, text.buf, (size_t)(p - text.buf));
	while (*p)
		p = check_block(p, &fresh, failures);
	if (getenv("REGENERATE"))
		assert_int_equal(fs_write(path, fresh.buf, fresh.len, 0644, &err), 0);
}

static void test_mistakes(void **state)
{
	const char *root = getenv("SRCDIR") ? getenv("SRCDIR") : ".";
	AUTO_FREE char *dir = xasprintf("%s/tests/data/syntax", root);
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	unsigned failures = 0, files = 0;

	assert_int_equal(fs_list(dir, &names, &err), 0);
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (!text_ends_with(path, ".test"))
			continue;
		check_file(path, &failures);
		files++;
	}
	assert_true(files > 0);
	assert_true(failures == 0 || getenv("REGENERATE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_mistakes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
