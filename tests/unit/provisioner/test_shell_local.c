/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "provisioner/shell_local.h"

static int run(struct bench *b, struct shell_local_config c, struct error **err)
{
	bench_prepare(b, &provisioner_shell_local, &c);
	assert_int_equal(b->diags.len, 0);
	return provisioner_shell_local.run(&c, &b->ctx, err);
}

static void test_inline(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(
		run(b,
		    (struct shell_local_config){
			    .inline_ = LIST("echo \"$A $KEEP $PACKER_BUILD_NAME\"",
					    "printf 'x\\ry \\n\\n'", "echo bad >&2", "pwd"),
			    .environment_vars = LIST("A=it's {{ build_type }}") },
		    &e),
		0);
	AUTO_FREE char *pwd = xasprintf("out %s\n", b->dir);

	assert_non_null(strstr(b->log.buf, "out it's null kept src\n"));
	assert_non_null(strstr(b->log.buf, "out y\nout \n"));
	assert_non_null(strstr(b->log.buf, "err bad\n"));
	assert_non_null(strstr(b->log.buf, pwd));
}

/* A secret in a variable is not in the arguments of the default command. */
static void test_not_in_argv(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(
		run(b,
		    (struct shell_local_config){
			    .inline_ = LIST("tr '\\0' ' ' </proc/$PPID/cmdline; "
					    "tr '\\0' ' ' </proc/$$/cmdline; echo \"[$A]\""),
			    .environment_vars = LIST("A=secret") },
		    &e),
		0);
	assert_non_null(strstr(b->log.buf, "[secret]"));
	assert_null(strstr(b->log.buf, "A="));
}

static void test_own_command(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b,
			     (struct shell_local_config){
				     .command = "echo \"<$A>\"",
				     .env = { (const struct text_pair[]){ { "A", "v" } }, 1 },
				     .execute_command = LIST("/bin/sh", "-c",
							     "echo '{{ .Vars }}'; {{.Vars}} sh "
							     "{{ .Script }}") },
			     &e),
			 0);
	assert_non_null(strstr(b->log.buf, "out A=v PACKER_BUILDER_TYPE=null"));
	assert_non_null(strstr(b->log.buf, "out <v>\n"));
}

static void test_status(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, (struct shell_local_config){ .command = "exit 7" }, &e), -1);
	assert_string_equal(e->message, "Script exited with non-zero exit status: 7. Allowed exit "
					"codes are: [0]");
}

static void test_not_executable(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *s = bench_file(b, "s", "echo hi\n");

	assert_int_equal(chmod(s, 0600), 0);
	assert_int_equal(run(b, (struct shell_local_config){ .script = s }, &e), -1);
	assert_non_null(strstr(e->message, "status: 126"));
	assert_non_null(e->hint);
}

static void test_missing_program(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b,
			     (struct shell_local_config){
				     .command = "x",
				     .execute_command = LIST("no-such-program", "{{.Script}}") },
			     &e),
			 -1);
	assert_true(text_starts_with(e->message, "Error executing script: "));
}

static void test_other_system(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(
		run(b,
		    (struct shell_local_config){ .command = "echo no", .only_on = LIST("windows") },
		    &e),
		0);
	assert_string_equal(b->log.buf, "say Skipping shell-local due to runtime OS\n");
}

static void test_cancel(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	cancel_trigger(b->cancel);
	assert_int_equal(run(b, (struct shell_local_config){ .command = "echo no" }, &e), -1);
	assert_int_equal(e->kind, ERROR_CANCELLED);
}

static void prepare_says(struct bench *b, struct shell_local_config c, const char *want)
{
	bench_prepare(b, &provisioner_shell_local, &c);
	bench_expect_diag(b, want);
	diags_release(&b->diags);
}

static void test_prepare(void **state)
{
	struct bench *b = *state;

	prepare_says(b, (struct shell_local_config){ 0 },
		     "Command, Inline, Script and Scripts options cannot all be empty.");
	prepare_says(
		b, (struct shell_local_config){ .command = "x", .inline_ = LIST("x") },
		"You may only specify one of the following options: Command, Inline, Script or "
		"Scripts. Please consolidate these options in your config.");
	prepare_says(b, (struct shell_local_config){ .script = "nope" },
		     "Bad script 'nope': stat nope: no such file or directory");
	prepare_says(
		b, (struct shell_local_config){ .command = "x", .only_on = LIST("beos") },
		"Invalid OS specified in only_on: 'beos'\nSupported OS names: darwin, freebsd, "
		"linux, openbsd, solaris, windows");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_inline),       BENCH(test_not_in_argv),    BENCH(test_own_command),
		BENCH(test_status),       BENCH(test_not_executable), BENCH(test_missing_program),
		BENCH(test_other_system), BENCH(test_cancel),         BENCH(test_prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
