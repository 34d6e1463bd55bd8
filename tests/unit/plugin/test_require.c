/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin_case.h"

#include "plugin/require.h"

#define CLOUD "github.com/acme/cloud"
#define QEMU  "github.com/hashicorp/qemu"

static const struct builder_type qemu_builder = { .name = "qemu" };
static const struct builder_type *const builders[] = { &qemu_builder, NULL };
static const struct components builtins = { .builders = builders };

/* What is said of one entry, "error SUMMARY: DETAIL"; heap. */
static char *require_locked(struct plugin_registry *r, const struct config_plugin *entry,
			    const struct plugin_lock *lock)
{
	const struct plugin_query base = { .dir = plugins, .cache_dir = cache };
	const struct plugin_demand demand = {
		.entries = entry,
		.count = 1,
		.builtins = &builtins,
		.install = "ingot init web.pkr.hcl",
		.lock = lock,
	};
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	if (plugin_require_all(r, &base, &demand, NULL, &diags, &err) < 0)
		fail_msg("%s", err->message);
	for (size_t i = 0; i < diags.len; i++)
		strbuf_addf(&text, "%s %s: %s",
			    diags.items[i].severity == DIAG_ERROR ? "error" : "warning",
			    diags.items[i].summary, diags.items[i].detail);
	return strbuf_detach(&text);
}

static char *require(struct plugin_registry *r, const struct config_plugin *entry)
{
	return require_locked(r, entry, NULL);
}

static struct config_plugin cloud(const char *constraint)
{
	return (struct config_plugin){ .accessor = "cloud",
				       .source = CLOUD,
				       .constraint = constraint };
}

static void test_installed(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct config_plugin entry = cloud("~> 1.2");
	AUTO_FREE char *said = NULL;

	(void)state;
	install(CLOUD, "cloud", "1.3.0", ",\"builders\":[\"vm\"]");
	install(CLOUD, "cloud", "2.0.0", ",\"builders\":[\"vm\"]");
	said = require(r, &entry);
	assert_string_equal(said, "");

	const struct plugin_component *k = plugin_registry_find(r, COMPONENT_BUILDER, "cloud-vm");

	assert_non_null(k);
	assert_string_equal(k->binary->version_text, "1.3.0");
}

static void test_missing(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct config_plugin entry = cloud(">= 1.2");
	AUTO_FREE char *said = NULL;

	(void)state;
	said = require(r, &entry);
	assert_string_equal(said, "error Missing plugins: The following plugins are required, but "
				  "not installed:\n\n* " CLOUD " >= 1.2\n\n"
				  "Install it with: ingot init web.pkr.hcl");
}

static void test_near_misses(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	AUTO_FREE char *damaged = xasprintf("%s/" CLOUD "/packer-plugin-cloud_v1.9.0_x5.0_%s",
					    plugins, host_platform);
	AUTO_FREE char *foreign =
		xasprintf("%s/" CLOUD "/packer-plugin-cloud_v1.9.0_x5.0_plan9_386", plugins);
	AUTO_FREE char *by_hand = xasprintf("%s/packer-plugin-cloud_v1.9.0", plugins);
	const struct config_plugin entry = cloud(">= 1.2");
	AUTO_FREE char *said = NULL;

	(void)state;
	install(CLOUD, "cloud", "1.0.2", "");
	write_file(damaged, "damaged", 0755);
	write_file(foreign, "", 0755);
	write_file(by_hand, "", 0755);
	said = require(r, &entry);
	assert_non_null(strstr(said, ": version 1.0.2 is not >= 1.2\n"));
	assert_non_null(strstr(said, damaged));
	assert_non_null(strstr(said, ": there is no checksum file"));
	assert_non_null(strstr(said, foreign));
	assert_non_null(strstr(said, by_hand));
	assert_non_null(strstr(said, ": it is not in the folder " CLOUD "\n"));
}

