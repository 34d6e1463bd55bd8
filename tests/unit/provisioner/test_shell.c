/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "provisioner/shell.h"

static struct shell_config simple(void)
{
	static const char *const lines[] = { "echo a", "echo b", NULL };

	return (struct shell_config){ .inline_ = { lines, 2 }, .remote_path = "/tmp/s.sh" };
}

static int run(struct bench *b, struct shell_config *c, struct error **err)
{
	bench_prepare(b, &provisioner_shell, c);
	assert_int_equal(b->diags.len, 0);
	return provisioner_shell.run(c, &b->ctx, err);
}

#define VARS "PACKER_BUILDER_TYPE='null' PACKER_BUILD_NAME='src' "

static void test_inline(void **state)
{
	struct bench *b = *state;
	struct shell_config c = simple();
	AUTO(error) struct error *e = NULL;
	const struct bench_answer answers[] = {
		{ 0 },
		{ .out = "a \r\nold\rnew\n\nlast", .err = "bad\n" },
	};

	b->answers = answers;
	b->answer_count = ARRAY_LEN(answers);
	assert_int_equal(run(b, &c, &e), 0);
	bench_expect(b, "say Provisioning with shell script: TMP\n"
			"upload /tmp/s.sh 0: #!/bin/sh -e\necho a\necho b\n\n"
			"exec chmod 0755 /tmp/s.sh\n"
			"exec chmod +x /tmp/s.sh; " VARS " /tmp/s.sh\n"
			"out a\nout new\nout \nerr bad\nout last\n"
			"exec rm -f /tmp/s.sh\n");
}

/* A script that brings its own first line keeps it, unless the user wants another. */
static void test_shebang(void **state)
{
	struct bench *b = *state;
	struct shell_config c = { .inline_ = LIST("#!/bin/bash", "x"),
				  .remote_path = "/s",
				  .skip_clean = true };
	struct shell_config d = { .inline_ = LIST("#!/bin/bash", "x"),
				  .remote_path = "/s",
				  .inline_shebang = "/bin/sh -ex",
				  .skip_clean = true };
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf, "upload /s 0: #!/bin/bash\nx\n\n"));
	strbuf_truncate(&b->log, 0);
	assert_int_equal(run(b, &d, &e), 0);
	assert_non_null(strstr(b->log.buf, "upload /s 0: #!/bin/sh -ex\n#!/bin/bash\nx\n\n"));
	assert_null(strstr(b->log.buf, "rm -f"));
}

static void test_files(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *one = bench_file(b, "one", "a\r\nb\n");
	AUTO_FREE char *two = bench_file(b, "two", "x\n");
	struct shell_config c = { .scripts = LIST(one, two),
				  .remote_path = "/s",
				  .skip_clean = true,
				  .execute_command = "{{ .Vars }}sh {{.Path}} {{ .Host }}" };
	AUTO(error) struct error *e = NULL;
	struct map m;

	value_map_init(&m);
	map_set(&m, "Host", value_string("10.0.0.1"));
	b->ctx.generated = value_object_take(&m);
	assert_int_equal(run(b, &c, &e), 0);
	bench_expect(b, "say Provisioning with shell script: TMP\n"
			"upload /s 0: a\nb\n\n"
			"exec chmod 0755 /s\nexec " VARS "sh /s 10.0.0.1\n"
			"say Provisioning with shell script: TMP\n"
			"upload /s 0: x\n\n"
			"exec chmod 0755 /s\nexec " VARS "sh /s 10.0.0.1\n");
}

static void test_binary(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *one = bench_file(b, "one", "a\r\nb\n");
	struct shell_config c = { .script = one, .binary = true, .remote_path = "/s" };
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf, "upload /s 644: a\r\nb\n"));
}

static void test_var_file(void **state)
{
	struct bench *b = *state;
	struct shell_config c = simple();
	AUTO(error) struct error *e = NULL;

	c.use_env_var_file = true;
	c.environment_vars = (struct text_list)LIST("A=b c");
	assert_int_equal(run(b, &c, &e), 0);

	const char *name = strstr(b->log.buf, "/tmp/varfile_");
	assert_non_null(name);
	AUTO_FREE char *file = xstrndup(name, strcspn(name, " \n"));
	AUTO_FREE char *want =
		xasprintf("upload %s 600: export A='b c'\nexport PACKER_BUILDER_TYPE='null'\n"
			  "export PACKER_BUILD_NAME='src'\n\nexec chmod 0600 %s\n"
			  "say Provisioning with shell script: TMP\n"
			  "upload /tmp/s.sh 0: #!/bin/sh -e\necho a\necho b\n\n"
			  "exec chmod 0755 /tmp/s.sh\nexec chmod +x /tmp/s.sh; . %s && /tmp/s.sh\n"
			  "exec rm -f /tmp/s.sh\nexec rm -f %s\n",
			  file, file, file, file);

	bench_expect(b, want);
}

static void expect_failure(struct bench *b, struct shell_config *c, int status, const char *text)
{
	const struct bench_answer answers[] = { { 0 }, { .status = status } };
	AUTO(error) struct error *e = NULL;

	b->answers = answers;
	b->answer_count = ARRAY_LEN(answers);
	assert_int_equal(run(b, c, &e), text ? -1 : 0);
	if (text)
		assert_string_equal(e->message, text);
}

static void test_exit_code(void **state)
{
	struct bench *b = *state;
	struct shell_config c = simple();

	expect_failure(b, &c, 3,
		       "Script exited with non-zero exit status: 3. Allowed exit codes are: [0]");
	/* the file stays for inspection */
	assert_null(strstr(b->log.buf, "rm -f"));
}

