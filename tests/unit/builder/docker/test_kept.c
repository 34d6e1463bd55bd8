/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a container, and which images may be removed for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "../../temp_dir.h"
#include "base/alloc.h"
#include "base/path.h"
#include "builder/docker/kept.h"
#include "core/away_image.h"
#include "os/fs.h"

static void test_comes_back(void **state)
{
	AUTO(kept) struct kept k = KEPT_INIT, got = KEPT_INIT;
	struct error *err = NULL;

	assert_false(kept_is_in(dir));
	k.image = xstrdup("sha256:1");
	k.tool = xstrdup("podman");
	k.variant = xstrdup("debian:12");
	k.exec_user = xstrdup("app");
	k.source.id = xstrdup("sha256:0");
	strv_pushl(&k.source.cmd, "run", "", NULL);
	strv_push(&k.env, "CONTAINER_HOST=unix:///x");
	strv_pushl(&k.command, "-d", "debian:12", NULL);
	assert_int_equal(kept_write(dir, &k, &err), 0);
	assert_true(kept_is_in(dir));
	assert_int_equal(kept_read(dir, &got, &err), 0);
	assert_string_equal(got.image, "sha256:1");
	assert_string_equal(got.tool, "podman");
	assert_string_equal(got.exec_user, "app");
	assert_string_equal(got.source.id, "sha256:0");
	assert_null(got.source.digest);
	assert_int_equal(got.source.cmd.len, 2);
	assert_string_equal(got.env.v[0], "CONTAINER_HOST=unix:///x");
	assert_string_equal(got.command.v[1], "debian:12");
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"format\":1,\"tool\":\"docker\"}",
		"{\"format\":2,\"tool\":\"docker\",\"source\":{\"id\":\"sha256:0\"}}",
		"{\"format\":1,\"tool\":[],\"source\":{\"id\":\"sha256:0\"}}",
		/* an option is no image */
		"{\"format\":1,\"tool\":\"docker\",\"image\":\"-v/:/h\",\"source\":{\"id\":\"x\"}}",
		"{\"format\":1,\"tool\":\"docker\",\"source\":{\"id\":\"--privileged\"}}",
	};
	AUTO_FREE char *path = path_join(dir, "container.json");

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(kept) struct kept got = KEPT_INIT;
		AUTO(error) struct error *err = NULL;

		assert_int_equal(fs_write(path, texts[i], strlen(texts[i]), 0600, &err), 0);
		assert_int_equal(kept_read(dir, &got, &err), -1);
		assert_int_equal(err->kind, ERROR_INVALID);
	}
}

static bool may_be_removed(const char *tool, const char *name)
{
	const struct away_image i = { .tool = tool, .name = name };
	json_t *note = away_image_note(&i, NULL);
	struct away_image got;
	bool ok = away_image_read(note, &got);

	json_decref(note);
	return ok;
}

/* A note can be written by whoever can write to the store. */
static void test_only_ours(void **state)
{
	assert_true(may_be_removed("docker", "ingot-step:0123456789abcdef0123"));
	assert_true(may_be_removed("/usr/bin/podman", "ingot-step:0"));
	assert_false(may_be_removed("docker", "debian:12"));
	assert_false(may_be_removed("docker", "ingot-step:"));
	assert_false(may_be_removed("docker", "ingot-step:latest"));
	assert_false(may_be_removed("docker", "ingot-step:0 debian"));
	assert_false(may_be_removed("docker", "--force"));
	assert_false(may_be_removed("rm", "ingot-step:0"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_comes_back),
		TEST(test_nonsense),
		cmocka_unit_test(test_only_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