static void test_builtin_serves(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	struct config_plugin entry = { .accessor = "qemu", .source = QEMU, .constraint = ">= 1" };
	AUTO_FREE char *missing = NULL, *old = NULL, *there = NULL;

	(void)state;
	missing = require(r, &entry);
	assert_string_equal(missing, "");
	install(QEMU, "qemu", "0.9.0", "");
	old = require(r, &entry);
	assert_string_equal(old, "");
	install(QEMU, "qemu", "1.1.0", ",\"builders\":[\"-packer-default-plugin-name-\"]");
	there = require(r, &entry);
	assert_string_equal(there, "");
	assert_non_null(plugin_registry_find(r, COMPONENT_BUILDER, "qemu"));
}

static void test_preference(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	struct config_plugin ours = { .accessor = "qemu", .source = QEMU, .constraint = ">= 1" };
	struct config_plugin theirs = cloud("1.0.0");
	AUTO_FREE char *of_ours = NULL, *of_theirs = NULL;

	(void)state;
	install(QEMU, "qemu", "1.1.0", ",\"builders\":[\"-packer-default-plugin-name-\"]");
	install(CLOUD, "cloud", "1.0.0", ",\"builders\":[\"vm\"]");
	ours.prefers_builtin = theirs.prefers_builtin = true;
	of_ours = require(r, &ours);
	assert_string_equal(of_ours, "");
	assert_null(plugin_registry_find(r, COMPONENT_BUILDER, "qemu"));
	of_theirs = require(r, &theirs);
	assert_true(text_starts_with(of_theirs, "warning Nothing built in to prefer: "));
	assert_non_null(plugin_registry_find(r, COMPONENT_BUILDER, "cloud-vm"));
}

/* ---- the lock file ---------------------------------------------------------------------- */

static void lock_to(struct plugin_lock *lock, const char *source, const char *version,
		    const char *digest)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *file = path_join(case_dir, PLUGIN_LOCK_NAME);

	strbuf_addf(&text, "plugin \"%s\" {\n  version = \"%s\"\n", source, version);
	if (digest)
		strbuf_addf(&text, "  hashes = { %s = \"sha256:%s\" }\n", host_platform, digest);
	strbuf_addstr(&text, "}\n");
	write_file(file, text.buf, 0644);
	if (plugin_lock_read(case_dir, lock, &err) < 0)
		fail_msg("%s", err->message);
}

static void test_locked_version_is_taken(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	AUTO(plugin_lock) struct plugin_lock lock = { 0 };
	const struct config_plugin entry = cloud(">= 1.0");
	AUTO_FREE char *said = NULL;

	(void)state;
	install(CLOUD, "cloud", "1.3.0", ",\"builders\":[\"vm\"]");
	install(CLOUD, "cloud", "1.4.0", ",\"builders\":[\"vm\"]");
	lock_to(&lock, CLOUD, "1.3.0", NULL);
	said = require_locked(r, &entry, &lock);
	assert_string_equal(said, "");
	assert_string_equal(
		plugin_registry_find(r, COMPONENT_BUILDER, "cloud-vm")->binary->version_text,
		"1.3.0");
}

static void test_locked_version_is_missing(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	AUTO(plugin_lock) struct plugin_lock lock = { 0 };
	const struct config_plugin entry = cloud(">= 1.0");
	AUTO_FREE char *said = NULL;

	(void)state;
	install(CLOUD, "cloud", "1.4.0", "");
	lock_to(&lock, CLOUD, "1.3.0", NULL);
	said = require_locked(r, &entry, &lock);
	assert_true(text_starts_with(said, "error Missing plugins: "));
	assert_non_null(strstr(said, "/.ingot.lock.hcl wants version 1.3.0 of it.\n"));
	assert_non_null(strstr(said, ": version 1.4.0 is not 1.3.0\n"));
}

