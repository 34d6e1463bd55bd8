/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of packages, in real directories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/path.h"
#include "builder/bootstrap/debs.h"
#include "os/fs.h"
#include "sample.h"

struct room {
	char *dir, *from, *to;
	struct host_dirs dirs;
	struct build_ctx ctx;
	struct bootstrap config;
};

static void open_room(struct room *r)
{
	AUTO(error) struct error *err = NULL;

	*r = (struct room){ .config = sample_config() };
	assert_int_equal(fs_temp_dir("/tmp", "debs", &r->dir, &err), 0);
	r->from = path_join(r->dir, "from");
	r->to = path_join(r->dir, "to");
	r->dirs.cache = path_join(r->dir, "cache");
	r->ctx.dirs = &r->dirs;
	assert_int_equal(fs_mkdir_all(r->from, 0755, &err), 0);
	assert_int_equal(fs_mkdir_all(r->to, 0755, &err), 0);
}

static void close_room(struct room *r)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_remove_tree(r->dir, &err), 0);
	free(r->dir);
	free(r->from);
	free(r->to);
	free(r->dirs.cache);
}

static void put(const char *dir, const char *name, const char *text)
{
	AUTO_FREE char *path = path_join(dir, name);
	AUTO(error) struct error *err = NULL;

	assert_int_equal(fs_write(path, text, strlen(text), 0644, &err), 0);
}

static size_t take(struct room *r)
{
	AUTO(error) struct error *err = NULL;
	size_t n = 0;

	assert_int_equal(debs_take(&r->config, &r->ctx, r->to, &n, &err), 0);
	return n;
}

static void keep(struct room *r)
{
	AUTO(error) struct error *err = NULL;

	assert_int_equal(debs_keep(&r->config, &r->ctx, r->from, &err), 0);
}

static void test_round_trip(void **state)
{
	struct room r;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *err = NULL;

	(void)state;
	open_room(&r);
	assert_int_equal(take(&r), 0); /* no cache yet */
	put(r.from, "a_1_amd64.deb", "content of a");
	put(r.from, "b_1%3a2_all.deb", "content of b");
	put(r.from, "lock", "");
	keep(&r);
	keep(&r);
	assert_int_equal(take(&r), 2);

	AUTO_FREE char *a = path_join(r.to, "a_1_amd64.deb");

	assert_int_equal(fs_read(a, 100, &text, &err), 0);
	assert_string_equal(text.buf, "content of a");
	close_room(&r);
}

static void test_damage(void **state)
{
	struct room r;
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *err = NULL;

	(void)state;
	open_room(&r);
	put(r.from, "a_1_amd64.deb", "content of a");
	keep(&r);
	assert_int_equal(fs_walk_files(r.dirs.cache, &files, &err), 0);
	for (size_t i = 0; i < files.len; i++)
		if (strstr(files.v[i], "a_1_amd64.deb"))
			assert_int_equal(fs_write(files.v[i], "content of x", 12, 0644, &err), 0);
	assert_int_equal(take(&r), 0);

	AUTO_FREE char *a = path_join(r.to, "a_1_amd64.deb");

	assert_false(fs_exists(a));
	assert_int_equal(take(&r), 0); /* thrown away */
	keep(&r);
	assert_int_equal(take(&r), 1);
	close_room(&r);
}

/* Another archive may have other content under the same name. */
static void test_archives_apart(void **state)
{
	struct room r;

	(void)state;
	open_room(&r);
	put(r.from, "a_1_amd64.deb", "content of a");
	keep(&r);
	r.config.mirror = "http://example.org/debian";
	assert_int_equal(take(&r), 0);
	close_room(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_archives_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
