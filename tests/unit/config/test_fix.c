/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/data/fix/NAME.json becomes NAME.fixed.json, which the released tool
 * wrote. REGENERATE=1 rewrites them; the reviewer reads the difference.
 */
#include "config/fix/fix.h"

#include "base/alloc.h"
#include "base/str.h"
#include "os/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_file(const char *path)
{
	AUTO(strbuf) struct strbuf in = STRBUF_INIT;
	AUTO(strbuf) struct strbuf want = STRBUF_INIT;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *other =
		xasprintf("%.*s.fixed.json", (int)(strlen(path) - strlen(".json")), path);

	assert_int_equal(fs_read(path, FS_READ_MAX, &in, &e), 0);

	AUTO_FREE char *fixed = fix_template(in.buf, in.len, &e);

	assert_non_null(fixed);
	strbuf_addf(&got, "%s\n\n", fixed);
	if (getenv("REGENERATE"))
		assert_int_equal(fs_write(other, got.buf, got.len, 0644, &e), 0);
	assert_int_equal(fs_read(other, FS_READ_MAX, &want, &e), 0);
	assert_string_equal(got.buf, want.buf);
}

static void test_files(void **state)
{
	AUTO_FREE char *dir = xasprintf("%s/tests/data/fix", getenv("SRCDIR"));
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	int count = 0;

	assert_int_equal(fs_walk_files(dir, &files, &e), 0);
	for (size_t i = 0; i < files.len; i++) {
		if (text_ends_with(files.v[i], ".fixed.json"))
			continue;
		check_file(files.v[i]);
		count++;
	}
	assert_true(count >= 5);
}

static void check_error(const char *text, const char *want)
{
	AUTO(error) struct error *e = NULL;

	assert_null(fix_template(text, strlen(text), &e));
	assert_string_equal(e->message, want);
}

static void test_syntax_errors(void **state)
{
	check_error("", "Error parsing template: EOF");
	check_error(" \n", "Error parsing template: EOF");
	check_error("{", "Error parsing template: unexpected EOF");
	check_error("{\"a\"", "Error parsing template: unexpected EOF");
	check_error("{\"a\":1", "Error parsing template: unexpected EOF");
	check_error("{\"a\":x}",
		    "Error parsing template: invalid character 'x' looking for beginning of value");
	check_error("{\"a\":1e400}", "Error parsing template: json: cannot unmarshal number 1e400 "
				     "into Go value of type float64");
	check_error("[]", "Error parsing template: json: cannot unmarshal array into Go value of "
			  "type map[string]interface {}");
	check_error("3", "Error parsing template: json: cannot unmarshal number into Go value of "
			 "type map[string]interface {}");
	check_error("null", "Error parsing template: it is null");
}

static void test_type_errors(void **state)
{
	check_error("{\"builders\":[\"x\",null,{},3]}",
		    "Error fixing: 2 error(s) decoding:\n\n"
		    "* 'Builders[0]' expected a map, got 'string'\n"
		    "* 'Builders[3]' expected a map, got 'float64'");
	check_error("{\"builders\":{}}",
		    "Error fixing: 1 error(s) decoding:\n\n"
		    "* 'Builders': source data must be an array or slice, got map");
	check_error("{\"post-processors\":true}",
		    "Error fixing: 1 error(s) decoding:\n\n"
		    "* 'post-processors': source data must be an array or slice, got bool");
	check_error("{\"provisioners\":[{\"override\":3}]}",
		    "Error fixing: '' expected a map, got 'float64'");
	check_error("{\"builders\":[{\"type\":\"amazon-ebs\",\"ssh_private_ip\":\"may\\\"be\"}]}",
		    "Error fixing: ssh_private_ip is not a boolean, strconv.ParseBool: parsing "
		    "\"may\\\"be\": invalid syntax");
}

/* What ends the released tool. */
static void check_kept(const char *text)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *fixed = fix_template(text, strlen(text), &e);

	assert_non_null(fixed);
	for (char *p = fixed, *to = fixed;; p++) {
		if (*p != ' ' && *p != '\n')
			*to++ = *p;
		if (!*p)
			break;
	}
	assert_string_equal(fixed, text);
}

static void test_odd_types_are_kept(void **state)
{
	check_kept("{\"builders\":[null,{},{\"type\":3}]}");
	check_kept("{\"builders\":[{\"ssh_private_ip\":3,\"type\":\"amazon-ebs\"}]}");
	check_kept("{\"builders\":[{\"network\":\"x\",\"network_adapters\":{\"a\":1},"
		   "\"type\":\"vsphere-iso\"}]}");
	check_kept("{\"builders\":[],\"provisioners\":[{\"elevated_user\":3,"
		   "\"environment_vars\":[3],\"type\":\"powershell\"}]}");
}

static void test_deprecated_options(void **state)
{
	assert_true(fix_is_deprecated("transcend.qemu", "iso_md5"));
	assert_true(fix_is_deprecated("", "ssh_wait_timeout"));
	assert_true(fix_is_deprecated("mitchellh.amazonebs", "shutdown_behaviour"));
	assert_true(fix_is_deprecated("packer.post-processor.docker-import", "login_email"));
	assert_true(fix_is_deprecated("Azure.ResourceManagement.VMImage", "clean_image_name"));
	assert_true(fix_is_deprecated("jetbrains.vsphere", "disk_eagerly_scrub"));
	assert_false(fix_is_deprecated("packer.docker", "tag"));
	assert_false(fix_is_deprecated("packer.docker2", "login_email"));
	assert_false(fix_is_deprecated("transcend.qemu", "disk_size"));
	assert_false(fix_is_deprecated("transcend.qemu", ""));
	assert_false(fix_is_deprecated("Amazon", "shutdown_behaviour"));
}

static void test_table(void **state)
{
	size_t n = 0;

	for (const struct fixer *f = fixers; f->name; f++, n++) {
		assert_non_null(f->synopsis);
		assert_true(strlen(f->name) <= 26);
	}
	assert_int_equal(n, 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_syntax_errors),
		cmocka_unit_test(test_type_errors),
		cmocka_unit_test(test_odd_types_are_kept),
		cmocka_unit_test(test_deprecated_options),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
