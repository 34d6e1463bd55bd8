/* SPDX-License-Identifier: Apache-2.0 */
/* Files: what the user has set, what a playbook uses, and what OpenSSH is told. */
#include "bench.h"
#include "provisioner/ansible/keys.h"
#include "provisioner/ansible/settings.h"
#include "provisioner/ansible/ssh_files.h"

/* ---- settings ----------------------------------------------------------------------------- */

static void test_settings(void **state)
{
	struct bench *b = *state;
	AUTO(settings) struct settings s = SETTINGS_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *cfg = bench_file(b, "ansible.cfg",
					 "; old\n[defaults]\nroles_path = r:~/x:/abs ; mine\n"
					 "[ssh_connection]\nssh_args: -o A=b\n\n");

	strv_pushl(&env, "HOME=/home/me", "ANSIBLE_PIPELINING=no", NULL);
	assert_int_equal(chmod(b->dir, 0755), 0);
	assert_int_equal(settings_load(&s, &env, b->dir, &e), 0);
	assert_string_equal(s.path, cfg);
	assert_string_equal(settings_get(&s, &setting_ssh_args), "-o A=b");
	assert_string_equal(settings_get(&s, &setting_pipelining), "no");
	assert_null(settings_get(&s, &setting_collections_path));

	AUTO_FREE char *paths = settings_paths(&s, &setting_roles_path, "/z", b->dir);
	AUTO_FREE char *want = xasprintf("%s/r:/home/me/x:/abs", b->dir);
	AUTO_FREE char *usual = settings_paths(&s, &setting_collections_path, "~/c:/d", b->dir);

	assert_string_equal(paths, want);
	assert_string_equal(usual, "/home/me/c:/d");
}

static void test_settings_of_others(void **state)
{
	struct bench *b = *state;
	AUTO(settings) struct settings s = SETTINGS_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	free(bench_file(b, "ansible.cfg", "[defaults]\nroles_path = evil\n"));
	strv_push(&env, "HOME=/nowhere");
	assert_int_equal(chmod(b->dir, 0777), 0);
	assert_int_equal(settings_load(&s, &env, b->dir, &e), 0);
	assert_null(settings_get(&s, &setting_roles_path));
}

/* ---- OpenSSH ------------------------------------------------------------------------------ */

static char *file(struct bench *b, const char *name)
{
	AUTO_FREE char *path = path_join(b->dir, name);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_read(path, 100000, &text, &e), 0);
	return strbuf_detach(&text);
}

static void test_ssh_files(void **state)
{
	struct bench *b = *state;
	AUTO(ssh_files) struct ssh_files f = { 0 };
	AUTO(error) struct error *e = NULL;
	struct route_host hop = { .host = (char *)"jump",
				  .user = (char *)"j",
				  .port = 2200,
				  .key_file = (char *)"/100%/key",
				  .password = (char *)"one" };
	const struct comm_route r = {
		.target = { .host = (char *)"10.0.0.1",
			    .user = (char *)"u",
			    .port = 22,
			    .key_text = (char *)"PEM",
			    .password = (char *)"t'wo" },
		.hops = { .items = &hop, .len = 1 },
		.host_key = (char *)"ssh-ed25519 AAAA",
	};

	assert_int_equal(ssh_files_make(&r, b->dir, "/home/me", &f, &e), 0);
	assert_null(f.why_not);
	assert_true(f.pinned);

	AUTO_FREE char *config = file(b, "ssh_config"), *key = file(b, "ingot-machine.key");
	AUTO_FREE char *known = file(b, "known_hosts"), *answers = file(b, "askpass");
	AUTO_FREE char *password = file(b, "ingot-machine.password");
	AUTO_FREE char *args = ssh_files_args(&f, "-o Mine=1");

	assert_string_equal(key, "PEM\n");
	assert_string_equal(known, "ingot-machine ssh-ed25519 AAAA\n");
	assert_string_equal(password, "t'wo\n");
	assert_non_null(strstr(config, "Host 10.0.0.1\n  ProxyJump \"ingot-hop-1\"\n"));
	assert_non_null(strstr(config, "  StrictHostKeyChecking yes\n"));
	assert_non_null(strstr(config, "  IdentityFile \"/100%%/key\"\n"));
	assert_non_null(strstr(config, "Host * !10.0.0.1 !ingot-hop-1\n"));
	assert_non_null(strstr(answers, "*@ingot-hop-1*)"));
	assert_null(strstr(answers, "t'wo"));
	assert_true(text_ends_with(args, " -o Mine=1"));
	assert_non_null(strstr(args, "-o PasswordAuthentication=yes"));
}

static void test_not_sayable(void **state)
{
	struct bench *b = *state;
	AUTO(ssh_files) struct ssh_files f = { 0 };
	AUTO(error) struct error *e = NULL;
	const struct comm_route r = {
		.target = { .host = (char *)"h", .key_file = (char *)"/a\"b", .port = 22 },
	};

	assert_int_equal(ssh_files_make(&r, b->dir, NULL, &f, &e), 0);
	assert_non_null(f.why_not);
}

/* ---- keys --------------------------------------------------------------------------------- */

static void put(struct bench *b, const char *name, const char *text)
{
	AUTO_FREE char *path = path_join(b->dir, name);
	AUTO_FREE char *dir = path_dirname(path);
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_mkdir_all(dir, 0755, &e), 0);
	assert_int_equal(fs_write(path, text, strlen(text), 0644, &e), 0);
}

