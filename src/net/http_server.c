/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/library.h"
#include "os/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTION_MAX = 64, IDLE_SECONDS = 120, BACKLOG = 64, SNIFF = 512 };

struct http_library {
	struct MHD_Daemon *(*start)(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback apc,
				    void *apc_data, MHD_AccessHandlerCallback handler,
				    void *handler_data, ...);
	__typeof__(MHD_stop_daemon) *stop;
	__typeof__(MHD_create_response_from_buffer) *from_buffer;
	__typeof__(MHD_create_response_from_fd_at_offset64) *from_fd;
	__typeof__(MHD_add_response_header) *add_header;
	__typeof__(MHD_queue_response) *queue;
	__typeof__(MHD_destroy_response) *destroy;
	__typeof__(MHD_lookup_connection_value) *lookup;
};

/* clang-format off */
#define SYMBOL(name, member) { "MHD_" #name, offsetof(struct http_library, member) }
static const struct library_symbol symbols[] = {
	SYMBOL(start_daemon, start), SYMBOL(stop_daemon, stop),
	SYMBOL(create_response_from_buffer, from_buffer),
	SYMBOL(create_response_from_fd_at_offset64, from_fd),
	SYMBOL(add_response_header, add_header), SYMBOL(queue_response, queue),
	SYMBOL(destroy_response, destroy), SYMBOL(lookup_connection_value, lookup),
};
/* clang-format on */

static const struct library_spec spec_of_library = {
	.soname = "libmicrohttpd.so.12",
	.package = "libmicrohttpd12",
	.symbols = symbols,
	.symbol_count = ARRAY_LEN(symbols),
};

struct http_server {
	struct http_server_spec spec;
	struct http_library lib;
	struct MHD_Daemon *daemon;
	int fd;
	const char *build; /* whose guest asks, for the log */
};

/* One request on its way to an answer. */
struct request {
	struct http_server *server;
	struct MHD_Connection *connection;
	const char *method;
	const char *path; /* cleaned, begins with a slash */
	bool is_folder;   /* it ended in a slash */
};

/* ---- answers ------------------------------------------------------------------------------- */

static enum MHD_Result send_response(const struct request *r, unsigned status,
				     struct MHD_Response *response)
{
	struct http_library *lib = &r->server->lib;
	enum MHD_Result result;

	log_debug("http server", "%s %s: status %u", r->method, r->path, status);
	if (!response)
		return MHD_NO;
	result = lib->queue(r->connection, status, response);
	lib->destroy(response);
	return result;
}

static enum MHD_Result send_text(const struct request *r, unsigned status, const char *type,
				 const char *text)
{
	struct http_library *lib = &r->server->lib;
	struct MHD_Response *response =
		lib->from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);

	if (response)
		(void)lib->add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	return send_response(r, status, response);
}

static enum MHD_Result send_redirect(const struct request *r, const char *to)
{
	struct http_library *lib = &r->server->lib;
	struct MHD_Response *response = lib->from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);

	if (response)
		(void)lib->add_header(response, MHD_HTTP_HEADER_LOCATION, to);
	return send_response(r, MHD_HTTP_MOVED_PERMANENTLY, response);
}

static enum MHD_Result send_missing(const struct request *r)
{
	return send_text(r, MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8",
			 "404 page not found\n");
}

/* ---- a file -------------------------------------------------------------------------------- */

static const char *type_of(const char *path, int fd)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" }, { ".json", "application/json" },
		{ ".xml", "text/xml; charset=utf-8" },   { ".gz", "application/gzip" },
		{ ".iso", "application/octet-stream" },
	};
	char head[SNIFF];
	ssize_t n;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (text_ends_with(path, types[i].suffix))
			return types[i].type;
	n = pread(fd, head, sizeof(head), 0);
	return n > 0 && memchr(head, '\0', (size_t)n) ? "application/octet-stream"
						      : "text/plain; charset=utf-8";
}

/* `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-LAST`; anything else asks for the whole. */
static bool wants_range(const char *header, int64_t size, int64_t *ret_from, int64_t *ret_to)
{
	AUTO_FREE char *text = NULL;
	char *dash;

	if (!header || !text_starts_with(header, "bytes="))
		return false;
	text = xstrdup(header + strlen("bytes="));
	dash = strchr(text, '-');
	if (!dash || strchr(text, ','))
		return false;
	*dash = '\0';
	*ret_to = size - 1;
	if (dash == text) {
		if (!parse_int64(dash + 1, 10, ret_from) || *ret_from < 0)
			return false;
		*ret_from = MAX(size - *ret_from, 0);
		return true;
	}
	if (!parse_int64(text, 10, ret_from) || *ret_from < 0 ||
	    (dash[1] && !parse_int64(dash + 1, 10, ret_to)))
		return false;
	*ret_to = MIN(*ret_to, size - 1);
	return true;
}

