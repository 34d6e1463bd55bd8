/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, and the second evaluation of steps; plans as such are golden files. */
#include "../config/template_case.h"

#include <pthread.h>

static void test_glob(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool want;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "null.a", "null.a", true },
		{ "null.a", "null.ab", false },
		{ "*", "a.b.c", true },
		{ "*", "", true },
		{ "*.a", "web.null.a", true },
		{ "web.*", "web.null.a", true },
		{ "*null*", "web.null.a", true },
		{ "a*b*c", "a-b-b-c", true },
		{ "a*b*c", "a-b-b", false },
		{ "nul?.a", "null.a", true },
		{ "?", "\xc3\xa9", true },
		{ "??", "\xc3\xa9", false },
		{ "[abc]", "b", true },
		{ "[!abc]", "b", false },
		{ "[!abc]", "d", true },
		{ "[a-c]x", "cx", true },
		{ "[a-c]x", "dx", false },
		{ "[]]", "]", true },
		{ "{web,db}.*", "db.null.a", true },
		{ "{web,db}.*", "dbx.null.a", false },
		{ "a{,b}c", "ac", true },
		{ "{a,{b,c}d}", "cd", true },
		{ "{a,{b,c}d}", "c", false },
		{ "\\*", "*", true },
		{ "\\*", "a", false },
		{ "\\{a\\}", "{a}", true },
		{ "{\\,,b}", ",", true },
		{ "[\\]]", "]", true },
		{ "a}", "a}", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(error) struct error *err = NULL;
		bool got = false;
		assert_int_equal(glob_match(rows[i].pattern, rows[i].text, &got, &err), 0);
		if (got != rows[i].want)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
	}
}

static void test_glob_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = { "a[",     "[",   "[!",  "[a-", "{a",
					   "{a,{b}", "a\\", "{\\", "{[,}" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(error) struct error *err = NULL;
		bool got = false;
		if (glob_match(bad[i], "a", &got, &err) == 0)
			fail_msg("accepted '%s'", bad[i]);
		assert_int_equal(err->kind, ERROR_INVALID);
	}
}

/* Alternatives multiply and stars backtrack; neither may run away. */
static void test_glob_bounds(void **state)
{
	(void)state;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf pattern = STRBUF_INIT;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	bool got = true;
	for (int i = 0; i < 40; i++)
		strbuf_addstr(&pattern, "{a,b}");
	assert_int_equal(glob_match(pattern.buf, "a", &got, &err), -1);

	AUTO(error) struct error *none = NULL;
	strbuf_truncate(&pattern, 0);
	for (int i = 0; i < 200; i++)
		strbuf_addstr(&pattern, "*a");
	strbuf_addch(&pattern, 'b');
	strbuf_addchars(&text, 'a', 2000);
	assert_int_equal(glob_match(pattern.buf, text.buf, &got, &none), 0);
	assert_false(got);
}

/* ---- resolve ---------------------------------------------------------------------------- */

static const char resolve_template[] =
	"variable \"user\" {\n  default = \"admin\"\n}\n"
	"source \"fake\" \"a\" {\n  target = \"x\"\n}\n"
	"build {\n  sources = [\"fake.a\"]\n"
	"  provisioner \"shell\" {\n"
	"    inline = [\"${var.user}@${build.Host}:${build.Port} ${build.Extra} ${build.User}\",\n"
	"      \"{{ build `Host` }} {{ .Port }}\"]\n"
	"    override = {\n      a = {\n        environment_vars = [\"A=1\"]\n      }\n    }\n"
	"  }\n"
	"  post-processor \"compress\" {\n"
	"    target = \"${build.ID}\"\n"
	"    old    = \"warns once\"\n"
	"    memory = build.ID == \"i-1\" ? 64 : build.ID == \"bad\" ? 1 : 32\n"
	"  }\n}\n";

struct fixture {
	struct sources *sources;
	struct config *config;
	struct plan *plan;
};

