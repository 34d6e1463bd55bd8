/* SPDX-License-Identifier: Apache-2.0 */
/* Which artifacts chains of post-processors keep (post-processors.md 2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "core/run.h"
#include "os/clock.h"
#include "os/fs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- components that log ---------------------------------------------------------------- */

static struct strbuf destroyed = STRBUF_INIT;

static int note_destroy(const struct artifact *a, struct error **err)
{
	if (!strcmp(a->id, "stuck"))
		return error_set(err, ERROR_IO, "cannot remove it");
	strbuf_addf(&destroyed, "%s ", a->id);
	return 0;
}

static struct artifact *make_artifact(const char *id)
{
	struct artifact *a = artifact_new("test", id, id);

	a->destroy = note_destroy;
	return a;
}

struct made {
	const char *unused;
};
static const struct attr made_attrs[] = {
	ATTR_STRING(struct made, unused, 0, "Nothing."),
	ATTR_END,
};
static const struct schema made_schema = SCHEMA(struct made, made_attrs);
static const struct builder_type builder_made = { .name = "made", .schema = &made_schema };

struct act {
	const char *makes; /* an id, or what else to do */
	bool keep, force;
};
static const struct attr act_attrs[] = {
	ATTR_STRING(struct act, makes, 0, "What comes out."),
	ATTR_BOOL(struct act, keep, 0, "Keeps its input."),
	ATTR_BOOL(struct act, force, 0, "Whatever the user says."),
	ATTR_END,
};
static const struct schema act_schema = SCHEMA(struct act, act_attrs);

static int act_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		   struct postproc_result *ret, struct error **err)
{
	const struct act *a = config;

	(void)ctx;
	*ret = (struct postproc_result){ .keep = a->keep, .force_keep = a->force };
	if (!strcmp(a->makes, "FAIL")) {
		error_set(err, ERROR_FAILED, "no luck");
		return error_hint(err, "try again");
	}
	if (!strcmp(a->makes, "CANCEL"))
		return error_set(err, ERROR_CANCELLED, "cancelled");
	if (!strcmp(a->makes, "PASS"))
		ret->artifact = artifact_ref(input);
	else if (strcmp(a->makes, "NOTHING") != 0)
		ret->artifact = make_artifact(a->makes);
	return 0;
}

static const struct postproc_type postproc_act = { .name = "act",
						   .schema = &act_schema,
						   .run = act_run };

static const struct components parts = {
	.builders = (const struct builder_type *const[]){ &builder_made, NULL },
	.provisioners = (const struct provisioner_type *const[]){ NULL },
	.postprocs = (const struct postproc_type *const[]){ &postproc_act, NULL },
	.comms = (const struct comm_type *const[]){ NULL },
};

/* ---- running a template ------------------------------------------------------------------ */

static struct strbuf said = STRBUF_INIT;

static void emit(struct event_sink *sink, const struct event *ev)
{
	(void)sink;
	if (ev->kind == EVENT_SAY)
		strbuf_addf(&said, "%s\n", ev->text);
}

struct outcome {
	struct strbuf results;
	struct error *error;
};

static void load(const char *chains, struct sources *sources, struct config **config,
		 struct plan **plan)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = NULL, *cwd = fs_cwd();
	AUTO_FREE char *text = xasprintf(
		"source \"made\" \"m\" {\n}\nbuild {\n  sources = [\"made.m\"]\n%s}\n", chains);

	assert_int_equal(fs_temp_dir("/tmp", "ingot-test-", &path, &err), 0);
	AUTO_FREE char *file = xasprintf("%s/t.pkr.hcl", path);

	assert_int_equal(fs_write(file, text, strlen(text), 0600, &err), 0);

	const struct config_options opts = { .path = path, .cwd = cwd, .sources = sources };
	const struct plan_options plan_opts = { .on_error = "cleanup", .cwd = cwd };

	*config = config_load(&opts, &diags);
	if (!diags.len)
		*plan = plan_make(*config, &parts, &plan_opts, &diags);
	if (diags.len)
		fail_msg("%s: %s in\n%s", diags.items[0].summary, diags.items[0].detail, text);
	assert_int_equal(fs_remove_tree(path, &err), 0);
}

