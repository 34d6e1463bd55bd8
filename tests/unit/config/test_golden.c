/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays tests/data/config and tests/data/plan: folders with templates, and
 * everything that loading and planning them says. REGENERATE=1 rewrites what
 * is expected.
 *
 *   === title
 *   -var a=b                 options: -var, -var-file, -only, -except, env K=V,
 *   --- t.pkr.hcl            path P, syntax-only, warn, inspect, plan, plugins,
 *   …                        secrets
 *   …                        files
 *   --- expect
 *   …
 */
#include "template_case.h"

struct golden {
	struct strv vars, var_files, env, only, except;
	char *path;
	bool syntax_only, warn, inspect, plan, plugins, secrets, dry, sequential;
	size_t expect_start, expect_end; /* in the file */
};

static void golden_init(struct golden *g)
{
	*g = (struct golden){ .path = xstrdup(".") };
	strv_init(&g->vars);
	strv_init(&g->var_files);
	strv_init(&g->env);
	strv_init(&g->only);
	strv_init(&g->except);
}

static void golden_release(struct golden *g)
{
	strv_release(&g->vars);
	strv_release(&g->var_files);
	strv_release(&g->env);
	strv_release(&g->only);
	strv_release(&g->except);
	free(g->path);
}

static const char *after(const char *line, const char *prefix)
{
	return text_starts_with(line, prefix) ? line + strlen(prefix) : NULL;
}

static void read_option(struct golden *g, const char *line)
{
	const char *rest;
	if ((rest = after(line, "-var "))) {
		strv_push(&g->vars, rest);
	} else if ((rest = after(line, "-var-file "))) {
		strv_push(&g->var_files, rest);
	} else if ((rest = after(line, "env "))) {
		strv_push(&g->env, rest);
	} else if ((rest = after(line, "-only "))) {
		strv_push(&g->only, rest);
	} else if ((rest = after(line, "-except "))) {
		strv_push(&g->except, rest);
	} else if ((rest = after(line, "path "))) {
		free(g->path);
		g->path = xstrdup(rest);
	} else {
		g->syntax_only |= text_eq(line, "syntax-only");
		g->warn |= text_eq(line, "warn");
		g->inspect |= text_eq(line, "inspect");
		g->plan |= text_eq(line, "plan");
		g->plugins |= text_eq(line, "plugins");
		g->secrets |= text_eq(line, "secrets");
		g->dry |= text_eq(line, "dry");
		g->sequential |= text_eq(line, "sequential");
	}
}

static void print_plan(struct strbuf *out, const struct golden *g, const struct config *c,
		       struct redactor *redactor)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct plan_options opts = {
		.only = { (const char *const *)g->only.v, g->only.len },
		.except = { (const char *const *)g->except.v, g->except.len },
		.on_error = "cleanup",
		.cwd = case_dir,
		.redactor = redactor,
	};
	AUTO(plan) struct plan *p = plan_make(c, &case_components, &opts, &diags);
	print_diags(out, &diags);
	plan_print(out, p);
}

static void print_plugins(struct strbuf *out, const struct config *c)
{
	for (size_t i = 0; i < c->plugin_count; i++)
		strbuf_addf(out, "plugin %s = %s %s%s\n", c->plugins[i].accessor,
			    c->plugins[i].source, c->plugins[i].constraint,
			    c->plugins[i].prefers_builtin ? ", rather the built-in one" : "");
}

static void inspect_legacy(struct strbuf *out, const struct config *c)
{
	config_inspect_legacy(out, c);
	strbuf_addch(out, '\n');
}

static void run_golden(struct strbuf *out, const struct golden *g)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(redactor) struct redactor *redactor = redactor_new();
	struct datasource_reader reader = {
		.components = &case_components,
		.ctx = { .cwd = case_dir },
		.redactor = redactor,
		.is_dry = g->dry,
	};
	struct config_options opts = {
		.data_reader = &reader.pub,
		.sequential = g->sequential,
		.path = g->path,
		.vars = &g->vars,
		.var_files = &g->var_files,
		.warn_undeclared = g->warn,
		.syntax_only = g->syntax_only,
		.cwd = case_dir,
		.environ = (const char *const *)g->env.v,
		.redactor = redactor,
		.sources = sources,
	};
	datasource_reader_init(&reader);
	AUTO(error) struct error *e = NULL;
	if (config_is_legacy(g->path, NULL, &opts.legacy_json, &e) < 0)
		opts.legacy_json = false;
	AUTO(config) struct config *c = config_load(&opts, &diags);
	print_diags(out, &diags);
	strbuf_replace(out, case_dir, "CWD");
	if (c && g->inspect && c->legacy)
		inspect_legacy(out, c);
	else if (c && g->inspect)
		config_inspect(out, c);
	if (c && g->plugins)
		print_plugins(out, c);
	if (c && g->plan)
		print_plan(out, g, c, redactor);
	if (!c)
		strbuf_addstr(out, "(no configuration)\n");
	if (g->secrets)
		redactor_filter(redactor, out);
}

