/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/ansible/local.h"

#include "bench.h"

static int run(struct bench *b, struct ansible_local_config *c, struct error **err)
{
	bench_prepare(b, &provisioner_ansible_local, c);
	assert_int_equal(b->diags.len, 0);
	return provisioner_ansible_local.run(c, &b->ctx, err);
}

#define RUN "ANSIBLE_FORCE_COLOR=1 PYTHONUNBUFFERED=1 ansible-playbook "
#define VARS                                                                                       \
	" --extra-vars \"packer_build_name=src packer_builder_type=null -o IdentitiesOnly=yes\""

static void test_plain(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *playbook = bench_file(b, "site.yml", "play");
	struct ansible_local_config c = { .playbook_file = playbook, .staging_directory = "/s" };
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, &c, &e), 0);
	bench_expect(b, "say Provisioning with Ansible...\n"
			"say Creating Ansible staging directory...\n"
			"exec mkdir -p '/s'\n"
			"say Uploading main Playbook file...\n"
			"upload /s/site.yml 0: play\n"
			"say Uploading inventory file...\n"
			"upload /s/packer-provisioner-ansible-local 0: 127.0.0.1\n\n"
			"say Executing Ansible: cd /s && " RUN "/s/site.yml" VARS
			" -c local -i /s/packer-provisioner-ansible-local\n"
			"exec cd /s && " RUN "/s/site.yml" VARS
			" -c local -i /s/packer-provisioner-ansible-local\n");
}

static void test_names_with_blanks(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *playbook = bench_file(b, "it's a site.yml", "play");
	AUTO_FREE char *hosts = bench_file(b, "my hosts", "h");
	AUTO_FREE char *galaxy = bench_file(b, "my req.yml", "- x\n");
	struct ansible_local_config c = { .playbook_file = playbook,
					  .inventory_file = hosts,
					  .galaxy_file = galaxy,
					  .role_paths = LIST(b->dir),
					  .staging_directory = "/my s" };
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf, "\nexec cd '/my s' && ansible-galaxy install -r "
					   "'/my s/my req.yml' -p '/my s/galaxy_roles'\n"));
	assert_non_null(
		strstr(b->log.buf, "ANSIBLE_ROLES_PATH='/my s/roles':'/my s/galaxy_roles' "));
	assert_non_null(strstr(b->log.buf, RUN "'/my s/it'\"'\"'s a site.yml'" VARS
					       " -c local -i '/my s/my hosts'\n"));
}

static void test_all_options(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *inside = bench_file(b, "in.yml", "in");
	AUTO_FREE char *galaxy = bench_file(b, "req.yml", "---\nroles:\n- x\ncollections:\n- y\n");
	AUTO_FREE char *hosts = bench_file(b, "hosts", "h");
	AUTO_FREE char *want = NULL;
	const char *base = path_basename(b->dir);
	struct ansible_local_config c = {
		.playbook_files = LIST(inside, "/etc/passwd"),
		.playbook_dir = b->dir,
		.group_vars = b->dir,
		.role_paths = LIST(b->dir),
		.collection_paths = LIST(b->dir),
		.extra_arguments = LIST("-v", "--diff"),
		.inventory_file = hosts,
		.galaxy_file = galaxy,
		.galaxy_force_install = true,
		.staging_directory = "/s",
		.clean_staging_directory = true,
	};
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf, "exec mkdir -p '/s/etc'\nupload /s/etc/passwd 0: "));
	assert_null(strstr(b->log.buf, "upload /s/in.yml"));
	assert_non_null(strstr(b->log.buf, "exec mkdir -p '/s/group_vars'\nupload_dir "));
	assert_non_null(strstr(b->log.buf, "exec cd /s && ansible-galaxy install -r /s/req.yml -p "
					   "/s/galaxy_roles -f\n"));
	assert_non_null(strstr(b->log.buf, "exec cd /s && ansible-galaxy collection install -r "
					   "/s/req.yml -p /s/galaxy_collections -f\n"));
	want = xasprintf("exec cd /s && ANSIBLE_COLLECTIONS_PATH=${ANSIBLE_COLLECTIONS_PATH:+"
			 "$ANSIBLE_COLLECTIONS_PATH:}/s/galaxy_collections:/s/collections:"
			 "/s/collections/%s ANSIBLE_ROLES_PATH=/s/roles:/s/galaxy_roles " RUN
			 "/s/in.yml" VARS " -v --diff -c local -i /s/hosts\n",
			 base);
	assert_non_null(strstr(b->log.buf, want));
	assert_non_null(strstr(b->log.buf, RUN "/s/etc/passwd" VARS));
	assert_non_null(strstr(b->log.buf, "exec rm -rf '/s'\n"));
}

static void test_groups_and_address(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *playbook = bench_file(b, "site.yml", "play");
	struct ansible_local_config c = { .playbook_file = playbook,
					  .inventory_groups = LIST("web", "db") };
	AUTO(error) struct error *e = NULL;
	struct map values;

	value_map_init(&values);
	map_set(&values, "PackerHTTPAddr", value_string("10.0.2.2:80"));
	b->ctx.generated = value_object_take(&values);
	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf, "exec mkdir -p "
					   "'/tmp/packer-provisioner-ansible-local/"));
	assert_non_null(strstr(b->log.buf, " 0: [web]\n127.0.0.1\n[db]\n127.0.0.1\n\n"));
	assert_non_null(strstr(b->log.buf, "packer_http_addr=10.0.2.2:80 -o "));
}

static void test_failures(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *playbook = bench_file(b, "site.yml", "play");
	const struct bench_answer answers[] = { { 0 }, { 127 }, { 0 }, { 2 } };
	struct ansible_local_config c = { .playbook_file = playbook,
					  .command = "ansible-playbook",
					  .clean_staging_directory = true };
	AUTO(error) struct error *absent = NULL, *failed = NULL;

	b->answers = answers;
	b->answer_count = ARRAY_LEN(answers);
	assert_int_equal(run(b, &c, &absent), -1);
	assert_string_equal(absent->message,
			    "ansible-playbook could not be found. Verify that it is available on "
			    "the\nPATH after connecting to the machine.");
	assert_int_equal(run(b, &c, &failed), -1);
	assert_string_equal(failed->message, "Non-zero exit status: 2");
	assert_null(strstr(b->log.buf, "rm -rf")); /* it stays for whoever looks for the reason */
}

static void test_bad(void **state)
{
	struct bench *b = *state;
	struct ansible_local_config none = { 0 };
	struct ansible_local_config both = { .playbook_file = "/etc/passwd",
					     .playbook_files = LIST("/i/am/not"),
					     .host_vars = "/etc/passwd" };

	bench_prepare(b, &provisioner_ansible_local, &none);
	bench_expect_diag(b, "Either playbook_file or playbook_files must be specified.");
	bench_prepare(b, &provisioner_ansible_local, &both);
	assert_int_equal(b->diags.len, 4);
	assert_string_equal(b->diags.items[1].summary,
			    "Either playbook_file or playbook_files can be specified, not both");
	assert_non_null(strstr(b->diags.items[2].summary, "playbook_files: /i/am/not is invalid"));
	assert_string_equal(b->diags.items[3].summary,
			    "host_vars: /etc/passwd must point to a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_plain),       BENCH(test_names_with_blanks),
		BENCH(test_all_options), BENCH(test_groups_and_address),
		BENCH(test_failures),    BENCH(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
