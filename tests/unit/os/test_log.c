/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/log.h"

static char *dir, *path;
static struct redactor *redactor;

static int set_up(void **state)
{
	AUTO(error) struct error *err = NULL;

	if (fs_temp_dir("/tmp", "ingot-test-", &dir, &err) < 0)
		return -1;
	path = path_join(dir, "log");
	redactor = redactor_new();
	return log_open(path, redactor, &err);
}

static int tear_down(void **state)
{
	AUTO(error) struct error *err = NULL;

	log_close();
	redactor_free(redactor);
	free(path);

	int r = fs_remove_tree(dir, &err);

	free(dir);
	return r;
}

/* The whole file, without log_close(): fs_read() writes a line only after it has read. */
static char *content(void)
{
	AUTO(error) struct error *err = NULL;
	struct strbuf text = STRBUF_INIT;
	bool on = log_is_on;

	log_is_on = false;
	assert_int_equal(fs_read(path, FS_READ_MAX, &text, &err), 0);
	log_is_on = on;
	return strbuf_detach(&text);
}

/* What stands behind time and area in the last line. */
static char *last_text(const char *area)
{
	AUTO_FREE char *all = content();
	size_t len = strlen(all);

	assert_true(len && all[len - 1] == '\n');
	all[len - 1] = '\0';

	char *line = strrchr(all, '\n');
	char *text = strstr(line ? line + 1 : all, area);

	assert_non_null(text);
	return xstrdup(text + strlen(area));
}

#define assert_logged(area, text)                                                                  \
	do {                                                                                       \
		AUTO_FREE char *got_ = last_text(area);                                            \
		assert_string_equal(got_, text);                                                   \
	} while (0)

static void test_line(void **state)
{
	regex_t re;

	log_set_build("null.a");
	log_debug("proc", "%d started", 7);
	log_set_build(NULL);

	AUTO_FREE char *all = content();

	assert_int_equal(regcomp(&re,
				 "^[0-9]{4}/[01][0-9]/[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] "
				 "\\[[0-9]+\\.[0-9]{3}\\] null\\.a: proc: 7 started\n$",
				 REG_EXTENDED | REG_NOSUB),
			 0);
	assert_int_equal(regexec(&re, all, 0, NULL, 0), 0);
	regfree(&re);
	log_debug("x", "no build");
	assert_logged("] ", "x: no build");
}

static int evaluated(int *count)
{
	return ++*count;
}

static void test_off(void **state)
{
	int count = 0;

	log_debug("x", "%d", evaluated(&count));
	log_close();
	log_debug("x", "%d", evaluated(&count));
	log_ui(false, "nobody");
	assert_int_equal(count, 1);
	assert_logged("x: ", "1");
}

static void test_secrets(void **state)
{
	static const char secret[] = "p\"w\nsecond line", name[] = "hunter22";
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf words = STRBUF_INIT;

	redactor_add(redactor, secret, strlen(secret));
	redactor_add(redactor, name, strlen(name));
	log_debug("x", "a %s b %s c", secret, name);
	assert_logged("x: ", "a <sensitive> b <sensitive> c");
	log_ui(true, "hunter22");
	assert_logged("ui error: ", "<sensitive>");

	strv_pushl(&argv, "sh", "-c", "echo hunter22 'a b'", secret, "", "x=1", (char *)NULL);
	log_add_words(&words, &argv);
	log_debug("x", "%s", words.buf);
	assert_logged("x: ", "sh -c \"echo <sensitive> 'a b'\" \"<sensitive>\" \"\" x=1");
}

/* Cutting a long line must not leave the first half of a secret. */
static void test_long(void **state)
{
	enum { LENGTH = 32 * 1024 };
	AUTO_FREE char *text = xmalloc(LENGTH + 200);

	redactor_add(redactor, "0123456789", 10);
	memset(text, 'a', LENGTH - 5);
	strcpy(text + LENGTH - 5, "0123456789 and so on");
	log_debug("x", "%s", text);

	AUTO_FREE char *got = last_text("x: ");

	assert_null(strstr(got, "0123"));
	assert_true(text_ends_with(got, "a<sens... (16 bytes more)"));
}

