/* SPDX-License-Identifier: Apache-2.0 */
/* Tables read through values (overrides, plugins), documents and prints; tables read through
 * templates are golden files of the plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "eval/eval.h"
#include "lang/parser.h"
#include "schema/schema.h"

struct disk {
	const char *name;
	int64_t size;
};
static const struct attr disk_attrs[] = {
	ATTR_INT(struct disk, size, ATTR_REQUIRED, "Size | in MiB."),
	ATTR_END,
};
static const struct schema disk_schema = SCHEMA_LABELLED(struct disk, disk_attrs, "name", name);

struct login {
	const char *user, *password;
};
static const struct attr login_attrs[] = {
	ATTR_STRING(struct login, user, 0, "Who."),
	ATTR_STRING(struct login, password, ATTR_SENSITIVE, "How."),
	ATTR_END,
};
static const struct schema login_schema = SCHEMA(struct login, login_attrs);

struct thing {
	const char *target, *mode, *old;
	int64_t count, wait;
	bool on;
	enum tribool maybe;
	struct text_list names, keys;
	struct int_list ports;
	struct text_map tags;
	struct text_table rows;
	struct value *any;
	const void *boot;
	struct block_list disk;
	struct login login;
};
static const char *const modes[] = { "fast", "slow", NULL };
static const struct attr thing_attrs[] = {
	ATTR_STRING(struct thing, target, ATTR_REQUIRED | ATTR_LOCAL_FILE, "Where."),
	ATTR_STRING(struct thing, mode, 0, "How.", .choices = modes, .def = "fast"),
	ATTR_STRING(struct thing, old, ATTR_DEPRECATED, "Gone.", .replacement = "mode"),
	ATTR_INT(struct thing, count, 0, "How many.", .min = 1, .max = 10, .def = "3"),
	ATTR_DURATION(struct thing, wait, 0, "How long.", .def = "5s"),
	ATTR_BOOL(struct thing, on, 0, "On.", .def = "true"),
	ATTR_TRIBOOL(struct thing, maybe, 0, "Maybe.", .conflicts = "on"),
	ATTR_STRINGS(struct thing, names, ATTR_LATE, "Names."),
	ATTR_STRINGS(struct thing, keys, ATTR_SENSITIVE, "Keys."),
	ATTR_INTS(struct thing, ports, 0, "Ports."),
	ATTR_MAP(struct thing, tags, 0, "Tags."),
	ATTR_TABLE(struct thing, rows, 0, "Rows."),
	ATTR_VALUE(struct thing, any, 0, "Any."),
	ATTR_BLOCK(struct thing, boot, 0, &disk_schema, "Boot disk."),
	ATTR_BLOCKS(struct thing, disk, 0, &disk_schema, "Disks."),
	ATTR_INCLUDE(struct thing, login, struct login, &login_schema),
	ATTR_END,
};
static const struct schema thing_schema = SCHEMA(struct thing, thing_attrs);

struct fixture {
	struct sources *sources;
	struct arena *arena;
	struct diags diags;
	struct thing thing;
	struct decoded decoded;
};

static int setup(void **state)
{
	struct fixture *f = NEW(struct fixture);
	f->sources = sources_new();
	f->arena = arena_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	diags_release(&f->diags);
	arena_free(f->arena);
	sources_free(f->sources);
	free(f);
	return 0;
}

/* An expression in place of what JSON or a plugin would give. */
static struct value *value_of(struct fixture *f, const char *text)
{
	const struct source *src = sources_add(f->sources, "x", text, strlen(text));
	struct expr *e = parse_expression(src, f->arena, &f->diags);
	struct value *v = eval_expr(e, NULL, &f->diags);
	assert_int_equal(f->diags.len, 0);
	return v;
}

static void fill(struct fixture *f, const char *text)
{
	AUTO(value) struct value *v = value_of(f, text);
	struct range none = { 0 };
	memset(&f->thing, 0, sizeof(f->thing));
	schema_decode_value(&thing_schema, v, none, f->arena, &f->decoded, &f->diags);
	schema_fill(&f->decoded, &f->thing, f->arena, &f->diags);
}