/* Names below the bench's folder, one a line. */
static char *files_of(struct bench *b, const struct ansible_config *c)
{
	AUTO(strv) struct strv files = STRV_INIT, names = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	size_t len = strlen(b->dir) + 1;

	assert_int_equal(ansible_local_files(c, &files, &e), 0);
	for (size_t i = 0; i < files.len; i++)
		if (text_starts_with(files.v[i], b->dir))
			strv_push(&names, files.v[i] + len);
	strv_sort(&names);
	return strv_join(&names, " ");
}

static struct ansible_config playbook(struct bench *b, const char *text)
{
	put(b, "pb/site.yml", text);
	return (struct ansible_config){ .playbook_file = "pb/site.yml",
					.cwd = b->dir,
					.skip_version_check = true };
}

static void test_files(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = playbook(
		b, "- hosts: all\n  roles: [shared]\n  vars_files: ['../common/v.yml']\n  tasks:\n"
		   "    - copy: {src: plain, dest: /etc/plain}\n"
		   "    - copy: src={{ playbook_dir }}/conf/a.conf dest=/x\n"
		   "    - include_tasks: \"{{ what }}.yml\"\n");

	c.roles_path = "lib/roles";
	put(b, "common/v.yml", "x: more.txt\n");
	put(b, "common/more.txt", "");
	put(b, "pb/plain", "");
	put(b, "pb/unused", "");
	put(b, "pb/conf/a.conf", "");
	put(b, "pb/maybe.yml", "");
	put(b, "pb/roles/web/tasks/main.yml", "");
	put(b, "pb/filter_plugins/__pycache__/f.pyc", "");
	put(b, "pb/filter_plugins/f.py", "");
	put(b, "pb/group_vars/all", "");
	put(b, "lib/roles/shared/meta/main.yml", "");
	put(b, "lib/roles/other/meta/main.yml", "");

	AUTO_FREE char *got = files_of(b, &c);

	assert_string_equal(got, "common/more.txt common/v.yml lib/roles/shared/meta/main.yml "
				 "pb/conf/a.conf pb/filter_plugins/f.py pb/group_vars/all "
				 "pb/maybe.yml pb/plain pb/roles/web/tasks/main.yml pb/site.yml");
}

/* What a run installs is not there before the first one. */
static void test_installed_files(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = playbook(b, "- hosts: all\n");

	c.galaxy_file = "req.yml";
	c.roles_path = "pb/roles";
	put(b, "req.yml", "- src: ./local.tar.gz\n  version: 1.0\n");
	put(b, "local.tar.gz", "");
	put(b, "pb/roles/web/tasks/main.yml", "");

	AUTO_FREE char *got = files_of(b, &c);

	assert_string_equal(got, "local.tar.gz pb/site.yml req.yml");
}

static void test_arguments_and_links(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = playbook(b, "- hosts: all\n");
	AUTO_FREE char *link = path_join(b->dir, "pb/roles");

	c.extra_arguments = (struct text_list)LIST("-e", "@vars/prod.yml", "--vault-id=k@key.txt");
	put(b, "vars/prod.yml", "");
	put(b, "far/web/tasks/main.yml", "");
	assert_int_equal(symlink("../far", link), 0);

	AUTO_FREE char *got = files_of(b, &c);

	assert_string_equal(got, "pb/roles/web/tasks/main.yml pb/site.yml vars/prod.yml");
}

static void test_barriers(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "- hosts: all\n  tasks:\n    - debug: msg=\"{{ lookup('file', 'x') }}\"\n",
		  NULL },
		{ "x: \"{{ lookup( 'ansible.builtin.template', 'x.j2') }}\"\n", NULL },
		{ "- with_items: [1]\n- with_fileglob: a/*\n", NULL },
		{ "x: \"{{ lookup('env', 'HOME') }}\"\n", "looks things up" },
		{ "x: \"{{ query('url', 'http://x') }}\"\n", "looks things up" },
		{ "- debug: msg=x\n  with_pipe: date\n", "looks things up" },
		{ "# lookup('env', 'X')\n", NULL },
		{ "x: eq(1)\n", NULL },
		{ "- command: ls\n  delegate_to: localhost\n", "acts on other hosts" },
		{ "- hosts: localhost\n", "acts on other hosts" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct ansible_config c = playbook(b, cases[i].text);
		const char *got = ansible_barrier(&c, false);

		if (cases[i].want)
			assert_non_null(got ? strstr(got, cases[i].want) : NULL);
		else
			assert_null(got);
		assert_null(ansible_barrier(&c, true));
	}
}

static void test_outer_inventory(void **state)
{
	struct bench *b = *state;
	struct ansible_config c = playbook(b, "- hosts: all\n");

	free(bench_file(b, "inv.sh", "#!/bin/sh\n"));
	c.inventory_file = "inv.sh";
	assert_non_null(strstr(ansible_barrier(&c, false), "inventory is a program"));
	put(b, "aws.yml", "plugin: aws_ec2\n");
	c.inventory_file = "aws.yml";
	assert_non_null(strstr(ansible_barrier(&c, false), "asked from elsewhere"));
	c.inventory_file = NULL;
	c.galaxy_file = "req.yml";
	put(b, "req.yml", "- src: a.b\n");
	assert_non_null(strstr(ansible_barrier(&c, false), "which version"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_settings),
		BENCH(test_settings_of_others),
		BENCH(test_ssh_files),
		BENCH(test_not_sayable),
		BENCH(test_files),
		BENCH(test_installed_files),
		BENCH(test_arguments_and_links),
		BENCH(test_barriers),
		BENCH(test_outer_inventory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