static int load_fixture(void **state)
{
	struct fixture *f = NEW(struct fixture);
	struct diags diags = DIAGS_INIT;
	case_begin();
	write_file("t.pkr.hcl", resolve_template, strlen(resolve_template));
	f->sources = sources_new();
	struct config_options opts = {
		.path = ".",
		.cwd = case_dir,
		.sources = f->sources,
	};
	f->config = config_load(&opts, &diags);
	assert_int_equal(diags.len, 0);
	struct plan_options plan_opts = { .on_error = "cleanup", .cwd = case_dir };
	f->plan = plan_make(f->config, &case_components, &plan_opts, &diags);
	assert_int_equal(diags.errors, 0);
	assert_int_equal(diags.len, 1); /* `old` */
	assert_int_equal(f->plan->len, 1);
	diags_release(&diags);
	*state = f;
	return 0;
}

static int free_fixture(void **state)
{
	struct fixture *f = *state;
	plan_free(f->plan);
	config_free(f->config);
	sources_free(f->sources);
	free(f);
	case_end();
	return 0;
}

static struct value *build_values(const char *id)
{
	struct map fields;
	value_map_init(&fields);
	map_set(&fields, "ID", value_string(id));
	map_set(&fields, "Host", value_string("10.0.0.1"));
	map_set(&fields, "Port", value_int(22));
	map_set(&fields, "Extra", value_string("more"));
	return value_object_take(&fields);
}

static void test_resolve_step(void **state)
{
	const struct fixture *f = *state;
	const struct plan_build *b = &f->plan->builds[0];
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(value) struct value *values = build_values("i-1");
	const struct fake_shell *planned = b->steps[0].config;
	assert_string_equal(planned->inline_.v[0], "admin@<unknown>:<unknown> <unknown> <unknown>");
	const struct fake_shell *s =
		plan_resolve_step(f->plan, b, &b->steps[0], values, NULL, arena, &diags);
	assert_non_null(s);
	assert_int_equal(diags.len, 0);
	assert_string_equal(s->inline_.v[0], "admin@10.0.0.1:22 more <unknown>");
	assert_string_equal(s->inline_.v[1], "10.0.0.1 22");
	assert_string_equal(s->environment_vars.v[0], "A=1");
	assert_string_equal(s->execute_command, "{{.Vars}} {{.Path}}");
}

static void test_resolve_post(void **state)
{
	const struct fixture *f = *state;
	const struct plan_build *b = &f->plan->builds[0];
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(value) struct value *values = build_values("i-1");
	const struct plan_post *post = &b->chains[0].items[0];
	const struct fake *c = plan_resolve_post(f->plan, b, post, values, NULL, arena, &diags);
	assert_non_null(c);
	assert_int_equal(diags.len, 0); /* no second warning */
	assert_string_equal(c->target, "i-1");
	assert_int_equal(c->memory, 64);

	AUTO(value) struct value *bad = build_values("bad");
	assert_null(plan_resolve_post(f->plan, b, post, bad, NULL, arena, &diags));
	assert_int_equal(diags.errors, 1); /* prepare() never sees a wrong configuration */
	assert_string_equal(diags.items[0].detail,
			    "Inappropriate value for attribute \"memory\": must be at least 32.");
}

static void *resolve_many(void *data)
{
	const struct fixture *f = data;
	const struct plan_build *b = &f->plan->builds[0];
	AUTO(value) struct value *values = build_values("i-1");
	for (int i = 0; i < 50; i++) {
		AUTO(diags) struct diags diags = DIAGS_INIT;
		AUTO(arena) struct arena *arena = arena_new();
		const struct fake_shell *s =
			plan_resolve_step(f->plan, b, &b->steps[0], values, NULL, arena, &diags);
		if (!s || strcmp(s->inline_.v[1], "10.0.0.1 22") != 0)
			return data;
	}
	return NULL;
}

static void test_resolve_threads(void **state)
{
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, resolve_many, *state), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed = NULL;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_glob_malformed),
		cmocka_unit_test(test_glob_bounds),
		cmocka_unit_test_setup_teardown(test_resolve_step, load_fixture, free_fixture),
		cmocka_unit_test_setup_teardown(test_resolve_post, load_fixture, free_fixture),
		cmocka_unit_test_setup_teardown(test_resolve_threads, load_fixture, free_fixture),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
