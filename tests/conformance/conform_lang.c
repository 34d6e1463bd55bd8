/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts and syntax errors against the public conformance data, where the
 * folder with it is at hand (INGOT_CONFORMANCE).
 */
#include "typed.h"

#include "base/alloc.h"
#include "lang/parser.h"
#include "os/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIP_EXIT = 77 };

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

	typed_describe_diag(why, d);
	return typed_same_diag(d, want, true);
}

int main(void)
{
	const char *dir = getenv("INGOT_CONFORMANCE");
	unsigned failed = 0;

	if (!dir || !fs_exists(dir)) {
		puts("skipped: INGOT_CONFORMANCE names no folder with the conformance data");
		return SKIP_EXIT;
	}
	failed += typed_run_file(dir, "hclwrite-format.jsonl", check_layout);
	failed += typed_run_file(dir, "expr.jsonl", check_syntax);
	return failed ? 1 : 0;
}
