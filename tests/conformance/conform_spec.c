/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public specification suite, where the folder with it is at hand
 * (INGOT_CONFORMANCE), through the program that reads files by a decoding
 * specification: values with their types, the places of all diagnostics, and
 * references.
 *
 *   conform_spec HCLDEC
 */
#include "typed.h"

#include "base/alloc.h"
#include "os/fs.h"
#include "os/proc.h"
#include "value/convert.h"
#include "value/jsontext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIP_EXIT = 77, OUTPUT_MAX = 1024 * 1024 };

static const char *program, *folder;

struct answer {
	struct strbuf out, told;
	int status;
};

static void keep_told(void *data, bool is_stderr, const char *line)
{
	struct answer *a = data;

	if (is_stderr)
		strbuf_addf(&a->told, "%s\n", line);
}

static bool ask(const struct value *line, const char *input, bool references, struct answer *ret)
{
	AUTO_FREE char *spec = xasprintf("%s/%s", folder, typed_text(line, "spec"));
	AUTO_FREE char *file = xasprintf("%s/%s", folder, input);
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	strv_push(&argv, program);
	strv_push(&argv, "--spec");
	strv_push(&argv, spec);
	if (references) {
		strv_push(&argv, "--var-refs");
	} else {
		strv_push(&argv, "--with-type");
		strv_push(&argv, "--keep-nulls");
		strv_push(&argv, "--diags=json");
	}
	strv_push(&argv, file);
	*ret = (struct answer){ .out = STRBUF_INIT_MAX(OUTPUT_MAX),
				.told = STRBUF_INIT_MAX(OUTPUT_MAX) };

	struct proc_run run = {
		.spec = { .argv = &argv }, .line = keep_told, .line_data = ret, .output = &ret->out
	};

	if (proc_run(&run, NULL, &ret->status, &e) == 0)
		return true;
	strbuf_addstr(&ret->told, e->message);
	return false;
}

static void answer_release(struct answer *a)
{
	strbuf_release(&a->out);
	strbuf_release(&a->told);
}

/* {"line":L,"column":C,"byte":B} */
static void add_pos(struct strbuf *sb, const struct value *pos)
{
	static const char *const parts[] = { "line", "column", "byte" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		strbuf_addstr(sb, sb->len > 1 ? "," : "");
		value_format_json(sb, typed_get(pos, parts[i]));
	}
}

static bool has_range(const struct value *wanted, const struct value *diag)
{
	const struct value *subject = typed_get(diag, "subject");
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	strbuf_addch(&got, '[');
	add_pos(&got, typed_get(subject, "start"));
	add_pos(&got, typed_get(subject, "end"));
	strbuf_addch(&got, ']');
	for (size_t i = 0; i < value_len(wanted); i++) {
		AUTO(strbuf) struct strbuf want = STRBUF_INIT;

		value_format_json(&want, typed_get(value_at(wanted, i), "range"));
		if (strcmp(want.buf, got.buf) == 0)
			return true;
	}
	return false;
}

static bool check_diags(const struct value *wanted, const char *told)
{
	AUTO(error) struct error *e = NULL;
	AUTO(value) struct value *v = jsontext_decode(told, strlen(told), &e);
	const struct value *list = v ? typed_get(v, "diagnostics") : NULL;

	if (!list || value_len(list) != value_len(wanted))
		return false;
	for (size_t i = 0; i < value_len(list); i++)
		if (!has_range(wanted, value_at(list, i)))
			return false;
	return true;
}

static bool check_result(const struct value *line, const char *out)
{
	AUTO(error) struct error *e = NULL;
	AUTO(value) struct value *v = jsontext_decode(out, strlen(out), &e);
	AUTO(value) struct value *got = v ? typed_value(v) : NULL;
	AUTO(type) struct type *type = typed_type(typed_get(line, "result_type"));
	const struct value *result = typed_get(line, "result");
	AUTO(value) struct value *want = result ? typed_value(result) : NULL;
	AUTO(value) struct value *conforming = got ? value_convert(got, type, &e) : NULL;

	return conforming && (!want || typed_same(conforming, want));
}

static bool check_input(const struct value *line, const char *input, struct strbuf *why)
{
	const struct value *diags = typed_get(line, "diagnostics");
	const struct value *traversals = typed_get(line, "traversals");
	struct answer a, refs;
	bool ok = ask(line, input, false, &a);

	if (ok && value_len(diags) > 0)
		ok = a.status != 0 && check_diags(diags, a.told.buf);
	else if (ok)
		ok = a.status == 0 && check_result(line, a.out.buf);
	if (!ok)
		strbuf_addf(why, "%s: %s%s", input, a.out.buf, a.told.buf);
	answer_release(&a);
	if (!traversals)
		return ok;

	/* No case has any. */
	ok = ask(line, input, true, &refs) && refs.status == 0 &&
	     strcmp(refs.out.buf, "[]\n") == 0 && ok;
	strbuf_addstr(why, refs.told.buf);
	answer_release(&refs);
	return ok;
}

static bool check_case(const struct value *line, struct strbuf *why)
{
	const struct value *inputs = typed_get(line, "inputs");
	bool ok = value_len(inputs) > 0;

	for (size_t i = 0; i < value_len(inputs); i++)
		ok = check_input(line, value_as_string(value_at(inputs, i)), why) && ok;
	return ok;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("INGOT_CONFORMANCE");

	if (argc != 2 || !dir || !fs_exists(dir)) {
		puts("skipped: INGOT_CONFORMANCE names no folder with the conformance data");
		return SKIP_EXIT;
	}
	program = argv[1];

	AUTO_FREE char *tests = xasprintf("%s/hcl-specsuite/tests", dir);

	folder = tests;
	return typed_run_file(dir, "hcl-specsuite/cases.jsonl", check_case) ? 1 : 0;
}
