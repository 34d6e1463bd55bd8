/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/puppet.h"

#include "bench.h"

static void prepare(struct bench *b, struct puppet_config *c)
{
	bench_prepare(b, &provisioner_puppet_masterless, c);
}

static int run(struct bench *b, const struct puppet_config *c, struct error **err)
{
	return provisioner_puppet_masterless.run(c, &b->ctx, err);
}

static void test_plain(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *manifest = bench_file(b, "site.pp", "node");
	struct puppet_config c = { .manifest_file = manifest };
	AUTO(error) struct error *e = NULL;

	prepare(b, &c);
	assert_int_equal(b->diags.len, 0);
	assert_int_equal(run(b, &c, &e), 0);
	bench_expect(b, "say Provisioning with Puppet...\n"
			"say Creating Puppet staging directory...\n"
			"exec sudo mkdir -p '/tmp/packer-puppet-masterless' && "
			"sudo chmod 0777 '/tmp/packer-puppet-masterless'\n"
			"say Uploading manifest file from: TMP\n"
			"exec sudo mkdir -p '/tmp/packer-puppet-masterless/manifests' && "
			"sudo chmod 0777 '/tmp/packer-puppet-masterless/manifests'\n"
			"upload /tmp/packer-puppet-masterless/manifests/site.pp 0: node\n"
			"say Running Puppet: cd /tmp/packer-puppet-masterless && "
			"FACTER_packer_build_name='src' FACTER_packer_builder_type='null' sudo -E "
			"puppet apply --detailed-exitcodes "
			"/tmp/packer-puppet-masterless/manifests/site.pp\n"
			"exec cd /tmp/packer-puppet-masterless && "
			"FACTER_packer_build_name='src' FACTER_packer_builder_type='null' sudo -E "
			"puppet apply --detailed-exitcodes "
			"/tmp/packer-puppet-masterless/manifests/site.pp\n");
}

static void test_names_with_blanks(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *manifest = bench_file(b, "it's a site.pp", "node");
	struct puppet_config c = { .manifest_file = manifest, .working_directory = "/my work" };
	struct puppet_config own = { .manifest_file = manifest,
				     .execute_command = "apply \"{{.ManifestFile}}\"" };
	AUTO(error) struct error *e = NULL;

	prepare(b, &c);
	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf, "\nexec cd '/my work' && "));
	assert_non_null(strstr(b->log.buf, " '/tmp/packer-puppet-masterless/manifests/it'\"'\"'s a "
					   "site.pp'\n"));
	prepare(b, &own);
	assert_int_equal(run(b, &own, &e), 0);
	assert_non_null(strstr(b->log.buf, "\nexec apply \"/tmp/packer-puppet-masterless/manifests/"
					   "it's a site.pp\"\n"));
}

static void test_all_options(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *hiera = bench_file(b, "h.yaml", "h");
	const struct text_pair facts[] = { { "packer_build_name", "mine" }, { "role", "it's" } };
	struct puppet_config c = {
		.manifest_file = b->dir,
		.manifest_dir = b->dir,
		.hiera_config_path = hiera,
		.module_paths = LIST(b->dir, b->dir),
		.facter = { facts, 2 },
		.extra_arguments = LIST("--a", "{{if .Debug}}x{{end}}", "--m={{.ModulePath}}"),
		.puppet_bin_dir = "/opt/bin",
		.staging_directory = "/s",
		.working_directory = "/w",
		.prevent_sudo = true,
		.clean_staging_directory = true,
	};
	const struct bench_answer answers[] = { { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 2 } };
	AUTO(error) struct error *e = NULL;

	b->answers = answers;
	b->answer_count = ARRAY_LEN(answers);
	b->info.debug = true;
	prepare(b, &c);
	assert_int_equal(b->diags.len, 0);
	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf,
			       "\nexec cd /w && FACTER_packer_build_name='mine' "
			       "FACTER_role='it'\"'\"'s' FACTER_packer_builder_type='null' "
			       "/opt/bin/puppet apply --detailed-exitcodes --debug "
			       "--modulepath='/s/module-0:/s/module-1' "
			       "--hiera_config='/s/hiera.yaml' --manifestdir='/s/manifests' "
			       "--a x --m=/s/module-0:/s/module-1 /s/manifests\n"));
	assert_non_null(strstr(b->log.buf, "\nexec rm -rf '/s'\n"));
}

