/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "provisioner/ansible/ansible.h"
#include "provisioner/ansible/command.h"
#include "provisioner/ansible/galaxy.h"
#include "provisioner/ansible/inventory.h"
#include "provisioner/ansible/version.h"

/* ---- prepare ------------------------------------------------------------------------------ */

static struct ansible_config config(struct bench *b)
{
	AUTO_FREE char *path = bench_file(b, "site.yml", "- hosts: all\n");

	return (struct ansible_config){
		.playbook_file = "site.yml",
		.skip_version_check = true,
	};
}

static void test_defaults(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	bench_prepare(b, &provisioner_ansible, &c);
	assert_int_equal(b->diags.len, 0);
	assert_string_equal(c.command, "ansible-playbook");
	assert_string_equal(c.host_alias, "default");
	assert_string_equal(c.ansible_proxy_key_type, "ECDSA");
}

static void test_no_playbook(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = { .skip_version_check = true };

	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "playbook_file must be specified.");
}

static void test_absent_playbook(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.playbook_file = "nope.yml";
	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "playbook_file: nope.yml is invalid: stat nope.yml: no such file or "
			     "directory");
}

static void test_folder_for_playbook(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.playbook_file = ".";
	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "playbook_file: . must point to a file");
}

static void test_file_for_inventory_directory(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.inventory_directory = "site.yml";
	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "inventory_directory: site.yml must point to a directory");
}

static void test_key_type(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.ansible_proxy_key_type = "DSA";
	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "Invalid value for ansible_proxy_key_type: \"DSA\". Supported values "
			     "are ECDSA or RSA.");
}

static void test_port(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.local_port = 70000;
	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "local_port: 70000 must be a valid port");
}

static void test_variable_without_value(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.ansible_env_vars = (struct text_list)LIST("A=1", "B");
	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "ansible_env_vars: not in format 'key=value': B");
}

static void test_alias_that_is_no_name(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.host_alias = "my host";
	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "host_alias: 'my host' cannot be a name in an inventory");
}

static void test_alias_without_inventory(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.host_alias = "my host";
	c.inventory_file = "hosts";
	bench_prepare(b, &provisioner_ansible, &c);
	assert_int_equal(b->diags.len, 0);
}

static void test_not_installed(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = config(b);

	c.skip_version_check = false;
	c.command = "no-such-ansible-playbook";
	bench_prepare(b, &provisioner_ansible, &c);
	bench_expect_diag(b, "Error running \"no-such-ansible-playbook --version\": cannot run "
			     "'no-such-ansible-playbook': not found in PATH");
	assert_non_null(strstr(b->diags.items[0].detail, "apt-get install ansible"));
}

/* ---- version ------------------------------------------------------------------------------ */

static void expect_version(const char *output, int major, int minor, const char *modules)
{
	AUTO(ansible_version) struct ansible_version v = { 0 };
	AUTO(error) struct error *e = NULL;

	assert_int_equal(ansible_version_parse(output, &v, &e), 0);
	assert_int_equal(v.major, major);
	assert_int_equal(v.minor, minor);
	if (modules)
		assert_string_equal(v.modules, modules);
	else
		assert_null(v.modules);
}

static void test_versions(void **state)
{
	AUTO(ansible_version) struct ansible_version v = { 0 };
	AUTO(error) struct error *e = NULL;

	expect_version("ansible-playbook [core 2.14.18]\n  ansible python module location = "
		       "/usr/lib/python3/dist-packages/ansible\n  x = y\n",
		       2, 14, "/usr/lib/python3/dist-packages/ansible");
	expect_version("ansible-playbook 1.9.6\n", 1, 9, NULL);
	assert_int_equal(ansible_version_parse("I am 7 years old\n2.14", &v, &e), -1);
	assert_non_null(strstr(e->message, "Could not find ansible version in output"));
}

/* The answer is kept until the program is another one. */
static void test_version_is_kept(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *cache = path_join(b->dir, "cache");
	AUTO_FREE char *path =
		bench_file(b, "ap", "#!/bin/sh\necho asked >>$0.log\necho ap 2.3.4\n");
	AUTO_FREE char *log = xasprintf("%s.log", path);
	AUTO(error) struct error *e = NULL;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	for (int i = 0; i < 2; i++) {
		AUTO(ansible_version) struct ansible_version v = { 0 };

		assert_int_equal(ansible_version_ask(path, NULL, cache, b->cancel, &v, &e), 0);
		assert_int_equal(v.minor, 3);
	}
	assert_int_equal(fs_read(log, 100, &text, &e), 0);
	assert_string_equal(text.buf, "asked\n");
	free(bench_file(b, "ap", "#!/bin/sh\necho ap 2.10.0\n"));

	AUTO(ansible_version) struct ansible_version v = { 0 };

	assert_int_equal(ansible_version_ask(path, NULL, cache, b->cancel, &v, &e), 0);
	assert_int_equal(v.minor, 10);
}

