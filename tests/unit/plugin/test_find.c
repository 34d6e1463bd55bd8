/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin_case.h"

#include "os/clock.h"

#include <stdio.h>
#include <unistd.h>

#define CLOUD "github.com/acme/cloud"

static struct plugin_query query(const char *source, const char *constraint)
{
	return (struct plugin_query){
		.dir = plugins, .cache_dir = cache, .source = source, .constraint = constraint
	};
}

/* "NAME VERSION" of what is found, separated by commas; heap. */
static char *find(const struct plugin_query *q)
{
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv names = STRV_INIT;
	struct plugin_binary_list list = { 0 };

	if (plugin_find(q, NULL, &list, &err) < 0)
		fail_msg("%s", err->message);
	for (size_t i = 0; i < list.len; i++)
		strv_pushf(&names, "%s %s", list.items[i]->name, list.items[i]->version_text);
	plugin_binary_list_release(&list);
	return strv_join(&names, ", ");
}

static void expect_query(const struct plugin_query *q, const char *want)
{
	AUTO_FREE char *found = find(q);

	assert_string_equal(found, want);
}

static void expect(const char *source, const char *constraint, const char *want)
{
	struct plugin_query q = query(source, constraint);

	expect_query(&q, want);
}

static size_t times_asked(void)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = path_join(case_dir, "asked");

	if (!fs_exists(path))
		return 0;
	assert_int_equal(fs_read(path, FS_READ_MAX, &text, &err), 0);
	return text.len / strlen("asked\n");
}

static void test_best_of_each_name(void **state)
{
	struct plugin_query all = query(NULL, NULL);

	(void)state;
	install(CLOUD, "cloud", "1.2.0", "");
	install(CLOUD, "cloud", "1.10.0", "");
	install(CLOUD, "cloud", "1.9.3", "");
	install("github.com/acme/anvil", "anvil", "0.1.0-dev", "");
	install("github.com/acme/anvil", "anvil", "0.0.9", "");
	expect(NULL, NULL, "anvil 0.1.0-dev, cloud 1.10.0");
	assert_int_equal(times_asked(), 2); /* the others have lost by their names */
	all.all_versions = true;
	expect_query(&all, "anvil 0.0.9, anvil 0.1.0-dev, cloud 1.2.0, cloud 1.9.3, cloud 1.10.0");
	expect(CLOUD, NULL, "cloud 1.10.0");
	expect(CLOUD, "~> 1.9.0", "cloud 1.9.3");
	expect(CLOUD, ">= 2", "");
	expect("github.com/acme/other", NULL, "");
	expect("example.org/acme/cloud", NULL, "");
}

/* A release that a development build leads up to meets what the release meets. */
static void test_prereleases(void **state)
{
	struct plugin_query q = query(CLOUD, ">= 1.1.0");

	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	install(CLOUD, "cloud", "1.1.0-dev", "");
	expect_query(&q, "cloud 1.1.0-dev");
	q.releases_only = true;
	expect_query(&q, "");
	install(CLOUD, "cloud", "1.1.0", "");
	q.releases_only = false;
	expect_query(&q, "cloud 1.1.0");
}

static void test_what_a_binary_is(void **state)
{
	AUTO(error) struct error *err = NULL;
	struct plugin_binary_list list = { 0 };
	struct plugin_query q = query(NULL, NULL);

	(void)state;
	install_answer(CLOUD, "cloud", "1.2.0",
		       "{\"version\":\"1.2.0+built.today\",\"sdk_version\":\"0.6.1\","
		       "\"api_version\":\"x5.0\",\"builders\":[\"b\",\"a\"],\"datasources\":null,"
		       "\"provisioners\":[\"-packer-default-plugin-name-\"],"
		       "\"post_processors\":[\"p\"],\"protocol_version\":\"v2\",\"new\":{}}");
	assert_int_equal(plugin_find(&q, NULL, &list, &err), 0);
	assert_int_equal(list.len, 1);

	const struct plugin_binary *b = list.items[0];

	assert_string_equal(b->source, CLOUD);
	assert_string_equal(path_basename(b->source), "cloud");
	assert_true(text_starts_with(b->path, plugins));
	assert_int_equal(strlen(b->digest), 64);
	assert_int_equal(b->version.segments[1], 2);
	assert_string_equal(b->about.version, "1.2.0+built.today");
	assert_string_equal(b->about.sdk_version, "0.6.1");
	assert_true(b->about.has_protobuf);
	assert_int_equal(b->about.builders.len, 2);
	assert_string_equal(b->about.builders.v[0], "a");
	assert_string_equal(b->about.provisioners.v[0], "-packer-default-plugin-name-");
	assert_string_equal(b->about.postprocs.v[0], "p");
	assert_int_equal(b->about.datasources.len, 0);
	plugin_binary_list_release(&list);
}

