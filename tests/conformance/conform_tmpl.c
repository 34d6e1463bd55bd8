/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template engine against the public conformance data, where the folder
 * with it is at hand (INGOT_CONFORMANCE). Complex numbers are left out: no
 * template has a use for them.
 */
#include "typed.h"

#include "base/alloc.h"
#include "base/path.h"
#include "func/regexp.h"
#include "os/clock.h"
#include "os/fs.h"
#include "tmpl/tmpl.h"
#include "value/jsontext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SKIP_EXIT = 77 };

static const struct value *environment; /* of the case that runs */

static const char *lookup(const char *name)
{
	const struct value *v = environment ? value_get(environment, name) : NULL;

	return v ? value_as_string(v) : NULL;
}

static const char *text_of(const struct value *v, const char *name)
{
	const struct value *m = v ? typed_get(v, name) : NULL;

	return m ? value_as_string(m) : NULL;
}

static char *render(const struct value *context, const char *cwd, const char *text,
		    struct error **err)
{
	const char *path = text_of(context, "template_path");
	AUTO_FREE char *dir = path ? path_dirname(path) : NULL;
	const struct func_world world = {
		.base_dir = dir,
		.cwd = cwd,
		.start_time = clock_wall(),
		.getenv = lookup,
	};
	const struct tmpl_ctx ctx = {
		.data = context ? typed_get(context, "data") : NULL,
		.world = &world,
		.build_name = text_of(context, "build_name"),
		.build_type = text_of(context, "build_type"),
		.user = context ? typed_get(context, "user") : NULL,
		.packer_version = text_of(context, "packer_version"),
		.in_variables = context && typed_is_true(context, "enable_env"),
	};

	return tmpl_render(text, &ctx, err);
}

static bool matches(const char *pattern, const char *text)
{
	AUTO(error) struct error *e = NULL;
	AUTO(regexp_error) struct regexp_error why = REGEXP_ERROR_INIT;
	AUTO(regexp) struct regexp *re = regexp_new(pattern, strlen(pattern), &why);
	AUTO(regexp_walk) struct regexp_walk walk = { 0 };

	if (!re)
		return false;
	regexp_walk_init(&walk, re, text, strlen(text));
	return regexp_walk_next(&walk, re, &e) > 0;
}

static bool result_is(const struct value *line, const char *have, const char *cwd)
{
	const struct value *want = typed_get(line, "want");
	const char *pattern = text_of(line, "pattern"), *below = text_of(line, "relative_to_cwd");

	if (below) {
		AUTO_FREE char *path = path_absolute(cwd, below);

		return text_eq(have, path);
	}
	if (pattern)
		return matches(pattern, have);
	return want && text_eq(have, value_as_string(want));
}

static bool check_text(const struct value *line, struct strbuf *why)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *cwd = fs_cwd();
	AUTO_FREE char *have =
		render(typed_get(line, "context"), cwd, text_of(line, "template"), &e);
	const char *want = text_of(line, "err");

	strbuf_addstr(why, have ? have : e->message);
	return have ? !*want && result_is(line, have, cwd) : text_eq(e->message, want);
}

/* ---- whole configurations ------------------------------------------------------------ */

static struct value *render_value(const struct value *context, const struct value *v, bool keys)
{
	AUTO(error) struct error *e = NULL;
	struct map fields;

	if (value_type(v) == type_string) {
		AUTO_FREE char *text = render(context, "/", value_as_string(v), &e);

		return value_string(text ? text : e->message);
	}
	value_map_init(&fields);
	for (size_t i = 0; i < value_len(v); i++) {
		const char *name = value_key_at(v, i);
		AUTO_FREE char *key = keys ? render(context, "/", name, &e) : xstrdup(name);

		map_set(&fields, key ? key : name, render_value(context, value_at(v, i), true));
	}
	return value_object_take(&fields);
}

static bool is_included(const struct value *include, const char *name)
{
	for (size_t i = 0; include && i < value_len(include); i++)
		if (strcasecmp(value_as_string(value_at(include, i)), name) == 0)
			return true;
	return !include;
}

static bool check_map(const struct value *line, struct strbuf *why)
{
	const struct value *in = typed_get(line, "template"), *include = typed_get(line, "include");
	struct map fields;

	value_map_init(&fields);
	for (size_t i = 0; i < value_len(in); i++) {
		const char *name = value_key_at(in, i);
		struct value *v = value_at(in, i);

		map_set(&fields, name,
			is_included(include, name)
				? render_value(typed_get(line, "context"), v, true)
				: value_ref(v));
	}

	AUTO(value) struct value *have = value_object_take(&fields);

	value_format_json(why, have);
	return value_equal(have, typed_get(line, "want"));
}

struct score {
	unsigned passed, failed, left_out;
};

static void run_line(const char *text, size_t len, struct score *score)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	AUTO(value) struct value *line = jsontext_decode(text, len, &err);

	if (line && typed_needs(line, "complex")) {
		score->left_out++;
		return;
	}
	environment = line ? typed_get(line, "env") : NULL;

	bool is_map = line && text_eq(text_of(line, "kind"), "map");
	bool ok = line && (is_map ? check_map(line, &why) : check_text(line, &why));

	environment = NULL;
	score->passed += ok;
	score->failed += !ok;
	if (!ok)
		printf("  %.*s\n     %s\n", (int)len, text, line ? why.buf : err->message);
}

static unsigned run_file(const char *dir, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	struct score score = { 0 };

	if (fs_read(path, FS_READ_MAX, &text, &err) < 0) {
		printf("%s: %s\n", name, err->message);
		return 1;
	}
	for (const char *p = text.buf, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		run_line(p, (size_t)(end - p), &score);
	}
	printf("%s: %u passed, %u failed, %u with complex numbers left out\n", name, score.passed,
	       score.failed, score.left_out);
	return score.failed;
}

int main(void)
{
	const char *dir = getenv("INGOT_CONFORMANCE");
	unsigned failed = 0;

	if (!dir || !fs_exists(dir)) {
		puts("skipped: INGOT_CONFORMANCE names no folder with the conformance data");
		return SKIP_EXIT;
	}
	failed += run_file(dir, "texttemplate.jsonl");
	failed += run_file(dir, "interpolate.jsonl");
	return failed ? 1 : 0;
}
