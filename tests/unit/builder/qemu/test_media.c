/* SPDX-License-Identifier: Apache-2.0 */
/* The writers of media, read back by the usual programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder/qemu/fat_image.h"
#include "builder/qemu/file_tree.h"
#include "builder/qemu/iso_image.h"
#include "lab.h"

static void shell(const struct lab *lab, const char *script, struct strbuf *out)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct proc_run run = { .spec = { .argv = &argv, .dir = lab->dir } };

	strv_pushl(&argv, "/bin/sh", "-ec", script, NULL);
	run.output = out;
	if (proc_run(&run, NULL, NULL, &err) < 0)
		fail_msg("%s", err->message);
}

static int setup(void **state)
{
	static struct lab lab;

	lab_open(&lab);
	shell(&lab,
	      "mkdir -p d/e loop; echo 1 >d/one; echo 2 >d/e/two; echo 3 >d/.hidden; ln -s .. "
	      "loop/up;"
	      "echo 4 >user-data; ln -s user-data link; ln -s e d/le; echo b >b.txt; echo a >a.txt",
	      NULL);
	*state = &lab;
	return 0;
}

static int teardown(void **state)
{
	lab_close(*state);
	return 0;
}

static void check_tree(const struct lab *lab, const char *path, enum tree_mode mode,
		       const char *want)
{
	AUTO(file_tree) struct file_tree t = FILE_TREE_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf got = STRBUF_INIT;

	if (file_tree_add(&t, lab->dir, path, mode, &err) < 0)
		fail_msg("%s", err->message);
	file_tree_sort(&t);
	for (size_t i = 0; i < t.nodes.len; i++) {
		const struct file_node *n = t.nodes.entries[i].value;

		strbuf_addf(&got, "%s%s ", t.nodes.entries[i].key, n->is_dir ? "/" : "");
	}
	assert_string_equal(got.buf, want);
}

static void test_collect(void **state)
{
	const char *deep = "d/ d/.hidden d/e/ d/e/two d/le/ d/le/two d/one ";

	check_tree(*state, "user-data", TREE_DEEP_OPEN, "user-data ");
	check_tree(*state, "./link", TREE_DEEP_OPEN, "link ");
	check_tree(*state, "d", TREE_DEEP_OPEN, deep);
	check_tree(*state, "d/", TREE_DEEP, deep);
	check_tree(*state, "d/", TREE_DEEP_OPEN, ".hidden e/ e/two le/ le/two one ");
	check_tree(*state, "d", TREE_FLAT, ".hidden one two ");
	check_tree(*state, "[ab].txt", TREE_DEEP_OPEN, "a.txt b.txt ");
	check_tree(*state, "?/e", TREE_DEEP_OPEN, "e/ e/two ");
	check_tree(*state, "no*", TREE_DEEP_OPEN, "");
}

static void test_collect_refuses(void **state)
{
	const struct lab *lab = *state;
	AUTO(file_tree) struct file_tree t = FILE_TREE_INIT;
	AUTO(error) struct error *err = NULL;

	assert_int_equal(file_tree_add(&t, lab->dir, "loop", TREE_DEEP, &err), -1);
	assert_non_null(strstr(err->message, "does a link lead back"));
	error_ignore(&err, "expected");
	assert_int_equal(file_tree_add(&t, lab->dir, "absent", TREE_DEEP, &err), -1);
	error_ignore(&err, "expected");
	assert_int_equal(file_tree_check(lab->dir, "absent", &err), -1);
	assert_string_equal(err->message, "stat absent: no such file or directory");
	error_ignore(&err, "expected");
	assert_int_equal(file_tree_add_text(&t, "../f", "x", &err), 0);
	assert_true(map_has(&t.nodes, "f"));
	assert_int_equal(file_tree_add_text(&t, "f/below", "x", &err), -1);
	assert_string_equal(err->message, "'f' is both a file and a directory");
}

static void make_iso(const struct lab *lab, const char *name)
{
	AUTO(file_tree) struct file_tree t = FILE_TREE_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO_FREE char *path = path_join(lab->dir, name);

	if (file_tree_add(&t, lab->dir, "d", TREE_DEEP_OPEN, &err) < 0 ||
	    file_tree_add(&t, lab->dir, "user-data", TREE_DEEP_OPEN, &err) < 0 ||
	    file_tree_add_text(&t, "user-data", "text\n", &err) < 0 ||
	    file_tree_add_text(&t, "new/empty", "", &err) < 0 ||
	    iso_image_write(path, "cidata Lower", &t, NULL, &err) < 0)
		fail_msg("%s", err->message);
}

static void test_iso(void **state)
{
	const struct lab *lab = *state;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;

	make_iso(lab, "x.iso");
	shell(lab, "dd if=x.iso bs=1 skip=32808 count=32 2>/dev/null", &out);
	assert_string_equal(out.buf, "cidata Lower                    ");
	if (!lab_has("xorriso"))
		return;
	strbuf_truncate(&out, 0);
	shell(lab,
	      "xorriso -indev x.iso -find / -type f 2>/dev/null | LC_ALL=C sort | tr '\\n' ' ';"
	      "xorriso -osirrox on -indev x.iso -extract / got >/dev/null 2>&1;"
	      "cat got/user-data got/d/e/two; chmod -R u+w got",
	      &out);
	assert_string_equal(out.buf, "'/d/.hidden' '/d/e/two' '/d/le/two' '/d/one' '/new/empty' "
				     "'/user-data' text\n2\n");
}

static void test_floppy(void **state)
{
	const struct lab *lab = *state;
	AUTO(file_tree) struct file_tree t = FILE_TREE_INIT;
	AUTO(error) struct error *err = NULL;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT;
	AUTO_FREE char *path = path_join(lab->dir, "x.img");
	AUTO_FREE char *big = xcalloc(1, 2001);

	memset(big, 'x', 2000);
	if (file_tree_add(&t, lab->dir, "d", TREE_DEEP, &err) < 0 ||
	    file_tree_add_text(&t, "Autounattend.xml", big, &err) < 0 ||
	    file_tree_add_text(&t, "Autounattended.xml", "2nd", &err) < 0 ||
	    file_tree_add_text(&t, "SHORT.TXT", "s", &err) < 0 ||
	    file_tree_add_text(&t, "empty", "", &err) < 0 ||
	    file_tree_add_text(&t, "a \xc3\xa9 [1].txt", "u", &err) < 0 ||
	    fat_image_write(path, "Answers", &t, NULL, &err) < 0)
		fail_msg("%s", err->message);
	shell(lab, "wc -c <x.img; dd if=x.img bs=1 skip=43 count=11 2>/dev/null", &out);
	assert_string_equal(out.buf, "1474560\nAnswers    ");
	if (!lab_has("mcopy") || !lab_has("fsck.fat"))
		return;
	strbuf_truncate(&out, 0);
	shell(lab,
	      "/sbin/fsck.fat -n x.img >fsck || { cat fsck; exit 1; }; grep -ci differ fsck || "
	      "true;"
	      "export LC_ALL=C.UTF-8; mkdir fat; mcopy -s -i x.img :: fat/;"
	      "cd fat; find . -type f | LC_ALL=C sort; wc -c <Autounattend.xml;"
	      "cat Autounattended.xml d/e/two; mdir -i ../x.img :: | grep -o 'AUTOUN~. XML'",
	      &out);
	assert_string_equal(out.buf, "0\n./Autounattend.xml\n./Autounattended.xml\n./SHORT.TXT\n"
				     "./a \xc3\xa9 [1].txt\n./d/.hidden\n./d/e/two\n"
				     "./d/le/two\n./d/one\n./empty\n2000\n2nd2\nAUTOUN~1 XML\n"
				     "AUTOUN~2 XML\n");
}

static void test_floppy_refuses(void **state)
{
	const struct lab *lab = *state;
	static const struct {
		const char *name, *second;
		size_t size;
		const char *want;
	} rows[] = {
		{ "f", NULL, 1457664, NULL },
		{ "f", NULL, 1457665,
		  "the files take 1458176 bytes, 512 more than fit on a floppy disk" },
		{ "Name", "nAME", 1, "'Name' and 'nAME' are the same name on a floppy disk" },
		{ "a:b", NULL, 1, "a floppy disk cannot have the name 'a:b'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(file_tree) struct file_tree t = FILE_TREE_INIT;
		AUTO(error) struct error *err = NULL;
		AUTO_FREE char *path = path_join(lab->dir, "y.img");
		AUTO_FREE char *text = xcalloc(1, rows[i].size + 1);

		memset(text, 'x', rows[i].size);
		if (file_tree_add_text(&t, rows[i].name, text, &err) < 0 ||
		    (rows[i].second && file_tree_add_text(&t, rows[i].second, "", &err) < 0))
			fail_msg("%s", err->message);
		assert_int_equal(fat_image_write(path, "", &t, NULL, &err), rows[i].want ? -1 : 0);
		if (rows[i].want)
			assert_string_equal(err->message, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collect),
		cmocka_unit_test(test_collect_refuses),
		cmocka_unit_test(test_iso),
		cmocka_unit_test(test_floppy),
		cmocka_unit_test(test_floppy_refuses),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