/* ---- what does not count ---------------------------------------------------------------- */

/* The only word about what is passed over contains `why`. */
static void expect_passed_over(const char *why)
{
	AUTO(strv) struct strv words = STRV_INIT;
	struct plugin_query q = query(NULL, NULL);

	q.passed_over = &words;
	expect_query(&q, "");
	assert_int_equal(words.len, 1);
	if (!strstr(words.v[0], why))
		fail_msg("'%s' does not say '%s'", words.v[0], why);
}

static void test_names_that_do_not_count(void **state)
{
	static const struct {
		const char *base, *why;
	} rows[] = {
		{ "packer-plugin-cloud_v1.0.0_x5.0_plan9_amd64", "the platform of this host" },
		{ "packer-plugin-cloud_v1.0_x5.0_%s", "MAJOR.MINOR.PATCH" },
		{ "packer-plugin-cloud_v1.0.0.0_x5.0_%s", "MAJOR.MINOR.PATCH" },
		{ "packer-plugin-cloud_v01.0.0_x5.0_%s", "MAJOR.MINOR.PATCH" },
		{ "packer-plugin-cloud_v1.0.0+meta_x5.0_%s", "metadata" },
		{ "packer-plugin-cloud_vlatest_x5.0_%s", "no version" },
		{ "packer-plugin-cloud_v1.0.0_x4.0_%s", "API x4.0" },
		{ "packer-plugin-cloud_v1.0.0_x5.1_%s", "API x5.1" },
		{ "packer-plugin-cloud_v1.0.0_5.0_%s", "no API version" },
		{ "packer-plugin-cloud_v1.0.0_x5_%s", "no API version" },
		{ "packer-plugin-cloud_v1.0.0_x5.-0_%s", "no API version" },
		{ "packer-plugin-cloud_v1.0.0_%s", "no API version" },
		{ "packer-plugin-cloud_%s", "its name is not" },
		{ "packer-plugin-_v1.0.0_x5.0_%s", "its name is not" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strbuf) struct strbuf base = STRBUF_INIT;
		AUTO(error) struct error *err = NULL;

		strbuf_addstr(&base, rows[i].base);
		strbuf_replace(&base, "%s", host_platform);

		AUTO_FREE char *path = install_script(CLOUD, base.buf, "#!/bin/sh\n");

		expect_passed_over(rows[i].why);
		assert_int_equal(fs_remove(path, &err), 0);
	}
}

static void test_contents_that_do_not_count(void **state)
{
	static const struct {
		const char *answer, *why;
	} rows[] = {
		{ "", "not JSON" },
		{ "[]", "no JSON object" },
		{ "{\"api_version\":\"x5.0\"}", "no version" },
		{ "{\"version\":\"1.0.0\"}", "no api_version" },
		{ "{\"version\":\"1.0.1\",\"api_version\":\"x5.0\"}", "version 1.0.1" },
		{ "{\"version\":\"1.0.0-dev\",\"api_version\":\"x5.0\"}", "version 1.0.0-dev" },
		{ "{\"version\":\"one\",\"api_version\":\"x5.0\"}", "version one" },
		{ "{\"version\":\"1.0.0\",\"api_version\":\"x5.1\"}", "API x5.1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		install_answer(CLOUD, "cloud", "1.0.0", rows[i].answer);
		expect_passed_over(rows[i].why);
	}
}

static void test_scripts_that_fail(void **state)
{
	static const struct {
		const char *script, *why;
	} rows[] = {
		{ "#!/bin/sh\necho no use >&2\nexit 3\n", "status 3: no use" },
		{ "#!/bin/sh\nwhile :; do echo 12345678901234567890; done\n",
		  "more than 1048576 bytes" },
		{ "\x7f"
		  "ELF",
		  "cannot ask plugin" },
	};
	AUTO_FREE char *base = xasprintf("packer-plugin-cloud_v1.0.0_x5.0_%s", host_platform);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		free(install_script(CLOUD, base, rows[i].script));
		expect_passed_over(rows[i].why);
	}
}

