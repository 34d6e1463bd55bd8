/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command lines of the builder and its communicator against
 * tests/data/argv/docker-NAME.txt. REGENERATE=1 rewrites the files; the
 * reviewer reads the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "builder/docker/argv.h"
#include "comm/docker/argv.h"
#include "os/fs.h"

static void check_argv(const char *name, const struct strv *argv)
{
	AUTO_FREE char *lines = strv_join(argv, "\n");
	AUTO_FREE char *got = xasprintf("%s\n", lines);
	AUTO_FREE char *path =
		xasprintf("%s/tests/data/argv/docker-%s.txt", getenv("SRCDIR"), name);
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	if (getenv("REGENERATE")) {
		assert_int_equal(fs_write(path, got, strlen(got), 0644, &err), 0);
		return;
	}
	if (fs_read(path, FS_READ_MAX, &want, &err) < 0)
		fail_msg("%s", err->message);
	assert_string_equal(got, want.buf);
}

#define LIST(...)                                                                                  \
	{                                                                                          \
		(const char *const[]){ __VA_ARGS__, NULL },                                        \
			ARRAY_LEN(((const char *const[]){ __VA_ARGS__ }))                          \
	}

static const struct text_pair volumes[] = { { "/data", "/mnt/data:ro" }, { "/home/me/x", "/x" } };

static const struct docker_config full = {
	.docker_path = "/usr/bin/podman",
	.image = "debian:12",
	.platform = "linux/arm64",
	.device = LIST("/dev/fuse", "/dev/kvm"),
	.cap_add = LIST("SYS_ADMIN"),
	.cap_drop = LIST("MKNOD", "CHOWN"),
	.tmpfs = LIST("/scratch:size=1g"),
	.privileged = true,
	.runtime = "runsc",
	.volumes = { volumes, ARRAY_LEN(volumes) },
	.container_dir = "/shared",
	.author = "me",
	.message = "two words",
	.changes = LIST("USER app", "ENV A=b c"),
};
static const struct docker_config plain = { .docker_path = "docker", .image = "debian" };

static void push_list(struct strv *sv, const struct text_list *words)
{
	for (size_t i = 0; i < words->len; i++)
		strv_push(sv, words->v[i]);
}

static void test_start(void **state)
{
	AUTO(strv) struct strv all = STRV_INIT;
	AUTO(strv) struct strv command = STRV_INIT;

	(void)state;
	push_list(&command, &docker_default_run_command);
	argv_docker_pull(&all, &plain);
	strv_push(&all, "");
	argv_docker_start(&all, &plain, "ingot-1", NULL, &command);
	strv_push(&all, "");
	argv_docker_pull(&all, &full);
	strv_push(&all, "");
	argv_docker_start(&all, &full, "ingot-1", "/tmp/t", &command);
	strv_push(&all, "");
	argv_docker_export(&all, &plain, "0123");
	strv_push(&all, "");
	argv_docker_remove(&all, &plain, "0123");
	strv_push(&all, "");
	argv_docker_remove(&all, &full, "0123");
	check_argv("start", &all);
}

static void test_commit(void **state)
{
	AUTO(strv) struct strv all = STRV_INIT;
	AUTO(docker_facts) struct docker_facts source = DOCKER_FACTS_INIT;
	AUTO(docker_facts) struct docker_facts now = DOCKER_FACTS_INIT;
	struct docker_config own = plain;

	(void)state;
	now.id = xstrdup("0123");
	strv_push(&all, "# neither the image nor the container has any");
	argv_docker_commit(&all, &plain, &source, &now);
	strv_push(&all, "# the container has an entry point, the image has none");
	strv_push(&now.entrypoint, "/bin/sh");
	argv_docker_commit(&all, &plain, &source, &now);
	strv_push(&all, "# both have");
	strv_pushl(&source.entrypoint, "/bin/app", "--x=\"y\"", NULL);
	strv_pushl(&source.cmd, "serve", "all things", NULL);
	argv_docker_commit(&all, &full, &source, &now);
	strv_push(&all, "# the template sets its own");
	own.changes = (struct text_list)LIST("entrypoint [\"x\"]", " CMD y");
	argv_docker_commit(&all, &own, &source, &now);
	check_argv("commit", &all);
}

static void test_commands(void **state)
{
	AUTO(strv) struct strv all = STRV_INIT;
	const struct docker_comm_config c = { .program = "docker", .container = "0123" };
	const struct docker_comm_config user = { .program = "docker",
						 .container = "0123",
						 .exec_user = "app:app" };

	(void)state;
	argv_docker_exec(&all, &c, DOCKER_STDIN_OPEN);
	strv_push(&all, "");
	argv_docker_exec(&all, &user, DOCKER_STDIN_TERMINAL);
	strv_push(&all, "");
	argv_docker_exec(&all, &user, DOCKER_STDIN_NONE);
	strv_push(&all, "");
	argv_docker_put(&all, &user, "/opt");
	strv_push(&all, "");
	argv_docker_get(&all, &user, "/etc/passwd");
	check_argv("commands", &all);
}