static void add_date(const struct request *r, struct MHD_Response *response, time_t when)
{
	char text[64];
	struct tm tm;

	if (gmtime_r(&when, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
		(void)r->server->lib.add_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, text);
}

static bool is_unchanged(const struct request *r, time_t when)
{
	const char *since = r->server->lib.lookup(r->connection, MHD_HEADER_KIND,
						  MHD_HTTP_HEADER_IF_MODIFIED_SINCE);
	struct tm tm = { 0 };

	return since && strptime(since, "%a, %d %b %Y %H:%M:%S GMT", &tm) && when <= timegm(&tm);
}

static enum MHD_Result send_unsatisfied(const struct request *r, int64_t size)
{
	struct http_library *lib = &r->server->lib;
	struct MHD_Response *response = lib->from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	AUTO_FREE char *text = xasprintf("bytes */%" PRId64, size);

	if (response)
		(void)lib->add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
	return send_response(r, MHD_HTTP_RANGE_NOT_SATISFIABLE, response);
}

/* Takes fd. */
static enum MHD_Result send_file(const struct request *r, int fd, const struct stat *st)
{
	struct http_library *lib = &r->server->lib;
	const char *type = type_of(r->path, fd);
	int64_t size = st->st_size, from = 0, to = size - 1;
	bool part = wants_range(lib->lookup(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE),
				size, &from, &to);
	unsigned status = part ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;

	if (is_unchanged(r, st->st_mtime) || (part && from > to)) {
		close(fd);
		if (part)
			return send_unsatisfied(r, size);
		return send_response(r, MHD_HTTP_NOT_MODIFIED,
				     lib->from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT));
	}

	struct MHD_Response *response = lib->from_fd((uint64_t)(to - from + 1), fd, (uint64_t)from);

	if (!response) {
		close(fd);
		return MHD_NO;
	}
	(void)lib->add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	(void)lib->add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	add_date(r, response, st->st_mtime);
	if (part) {
		AUTO_FREE char *text =
			xasprintf("bytes %" PRId64 "-%" PRId64 "/%" PRId64, from, to, size);

		(void)lib->add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
	}
	return send_response(r, status, response);
}

/* ---- a directory ----------------------------------------------------------------------------- */

static void add_escaped(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		const char *entity = *text == '&'   ? "&amp;"
				     : *text == '<' ? "&lt;"
				     : *text == '>' ? "&gt;"
				     : *text == '"' ? "&#34;"
						    : NULL;

		if (entity)
			strbuf_addstr(sb, entity);
		else
			strbuf_addch(sb, *text);
	}
}

static void add_link(struct strbuf *sb, const char *dir, const char *name)
{
	AUTO_FREE char *path = path_join(dir, name);
	struct stat st;
	const char *slash = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? "/" : "";

	strbuf_addstr(sb, "<a href=\"");
	for (const char *p = name; *p; p++)
		if (strchr("%?#\"<>&' ", *p) || (unsigned char)*p >= 0x80)
			strbuf_addf(sb, "%%%02X", (unsigned char)*p);
		else
			strbuf_addch(sb, *p);
	strbuf_addf(sb, "%s\">", slash);
	add_escaped(sb, name);
	strbuf_addf(sb, "%s</a>\n", slash);
}

static enum MHD_Result send_listing(const struct request *r, const char *dir)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_list(dir, &names, &e) < 0)
		return send_missing(r);
	strbuf_addstr(&sb, "<!doctype html>\n<pre>\n");
	for (size_t i = 0; i < names.len; i++)
		add_link(&sb, dir, names.v[i]);
	strbuf_addstr(&sb, "</pre>\n");
	return send_text(r, MHD_HTTP_OK, "text/html; charset=utf-8", sb.buf);
}

