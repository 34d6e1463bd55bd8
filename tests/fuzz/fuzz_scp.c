/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything at all as the command line of a client (the first line), and as what
 * it sends when that asks for scp. Whatever it says, our own files stay as they
 * are and are not told, and it always knows where an answer ends. The machine is
 * as hostile in its names. This program has no SSH: job.h's functions are its own.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "comm/proxy/scp_server.h"
#include "comm/proxy/words.h"
#include "os/fs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "what lies beside it"
#define NASTY  "x\nC0600 0 y"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct client {
	const char *at, *end;
	struct strbuf heard;
	char *dir;
} client;

static void require(bool ok)
{
	if (!ok)
		abort();
}

ssize_t job_read(struct job *j, void *buf, size_t len)
{
	size_t n = MIN(len, (size_t)(client.end - client.at));

	(void)j;
	memcpy(buf, client.at, n);
	client.at += n;
	return (ssize_t)n;
}

int job_write(struct job *j, bool is_stderr, const void *bytes, size_t len)
{
	(void)j;
	require(!is_stderr);
	strbuf_add(&client.heard, bytes, len);
	return 0;
}

void proxy_set_trouble(struct proxy *p, const char *text)
{
	(void)p;
	require(*text);
}

/* ---- the machine -------------------------------------------------------------------------- */

static void require_below(const char *path)
{
	AUTO_FREE char *clean = path_clean(path);

	require(path_is_below(clean, client.dir) && !text_eq(clean, client.dir));
}

static int machine_exec(struct comm *m, const struct comm_cmd *cmd, struct cancel *c,
			int *ret_status, struct error **err)
{
	static const int answers[] = { 0, 1, 9 };
	size_t n = strlen(cmd->command) % 4;

	(void)m;
	(void)c;
	if (n == ARRAY_LEN(answers))
		return error_set(err, ERROR_REMOTE, "no '%s'\nat all", cmd->command);
	*ret_status = answers[n];
	return 0;
}

static int machine_upload(struct comm *m, const struct comm_upload *up, const char *dst,
			  struct cancel *c, struct error **err)
{
	(void)m;
	(void)c;
	if (up->path)
		require_below(up->path);
	return strlen(dst) % 2 ? 0 : error_set(err, ERROR_REMOTE, "no '%s'", dst);
}

static int machine_upload_dir(struct comm *m, const char *src, const char *dst, struct cancel *c,
			      struct error **err)
{
	(void)m;
	(void)c;
	require_below(src);
	return strlen(dst) % 2 ? 0 : error_set(err, ERROR_REMOTE, "no '%s'", dst);
}

static int machine_download(struct comm *m, const char *src, const char *dst, struct cancel *c,
			    struct error **err)
{
	(void)m;
	(void)src;
	(void)c;
	require_below(dst);
	return fs_write(dst, "z", 1, 0600, err);
}

static int machine_download_dir(struct comm *m, const char *src, const char *dst, struct cancel *c,
				struct error **err)
{
	AUTO_FREE char *clean = path_clean(src), *dir = path_join(dst, path_basename(clean)),
		       *file = path_join(dir, NASTY);

	(void)m;
	(void)c;
	require_below(dir);
	return fs_mkdir_all(dir, 0700, err) < 0 ? -1 : fs_write(file, "z", 1, 0600, err);
}

static const struct comm_ops machine_ops = {
	.exec = machine_exec,
	.upload = machine_upload,
	.upload_dir = machine_upload_dir,
	.download = machine_download,
	.download_dir = machine_download_dir,
};

/* ---- what the client hears ---------------------------------------------------------------- */

/* Of an upload: a zero, or a line that complains. */
static void check_answers(const struct strbuf *heard)
{
	const char *p = heard->buf, *end = p + heard->len;

	while (p < end) {
		if (!*p++)
			continue;
		require(p[-1] == 1 && text_starts_with(p, "scp: "));
		p = memchr(p, '\n', (size_t)(end - p));
		require(p++);
	}
}

static void serve(const struct scp_request *r)
{
	struct comm machine = { .ops = &machine_ops };
	AUTO_FREE char *temp = path_join(client.dir, "temp"), *secret = path_join(temp, "secret");
	struct job j = { .comm = &machine, .temp_dir = temp };
	AUTO(error) struct error *err = NULL;
	AUTO(strv) struct strv left = STRV_INIT;

	require(fs_mkdir(temp, 0700, &err) == 0);
	require(fs_write(secret, SECRET, strlen(SECRET), 0600, &err) == 0);
	require(scp_serve(&j, r) >= 0);
	require(!memmem(client.heard.buf, client.heard.len, NASTY, strlen(NASTY)));
	if (r->is_upload)
		check_answers(&client.heard);
	else if (!strstr(r->path, SECRET))
		require(!memmem(client.heard.buf, client.heard.len, SECRET, strlen(SECRET)));
	require(fs_list(temp, &left, &err) == 0 && left.len == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = size ? memchr(text, '\n', size) : NULL;
	AUTO_FREE char *command = xstrndup(text, end ? (size_t)(end - text) : size);
	AUTO(strv) struct strv words = STRV_INIT;
	AUTO(error) struct error *err = NULL;
	struct scp_request r;

	/* a line break in it is written as \r here */
	for (char *p = strchr(command, '\r'); p; p = strchr(p, '\r'))
		*p = '\n';
	require(!words_split(command, &words) || words.len <= size);
	if (!scp_request_parse(&r, command))
		return 0;
	require(*r.path);
	client = (struct client){ end ? end + 1 : text + size, text + size, STRBUF_INIT, NULL };
	require(fs_temp_dir("/tmp", "fuzz-scp-", &client.dir, &err) == 0);
	serve(&r);
	require(fs_remove_tree(client.dir, &err) == 0);
	scp_request_release(&r);
	strbuf_release(&client.heard);
	free(client.dir);
	return 0;
}
