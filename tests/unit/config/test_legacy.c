/* SPDX-License-Identifier: Apache-2.0 */
/* What golden files cannot show of legacy templates: long chains, large files, the console. */
#include "template_case.h"

struct loaded {
	struct sources *sources;
	struct config *config;
	struct diags diags;
};

static struct loaded load(const char *text, size_t len)
{
	struct loaded l = { .sources = sources_new() };

	write_file("t.json", text, len);

	struct config_options opts = {
		.path = "t.json", .legacy_json = true, .cwd = case_dir, .sources = l.sources
	};

	l.config = config_load(&opts, &l.diags);
	return l;
}

static void unload(struct loaded *l)
{
	diags_release(&l->diags);
	config_free(l->config);
	sources_free(l->sources);
}

static int setup(void **state)
{
	(void)state;
	case_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	case_end();
	return 0;
}

static const char builders[] = "\"builders\": [{\"type\": \"fake\", \"target\": \"x\"}]";

/* v000 needs v001, which needs v002, …: the worst order. */
static struct loaded load_chain(unsigned length)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "{%s, \"variables\": {", builders);
	for (unsigned i = 0; i < length; i++)
		strbuf_addf(&text, "\"v%03u\": \"{{user `v%03u`}}.\", ", i, i + 1);
	strbuf_addf(&text, "\"v%03u\": \"end\"}}", length);
	return load(text.buf, text.len);
}

static void test_chains_of_variables(void **state)
{
	struct loaded l = load_chain(98);

	(void)state;
	assert_int_equal(l.diags.errors, 0);

	const char *first = value_as_string(value_get(l.config->legacy->user, "v000"));

	assert_int_equal(strlen(first), 98 + strlen("end"));
	unload(&l);
}

static void test_console(void **state)
{
	AUTO_FREE char *text = xasprintf(
		"{%s, \"variables\": {\"b\": \"{{upper `x`}}\", \"a\": \"1\"}}", builders);
	struct loaded l = load(text, strlen(text));
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *all = config_legacy_line(l.config, "variables", &e);
	AUTO_FREE char *again = config_legacy_line(l.config, "{{`{{user `}}`a`}}", &e);
	AUTO_FREE char *bad = config_legacy_line(l.config, "{{`{{nope}}`}}", &e);

	(void)state;
	assert_string_equal(all, "\na: 1,\nb: X,\n");
	assert_string_equal(again, "1");
	assert_null(bad);
	assert_string_equal(e->message, "template: root:1: function \"nope\" not defined");
	unload(&l);
}

static void test_check(void **state)
{
	static const char good[] =
		"{\"builders\": [{\"type\": \"x\"}], \"variables\": {\"a\": null}}";
	AUTO(error) struct error *e = NULL;
	AUTO(error) struct error *invalid = NULL;
	bool parses = false;

	(void)state;
	assert_int_equal(config_legacy_check(good, strlen(good), &parses, &e), 0);
	assert_true(parses);
	assert_int_equal(config_legacy_check("{\"x\": 1}", 8, &parses, &e), -1);
	assert_false(parses);
	assert_string_equal(e->message,
			    "1 error occurred:\n\t* Unknown root level key in template: "
			    "'x'\n\n");
	assert_int_equal(config_legacy_check("{}", 2, &parses, &invalid), -1);
	assert_true(parses);
	assert_string_equal(invalid->message,
			    "1 error occurred:\n\t* at least one builder must be defined\n\n");
}

/* Each of these makes something that a careless loader would look through once per item. */
static void add_many(struct strbuf *sb, const char *shape, unsigned n)
{
	strbuf_addstr(sb, "{");
	strbuf_addstr(sb, builders);
	for (unsigned i = 0; i < n && text_eq(shape, "root"); i++)
		strbuf_addf(sb, ", \"_%u\": \"\"", i);
	if (text_eq(shape, "variables")) {
		strbuf_addstr(sb, ", \"variables\": {\"x\": \"\"");
		for (unsigned i = 0; i < n; i++)
			strbuf_addf(sb, ", \"v%u\": \"{{user `v%u`}} {{.A {{.A\"", i, i / 2 + n);
		for (unsigned i = n; i < 2 * n; i++)
			strbuf_addf(sb, ", \"v%u\": \"x\"", i);
		strbuf_addstr(sb, "}");
	}
	if (text_eq(shape, "provisioners")) {
		strbuf_addstr(sb, ", \"provisioners\": [{\"type\": \"shell\"}");
		for (unsigned i = 0; i < n; i++)
			strbuf_addstr(sb, ", {\"type\": \"shell\", \"only\": \"fake\"}");
		strbuf_addstr(sb, "]");
	}
	strbuf_addstr(sb, "}");
}

static void test_large_templates(void **state)
{
	static const char *const shapes[] = { "root", "variables", "provisioners" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT;

		add_many(&text, shapes[i], 10000);

		struct loaded l = load(text.buf, text.len);

		assert_non_null(l.config);
		unload(&l);
	}
}

/* However much is wrong, the message can be read. */
static void test_messages_are_bounded(void **state)
{
	AUTO(strbuf) struct strbuf unknown = STRBUF_INIT;
	AUTO(strbuf) struct strbuf deep = STRBUF_INIT;

	(void)state;
	strbuf_addf(&unknown, "{%s", builders);
	for (unsigned i = 0; i < 5000; i++)
		strbuf_addf(&unknown, ", \"k%u\": 1", i);
	strbuf_addch(&unknown, '}');
	strbuf_addchars(&deep, '[', 100000);
	strbuf_addstr(&deep, "x");

	struct loaded many = load(unknown.buf, unknown.len);
	struct loaded nested = load(deep.buf, deep.len);

	assert_null(many.config);
	assert_non_null(strstr(many.diags.items[0].detail, "5000 errors occurred:"));
	assert_non_null(strstr(many.diags.items[0].detail, "\t* and 4000 more\n"));
	assert_null(nested.config);
	assert_non_null(strstr(nested.diags.items[0].detail, "column 100001 (offset 100001)"));
	assert_true(strlen(nested.diags.items[0].detail) < 3000);
	unload(&many);
	unload(&nested);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_chains_of_variables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_console, setup, teardown),
		cmocka_unit_test(test_check),
		cmocka_unit_test_setup_teardown(test_messages_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_templates, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
