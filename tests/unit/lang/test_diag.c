/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/diag.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct diag_style plain = { .width = 80 };

static void check(const struct diag *d, const struct diag_style *style, const char *want)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	diag_format(&sb, d, style);
	assert_string_equal(sb.buf, want);
}

static void check_wrap(const char *detail, const char *want)
{
	AUTO(diags) struct diags d = DIAGS_INIT;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "Warning: s\n\n%s\n\n", want);
	check(diags_warning(&d, NULL, "s", "%s", detail), &plain, sb.buf);
}

#define A10 "aaaaaaaaaa"
#define A70 A10 A10 A10 A10 A10 A10 A10

static void test_wrap(void **state)
{
	check_wrap(A70 "aaaaaaaa b cc", A70 "aaaaaaaa b\ncc");
	check_wrap(A70 A10 A10 " y", A70 A10 A10 "\ny");
	check_wrap("  lead  two   " A70 "   z", "  lead  two\n" A70 "   z");
	check_wrap("a\n\nb  \n c " A70 A10 "a r s", "a\n\nb  \n c\n" A70 A10 "a\nr s");
	check_wrap("a " A70 "aaaaaaaaa", "a\n" A70 "aaaaaaaaa");
	check_wrap(" " A70 A10 "a", " " A70 A10 "a");
	check_wrap("\xc3\xa9 " A70 "aaaaaaaa b", "\xc3\xa9 " A70 "aaaaaaaa\nb");
}

static void test_without_place(void **state)
{
	AUTO(diags) struct diags d = DIAGS_INIT;

	check(diags_error(&d, NULL, "Bad thing", "%s", ""), &plain, "Error: Bad thing\n\n");
}

static const char text[] =
	"# top\nsource \"qemu\" \"x\" {\n\tmemory = \"\xc3\xa9\" 1\n}\nother = 2\n";

static void test_snippet(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags d = DIAGS_INIT;
	const struct source *src = sources_add(sources, "a.pkr.hcl", text, strlen(text));
	struct range at = { src, { 3, 15, 41 }, { 3, 16, 42 } };
	struct diag_style people = { .width = 80, .caret = true, .color = true };
	struct diag *item = diags_error(&d, &at, "S", "D");

	check(item, &plain,
	      "Error: S\n\n  on a.pkr.hcl line 3, in source \"qemu\" \"x\":\n"
	      "   3: \tmemory = \"\xc3\xa9\" 1\n\nD\n\n");
	check(item, &people,
	      "\033[31mError:\033[0m S\n\n  on a.pkr.hcl line 3, in source \"qemu\" \"x\":\n"
	      "   3: \tmemory = \"\xc3\xa9\" 1\n      \t             \033[31m^\033[0m\n\nD\n\n");
	item->values = xstrdup("with var.x as 1.");
	item->no_snippet = true;
	check(item, &plain,
	      "Error: S\n\n  on a.pkr.hcl line 3:\n  (source code not available)\n\n"
	      "with var.x as 1.\n\nD\n\n");
}

static void test_context(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags d = DIAGS_INIT;
	const struct source *src = sources_add(sources, "a", "a = (1 +\n\n2\nb = 3\n", 17);
	struct range at = { src, { 3, 1, 10 }, { 3, 2, 11 } };
	struct diag *item = diags_error(&d, &at, "S", "D");

	item->context = (struct range){ src, { 1, 5, 4 }, { 3, 2, 11 } };
	check(item, &plain, "Error: S\n\n  on a line 3:\n   1: a = (1 +\n   3: 2\n\nD\n\n");
}

static void test_long_line_is_an_excerpt(void **state)
{
	enum { LEN = 1 << 20 };
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags d = DIAGS_INIT;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO_FREE char *line = xmalloc(LEN);

	memset(line, 'x', LEN);

	const struct source *src = sources_add(sources, "a", line, LEN);
	struct range at = { src, { 1, LEN / 2 + 1, LEN / 2 }, { 1, LEN / 2 + 2, LEN / 2 + 1 } };

	diag_format(&sb, diags_error(&d, &at, "S", "D"), &plain);
	assert_true(sb.len < 4000);
}

