/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "provisioner/file.h"

static int run(struct bench *b, struct file_config c, struct error **err)
{
	bench_prepare(b, &provisioner_file, &c);
	assert_int_equal(b->diags.len, 0);
	return provisioner_file.run(&c, &b->ctx, err);
}

static void test_upload(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *a = bench_file(b, "a", "AA");
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, (struct file_config){ .source = a, .destination = "/x" }, &e), 0);
	assert_int_equal(
		run(b, (struct file_config){ .sources = LIST(a), .destination = "/d/" }, &e), 0);
	bench_expect(b, "say Uploading TMP => /x\nupload /x 0: AA\n"
			"say Uploading TMP => /d/\nupload /d/a 0: AA\n");
}

static void test_upload_dir(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *slash = xasprintf("%s/", b->dir);
	AUTO_FREE char *want = xasprintf("say Uploading %s => /x\nupload_dir %s /x\n"
					 "say Uploading %s/ => /x\nupload_dir %s/ /x\n",
					 b->dir, b->dir, b->dir, b->dir);
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, (struct file_config){ .source = b->dir, .destination = "/x" }, &e),
			 0);
	assert_int_equal(run(b, (struct file_config){ .source = slash, .destination = "/x" }, &e),
			 0);
	assert_string_equal(b->log.buf, want);
}

static void test_content(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;

	assert_int_equal(run(b, (struct file_config){ .content = "text", .destination = "/x" }, &e),
			 0);
	bench_expect(b, "say Uploading TMP => /x\nupload /x 0: text\n");
}

static void test_hint(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *a = bench_file(b, "a", "");
	const struct bench_answer uploads[] = {
		{ .fail = "scp: /tmp: Is a directory", .kind = ERROR_REMOTE },
	};
	AUTO(error) struct error *e = NULL;

	b->uploads = uploads;
	b->upload_count = 1;
	assert_int_equal(run(b, (struct file_config){ .source = a, .destination = "/tmp" }, &e),
			 -1);
	assert_string_equal(e->message, "Upload failed: scp: /tmp: Is a directory");
	assert_non_null(strstr(e->hint, "slash"));
}

static void test_download(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *new = xasprintf("%s/new/dir/", b->dir);
	AUTO_FREE char *want = xasprintf("say Downloading /etc/a => %s/new/dir/a\n"
					 "download /etc/a %s/new/dir/a\n",
					 b->dir, b->dir);

	assert_int_equal(run(b,
			     (struct file_config){ .direction = "download",
						   .source = "/etc/a",
						   .destination = new },
			     &e),
			 0);
	assert_string_equal(b->log.buf, want);
	assert_true(fs_exists(new));
}

/* A tree ends the list: what follows is ignored. */
static void test_download_tree(void **state)
{
	struct bench *b = *state;
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *to = xasprintf("%s/d/", b->dir);

	assert_int_equal(run(b,
			     (struct file_config){ .direction = "download",
						   .sources = LIST("/a", "/logs/", "/b"),
						   .destination = to },
			     &e),
			 0);
	bench_expect(b, "say Downloading /a => TMP\ndownload /a TMP\n"
			"say Downloading /logs/ => TMP\ndownload_dir /logs/ TMP\n");
}

static void prepare_says(struct bench *b, struct file_config c, const char *want)
{
	bench_prepare(b, &provisioner_file, &c);
	bench_expect_diag(b, want);
	diags_release(&b->diags);
}

static void test_prepare(void **state)
{
	struct bench *b = *state;
	AUTO_FREE char *a = bench_file(b, "a", "");

	prepare_says(b, (struct file_config){ .direction = "up", .source = a, .destination = "/x" },
		     "Direction must be one of: download, upload.");
	prepare_says(b, (struct file_config){ .source = a }, "Destination must be specified.");
	prepare_says(b, (struct file_config){ .source = a, .content = "x", .destination = "/x" },
		     "source(s) conflicts with content.");
	prepare_says(b, (struct file_config){ .source = "nope", .destination = "/x" },
		     "Bad source 'nope': stat nope: no such file or directory");
	prepare_says(b, (struct file_config){ .destination = "/x" }, "Nothing to copy");
	bench_prepare(
		b, &provisioner_file,
		&(struct file_config){ .source = "nope", .destination = "/x", .generated = true });
	assert_int_equal(b->diags.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(test_upload),  BENCH(test_upload_dir), BENCH(test_content),
		BENCH(test_hint),    BENCH(test_download),   BENCH(test_download_tree),
		BENCH(test_prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