static void test_checksum_files(void **state)
{
	AUTO_FREE char *base = xasprintf("packer-plugin-cloud_v1.0.0_x5.0_%s", host_platform);
	AUTO_FREE char *path = xasprintf("%s/" CLOUD "/%s", plugins, base);
	AUTO_FREE char *sum_file = xasprintf("%s_SHA256SUM", path);
	AUTO_FREE char *zeros = xasprintf("%064d", 0);
	AUTO_FREE char *sum = NULL;
	AUTO(error) struct error *err = NULL;

	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	assert_int_equal(fs_digest(path, DIGEST_SHA256, NULL, &sum, &err), 0);
	write_file(sum_file, zeros, 0644);
	expect_passed_over("not 000000");
	write_file(sum_file, "00", 0644);
	expect_passed_over("does not begin with a SHA-256");
	assert_int_equal(fs_remove(sum_file, &err), 0);
	expect_passed_over("no checksum file");
	assert_int_equal(fs_mkdir(sum_file, 0777, &err), 0);
	expect_passed_over("does not begin with a SHA-256");
	assert_int_equal(fs_remove_tree(sum_file, &err), 0);
	assert_int_equal(mkfifo(sum_file, 0666), 0);
	expect_passed_over("does not begin with a SHA-256");
	assert_int_equal(fs_remove(sum_file, &err), 0);
	assert_int_equal(times_asked(), 0); /* nobody runs what nobody vouches for */

	for (char *p = sum; *p; p++)
		if (*p >= 'a' && *p <= 'f')
			*p &= ~0x20;

	AUTO_FREE char *more = xasprintf("%s  and more", sum);

	write_file(sum_file, more, 0644);
	expect(NULL, NULL, "cloud 1.0.0");
}

/* The next version takes the place of one that is damaged. */
static void test_next_best(void **state)
{
	AUTO_FREE char *best = xasprintf("%s/" CLOUD "/packer-plugin-cloud_v2.0.0_x5.0_%s", plugins,
					 host_platform);

	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	install(CLOUD, "cloud", "2.0.0", "");
	write_file(best, "damaged", 0755);
	expect(NULL, NULL, "cloud 1.0.0");
}

/* ---- places ----------------------------------------------------------------------------- */

static void test_places(void **state)
{
	AUTO(strbuf) struct strbuf deep = STRBUF_INIT;
	AUTO_FREE char *folder = xasprintf("%s/github.com/acme", plugins);
	AUTO_FREE char *file = path_join(folder, "cloud");
	AUTO_FREE char *round = path_join(folder, "round");

	(void)state;
	expect(NULL, NULL, "");
	install(".", "cloud", "1.0.0", "");
	expect_passed_over("not in a folder");
	strbuf_addstr(&deep, "a");
	for (int i = 1; i < 16; i++)
		strbuf_addstr(&deep, "/b");
	install(deep.buf, "deep", "1.0.0", "");
	strbuf_addstr(&deep, "/b");
	install(deep.buf, "deeper", "1.0.0", "");
	install("github.com/acme", "near", "1.0.0", "");
	write_file(file, "a file is in the way", 0644);
	assert_int_equal(symlink("..", round), 0);
	expect(NULL, NULL, "deep 1.0.0, near 1.0.0");
	expect("github.com/acme/near", NULL, "near 1.0.0");
}

static void test_linked_binary(void **state)
{
	AUTO_FREE char *base = xasprintf("packer-plugin-cloud_v1.0.0_x5.0_%s", host_platform);
	AUTO_FREE char *path = xasprintf("%s/" CLOUD "/%s", plugins, base);
	AUTO_FREE char *real = path_join(case_dir, "real");

	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink(real, path), 0);
	expect(NULL, NULL, "cloud 1.0.0");
}