static void run_chains(const char *chains, const char *built, struct outcome *out)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(redactor) struct redactor *redactor = redactor_new();
	AUTO(cancel) struct cancel *stop = cancel_new(NULL, DEADLINE_NEVER);
	struct event_sink sink = { .emit = emit };
	struct map none = { 0 };
	struct config *config = NULL;
	struct plan *plan = NULL;

	load(chains, sources, &config, &plan);

	struct engine_options opts = { .on_error = "cleanup" };
	struct build_run run = { .plan = plan,
				 .build = &plan->builds[0],
				 .opts = &opts,
				 .ui = { .sink = &sink, .redactor = redactor },
				 .stop = stop,
				 .ctx = { .cancel = stop },
				 .generated = value_object_take(&none) };

	strbuf_truncate(&destroyed, 0);
	strbuf_truncate(&said, 0);
	*out = (struct outcome){ .results = STRBUF_INIT };
	if (build_postprocess(&run, make_artifact(built), &out->error) < 0)
		assert_non_null(out->error);
	for (size_t i = 0; i < run.artifacts.len; i++) {
		strbuf_addf(&out->results, "%s ", run.artifacts.items[i]->id);
		artifact_unref(run.artifacts.items[i]);
	}
	vec_release(&run.artifacts);
	value_unref(run.generated);
	plan_free(plan);
	config_free(config);
}

static void outcome_release(struct outcome *out)
{
	strbuf_release(&out->results);
	error_free(out->error);
}

#define ONE(args)   "  post-processor \"act\" {\n    " args "\n  }\n"
#define CHAIN(many) "  post-processors {\n" many "  }\n"
#define MAKES(id)   "makes = \"" id "\"\n    "

static const struct {
	const char *chains;
	const char *results, *destroyed, *error;
} rows[] = {
	/* no post-processor: the builder's artifact is the result */
	{ "", "built ", "", NULL },
	/* the default of the component decides */
	{ ONE(MAKES("a")), "a ", "built ", NULL },
	{ ONE(MAKES("a") "keep = true"), "built a ", "", NULL },
	/* the user decides … */
	{ ONE(MAKES("a") "keep_input_artifact = true"), "built a ", "", NULL },
	{ ONE(MAKES("a") "keep = true\n    keep_input_artifact = false"), "a ", "built ", NULL },
	/* … unless the component insists */
	{ ONE(MAKES("a") "keep = true\n    force = true\n    keep_input_artifact = false"),
	  "built a ", "", NULL },
	{ ONE(MAKES("a") "force = true\n    keep_input_artifact = false"), "a ", "built ", NULL },
	/* the same artifact passed on is listed twice */
	{ ONE(MAKES("PASS") "keep = true"), "built built ", "", NULL },
	/* … and never destroyed while it is a result */
	{ ONE(MAKES("PASS")), "built ", "", NULL },
	/* in a chain every member decides on its own input */
	{ CHAIN(ONE(MAKES("a")) ONE(MAKES("b"))), "b ", "a built ", NULL },
	{ CHAIN(ONE(MAKES("a")) ONE(MAKES("b") "keep = true")), "a b ", "built ", NULL },
	{ CHAIN(ONE(MAKES("a") "keep = true") ONE(MAKES("b"))), "built b ", "a ", NULL },
	{ CHAIN(ONE(MAKES("a")) ONE(MAKES("PASS"))), "a ", "built ", NULL },
	/* one keeping chain keeps the original for all */
	{ ONE(MAKES("a")) ONE(MAKES("b") "keep = true"), "built a b ", "", NULL },
	{ ONE(MAKES("a")) ONE(MAKES("b")), "a b ", "built ", NULL },
	/* no artifact ends a chain silently */
	{ CHAIN(ONE(MAKES("NOTHING")) ONE(MAKES("b"))), "", "built ", NULL },
	/* a failure ends its chain, not the others, and loses nothing */
	{ CHAIN(ONE(MAKES("FAIL")) ONE(MAKES("b"))) ONE(MAKES("c")), "built c ", "",
	  "1 error(s) occurred:\n\n* Post-processor failed: no luck" },
	{ CHAIN(ONE(MAKES("a")) ONE(MAKES("FAIL"))), "built a ", "",
	  "1 error(s) occurred:\n\n* Post-processor failed: no luck" },
	{ ONE(MAKES("FAIL")) ONE(MAKES("FAIL")), "built ", "",
	  "2 error(s) occurred:\n\n* Post-processor failed: no luck\n* Post-processor failed: no "
	  "luck" },
	/* what cannot be destroyed is told */
	{ CHAIN(ONE(MAKES("stuck")) ONE(MAKES("b"))), "built b ", "",
	  "1 error(s) occurred:\n\n* Failed cleaning up prior artifact: cannot remove it; pp is "
	  "act" },
	/* a later member does not keep the original that was passed on to it … */
	{ CHAIN(ONE(MAKES("PASS") "keep = true") ONE(MAKES("b"))), "b ", "built ", NULL },
	/* … which other chains still get … */
	{ CHAIN(ONE(MAKES("PASS") "keep = true") ONE(MAKES("b"))) ONE(MAKES("c") "keep = true"),
	  "b c ", "built ", NULL },
	/* … and may have as their result; and it stays if the user says so, or something fails */
	{ CHAIN(ONE(MAKES("PASS") "keep = true") ONE(MAKES("b"))) ONE(MAKES("PASS")), "b built ",
	  "", NULL },
	{ CHAIN(ONE(MAKES("PASS") "keep_input_artifact = true") ONE(MAKES("b"))), "built b ", "",
	  NULL },
	{ CHAIN(ONE(MAKES("PASS") "keep = true") ONE(MAKES("b"))) ONE(MAKES("FAIL")), "built b ",
	  "", "1 error(s) occurred:\n\n* Post-processor failed: no luck" },
	/* an interrupt skips the rest and keeps what is there */
	{ ONE(MAKES("CANCEL")) ONE(MAKES("b")), "built ", "", "cancelled" },
};