static void test_started(void **state)
{
	const struct {
		struct text_list command;
		size_t entrypoint, cmd;
	} rows[] = {
		{ LIST("-d", "-i", "--entrypoint=/bin/sh", "--", "debian"), 1, 0 },
		{ LIST("-d", "--entrypoint", "sh", "debian", "-c", "x"), 1, 1 },
		{ LIST("-d", "debian"), 0, 0 },
		{ LIST("-d", "--", "debian", "--entrypoint"), 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv) struct strv command = STRV_INIT;
		AUTO(docker_facts) struct docker_facts now = DOCKER_FACTS_INIT;

		push_list(&command, &rows[i].command);
		docker_started_facts(&command, "debian", &now);
		assert_int_equal(now.entrypoint.len, rows[i].entrypoint);
		assert_int_equal(now.cmd.len, rows[i].cmd);
	}
}

static void test_build(void **state)
{
	static const struct text_pair arguments[] = { { "A", "b c" }, { "B", "" } };
	const struct dockerfile all = {
		.path = "web/Dockerfile",
		.build_dir = "web",
		.platform = "linux/386",
		.arguments = { arguments, ARRAY_LEN(arguments) },
		.pull = true,
		.compress = true,
	};
	const struct dockerfile least = { .path = "Dockerfile", .build_dir = "." };
	AUTO(strv) struct strv argv = STRV_INIT;

	(void)state;
	argv_docker_build(&argv, &full, &all, "/tmp/id");
	strv_push(&argv, "");
	argv_docker_build(&argv, &plain, &least, "/tmp/id");
	check_argv("build", &argv);
}

/* Only what stands before the image is for the tool. */
static void test_own_name(void **state)
{
	struct strv one = STRV_INIT, other = STRV_INIT, none = STRV_INIT;

	(void)state;
	strv_pushl(&one, "-d", "--name", "web", "--", "image", NULL);
	strv_pushl(&other, "--name=web", "image", NULL);
	strv_pushl(&none, "-d", "--", "image", "--name", "x", NULL);
	assert_true(docker_names_container(&one));
	assert_true(docker_names_container(&other));
	assert_false(docker_names_container(&none));
	strv_release(&one);
	strv_release(&other);
	strv_release(&none);
}

/* What is left of the words, joined; heap. NULL: there was no volume among them. */
static char *without_volumes(const char *words)
{
	AUTO(strv) struct strv command = STRV_INIT;

	for (struct str rest = str_of(words), word; rest.len;) {
		word = str_split(rest, ' ', &rest);
		strv_push_take(&command, str_dup(word));
	}
	return docker_drop_volumes(&command) ? strv_join(&command, " ") : NULL;
}

static void test_volumes(void **state)
{
	static const struct {
		const char *words, *left;
	} cases[] = {
		{ "-d -i -t --entrypoint=/bin/sh -- {{ .Image }}", NULL },
		{ "-d -v /a:/b {{ .Image }}", "-d {{ .Image }}" },
		{ "-v/a:/b -d", "-d" },
		{ "-itv /a:/b -d", "-d" },
		{ "-itv/a:/b -d", "-d" },
		{ "--volume /a:/b --volume=/c:/d -d", "-d" },
		{ "--mount type=tmpfs,dst=/m --volumes-from other -d", "-d" },
		{ "-d -v", "-d" },
		/* others that have the letter, and what is not for the tool */
		{ "-e v=1 --verbose --env -d", NULL },
		{ "-d {{.Image}} sh -v", NULL },
		{ "-d -- image -v /a:/b", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *left = without_volumes(cases[i].words);

		if (cases[i].left)
			assert_string_equal(left, cases[i].left);
		else
			assert_null(left);
	}
}

static void expect_never(const struct docker_config *c, const char *part)
{
	AUTO_FREE char *why = docker_never_reused(c);

	assert_true(part ? why && strstr(why, part) : !why);
}

static void test_never_reused(void **state)
{
	static const char *const by_name[] = { "-d", "debian:12" };
	static const char *const mounts[] = { "--mount=type=volume,dst=/m", "{{.Image}}" };
	static const struct text_pair volume[] = { { "/a", "/b" } };
	struct docker_config c = { .image = "debian:12" };

	expect_never(&c, NULL);
	c.container_dir = "/shared";
	expect_never(&c, "container_dir");
	c.volumes = (struct text_map){ volume, 1 };
	expect_never(&c, "volumes");
	c = (struct docker_config){ .run_command = { by_name, 2 } };
	expect_never(&c, "{{ .Image }}");
	c = (struct docker_config){ .run_command = { mounts, 2 } };
	expect_never(&c, "volumes");
}

static void test_keep(void **state)
{
	const struct docker_config podman = { .docker_path = "/usr/bin/podman" };
	AUTO(strv) struct strv argv = STRV_INIT;

	argv_docker_keep(&argv, &plain, "0123", "ingot-step:4567");
	strv_push(&argv, "");
	argv_docker_keep(&argv, &podman, "0123", "ingot-step:4567");
	check_argv("keep", &argv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),    cmocka_unit_test(test_commit),
		cmocka_unit_test(test_commands), cmocka_unit_test(test_build),
		cmocka_unit_test(test_started),  cmocka_unit_test(test_own_name),
		cmocka_unit_test(test_volumes),  cmocka_unit_test(test_never_reused),
		cmocka_unit_test(test_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
