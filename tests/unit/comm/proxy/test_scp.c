/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of scp hears. There is no client and no SSH: the functions of job.h are our own. */
#include "base/alloc.h"
#include "base/path.h"
#include "comm/proxy/scp_server.h"
#include "os/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the client sends is one zero after the other, after `sent`. */
static struct {
	const char *sent;
	struct strbuf heard;
} client;

ssize_t job_read(struct job *j, void *buf, size_t len)
{
	(void)j;
	assert_true(len > 0);
	*(char *)buf = *client.sent ? *client.sent++ : '\0';
	return 1;
}

int job_write(struct job *j, bool is_stderr, const void *bytes, size_t len)
{
	(void)j;
	assert_false(is_stderr);
	strbuf_add(&client.heard, bytes, len);
	return 0;
}

void proxy_set_trouble(struct proxy *p, const char *text)
{
	(void)p;
	assert_non_null(text);
}

static int exec_well(struct comm *m, const struct comm_cmd *cmd, struct cancel *c, int *ret_status,
		     struct error **err)
{
	(void)m;
	(void)cmd;
	(void)c;
	(void)err;
	*ret_status = 0;
	return 0;
}

static int upload_nothing(struct comm *m, const struct comm_upload *up, const char *dst,
			  struct cancel *c, struct error **err)
{
	(void)m;
	(void)up;
	(void)c;
	return error_set(err, ERROR_REMOTE, "no '%s':\nthe disk\nis full\n", dst);
}

/* A folder with one file, whose name goes on with a line of the protocol. */
static int download_folder(struct comm *m, const char *src, const char *dst, struct cancel *c,
			   struct error **err)
{
	AUTO_FREE char *dir = path_join(dst, path_basename(src)),
		       *file = path_join(dir, "x\nC0600 0 y");

	(void)m;
	(void)c;
	assert_string_equal(src, "/etc/ab");
	return fs_mkdir(dir, 0700, err) < 0 ? -1 : fs_write(file, "z", 1, 0600, err);
}

static const struct comm_ops ops = {
	.exec = exec_well,
	.upload = upload_nothing,
	.download_dir = download_folder,
};

/* `heard`: zeros are written as '0'. */
static void expect(const char *command, const char *sent, const char *heard)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *dir = NULL, *secret = NULL;
	struct comm machine = { .ops = &ops };
	struct scp_request r;

	assert_int_equal(fs_temp_dir("/tmp", "ingot-scp-", &dir, &e), 0);
	secret = path_join(dir, "secret");
	assert_int_equal(fs_write(secret, "s", 1, 0600, &e), 0);
	client.sent = sent;
	strbuf_init(&client.heard);
	assert_true(scp_request_parse(&r, command));

	struct job j = { .comm = &machine, .temp_dir = dir };

	assert_int_equal(scp_serve(&j, &r), 1);
	for (size_t i = 0; i < client.heard.len; i++)
		if (!client.heard.buf[i])
			client.heard.buf[i] = '0';
	assert_string_equal(client.heard.buf, heard);
	strbuf_release(&client.heard);
	scp_request_release(&r);
	assert_int_equal(fs_remove_tree(dir, &e), 0);
}

/* Else its second line would be the answer to what comes next. */
static void test_long_error(void **state)
{
	(void)state;
	expect("scp -t 'a\nb'", "C0644 1 x\n.", "00\1scp: no 'a b': the disk is full\n");
}

/* What is above our own temporary folder is no business of a client. */
static void test_no_name(void **state)
{
	static const char *const paths[] = { "..", "/etc/..", "../", ".", "/", "~" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		AUTO_FREE char *command = xasprintf("scp -r -f %s", paths[i]);
		AUTO_FREE char *answer =
			xasprintf("\1scp: %s: a copy of it has no name: give the name of the "
				  "folder\n",
				  *paths[i] == '~' ? "." : paths[i]);

		expect(command, "", answer);
	}
}

static void test_names(void **state)
{
	(void)state;
	expect("scp -r -f /etc/ab/", "",
	       "D0700 0 ab\n\1scp: x C0600 0 y: scp has no way to say a name of two lines\nE\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_error),
		cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