/* A damaged answer of another time is none. */
static void test_kept_time(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *cache = path_join(b->dir, "cache");
	AUTO_FREE char *path =
		bench_file(b, "ap", "#!/bin/sh\necho asked >>$0.log\necho ap 2.3.4\n");
	AUTO_FREE char *log = xasprintf("%s.log", path);
	AUTO(strbuf) struct strbuf kept = STRBUF_INIT, text = STRBUF_INIT, damaged = STRBUF_INIT;
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	for (int i = 0; i < 2; i++) {
		AUTO(ansible_version) struct ansible_version v = { 0 };

		assert_int_equal(ansible_version_ask(path, NULL, cache, b->cancel, &v, &e), 0);
		if (i)
			break;
		assert_int_equal(fs_walk_files(cache, &files, &e), 0);
		assert_int_equal(files.len, 1);
		assert_int_equal(fs_read(files.v[0], 1000, &kept, &e), 0);
		strbuf_addf(&damaged, "-9223372036854775808%s", strchr(kept.buf, ' '));
		assert_int_equal(fs_write(files.v[0], damaged.buf, damaged.len, 0600, &e), 0);
	}
	assert_int_equal(fs_read(log, 100, &text, &e), 0);
	assert_string_equal(text.buf, "asked\nasked\n");
}

/* ---- inventory ---------------------------------------------------------------------------- */

static void expect_inventory(struct bench *b, const struct ansible_config *c,
			     const struct inventory_host *h, const char *want)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(inventory_text(c, h, &b->ctx, &text, &e), 0);
	assert_string_equal(text.buf, want);
}

static void test_inventory(void **state)
{
	const struct ansible_config c = {
		.host_alias = "default",
		.groups = LIST("web", "all_of_it"),
		.empty_groups = LIST("db"),
	};
	const struct inventory_host h = {
		.kind = INVENTORY_SSH, .host = "::1", .user = "a b", .port = 22, .key = "/k"
	};

	expect_inventory(*state, &c, &h,
			 "default ansible_host=::1 ansible_user='a b' ansible_port=22 "
			 "ansible_ssh_private_key_file=/k\n"
			 "[web]\ndefault ansible_host=::1 ansible_user='a b' ansible_port=22 "
			 "ansible_ssh_private_key_file=/k\n"
			 "[all_of_it]\ndefault ansible_host=::1 ansible_user='a b' ansible_port=22 "
			 "ansible_ssh_private_key_file=/k\n"
			 "[db]\n");
}

static void test_inventory_kinds(void **state)
{
	const struct ansible_config c = { .host_alias = "box" };
	const struct inventory_host container = { .kind = INVENTORY_CONTAINER,
						  .host = "abc",
						  .port = 22,
						  .connection = "community.docker.docker" };
	const struct inventory_host windows = {
		.kind = INVENTORY_WINRM, .host = "w", .user = "u", .port = 5986
	};
	const struct inventory_host old = {
		.kind = INVENTORY_SSH, .old_names = true, .host = "h", .user = "u", .port = 1
	};

	expect_inventory(*state, &c, &container,
			 "box ansible_host=abc ansible_connection=community.docker.docker\n");
	expect_inventory(*state, &c, &windows,
			 "box ansible_host=w ansible_user=u ansible_port=5986 "
			 "ansible_connection=winrm ansible_winrm_transport=basic "
			 "ansible_shell_type=powershell\n");
	expect_inventory(*state, &c, &old,
			 "box ansible_ssh_host=h ansible_ssh_user=u ansible_ssh_port=1\n");
}

static void test_inventory_template(void **state)
{
	const struct ansible_config c = {
		.host_alias = "x",
		.inventory_file_template =
			"{{ .HostAlias }} at={{ .User }}@{{ .Host }}:{{ .Port }}",
		.groups = LIST("g"),
	};
	const struct inventory_host h = { .host = "h", .user = "u", .port = 9, .key = "/k" };

	expect_inventory(*state, &c, &h, "x at=u@h:9\n[g]\nx at=u@h:9\n");
}

/* ---- arguments ---------------------------------------------------------------------------- */

static void run_extra(struct bench *b, struct command *c, char **args)
{
	struct strv list = { .v = args };
	AUTO(error) struct error *e = NULL;

	while (args[list.len])
		list.len++;
	c->dir = b->dir;
	assert_int_equal(command_add_extra(c, &list, &e), 0);
}

static char *read_file(const char *path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fs_read(path, 10000, &text, &e), 0);
	return strbuf_detach(&text);
}

static void test_secret_variables(void **state)
{
	struct bench *b = *state;
	AUTO(redactor) struct redactor *redactor = redactor_new();
	AUTO(command) struct command c = COMMAND_INIT;
	char *args[] = { (char *)"-e", (char *)"db_password='a \"b' port=5432", (char *)"-v",
			 NULL };

	c.redactor = redactor;
	run_extra(b, &c, args);
	assert_int_equal(c.argv.len, 3);
	assert_string_equal(c.argv.v[0], "-e");
	assert_int_equal(c.argv.v[1][0], '@');
	assert_string_equal(c.argv.v[2], "-v");
	assert_string_equal(c.shown.buf, "-e db_password=***** port=5432 -v");

	AUTO_FREE char *text = read_file(c.argv.v[1] + 1);

	assert_string_equal(text, "{\"db_password\": \"a \\\"b\", \"port\": \"5432\"}\n");
	/* and if the playbook prints it */
	assert_true(redactor_has(redactor, "it is a \"b.", 11, NULL));
}