static void test_windows(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *manifest = bench_file(b, "site.pp", "");
	struct puppet_config c = {
		.manifest_file = manifest,
		.module_paths = LIST(b->dir, b->dir),
		.guest_os_type = "windows",
		.staging_directory = "c:/s",
	};
	AUTO(error) struct error *e = NULL;

	prepare(b, &c);
	assert_int_equal(run(b, &c, &e), 0);
	assert_non_null(strstr(b->log.buf,
			       "\nexec cd c:/s && SET \"FACTER_packer_build_name=src\" & "
			       "SET \"FACTER_packer_builder_type=null\" && puppet apply "
			       "--detailed-exitcodes --modulepath='c:/s/module-0;c:/s/module-1' "
			       "c:/s/manifests/site.pp\n"));
	assert_non_null(strstr(b->log.buf,
			       "exec powershell.exe -Command \"New-Item -ItemType directory -Force "
			       "-ErrorAction SilentlyContinue -Path c:/s\"\n"));
}

static void test_statuses(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *manifest = bench_file(b, "site.pp", "");
	static const struct {
		int status;
		bool ignore, is_well;
	} cases[] = { { 0, false, true },  { 2, false, true },  { 4, false, false },
		      { 6, false, false }, { 1, false, false }, { 1, true, true } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct bench_answer answers[] = { { 0 }, { 0 }, { cases[i].status } };
		struct puppet_config c = { .manifest_file = manifest,
					   .ignore_exit_codes = cases[i].ignore };
		AUTO(error) struct error *e = NULL;

		b->answers = answers;
		b->answer_count = 3;
		b->answer_at = 0;
		prepare(b, &c);
		assert_int_equal(run(b, &c, &e), cases[i].is_well ? 0 : -1);
		if (!cases[i].is_well)
			assert_non_null(strstr(e->message, "Puppet exited with a non-zero exit "
							   "status: "));
	}
}

static void test_bad(void **state)
{
	struct bench *b = *state;
	struct puppet_config c = { .module_paths = LIST("/i/am/not"), .guest_os_type = "mac" };

	prepare(b, &c);
	assert_int_equal(b->diags.len, 3);
	assert_string_equal(b->diags.items[0].summary, "Invalid guest_os_type: \"mac\"");
	assert_string_equal(b->diags.items[1].summary, "A manifest_file must be specified.");
	assert_string_equal(b->diags.items[2].summary,
			    "module_paths: /i/am/not is invalid: stat /i/am/not: no such file or "
			    "directory");
}

static void test_local_files(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *manifest = bench_file(b, "site.pp", "");
	AUTO_FREE char *dir = xasprintf("%s/m", b->dir), *inner = xasprintf("%s/init.pp", dir);
	struct puppet_config c = { .manifest_file = manifest, .module_paths = LIST(dir) };
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(fs_mkdir(dir, 0755, &e), 0);
	assert_int_equal(fs_write(inner, "x", 1, 0600, &e), 0);
	assert_int_equal(provisioner_puppet_masterless.local_files(&c, &files, &e), 0);
	assert_int_equal(files.len, 2);
	assert_string_equal(files.v[0], manifest);
	assert_string_equal(files.v[1], inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_plain),       BENCH(test_names_with_blanks), BENCH(test_all_options),
		BENCH(test_windows),     BENCH(test_statuses),          BENCH(test_bad),
		BENCH(test_local_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