static void test_bad_queries(void **state)
{
	static const char *const sources[] = {
		"",      "cloud",  "/a/b", "a/b/", "a//b", "../../cloud", "a/../../b/c",
		"./a/b", "a/b/..",
	};
	struct plugin_binary_list list = { 0 };
	struct plugin_query q = query(CLOUD, "latest");
	AUTO(error) struct error *e = NULL;

	(void)state;
	assert_int_equal(plugin_find(&q, NULL, &list, &e), -1);
	assert_int_equal(e->kind, ERROR_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		AUTO(error) struct error *err = NULL;

		q = query(sources[i], NULL);
		if (plugin_find(&q, NULL, &list, &err) == 0)
			fail_msg("accepted '%s'", sources[i]);
		assert_int_equal(err->kind, ERROR_INVALID);
	}
}

static void test_directory_is_a_file(void **state)
{
	struct plugin_binary_list list = { 0 };
	struct plugin_query q = query(NULL, NULL);
	AUTO(error) struct error *err = NULL;

	(void)state;
	write_file(plugins, "", 0644);
	assert_int_equal(plugin_find(&q, NULL, &list, &err), -1);
	assert_non_null(strstr(err->message, plugins));
}

static void test_cancelled(void **state)
{
	AUTO(cancel) struct cancel *c = cancel_new(NULL, DEADLINE_NEVER);
	struct plugin_binary_list list = { 0 };
	struct plugin_query q = query(NULL, NULL);
	AUTO(error) struct error *err = NULL;

	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	cancel_trigger(c);
	assert_int_equal(plugin_find(&q, c, &list, &err), -1);
	assert_int_equal(err->kind, ERROR_CANCELLED);
}

/* ---- the memory ------------------------------------------------------------------------- */

static char *remembered(void)
{
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *dir = path_join(cache, "plugins/describe");

	assert_int_equal(fs_walk_files(dir, &files, &err), 0);
	assert_int_equal(files.len, 1);
	assert_int_equal(strlen(path_basename(files.v[0])), strlen(".json") + 64);
	return xstrdup(files.v[0]);
}

static void test_asked_once(void **state)
{
	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	expect(NULL, NULL, "cloud 1.0.0");
	expect(NULL, NULL, "cloud 1.0.0");
	assert_int_equal(times_asked(), 1);

	AUTO_FREE char *file = remembered();

	write_file(file, "{\"version\":\"1.0.0\",\"api_ver", 0600);
	expect(NULL, NULL, "cloud 1.0.0");
	assert_int_equal(times_asked(), 2);
	expect(NULL, NULL, "cloud 1.0.0");
	assert_int_equal(times_asked(), 2);
}

static void test_not_executable(void **state)
{
	AUTO_FREE char *path = xasprintf("%s/" CLOUD "/packer-plugin-cloud_v1.0.0_x5.0_%s", plugins,
					 host_platform);

	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	expect(NULL, NULL, "cloud 1.0.0");
	assert_int_equal(chmod(path, 0644), 0);
	expect_passed_over("not executable"); /* though what it says is remembered */
}

static void test_asked_again_when_changed(void **state)
{
	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	expect(NULL, NULL, "cloud 1.0.0");
	install(CLOUD, "cloud", "1.0.0", ",\"builders\":[\"new\"]");
	expect(NULL, NULL, "cloud 1.0.0");
	assert_int_equal(times_asked(), 2);
}

static void test_no_memory(void **state)
{
	(void)state;
	install(CLOUD, "cloud", "1.0.0", "");
	write_file(cache, "no folder", 0644);
	expect(NULL, NULL, "cloud 1.0.0");
	free(TAKE(cache));
	expect(NULL, NULL, "cloud 1.0.0");
	assert_int_equal(times_asked(), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, case_setup, case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_best_of_each_name),
		TEST(test_prereleases),
		TEST(test_what_a_binary_is),
		TEST(test_names_that_do_not_count),
		TEST(test_contents_that_do_not_count),
		TEST(test_scripts_that_fail),
		TEST(test_checksum_files),
		TEST(test_next_best),
		TEST(test_places),
		TEST(test_linked_binary),
		TEST(test_bad_queries),
		TEST(test_directory_is_a_file),
		TEST(test_cancelled),
		TEST(test_asked_once),
		TEST(test_asked_again_when_changed),
		TEST(test_not_executable),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