static void test_as_error_text(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags d = DIAGS_INIT;
	AUTO(diags) struct diags more = DIAGS_INIT;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	const struct source *src = sources_add(sources, "a", "xy\n", 3);
	struct range at = { src, { 1, 1, 0 }, { 1, 3, 2 } };

	diags_error(&d, &at, "S", "D %d", 1);
	diags_format_error(&sb, &d);
	assert_string_equal(sb.buf, "a:1,1-3: S; D 1");
	diags_warning(&more, NULL, "W", "V");
	diags_error(&more, NULL, "X", "Y");
	diags_move(&d, &more);
	assert_int_equal(d.len, 3);
	assert_int_equal(d.errors, 2);
	assert_int_equal(more.len, 0);
	strbuf_truncate(&sb, 0);
	diags_format_error(&sb, &d);
	assert_string_equal(sb.buf, "a:1,1-3: S; D 1, and 2 other diagnostic(s)");
}

static const struct diag_style carets = { .width = 80, .caret = true };

/* Whatever is in a file, the report is text, and the caret is under its place. */
static void test_control_characters(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags d = DIAGS_INIT;
	static const char bytes[] = "\x1b[2J\0\xff\xc2\x9b\tx = \r\n";
	const struct source *src = sources_add(sources, "a", bytes, sizeof(bytes) - 1);
	struct range at = { src, { 1, 10, 9 }, { 1, 11, 10 } };

	check(diags_error(&d, &at, "S", "D"), &carets,
	      "Error: S\n\n  on a line 1:\n"
	      "   1: \xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\tx = \n"
	      "             \t^\n\nD\n\n");
}

/* Packer's messages without place or summary get both for people, and stay as they are else. */
static void test_for_people(void **state)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags d = DIAGS_INIT;
	const struct source *src = sources_add(sources, "a", "v {\n}\n", 6);
	struct diag *item = diags_error(&d, NULL, "S", "D");

	item->context = (struct range){ src, { 1, 1, 0 }, { 1, 2, 1 } };
	check(item, &plain, "Error: S\n\nD\n\n");
	check(item, &carets, "Error: S\n\n  on a line 1, in v:\n   1: v {\n      ^\n\nD\n\n");

	struct diag *bare = diags_error(&d, NULL, "", "stat x: no such file");

	check(bare, &plain, "Error: \n\nstat x: no such file\n\n");
	check(bare, &carets, "Error: stat x: no such file\n\n");
}

/* The file is read once, not once for each mistake; far down, carets still meet their text. */
static void test_many(void **state)
{
	enum { LINES = 20000 };
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags d = DIAGS_INIT;
	AUTO(strbuf) struct strbuf in = STRBUF_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	strbuf_addstr(&in, "a {\n");
	for (int i = 0; i < LINES; i++)
		strbuf_addf(&in, "v%05d=1\n", i);
	strbuf_addstr(&in, "}\n");

	const struct source *src = sources_add(sources, "x", in.buf, in.len);

	for (int i = 0; i < LINES; i++) {
		size_t at = 4 + 9 * (size_t)i;
		struct range r = { src, { i + 2, 1, at }, { i + 2, 7, at + 6 } };

		diags_error(&d, &r, "S", "%s", "");
	}
	diags_format(&out, &d, &carets);
	assert_memory_equal(out.buf, "Error: S\n\n  on x line 2, in a:\n", 31);

	static const char last[] = "  on x line 20001, in a:\n20001: v19999=1\n       ^^^^^^\n\n";

	assert_string_equal(out.buf + out.len - strlen(last), last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_without_place),
		cmocka_unit_test(test_snippet),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_long_line_is_an_excerpt),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_as_error_text),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
