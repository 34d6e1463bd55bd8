/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "tmpl/tmpl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct value *fields(void)
{
	struct map m;
	struct value **items = xcalloc(2, sizeof(*items));

	value_map_init(&m);
	items[0] = value_string("x");
	items[1] = value_string("y");
	map_set(&m, "Path", value_string("/tmp/script.sh"));
	map_set(&m, "Vars", value_string("A='b' "));
	map_set(&m, "List", value_tuple_take(items, 2));
	free(items);
	return value_object_take(&m);
}

struct vector {
	const char *text, *want, *error;
};

static const struct vector vectors[] = {
	{ "plain", "plain", NULL },
	{ "chmod +x {{.Path}}; {{ .Vars }} {{.Path}}",
	  "chmod +x /tmp/script.sh; A='b'  /tmp/script.sh", NULL },
	{ "{{.Foo}}", "<no value>", NULL },
	{ "{{upper `a`}}", "A", NULL },
	{ "{{\"a\" | upper}}", "A", NULL },
	{ "{{split `a-b-c` `-` 1}}", "b", NULL },
	{ "{{replace `a` `b` 1 `aaa`}}", "baa", NULL },
	{ "{{replace_all `a` `b` `aaa`}}", "bbb", NULL },
	{ "{{user `nope`}}|", "|", NULL },
	{ "{{`{{`}}x", "{{x", NULL },
	{ "{{if true}}y{{else}}n{{end}}", "y", NULL },
	{ "{{if false}}y{{else if 1}}m{{else}}n{{end}}", "m", NULL },
	{ "{{if .Nope}}y{{end}}z", "z", NULL },
	{ "{{len `abc`}}", "3", NULL },
	{ "{{eq 1 1}}", "true", NULL },
	{ "{{- \"x\" -}}  y", "xy", NULL },
	{ "a  {{- /* c */ -}}  z", "az", NULL },
	{ "{{/* c */}}z", "z", NULL },
	{ "{{ $x := `q` }}{{ $x }}", "q", NULL },
	{ "{{ \"a\\\"b\" }}", "a\"b", NULL },
	{ "{{range $i, $v := .List}}{{$i}}={{$v}};{{end}}", "0=x;1=y;", NULL },
	{ "{{range .List}}<{{.}}>{{end}}", "<x><y>", NULL },
	{ "{{with .Path}}{{.}}{{end}}", "/tmp/script.sh", NULL },
	{ "{{print 1 2 `a`}}", "1 2a", NULL },
	{ "{{strftime \"%Q%%\"}}", "%Q%", NULL },
	{ "{{isotime \"2006-01-02T15:04:05\"}}", "2001-09-09T01:46:40", NULL },
	{ "{{timestamp}}", "1000000000", NULL },
	{ "{{split `a-b` `-` 3}}", NULL,
	  "template: root:1:2: executing \"root\" at <split `a-b` `-` 3>: error calling split: the "
	  "substring 3 was unavailable using the separator value, -, only 2 values were found" },
	{ "{{nope}}", NULL, "template: root:1: function \"nope\" not defined" },
	{ "{{upper}}", NULL,
	  "template: root:1:2: executing \"root\" at <upper>: wrong number of args for upper: want "
	  "1 "
	  "got 0" },
	{ "{{split `a` `b` `c`}}", NULL,
	  "template: root:1:16: executing \"root\" at <`c`>: expected integer; found `c`" },
	{ "{{env `HOME`}}", NULL,
	  "template: root:1:2: executing \"root\" at <env `HOME`>: error calling env: env vars are "
	  "not allowed here" },
	{ "{{build `ID`}}", NULL,
	  "template: root:1:2: executing \"root\" at <build `ID`>: error calling build: "
	  "loaded data, but couldnt find ID in it." },
	{ "{{isotime \"2006\" \"x\"}}", NULL,
	  "template: root:1:2: executing \"root\" at <isotime \"2006\" \"x\">: error calling "
	  "isotime: "
	  "too many values, 1 needed: [2006 x]" },
	{ "{{upper", NULL, "template: root:1: unclosed action" },
	{ "{{nil}}", NULL,
	  "template: root:1:2: executing \"root\" at <nil>: nil is not a command" },
	{ "{{if 1}}x", NULL, "template: root:1: unexpected EOF" },
	{ "a\n{{ \"x }}", NULL, "template: root:2: unterminated quoted string" },
};

static void test_vectors(void **state)
{
	AUTO(value) struct value *data = fields();
	struct func_world world = { .cwd = "/", .start_time = INT64_C(1000000000) * 1000000000 };
	struct tmpl_ctx ctx = { .data = data, .world = &world };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		AUTO(error) struct error *e = NULL;
		AUTO_FREE char *got = tmpl_render(v->text, &ctx, &e);

		if (v->want) {
			if (e)
				print_error("%s: %s\n", v->text, e->message);
			assert_non_null(got);
			assert_string_equal(got, v->want);
		} else {
			assert_null(got);
			assert_string_equal(e->message, v->error);
		}
	}
}

static void test_check_finds_syntax_errors(void **state)
{
	AUTO(error) struct error *e = NULL;

	(void)state;
	assert_int_equal(tmpl_check("{{ .A | upper }}", NULL, &e), 0);
	assert_int_equal(tmpl_check("{{ .A", NULL, &e), -1);
}

static void test_deep_nesting_is_refused(void **state)
{
	AUTO(error) struct error *e = NULL;
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	strbuf_addstr(&sb, "{{");
	strbuf_addchars(&sb, '(', 100000);
	assert_int_equal(tmpl_check(sb.buf, NULL, &e), -1);
	assert_string_equal(e->message, "template: root:1: max expression depth exceeded");
	strbuf_release(&sb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_check_finds_syntax_errors),
		cmocka_unit_test(test_deep_nesting_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