static void test_weak_values(void **state)
{
	struct fixture *f = *state;
	fill(f, "{ Target = 5, COUNT = \"0x7\", wait = 1500000000, on = \"f\", maybe = \"1\", "
		"names = \"a,b\", keys = true, ports = \"22\", tags = [{ a = 1 }, { b = true }], "
		"rows = [[1, \"x\"], \"y,z\"], any = 1, boot = [{ name = \"b\", size = 1 }], "
		"disk = { name = \"d\", size = \"2\" }, user = null }");
	assert_int_equal(f->diags.errors, 1); /* on and maybe */
	const struct thing *t = &f->thing;
	assert_string_equal(t->target, "5");
	assert_string_equal(t->mode, "fast");
	assert_int_equal(t->count, 7);
	assert_int_equal(t->wait, 1500 * NSEC_PER_MSEC);
	assert_false(t->on);
	assert_int_equal(t->maybe, TRIBOOL_TRUE);
	assert_int_equal(t->names.len, 2);
	assert_string_equal(t->names.v[1], "b");
	assert_null(t->names.v[2]);
	assert_string_equal(t->keys.v[0], "1");
	assert_int_equal(t->ports.v[0], 22);
	assert_int_equal(t->tags.len, 2);
	assert_string_equal(t->tags.v[1].value, "1");
	assert_string_equal(t->rows.v[0].v[0], "1");
	assert_string_equal(t->rows.v[1].v[1], "z");
	assert_int_equal(((const struct disk *)t->boot)->size, 1);
	assert_int_equal(t->disk.len, 1);
	assert_string_equal(((const struct disk *)t->disk.v)->name, "d");
	assert_null(t->login.user);
	assert_true(decoded_is_set(&f->decoded, "target"));
	assert_false(decoded_is_set(&f->decoded, "user"));
	assert_false(decoded_is_set(&f->decoded, "mode"));
	assert_true(decoded_is_set(&f->decoded, "disk"));
}

static void test_defaults(void **state)
{
	struct fixture *f = *state;
	fill(f, "{ target = \"x\" }");
	assert_int_equal(f->diags.len, 0);
	assert_int_equal(f->thing.count, 3);
	assert_int_equal(f->thing.wait, 5 * NSEC_PER_SEC);
	assert_true(f->thing.on);
	assert_int_equal(f->thing.maybe, TRIBOOL_UNSET);
	assert_null(f->thing.any);
	assert_null(f->thing.boot);
	assert_int_equal(f->thing.disk.len, 0);
}

static bool has_text(const struct diags *d, const char *text)
{
	for (size_t i = 0; i < d->len; i++)
		if (strstr(d->items[i].summary, text) || strstr(d->items[i].detail, text))
			return true;
	return false;
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "{}", "The argument \"target\" is required" },
		{ "{ target = [] }", "\"target\": string required." },
		{ "{ target = 1, tagret = 1 }", "unknown configuration key: '\"tagret\"'" },
		{ "{ target = 1, tagret = 1 }", "Did you mean \"target\"?" },
		{ "{ target = 1, disk = { siez = 1 } }", "unknown configuration key: '\"siez\"'" },
		{ "{ target = 1, disk = {} }", "The argument \"size\" is required" },
		{ "{ target = 1, disk = [1] }", "\"disk\": object required." },
		{ "{ target = 1, boot = [] }", "\"boot\": object required." },
		{ "{ target = 1, count = \"x\" }", "\"count\": a whole number is required." },
		{ "{ target = 1, count = {} }", "\"count\": number required." },
		{ "{ target = 1, count = 1/0 }", "\"count\": a finite number is required." },
		{ "{ target = 1, count = 11 }", "must be between 1 and 10." },
		{ "{ target = 1, on = \"yes\" }", "\"on\": a bool is required." },
		{ "{ target = 1, on = [] }", "\"on\": bool required." },
		{ "{ target = 1, wait = \"5\" }", "time: missing unit in duration \"5\"" },
		{ "{ target = 1, wait = [] }", "a duration such as \"90s\" is required" },
		{ "{ target = 1, wait = 1.5 }", "a whole number of nanoseconds is required" },
		{ "{ target = 1, tags = [1] }", "\"tags\": map of string required." },
		{ "{ target = 1, tags = \"a\" }", "\"tags\": map of string required." },
		{ "{ target = 1, rows = \"a\" }", "list of list of string required" },
		{ "{ target = 1, names = {} }", "list of string required" },
		{ "{ target = 1, names = [[]] }", "\"names\": string required." },
		{ "{ target = 1, ports = {} }", "list of number required" },
		{ "{ target = 1, mode = \"x\" }", "must be one of \"fast\", \"slow\"." },
		{ "{ target = 1, old = \"x\" }", "use \"mode\" instead" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setup(state);
		struct fixture *f = *state;
		fill(f, rows[i].text);
		if (!has_text(&f->diags, rows[i].want))
			fail_msg("%s: no '%s'", rows[i].text, rows[i].want);
		teardown(state);
	}
}