static void test_secret_values(void **state)
{
	struct bench *b = *state;
	AUTO(redactor) struct redactor *redactor = redactor_new();
	AUTO(command) struct command c = COMMAND_INIT;
	char *args[] = { (char *)"--extra-vars={\"a\": \"hush-hush\"}",
			 (char *)"-ex=hush-hush",
			 (char *)"-e",
			 (char *)"@file.yml",
			 (char *)"--become-password-file=x",
			 NULL };

	redactor_add(redactor, "hush-hush", 9);
	c.redactor = redactor;
	run_extra(b, &c, args);
	for (size_t i = 0; i < c.argv.len; i++)
		assert_null(strstr(c.argv.v[i], "hush"));
	assert_string_equal(c.argv.v[5], "@file.yml");
	assert_null(strstr(c.shown.buf, "hush"));

	AUTO_FREE char *json = read_file(c.argv.v[1] + 1);
	AUTO_FREE char *pair = read_file(c.argv.v[3] + 1);

	assert_string_equal(json, "{\"a\": \"hush-hush\"}");
	assert_string_equal(pair, "{\"x\": \"hush-hush\"}\n");
}

static void test_plain_variables(void **state)
{
	struct bench *b = *state;
	AUTO(command) struct command c = COMMAND_INIT;
	char *args[] = { (char *)"-e",     (char *)"a=1", (char *)"--extra-vars=b=2",
			 (char *)"--tags", (char *)"x",   NULL };

	run_extra(b, &c, args);
	assert_string_equal(c.shown.buf, "-e a=1 --extra-vars b=2 --tags x");
}

/* ---- galaxy ------------------------------------------------------------------------------- */

static void expect_galaxy(const struct ansible_config *c, bool collections, const char *want)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	galaxy_argv(c, collections, &argv);

	AUTO_FREE char *text = strv_join(&argv, " ");

	assert_string_equal(text, want);
}

static void test_galaxy_argv(void **state)
{
	const struct ansible_config c = {
		.galaxy_command = "ag",
		.galaxy_file = "r.yml",
		.galaxy_force_install = true,
		.galaxy_force_with_deps = true,
		.roles_path = "R",
		.collections_path = "C",
	};

	expect_galaxy(&c, false, "ag install -r r.yml -f --force-with-deps -p R");
	expect_galaxy(&c, true, "ag collection install -r r.yml -f --force-with-deps -p C");
}

static void test_galaxy_needs(void **state)
{
	static const struct {
		const char *text;
		bool roles, collections;
	} cases[] = {
		{ "- src: x\n", true, false },
		{ "roles:\n  - x\n", true, false },
		{ "collections:\n  - x\n", false, true },
		{ "---\ncollections: [x]\nroles:\n  - y\n", true, true },
		{ "# collections:\n- name: a\n", true, false },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *path = bench_file(b, "r.yml", cases[i].text);
		struct galaxy_needs n;
		AUTO(error) struct error *e = NULL;

		assert_int_equal(galaxy_read(path, &n, &e), 0);
		assert_int_equal(n.roles, cases[i].roles);
		assert_int_equal(n.collections, cases[i].collections);
	}
}

static void test_galaxy_versions(void **state)
{
	assert_true(galaxy_is_fixed("collections:\n  - name: ./local/c.tar.gz\n"));
	assert_true(galaxy_is_fixed("roles:\n  - name: a.b\n    version: \"1.2.3\"\n"));
	assert_true(galaxy_is_fixed("collections:\n  - name: ../c\n    type: dir\n"));
	assert_true(galaxy_is_fixed("- src: git+https://x/y.git\n  version: 4fb33d2\n"));
	assert_false(galaxy_is_fixed("collections:\n  - name: a.b\n"));
	assert_false(galaxy_is_fixed("collections:\n  - a.b\n"));
	assert_false(galaxy_is_fixed("collections:\n  - name: a.b\n    version: '>=1.0'\n"));
	assert_false(galaxy_is_fixed("- src: x\n  version: main\n- src: y\n  version: v1\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_defaults),
		BENCH(test_no_playbook),
		BENCH(test_absent_playbook),
		BENCH(test_folder_for_playbook),
		BENCH(test_file_for_inventory_directory),
		BENCH(test_key_type),
		BENCH(test_port),
		BENCH(test_variable_without_value),
		BENCH(test_alias_that_is_no_name),
		BENCH(test_alias_without_inventory),
		BENCH(test_not_installed),
		BENCH(test_versions),
		BENCH(test_version_is_kept),
		BENCH(test_kept_time),
		BENCH(test_inventory),
		BENCH(test_inventory_kinds),
		BENCH(test_inventory_template),
		BENCH(test_secret_variables),
		BENCH(test_secret_values),
		BENCH(test_plain_variables),
		BENCH(test_galaxy_argv),
		BENCH(test_galaxy_needs),
		BENCH(test_galaxy_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