/* ---- the files ---------------------------------------------------------------------------- */

struct reader {
	const char *text;
	size_t at, len;
};

static bool next_line(struct reader *r, struct str *ret)
{
	if (r->at >= r->len)
		return false;
	const char *start = r->text + r->at;
	const char *end = memchr(start, '\n', r->len - r->at);
	size_t n = end ? (size_t)(end - start) : r->len - r->at;
	*ret = (struct str){ start, n };
	r->at += n + (end != NULL);
	return true;
}

/* Up to the next "--- " or "=== " line. */
static struct str read_section(struct reader *r)
{
	size_t start = r->at, end = r->at;
	struct str line;
	while (next_line(r, &line)) {
		if (str_starts_with(line, STR("--- ")) || str_starts_with(line, STR("=== "))) {
			r->at = end;
			break;
		}
		end = r->at;
	}
	return (struct str){ r->text + start, end - start };
}

static void read_options(struct reader *r, struct golden *g)
{
	struct str rest = read_section(r);
	while (rest.len > 0) {
		AUTO_FREE char *line = str_dup(str_split(rest, '\n', &rest));
		read_option(g, line);
	}
}

/* Files are written where we are; returns the expected text. */
static struct str read_case(struct reader *r, struct golden *g)
{
	struct str expect = { 0 }, line;
	read_options(r, g);
	while (r->at < r->len && text_starts_with(r->text + r->at, "--- ")) {
		next_line(r, &line);
		AUTO_FREE char *name = xstrndup(line.p + 4, line.len - 4);
		struct str text = read_section(r);
		if (text_eq(name, "expect")) {
			expect = text;
			g->expect_start = (size_t)(text.p - r->text);
			g->expect_end = g->expect_start + text.len;
		} else {
			write_file(name, text.p, text.len);
		}
	}
	return expect;
}

static void replay(const char *path, size_t *ret_failed, size_t *ret_count)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf file = STRBUF_INIT;
	AUTO(strbuf) struct strbuf rewritten = STRBUF_INIT;
	assert_int_equal(fs_read(path, FS_READ_MAX, &file, &err), 0);
	struct reader r = { file.buf, 0, file.len };
	size_t copied = 0;
	struct str title;
	while (next_line(&r, &title)) {
		if (!str_starts_with(title, STR("=== ")))
			continue;
		struct golden g;
		golden_init(&g);
		case_begin();
		struct str expect = read_case(&r, &g);
		AUTO(strbuf) struct strbuf got = STRBUF_INIT;
		run_golden(&got, &g);
		case_end();
		(*ret_count)++;
		if (!str_eq(expect, (struct str){ got.buf, got.len })) {
			(*ret_failed)++;
			print_message("%s: %.*s\n# want:\n%.*s# got:\n%s", path, STR_FMT(title),
				      STR_FMT(expect), got.buf);
		}
		strbuf_add(&rewritten, file.buf + copied, g.expect_start - copied);
		strbuf_add(&rewritten, got.buf, got.len);
		copied = g.expect_end;
		golden_release(&g);
	}
	strbuf_add(&rewritten, file.buf + copied, file.len - copied);
	if (getenv("REGENERATE"))
		assert_int_equal(fs_write(path, rewritten.buf, rewritten.len, 0644, &err), 0);
}

static void replay_folder(const char *folder)
{
	AUTO(error) struct error *err = NULL;
	const char *root = getenv("SRCDIR");
	AUTO_FREE char *dir = xasprintf("%s/tests/data/%s", root ? root : ".", folder);
	AUTO(strv) struct strv files = STRV_INIT;
	size_t failed = 0, count = 0;
	assert_int_equal(fs_list(dir, &files, &err), 0);
	for (size_t i = 0; i < files.len; i++) {
		AUTO_FREE char *path = path_join(dir, files.v[i]);
		if (text_ends_with(path, ".test"))
			replay(path, &failed, &count);
	}
	assert_true(count > 0);
	assert_int_equal(failed, 0);
}

static void test_config(void **state)
{
	(void)state;
	replay_folder("config");
}

static void test_plan(void **state)
{
	(void)state;
	replay_folder("plan");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_plan),
	};
	setenv("INGOT_TEST_VALUE", "from the environment", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
