/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/config.h"
#include "plugin/registry.h"

static const struct builder_type file_builder = { .name = "file" };
static const struct builder_type qemu_builder = { .name = "qemu" };
static const struct builder_type *const builders[] = { &file_builder, &qemu_builder, NULL };
static const struct provisioner_type local_provisioner = { .name = "shell-local" };
static const struct provisioner_type *const provisioners[] = { &local_provisioner, NULL };
static const struct components builtins = { .builders = builders, .provisioners = provisioners };

/* Of github.com/acme/NAME; the names of builders and provisioners are separated by commas. */
static struct plugin_binary *binary(const char *name, const char *version, const char *b,
				    const char *p)
{
	struct plugin_binary *ret = NEW(struct plugin_binary);
	struct str one, rest;

	ret->name = xstrdup(name);
	ret->source = xasprintf("github.com/acme/%s", name);
	ret->version_text = xstrdup(version);
	strv_init(&ret->about.builders);
	strv_init(&ret->about.provisioners);
	strv_init(&ret->about.postprocs);
	strv_init(&ret->about.datasources);
	for (rest = str_of(b); rest.len;) {
		one = str_split(rest, ',', &rest);
		strv_push_take(&ret->about.builders, str_dup(one));
	}
	for (rest = str_of(p); rest.len;) {
		one = str_split(rest, ',', &rest);
		strv_push_take(&ret->about.provisioners, str_dup(one));
	}
	return ret;
}

/* What the plugin would be asked for, "VERSION COMPONENT"; "built in or nobody". Heap. */
static char *serves(const struct plugin_registry *r, enum component_kind kind, const char *key)
{
	const struct plugin_component *k = plugin_registry_find(r, kind, key);

	if (!k)
		return xstrdup("built in or nobody");
	assert_string_equal(k->key, key);
	assert_int_equal(k->kind, kind);
	return xasprintf("%s %s", k->binary->version_text, k->name);
}

static void expect(const struct plugin_registry *r, enum component_kind kind, const char *key,
		   const char *want)
{
	AUTO_FREE char *got = serves(r, kind, key);

	assert_string_equal(got, want);
}

static void expect_builder(const struct plugin_registry *r, const char *key, const char *want)
{
	expect(r, COMPONENT_BUILDER, key, want);
}

#define MAIN   "-packer-default-plugin-name-"
#define NOBODY "built in or nobody"

static void test_keys(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct config_plugin entry = { .accessor = "aws" };
	AUTO(strv) struct strv names = STRV_INIT;

	(void)state;
	plugin_registry_add_required(r, &entry, binary("cloud", "1", MAIN ",ebs,chroot", "ebs"));
	expect_builder(r, "aws", "1 " MAIN);
	expect_builder(r, "aws-ebs", "1 ebs");
	expect_builder(r, "cloud-ebs", NOBODY);
	expect_builder(r, "ebs", NOBODY);
	expect_builder(r, "aws-" MAIN, NOBODY);
	expect(r, COMPONENT_PROVISIONER, "aws-ebs", "1 ebs");
	expect(r, COMPONENT_PROVISIONER, "aws", NOBODY);
	expect(r, COMPONENT_POSTPROC, "aws-ebs", NOBODY);
	assert_ptr_equal(plugin_registry_find(r, COMPONENT_BUILDER, "aws")->required, &entry);
	plugin_registry_names(r, COMPONENT_BUILDER, &names);
	assert_int_equal(names.len, 3);
}

static void test_required_before_builtin_before_found(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct config_plugin entry = { .accessor = "qemu" };

	(void)state;
	plugin_registry_add_required(r, &entry, binary("qemu", "1", MAIN, ""));
	plugin_registry_add_found(r, binary("file", "2", MAIN ",more", ""));
	plugin_registry_add_found(r, binary("shell", "3", "local", "local"));
	expect_builder(r, "qemu", "1 " MAIN);
	expect_builder(r, "file", NOBODY);
	expect_builder(r, "file-more", "2 more");
	expect_builder(r, "shell-local", "3 local"); /* only a provisioner is called so */
	expect(r, COMPONENT_PROVISIONER, "shell-local", NOBODY);
	assert_null(plugin_registry_find(r, COMPONENT_BUILDER, "file-more")->required);
}

static void test_builtin_preferred(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct config_plugin entry = { .accessor = "qemu", .prefers_builtin = true };

	(void)state;
	plugin_registry_add_required(r, &entry, binary("qemu", "1", MAIN ",img", ""));
	plugin_registry_add_found(r, binary("qemu", "2", MAIN ",img,new", ""));
	expect_builder(r, "qemu", NOBODY);
	expect_builder(r, "qemu-img", "1 img");
	expect_builder(r, "qemu-new", NOBODY); /* the version that is required has none */
}

static void test_first_has_the_name(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct config_plugin first = { .accessor = "a" }, second = { .accessor = "a-b" };

	(void)state;
	plugin_registry_add_required(r, &first, binary("one", "1", "b-c", ""));
	plugin_registry_add_required(r, &second, binary("two", "2", "c,d", ""));
	plugin_registry_add_found(r, binary("a", "3", "b-d", ""));
	expect_builder(r, "a-b-c", "1 b-c");
	expect_builder(r, "a-b-d", "2 d");
}

/* Whoever requires a version gets it, by the plugin's own name, too. */
static void test_one_version(void **state)
{
	AUTO(plugin_registry) struct plugin_registry *r = plugin_registry_new(&builtins);
	const struct config_plugin entry = { .accessor = "old" };

	(void)state;
	plugin_registry_add_required(r, &entry, binary("cloud", "1", "vm", ""));
	plugin_registry_add_found(r, binary("cloud", "2", "vm", ""));
	expect_builder(r, "old-vm", "1 vm");
	expect_builder(r, "cloud-vm", "1 vm");
}

static void test_is_builtin(void **state)
{
	(void)state;
	assert_true(plugin_is_builtin(&builtins, "qemu"));
	assert_true(plugin_is_builtin(&builtins, "shell-local"));
	assert_true(plugin_is_builtin(&builtins, "shell"));
	assert_false(plugin_is_builtin(&builtins, "she"));
	assert_false(plugin_is_builtin(&builtins, "qemu-img"));
	assert_false(plugin_is_builtin(&builtins, "amazon"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_required_before_builtin_before_found),
		cmocka_unit_test(test_builtin_preferred),
		cmocka_unit_test(test_first_has_the_name),
		cmocka_unit_test(test_one_version),
		cmocka_unit_test(test_is_builtin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
