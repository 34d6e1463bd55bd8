/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/saved.h"
#include "lab.h"

static void fill(struct saved *s)
{
	struct layer_chain *c = vec_push(&s->disks);

	s->qemu = xstrdup("7.2.0");
	s->binary = xstrdup("qemu-system-x86_64");
	s->accel = xstrdup("tcg");
	s->machine_type = xstrdup("pc");
	s->vm_name = xstrdup("web");
	s->comm = xstrdup("ssh");
	s->guest_port = 22;
	s->has_state = true;
	strv_pushl(&s->memory, "cc.memory", "dd.memory", NULL);
	s->made = 1234567890123456789;
	strv_pushl(&s->argv, "qemu-system-x86_64", "-drive", "file=@{disk0}", NULL);
	*c = (struct layer_chain){ .base = xstrdup("base-1"),
				   .base_format = xstrdup("raw"),
				   .frozen = STRV_INIT,
				   .size = (int64_t)5 << 30 };
	strv_pushl(&c->frozen, "aa.qcow2", "bb.qcow2", NULL);
}

static void test_there_and_back(void **state)
{
	struct lab lab;
	AUTO(saved) struct saved s = SAVED_INIT, back = SAVED_INIT;
	AUTO(error) struct error *err = NULL;
	struct stat st;

	lab_open(&lab);
	AUTO_FREE char *path = path_join(lab.dir, SAVED_MACHINE);

	fill(&s);
	if (saved_write(lab.dir, &s, &err) < 0 || saved_read(lab.dir, &back, &err) < 0)
		fail_msg("%s", err->message);
	assert_return_code(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600); /* it may have a private key */
	assert_string_equal(back.vm_name, "web");
	assert_null(back.cpu);
	assert_null(back.private_pem);
	assert_true(back.has_state);
	assert_int_equal(back.memory.len, 2);
	assert_string_equal(back.memory.v[1], "dd.memory");
	assert_int_equal(back.made, s.made);
	assert_int_equal(back.argv.len, 3);
	assert_string_equal(back.argv.v[2], "file=@{disk0}");
	assert_int_equal(back.disks.len, 1);
	assert_int_equal(back.disks.items[0].size, (int64_t)5 << 30);
	assert_string_equal(back.disks.items[0].base_format, "raw");
	assert_int_equal(back.disks.items[0].frozen.len, 2);
	assert_string_equal(back.disks.items[0].frozen.v[1], "bb.qcow2");
	lab_close(&lab);
}

static void test_nonsense(void **state)
{
	static const char head[] = "{\"format\": 1, \"qemu\": \"7\", \"binary\": \"q\", \"accel\": "
				   "\"tcg\", \"machine_type\": \"pc\", \"vm_name\": \"v\", "
				   "\"communicator\": \"ssh\", \"disks\": ";
	static const char *const bad[] = {
		"[]}",
		"[{\"layers\": [], \"size\": 1}]}",
		"[{\"layers\": [\"../../etc/passwd\"], \"size\": 1}]}",
		"[{\"layers\": [\"a.qcow2\"], \"size\": 1, \"base\": \"x/y\", \"base_format\": "
		"\"raw\"}]}",
		"[{\"layers\": [1], \"size\": 1}]}",
		"[{\"layers\": [\"a.qcow2\"], \"size\": 1}",
	};
	struct lab lab;
	AUTO(error) struct error *err = NULL;

	lab_open(&lab);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_FREE char *text = xasprintf("%s%s", head, bad[i]);
		AUTO_FREE char *path = lab_file(&lab, SAVED_MACHINE, text, 0600);
		AUTO(saved) struct saved s = SAVED_INIT;

		assert_int_equal(saved_read(lab.dir, &s, &err), -1);
		assert_int_equal(err->kind, ERROR_INVALID);
		error_ignore(&err, "as it should be");
	}
	lab_close(&lab);
}

static void test_absent(void **state)
{
	struct lab lab;
	AUTO(saved) struct saved s = SAVED_INIT;
	AUTO(error) struct error *err = NULL;

	lab_open(&lab);
	assert_int_equal(saved_read(lab.dir, &s, &err), -1);
	assert_int_equal(err->kind, ERROR_INVALID);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