static enum MHD_Result answer_folder(const struct request *r, const char *dir)
{
	AUTO_FREE char *index = path_join(dir, "index.html");
	AUTO_FREE char *with_slash = xasprintf("%s/", r->path);
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (!r->is_folder)
		return send_redirect(r, with_slash);
	fd = open(index, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return send_listing(r, dir);

	const struct request page = { r->server, r->connection, r->method, "index.html", false };

	return send_file(&page, fd_take(&fd), &st);
}

/* The cleaned path has no `..`, so it stays below; links lead where their maker wanted. */
static enum MHD_Result answer_directory(const struct request *r)
{
	AUTO_FREE char *path = xasprintf("%s%s", r->server->spec.directory, r->path);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return send_missing(r);
	if (S_ISDIR(st.st_mode))
		return answer_folder(r, path);
	if (!S_ISREG(st.st_mode) || r->is_folder)
		return send_missing(r);
	return send_file(r, fd_take(&fd), &st);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static enum MHD_Result answer_page(const struct request *r)
{
	const struct http_server_spec *spec = &r->server->spec;
	AUTO(strv) struct strv names = STRV_INIT;

	for (size_t i = 0; i < spec->page_count; i++) {
		if (!strcmp(spec->pages[i].path, r->path))
			return send_text(r, MHD_HTTP_OK, "text/plain; charset=utf-8",
					 spec->pages[i].text);
		strv_push(&names, spec->pages[i].path);
	}

	const char *near = suggest(r->path, (const char *const *)names.v);
	AUTO_FREE char *hint = near ? xasprintf(" Did you mean \"%s\"?", near) : xstrdup("");
	AUTO_FREE char *text = xasprintf("%s not found.%s", r->path, hint);

	return send_text(r, MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8", text);
}

/* ---- the server -------------------------------------------------------------------------------- */

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	/* check: callback of a library */
	static char seen; /* its address says that the headers were met before */
	struct http_server *s = data;
	AUTO_FREE char *absolute = xasprintf("/%s", url);
	AUTO_FREE char *path = path_clean(absolute);
	const struct request r = { s, connection, method, path, text_ends_with(url, "/") };

	log_set_build(s->build);
	(void)version;
	(void)upload;
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (!s->spec.directory)
		return answer_page(&r);
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return send_text(&r, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8",
				 "405 method not allowed\n");
	return answer_directory(&r);
}

static int listen_on(const char *address, int port, struct error **err)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *ai;
	char service[16];
	const int yes = 1;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, &ai))
		return error_set(err, ERROR_INVALID, "'%s' is not an address to listen on",
				 address);

	AUTO_CLOSE int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
		  bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
	int reason = errno;

	freeaddrinfo(ai);
	if (ok)
		return fd_take(&fd);
	if (reason == EADDRINUSE)
		return error_set(err, ERROR_EXISTS, "port %d of %s is taken", port, address);
	return error_set_errno(err, reason, "cannot listen on port %d of %s", port, address);
}

static int check_directory(const char *dir, struct error **err)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return error_set_errno(err, errno, "Error finding \"%s\"", dir);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INVALID, "Error finding \"%s\": not a directory", dir);
	return 0;
}

static int start(struct http_server *s, struct error **err)
{
	const struct http_server_spec *spec = &s->spec;

	if (spec->directory && check_directory(spec->directory, err) < 0)
		return -1;
	if (library_load(&spec_of_library, &s->lib, err) < 0)
		return -1;
	s->fd = listen_on(spec->address, spec->port, err);
	if (s->fd < 0)
		return -1;
	s->daemon =
		s->lib.start(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer,
			     s, MHD_OPTION_LISTEN_SOCKET, s->fd, MHD_OPTION_CONNECTION_LIMIT,
			     (unsigned)CONNECTION_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
			     (unsigned)IDLE_SECONDS, MHD_OPTION_END);
	if (!s->daemon)
		return error_set(err, ERROR_FAILED, "cannot start the HTTP server");
	s->fd = -1; /* the daemon's */
	log_debug("http server", "listens on %s port %d", spec->address, spec->port);
	return 0;
}

struct http_server *http_server_start(const struct http_server_spec *spec, struct error **err)
{
	struct http_server *s = NEW(struct http_server);

	*s = (struct http_server){ .spec = *spec, .fd = -1, .build = log_build() };
	if (start(s, err) == 0)
		return s;
	http_server_stop(s);
	return NULL;
}

void http_server_stop(struct http_server *s)
{
	if (!s)
		return;
	if (s->daemon)
		s->lib.stop(s->daemon);
	fd_close(s->fd);
	free(s);
}
