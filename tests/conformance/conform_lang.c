/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts and syntax errors against the public conformance data, where the
 * folder with it is at hand (INGOT_CONFORMANCE).
 */
#include "typed.h"

#include "base/alloc.h"
#include "lang/parser.h"
#include "os/fs.h"
#include "value/jsontext.h"
#include "value/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIP_EXIT = 77 };

typedef bool (*check_fn)(const struct value *line, struct strbuf *why);

static bool layout_is(const char *text, const char *want, bool parses, struct strbuf *why)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const struct source *src = sources_add(sources, "x.hcl", text, strlen(text));
	AUTO_FREE char *checked = hcl_format(src, &diags);
	AUTO_FREE char *laid_out = hcl_layout(src);

	if (parses == (checked != NULL) && text_eq(laid_out, want))
		return true;
	strbuf_addf(why, "parses: %d, layout:\n%s", checked != NULL, laid_out);
	return false;
}

static bool check_layout(const struct value *line, struct strbuf *why)
{
	const char *want = typed_text(line, "want");
	bool parses = typed_is_true(line, "parses");

	return layout_is(typed_text(line, "in"), want, parses, why) &&
	       layout_is(want, want, parses, why);
}

/* `[line, column, byte, line, column, byte]` */
static void add_place(struct strbuf *sb, struct range r)
{
	strbuf_addf(sb, "[%d,%d,%zu,%d,%d,%zu]", r.start.line, r.start.column, r.start.byte,
		    r.end.line, r.end.column, r.end.byte);
}

static bool place_is(struct range r, const struct value *want)
{
	int64_t have[] = { r.start.line, r.start.column, (int64_t)r.start.byte,
			   r.end.line,   r.end.column,   (int64_t)r.end.byte };

	if (!want || !r.source)
		return !want && !r.source;
	for (size_t i = 0; i < ARRAY_LEN(have); i++) {
		int64_t n;

		if (!number_to_int(value_as_number(value_at(want, i)), &n) || n != have[i])
			return false;
	}
	return true;
}

/* The first mistake must be the same one at the same place. */
static bool check_syntax(const struct value *line, struct strbuf *why)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	const char *text = typed_text(line, "expr");
	const struct source *src = sources_add(sources, "x.hcl", text, strlen(text));

	if (strcmp(typed_text(line, "kind"), "template") == 0)
		parse_template(src, arena, &diags);
	else
		parse_expression(src, arena, &diags);
	if (!typed_is_true(line, "parse_error")) {
		if (diags.len)
			strbuf_addf(why, "does not parse: %s", diags.items[0].summary);
		return diags.len == 0;
	}
	if (diags.len == 0)
		return false;

	const struct value *want = value_at(typed_get(line, "diag_list"), 0);
	const struct diag *d = &diags.items[0];

	strbuf_addf(why, "%s / %s ", d->summary, d->detail);
	add_place(why, d->subject);
	return text_eq(d->summary, typed_text(want, "summary")) &&
	       text_eq(d->detail, typed_text(want, "detail")) &&
	       place_is(d->subject, typed_get(want, "subject")) &&
	       place_is(d->context, typed_get(want, "context"));
}

static bool run_line(const char *text, size_t len, check_fn check)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	AUTO(value) struct value *line = jsontext_decode(text, len, &err);
	bool ok = line && check(line, &why);

	if (!ok)
		printf("  %s\n     %s\n", line ? typed_text(line, "id") : text,
		       line ? why.buf : err->message);
	return ok;
}

static unsigned run_file(const char *dir, const char *name, check_fn check)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	unsigned passed = 0, failed = 0;

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0) {
		printf("%s: %s\n", name, err->message);
		return 1;
	}
	for (const char *p = text.buf, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if (run_line(p, (size_t)(end - p), check))
			passed++;
		else
			failed++;
	}
	printf("%s: %u passed, %u failed\n", name, passed, failed);
	return failed;
}

int main(void)
{
	const char *dir = getenv("INGOT_CONFORMANCE");
	unsigned failed = 0;

	if (!dir || !fs_exists(dir)) {
		puts("skipped: INGOT_CONFORMANCE names no folder with the conformance data");
		return SKIP_EXIT;
	}
	failed += run_file(dir, "hclwrite-format.jsonl", check_layout);
	failed += run_file(dir, "expr.jsonl", check_syntax);
	return failed ? 1 : 0;
}