static void test_one_line(void **state)
{
	log_debug("x", "a\nb\r\tc\033[31m\x7f\n\n");
	assert_logged("x: ", "a\\nb\\r\\tc\\x1b[31m\\x7f");
	log_debug("x", "%s", "");
	assert_logged("x:", " ");
}

static void test_urls(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "GET http://h/p", "GET http://h/p" },
		{ "https://user:pw@h:1/p?token=x&y=z next", "https://...@h:1/p?... next" },
		{ "(https://token@h)", "(https://...@h)" },
		{ "'http://h/a@b?c' 'ssh://u@h#frag'", "'http://h/a@b?...' 'ssh://...@h#...'" },
		{ "http://h?x@y", "http://h?..." },
		{ "a://b@c@d/", "a://...@d/" },
		{ "://", "://" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		log_debug("x", "%s", cases[i].text);
		assert_logged("x: ", cases[i].want);
	}
}

static void test_ignored_error(void **state)
{
	struct error *err = NULL;

	error_set(&err, ERROR_FAILED, "cannot do it");
	error_ignore(&err, "nobody needs it");
	assert_logged("error: ", "ignored (nobody needs it): cannot do it");
}

static void test_append_and_refusal(void **state)
{
	AUTO(error) struct error *err = NULL;

	log_debug("x", "one");
	log_close();
	assert_int_equal(log_open(path, NULL, &err), 0);
	log_debug("x", "two");

	AUTO_FREE char *all = content();

	assert_non_null(strstr(all, "x: one\n"));
	assert_non_null(strstr(all, "x: two\n"));
	log_close();
	assert_int_equal(log_open(dir, NULL, &err), -1);
	assert_false(log_is_on);
}

/* A disk that fills up and has room again; here: a limit to the size of files. */
static void test_full(void **state)
{
	struct rlimit before, small;

	(void)signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 100;
	log_debug("x", "first");
	setrlimit(RLIMIT_FSIZE, &small);
	for (int i = 0; i < 3; i++)
		log_debug("x", "a line that does not fit with all the others %d", i);
	setrlimit(RLIMIT_FSIZE, &before);
	log_debug("x", "room again");

	AUTO_FREE char *all = content();
	struct log_loss loss = log_close();

	assert_non_null(strstr(all, "first\n"));
	assert_non_null(strstr(all, "\n(3 lines are missing here)\n"));
	assert_true(text_ends_with(all, "x: room again\n"));
	assert_int_equal(loss.lines, 3);
	assert_int_equal(loss.os_errno, EFBIG);
}

enum { THREADS = 4, LINES = 200, WIDTH = 3000 };

static void *write_many(void *data)
{
	AUTO_FREE char *text = xmalloc(WIDTH + 1);

	memset(text, *(const char *)data, WIDTH);
	text[WIDTH] = '\0';
	log_set_build("b");
	for (int i = 0; i < LINES; i++)
		log_debug("x", "%s", text);
	return NULL;
}

static void test_threads(void **state)
{
	static const char letters[THREADS + 1] = "abcd";
	pthread_t threads[THREADS];
	size_t lines = 0;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, (void *)&letters[i]),
				 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	AUTO_FREE char *all = content();

	for (struct str rest = str_of(all), line; rest.len; lines++) {
		line = str_split(rest, '\n', &rest);

		AUTO_FREE char *one = str_dup(line);
		char *text = strstr(one, "b: x: ");

		assert_non_null(text);
		text += strlen("b: x: ");
		assert_int_equal(strlen(text), WIDTH);
		assert_int_equal(strspn(text, (char[]){ *text, '\0' }), WIDTH);
	}
	assert_int_equal(lines, THREADS * LINES);
}

#define LOG_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_line),
		LOG_TEST(test_off),
		LOG_TEST(test_secrets),
		LOG_TEST(test_long),
		LOG_TEST(test_one_line),
		LOG_TEST(test_urls),
		LOG_TEST(test_threads),
		LOG_TEST(test_full),
		LOG_TEST(test_append_and_refusal),
		LOG_TEST(test_ignored_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
