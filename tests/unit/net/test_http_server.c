/* SPDX-License-Identifier: Apache-2.0 */
/* The server for installers, asked over real connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "net/http_server.h"
#include "os/fd.h"
#include "os/fs.h"

static int free_port(void)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

/* The whole answer to one request; heap. */
static char *ask(int port, const char *request)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in a = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	char piece[4096];
	ssize_t n;

	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		strbuf_add(&sb, piece, (size_t)n);
	return strbuf_detach(&sb);
}

static char *get(int port, const char *method, const char *path, const char *header)
{
	AUTO_FREE char *request = xasprintf(
		"%s %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", method, path, header);

	return ask(port, request);
}

struct row {
	const char *method, *path, *header;
	const char *status; /* how the answer begins */
	const char *has;    /* what is in it; NULL: not asked */
	const char *body;   /* how it ends; NULL: not asked */
};

static void check_rows(int port, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *answer = get(port, rows[i].method, rows[i].path, rows[i].header);
		AUTO_FREE char *status = xasprintf("HTTP/1.1 %s", rows[i].status);
		const char *body = strstr(answer, "\r\n\r\n");

		if (strncmp(answer, status, strlen(status)) ||
		    (rows[i].has && !strstr(answer, rows[i].has)) || !body ||
		    (rows[i].body && strcmp(body + 4, rows[i].body)))
			fail_msg("%s %s: %s", rows[i].method, rows[i].path, answer);
	}
}

static void write_text(const char *dir, const char *name, const char *text)
{
	AUTO_FREE char *path = path_join(dir, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_pages(void **state)
{
	static const struct http_page pages[] = {
		{ "/user-data", "#cloud-config\n" },
		{ "/meta-data", "" },
		{ "no-slash", "never" },
	};
	static const struct row rows[] = {
		{ "GET", "/user-data", "", "200", "Content-Length: 14", "#cloud-config\n" },
		{ "GET", "/x/..//user-data?a=b", "", "200", NULL, "#cloud-config\n" },
		{ "POST", "/user-data", "Content-Length: 0\r\n", "200", NULL, "#cloud-config\n" },
		{ "HEAD", "/user-data", "", "200", "Content-Length: 14", "" },
		{ "GET", "/meta-data", "", "200", "Content-Length: 0", "" },
		{ "GET", "/user-dato", "", "404", NULL,
		  "/user-dato not found. Did you mean \"/user-data\"?" },
		{ "GET", "/no-slash", "", "404", NULL, NULL },
	};
	const struct http_server_spec spec = { "127.0.0.1", free_port(), NULL, pages, 3 };
	struct error *err = NULL;
	AUTO(http_server) struct http_server *s = http_server_start(&spec, &err);

	assert_non_null(s);
	check_rows(spec.port, rows, ARRAY_LEN(rows));
}

static void test_directory(void **state)
{
	static const struct row rows[] = {
		{ "GET", "/ks.cfg", "", "200", "Content-Type: text/plain", "install\nreboot\n" },
		{ "HEAD", "/ks.cfg", "", "200", "Content-Length: 15", "" },
		{ "GET", "/ks.cfg", "Range: bytes=8-\r\n", "206", "bytes 8-14/15", "reboot\n" },
		{ "GET", "/ks.cfg", "Range: bytes=0-6\r\n", "206", "bytes 0-6/15", "install" },
		{ "GET", "/ks.cfg", "Range: bytes=-7\r\n", "206", "bytes 8-14/15", "reboot\n" },
		{ "GET", "/ks.cfg", "Range: bytes=99-\r\n", "416", "bytes */15", "" },
		{ "GET", "/ks.cfg", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n", "304",
		  NULL, "" },
		{ "GET", "/a%20b", "", "200", NULL, "x" },
		{ "GET", "/sub", "", "301", "Location: /sub/", NULL },
		{ "GET", "/sub/", "", "200", "text/html", "<p>index" },
		{ "GET", "/", "", "200", "<a href=\"a%20b\">a b</a>", NULL },
		{ "GET", "/link", "", "200", NULL, "install\nreboot\n" },
		{ "GET", "/.hidden", "", "200", NULL, "h" },
		{ "GET", "/../secret", "", "404", NULL, NULL },
		{ "GET", "/%2e%2e/secret", "", "404", NULL, NULL },
		{ "GET", "/sub/..%2f..%2fsecret", "", "404", NULL, NULL },
		{ "GET", "/ks.cfg/", "", "404", NULL, NULL },
		{ "GET", "/none", "", "404", NULL, NULL },
		{ "PUT", "/ks.cfg", "Content-Length: 0\r\n", "405", NULL, NULL },
	};
	char top[] = "/tmp/ingot-http-XXXXXX";
	struct error *err = NULL;

	assert_non_null(mkdtemp(top));

	AUTO_FREE char *dir = path_join(top, "http");
	AUTO_FREE char *sub = path_join(dir, "sub");
	AUTO_FREE char *link = path_join(dir, "link");

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(mkdir(sub, 0755), 0);
	assert_int_equal(symlink("ks.cfg", link), 0);
	write_text(top, "secret", "no");
	write_text(dir, "ks.cfg", "install\nreboot\n");
	write_text(dir, "a b", "x");
	write_text(dir, ".hidden", "h");
	write_text(sub, "index.html", "<p>index");

	const struct http_server_spec spec = { "127.0.0.1", free_port(), dir, NULL, 0 };
	struct http_server *s = http_server_start(&spec, &err);

	assert_non_null(s);
	check_rows(spec.port, rows, ARRAY_LEN(rows));

	/* the port is taken, until the server goes */
	assert_null(http_server_start(&spec, &err));
	assert_int_equal(err->kind, ERROR_EXISTS);
	error_free(err);
	err = NULL;
	http_server_stop(s);
	s = http_server_start(&spec, &err);
	assert_non_null(s);
	http_server_stop(s);
	assert_int_equal(fs_remove_tree(top, &err), 0);
}

static void test_mistakes(void **state)
{
	const struct http_server_spec spec = { "127.0.0.1", free_port(), "/nonexistent", NULL, 0 };
	AUTO(error) struct error *err = NULL;

	assert_null(http_server_start(&spec, &err));
	assert_non_null(strstr(err->message, "Error finding \"/nonexistent\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