/* A plugin has made the images so far, so what is built in does not step in without a word. */
static void test_locked_and_built_in(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	AUTO(plugin_lock) struct plugin_lock lock = { 0 };
	struct config_plugin entry = { .accessor = "qemu", .source = QEMU, .constraint = ">= 1" };
	AUTO_FREE char *missing = NULL, *preferred = NULL;

	(void)state;
	lock_to(&lock, QEMU, "1.3.0", NULL);
	missing = require_locked(r, &entry, &lock);
	assert_true(text_starts_with(missing, "error Missing plugins: "));
	entry.prefers_builtin = true;
	preferred = require_locked(r, &entry, &lock);
	assert_string_equal(preferred, "");
}

static void test_lock_and_template_disagree(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	AUTO(plugin_lock) struct plugin_lock lock = { 0 };
	const struct config_plugin entry = cloud(">= 2.0");
	AUTO_FREE char *said = NULL;

	(void)state;
	install(CLOUD, "cloud", "1.3.0", "");
	lock_to(&lock, CLOUD, "1.3.0", NULL);
	said = require_locked(r, &entry, &lock);
	assert_true(text_starts_with(said, "error Plugin not as in the lock file: "));
	assert_non_null(strstr(said, "/.ingot.lock.hcl wants version 1.3.0 of the plugin, which is "
				     "not >= 2.0.\n\nWith -upgrade, 'ingot init web.pkr.hcl' "
				     "chooses anew."));
}

static void test_locked_to_another_file(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	AUTO(plugin_lock) struct plugin_lock lock = { 0 };
	AUTO_FREE char *zeros = xasprintf("%064d", 0);
	const struct config_plugin entry = cloud(">= 1.0");
	AUTO_FREE char *said = NULL;

	(void)state;
	install(CLOUD, "cloud", "1.3.0", ",\"builders\":[\"vm\"]");
	lock_to(&lock, CLOUD, "1.3.0", zeros);
	said = require_locked(r, &entry, &lock);
	assert_true(text_starts_with(said, "error Plugin not as in the lock file: "));
	assert_non_null(strstr(said, zeros));
	assert_null(plugin_registry_find(r, COMPONENT_BUILDER, "cloud-vm"));
}

static void test_rest_of_the_directory(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct plugin_query base = { .dir = plugins, .cache_dir = cache };
	AUTO(error) struct error *err = NULL;

	(void)state;
	install(QEMU, "qemu", "1.1.0", ",\"builders\":[\"-packer-default-plugin-name-\"]");
	install(CLOUD, "cloud", "1.0.0", ",\"datasources\":[\"image\"]");
	assert_int_equal(plugin_add_installed(r, &base, NULL, &err), 0);
	assert_null(plugin_registry_find(r, COMPONENT_BUILDER, "qemu"));
	assert_non_null(plugin_registry_find(r, COMPONENT_DATASOURCE, "cloud-image"));
}

static void test_directory_cannot_be_searched(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct plugin_query base = { .dir = plugins };
	const struct config_plugin entry = cloud("1.0.0");
	struct plugin_binary *binary = NULL;
	AUTO(strv) struct strv misses = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO(error) struct error *err = NULL;

	(void)state;
	write_file(plugins, "a file", 0644);
	assert_int_equal(plugin_add_installed(r, &base, NULL, &e), -1);
	assert_non_null(strstr(e->message, plugins));
	assert_int_equal(plugin_require(&base, &entry, NULL, &binary, &misses, &err), 0);
	assert_null(binary); /* below a file there is nothing */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, case_setup, case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_installed),
		TEST(test_missing),
		TEST(test_near_misses),
		TEST(test_builtin_serves),
		TEST(test_preference),
		TEST(test_locked_version_is_taken),
		TEST(test_locked_version_is_missing),
		TEST(test_locked_and_built_in),
		TEST(test_lock_and_template_disagree),
		TEST(test_locked_to_another_file),
		TEST(test_rest_of_the_directory),
		TEST(test_directory_cannot_be_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