static void test_exit_codes(void **state)
{
	static const int64_t codes[] = { 2, 3 };
	struct shell_config c = simple();

	c.valid_exit_codes = (struct int_list){ codes, 2 };
	expect_failure(*state, &c, 0,
		       "Script exited with non-zero exit status: 0. Allowed exit codes are: [2 3]");
}

static void test_disconnect(void **state)
{
	struct shell_config c = simple();

	expect_failure(
		*state, &c, COMM_DISCONNECTED,
		"Script disconnected unexpectedly. If you expected your script to disconnect, i.e. "
		"from a restart, you can try adding `\"expect_disconnect\": true` or "
		"`\"valid_exit_codes\": [0, 2300218]` to the shell provisioner parameters.");
}

static void test_disconnect_expected(void **state)
{
	struct shell_config c = simple();

	c.expect_disconnect = true;
	c.skip_clean = true;
	expect_failure(*state, &c, COMM_DISCONNECTED, NULL);
}

static void test_disconnect_listed(void **state)
{
	static const int64_t codes[] = { 0, COMM_DISCONNECTED };
	struct shell_config c = simple();

	c.skip_clean = true;
	c.valid_exit_codes = (struct int_list){ codes, 2 };
	expect_failure(*state, &c, COMM_DISCONNECTED, NULL);
}

/* After a reboot it is the removal of the script that waits for the machine. */
static void test_reboot(void **state)
{
	struct bench *b = *state;
	struct shell_config c = simple();
	AUTO(error) struct error *e = NULL;
	const struct bench_answer answers[] = {
		{ 0 },
		{ .status = COMM_DISCONNECTED },
		{ .fail = "refused", .kind = ERROR_DISCONNECTED },
	};

	b->answers = answers;
	b->answer_count = ARRAY_LEN(answers);
	c.expect_disconnect = true;
	assert_int_equal(run(b, &c, &e), 0);
	assert_int_equal(b->answer_at, 3);
	assert_non_null(strstr(b->log.buf, "exec rm -f /tmp/s.sh\nexec rm -f /tmp/s.sh\n"));
}

static void test_retry_ends(void **state)
{
	struct bench *b = *state;
	struct shell_config c = simple();
	AUTO(error) struct error *e = NULL;
	const struct bench_answer uploads[] = {
		{ .fail = "gone", .kind = ERROR_DISCONNECTED },
		{ .fail = "gone again", .kind = ERROR_DISCONNECTED },
	};

	b->uploads = uploads;
	b->upload_count = ARRAY_LEN(uploads);
	c.start_retry_timeout = 1; /* ns: over when it is looked at */
	assert_int_equal(run(b, &c, &e), -1);
	assert_string_equal(e->message, "Error uploading script: gone");
	assert_int_equal(b->upload_at, 1);
}

static void test_cancel(void **state)
{
	struct bench *b = *state;
	struct shell_config c = simple();
	AUTO(error) struct error *e = NULL;
	const struct bench_answer uploads[] = { { .fail = "gone", .kind = ERROR_DISCONNECTED } };

	b->uploads = uploads;
	b->upload_count = 1;
	cancel_trigger(b->cancel);
	assert_int_equal(run(b, &c, &e), -1);
	assert_int_equal(e->kind, ERROR_CANCELLED);
}

static void prepare_says(struct bench *b, struct shell_config c, const char *want)
{
	bench_prepare(b, &provisioner_shell, &c);
	bench_expect_diag(b, want);
	diags_release(&b->diags);
}

static void test_prepare(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *s = bench_file(b, "s", "");

	prepare_says(b, (struct shell_config){ 0 },
		     "Either a script file or inline script must be specified.");
	prepare_says(b, (struct shell_config){ .script = s, .inline_ = LIST("x") },
		     "Only a script file or an inline script can be specified, not both.");
	prepare_says(b, (struct shell_config){ .script = s, .scripts = LIST(s) },
		     "Only one of script or scripts can be specified.");
	prepare_says(b, (struct shell_config){ .script = "nope.sh" },
		     "Bad script 'nope.sh': stat nope.sh: no such file or directory");
	prepare_says(b, (struct shell_config){ .script = s, .environment_vars = LIST("A") },
		     "Environment variable not in format 'key=value': A");
}

static void test_defaults(void **state)
{
	struct bench *b = *state;
	struct shell_config c = { .inline_ = LIST("x") };

	bench_prepare(b, &provisioner_shell, &c);
	assert_int_equal(b->diags.len, 0);
	assert_true(text_starts_with(c.remote_path, "/tmp/script_"));
	assert_true(text_ends_with(c.remote_path, ".sh"));
	assert_int_equal(c.start_retry_timeout, 300 * NSEC_PER_SEC);
}

static void test_local_files(void **state)
{
	const struct shell_config c = { .scripts = LIST("a", "b") };
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	(void)state;
	assert_int_equal(provisioner_shell.local_files(&c, &files, &e), 0);
	AUTO_FREE char *all = strv_join(&files, " ");

	assert_string_equal(all, "a b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_inline),
		BENCH(test_shebang),
		BENCH(test_files),
		BENCH(test_binary),
		BENCH(test_var_file),
		BENCH(test_exit_code),
		BENCH(test_exit_codes),
		BENCH(test_disconnect),
		BENCH(test_disconnect_expected),
		BENCH(test_disconnect_listed),
		BENCH(test_reboot),
		BENCH(test_retry_ends),
		BENCH(test_cancel),
		BENCH(test_prepare),
		BENCH(test_defaults),
		cmocka_unit_test(test_local_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