static void collect(void *data, const char *text)
{
	strbuf_addf(data, "%s;", text);
}

static void test_secrets(void **state)
{
	struct fixture *f = *state;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	fill(f, "{ target = 1, user = \"u\", password = \"p\", keys = [\"k\", \"l\"] }");
	schema_each_secret(&thing_schema, &f->thing, collect, &got);
	assert_string_equal(got.buf, "k;l;p;");
	strbuf_truncate(&got, 0);
	schema_print(&got, &thing_schema, &f->thing, 0);
	assert_null(strstr(got.buf, "\"p\""));
	assert_non_null(strstr(got.buf, "password = <sensitive>\n"));
}

static char *render_loud(void *data, const char *text, struct error **err)
{
	if (strstr(text, "bad")) {
		error_set(err, ERROR_INVALID, "cannot render");
		return NULL;
	}
	return xasprintf("<%s>", text);
}

static int check_loud(void *data, const char *text, struct error **err)
{
	return strstr(text, "bad") ? error_set(err, ERROR_INVALID, "cannot read") : 0;
}

static const struct schema_templates loud = { render_loud, check_loud, NULL };

static void test_render(void **state)
{
	struct fixture *f = *state;
	struct range none = { 0 };
	AUTO(value)
	struct value *v = value_of(
		f,
		"{ target = \"{{a}}\", count = \"{{b}}\", names = [\"{{late}}\"], "
		"disk = [{ name = \"{{c}}\", size = 1 }], any = [\"{{d}}\"], mode = \"{{bad}}\" }");
	schema_decode_value(&thing_schema, v, none, f->arena, &f->decoded, &f->diags);
	schema_render(&f->decoded, &loud, f->arena, &f->diags);
	assert_int_equal(f->diags.errors, 1);
	assert_string_equal(f->diags.items[0].detail, "mode: cannot render");
	const struct value *o = f->decoded.object;
	assert_string_equal(value_as_string(value_get(o, "target")), "<{{a}}>");
	assert_string_equal(value_as_string(value_get(o, "count")), "<{{b}}>");
	assert_string_equal(value_as_string(value_at(value_get(o, "names"), 0)), "{{late}}");
	assert_string_equal(value_as_string(value_at(value_get(o, "any"), 0)), "<{{d}}>");
}

/* What is rendered only when the step runs is read before anything starts. */
static void test_check_late(void **state)
{
	struct fixture *f = *state;
	struct range none = { 0 };
	AUTO(value)
	struct value *v = value_of(f, "{ target = 1, names = [\"plain bad\", \"{{bad}}\"] }");
	schema_decode_value(&thing_schema, v, none, f->arena, &f->decoded, &f->diags);
	schema_render(&f->decoded, &loud, f->arena, &f->diags);
	assert_int_equal(f->diags.errors, 1);
	assert_string_equal(f->diags.items[0].detail, "names: cannot read");
}

static void test_document(void **state)
{
	(void)state;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	schema_document(&got, &thing_schema);
	static const char *const lines[] = {
		"| Argument | Type | Default | Meaning |\n",
		"| `target` | string | **required** | Where. |\n",
		"| `mode` | string | `fast` | How. One of `fast`, `slow`. |\n",
		"| `old` | string |  | Gone. Deprecated: use `mode`. |\n",
		"| `count` | number | `3` | How many. From 1 to 10. |\n",
		"| `maybe` | bool |  | Maybe. Not together with `on`. |\n",
		"| `password` | string |  | How. Kept out of all output. |\n",
		"\n### `disk` \"name\"\n\n| Argument",
		"| `size` | number | **required** | Size \\| in MiB. |\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (!strstr(got.buf, lines[i]))
			fail_msg("no '%s' in:\n%s", lines[i], got.buf);
}

static void test_attr(void **state)
{
	(void)state;
	assert_ptr_equal(schema_attr(&thing_schema, "count"), &thing_attrs[3]);
	assert_ptr_equal(schema_attr(&thing_schema, "password"), &login_attrs[1]);
	assert_null(schema_attr(&thing_schema, "login"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_weak_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test_setup_teardown(test_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_render, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_late, setup, teardown),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_attr),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
