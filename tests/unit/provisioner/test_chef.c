/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/chef.h"

#include "bench.h"

static int run(struct bench *b, struct chef_config *c, struct error **err)
{
	bench_prepare(b, &provisioner_chef_solo, c);
	assert_int_equal(b->diags.len, 0);
	return provisioner_chef_solo.run(c, &b->ctx, err);
}

static void test_plain(void **state)
{
	struct bench *b = *state;
	struct chef_config c = { .run_list = LIST("recipe[a]", "role[b]"), .version = "18" };
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, &c, &e), 0);
	bench_expect(b,
		     "say Provisioning with chef-solo\n"
		     "say Installing Chef...\n"
		     "exec curl -L https://omnitruck.chef.io/install.sh | sudo bash -s -- -v 18\n"
		     "say Creating directory: /tmp/packer-chef-solo\n"
		     "exec sudo mkdir -p '/tmp/packer-chef-solo' && "
		     "sudo chmod 0777 '/tmp/packer-chef-solo'\n"
		     "say Creating configuration file 'solo.rb'\n"
		     "upload /tmp/packer-chef-solo/solo.rb 0: cookbook_path []\n"
		     "chef_license \"accept-silent\"\n\n"
		     "say Creating JSON attribute file\n"
		     "upload /tmp/packer-chef-solo/node.json 0: "
		     "{\"run_list\":[\"recipe[a]\",\"role[b]\"]}\n"
		     "say Executing Chef: sudo chef-solo --no-color "
		     "-c /tmp/packer-chef-solo/solo.rb -j /tmp/packer-chef-solo/node.json\n"
		     "exec sudo chef-solo --no-color "
		     "-c /tmp/packer-chef-solo/solo.rb -j /tmp/packer-chef-solo/node.json\n");
}

static void test_all_options(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *secret = bench_file(b, "secret", "s3cret");
	struct chef_config c = {
		.cookbook_paths = LIST(b->dir, b->dir),
		.remote_cookbook_paths = LIST("/there"),
		.roles_path = b->dir,
		.data_bags_path = b->dir,
		.environments_path = b->dir,
		.encrypted_data_bag_secret_path = secret,
		.chef_environment = "prod",
		.json_string = "{\"n\": 1, \"o\": {\"p\": [true]}}",
		.staging_directory = "/s",
		.prevent_sudo = true,
		.skip_install = true,
	};
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf,
			       "upload /s/solo.rb 0: cookbook_path "
			       "[\"/there\",\"/s/cookbooks-0\",\"/s/cookbooks-1\"]\n"
			       "role_path \"/s/roles\"\ndata_bag_path \"/s/data_bags\"\n"
			       "encrypted_data_bag_secret \"/s/encrypted_data_bag_secret\"\n"
			       "environment_path \"/s/environments\"\nenvironment \"prod\"\n\n"));
	assert_non_null(strstr(b->log.buf, "node.json 0: {\"n\":1,\"o\":{\"p\":[true]}}\n"));
	assert_non_null(strstr(b->log.buf, "exec mkdir -p '/s/cookbooks-1'\nupload_dir "));
	assert_non_null(strstr(b->log.buf, "exec chef-solo --no-color -c /s/solo.rb"));
	assert_null(strstr(b->log.buf, "omnitruck"));
}

static void test_own_commands(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *template =
		bench_file(b, "solo.erb", "x {{.ChefLicense}} {{.HasRolesPath}}.");
	struct chef_config c = {
		.config_template = template,
		.chef_license = "accept",
		.guest_os_type = "windows",
		.install_command = "get {{.Version}}{{if .Sudo}} no{{end}}",
		.execute_command = "go {{.ConfigPath}} {{.JsonPath}}",
		.version = "17",
	};
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf, "exec get 17\n"));
	assert_non_null(strstr(b->log.buf, "solo.rb 0: x accept .\n"));
	assert_non_null(strstr(b->log.buf, "exec go $env:TEMP/packer-chef-solo/solo.rb "
					   "$env:TEMP/packer-chef-solo/node.json\n"));
}

static void test_failures(void **state)
{
	struct bench *b = *state;
	const struct bench_answer answers[] = { { 7 }, { 0 }, { 1 }, { 0 }, { 127 } };
	struct chef_config c = { 0 }, installed = { .skip_install = true };
	AUTO(error) struct error *install = NULL, *mkdir_ = NULL, *chef = NULL;

	b->answers = answers;
	b->answer_count = ARRAY_LEN(answers);
	assert_int_equal(run(b, &c, &install), -1);
	assert_string_equal(install->message, "Install script exited with non-zero exit status 7");
	assert_int_equal(run(b, &c, &mkdir_), -1);
	assert_non_null(strstr(mkdir_->message, "cannot make a folder on the machine"));
	assert_int_equal(run(b, &installed, &chef), -1);
	assert_string_equal(chef->message, "Chef exited with non-zero exit status 127");
}

static void test_bad(void **state)
{
	struct bench *b = *state;
	struct chef_config c = { .json_string = "[1", .roles_path = "/i/am/not" };

	bench_prepare(b, &provisioner_chef_solo, &c);
	assert_int_equal(b->diags.len, 2);
	assert_non_null(strstr(b->diags.items[0].summary, "roles_path: /i/am/not is invalid"));
	assert_string_equal(b->diags.items[1].summary, "json_string is not JSON.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_plain),    BENCH(test_all_options), BENCH(test_own_commands),
		BENCH(test_failures), BENCH(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