static void test_keep_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct outcome out;

		run_chains(rows[i].chains, "built", &out);
		if (strcmp(out.results.buf, rows[i].results) ||
		    strcmp(destroyed.buf, rows[i].destroyed))
			fail_msg("results '%s', destroyed '%s' of\n%s", out.results.buf,
				 destroyed.buf, rows[i].chains);
		assert_int_equal(!out.error, !rows[i].error);
		if (rows[i].error)
			assert_string_equal(out.error->message, rows[i].error);
		outcome_release(&out);
	}
}

static void test_hint_and_place(void **state)
{
	struct outcome out;

	(void)state;
	run_chains(ONE(MAKES("FAIL")), "built", &out);
	assert_non_null(strstr(out.error->hint, "try again\nthe post-processor is at "));
	assert_non_null(strstr(out.error->hint, "/t.pkr.hcl:5"));
	outcome_release(&out);
}

static void test_original_cannot_be_destroyed(void **state)
{
	struct outcome out;

	(void)state;
	run_chains(ONE(MAKES("a")), "stuck", &out);
	assert_string_equal(out.results.buf, "a ");
	assert_string_equal(
		out.error->message,
		"1 error(s) occurred:\n\n* "
		"Error destroying builder artifact: cannot remove it; bad artifact: stuck");
	outcome_release(&out);
}

static void test_messages(void **state)
{
	struct outcome out;

	(void)state;
	run_chains(ONE(MAKES("a")) ONE("name = \"n\"\n    " MAKES("b"))
			   ONE("name = \"act\"\n    " MAKES("c")),
		   "built", &out);
	assert_string_equal(said.buf, "Running post-processor:  (type act)\n"
				      "Running post-processor: n (type act)\n"
				      "Running post-processor: act\n");
	outcome_release(&out);
}

static int release(void **state)
{
	(void)state;
	strbuf_release(&destroyed);
	strbuf_release(&said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_rules),
		cmocka_unit_test(test_hint_and_place),
		cmocka_unit_test(test_original_cannot_be_destroyed),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
