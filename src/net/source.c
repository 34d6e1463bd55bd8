/* SPDX-License-Identifier: Apache-2.0 */
#include "net/source.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "net/http.h"
#include "os/fs.h"

#include <string.h>

/* %XX, and '+' where it means a space; what is malformed stays as it is. */
static char *decode(struct str text, bool plus_is_space)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < text.len; i++) {
		char hex[3] = "";

		if (text.p[i] == '%' && text.len - i > 2)
			memcpy(hex, text.p + i + 1, 2);
		if (*hex && strlen(hex) == 2 && decode_hex(&sb, hex))
			i += 2;
		else
			strbuf_addch(&sb, plus_is_space && text.p[i] == '+' ? ' ' : text.p[i]);
	}
	return strbuf_detach(&sb);
}

/* The scheme of a URL, lower case; NULL for a path. */
static char *scheme_of(const char *text)
{
	size_t n = 0;

	while ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= 'A' && text[n] <= 'Z') ||
	       (n && text[n] && strchr("0123456789+-.", text[n])))
		n++;
	if (n < 2 || text[n] != ':')
		return NULL;

	char *scheme = xstrndup(text, n);

	for (char *p = scheme; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return scheme;
}

/* "head?query" without a fragment. */
static struct str split_query(const char *text, struct str *ret_query)
{
	struct str fragment;
	struct str whole = str_split(str_of(text), '#', &fragment);

	return str_split(whole, '?', ret_query);
}

/* Takes our parameters out of a query; what is left, as it was written, goes to `rest`. */
static void take_parameters(struct source *s, struct str query, struct strbuf *rest)
{
	while (query.len) {
		struct str tail, value;
		struct str pair = str_split(query, '&', &tail);
		struct str name = str_split(pair, '=', &value);
		char **ours = str_is(name, "checksum")  ? &s->checksum
			      : str_is(name, "archive") ? &s->archive
							: NULL;

		query = tail;
		if (ours && !*ours) {
			*ours = decode(value, true);
		} else if (!ours) {
			strbuf_addch(rest, rest->len ? '&' : '?');
			strbuf_add(rest, pair.p, pair.len);
		}
	}
}

static int parse_local(struct source *s, struct str path, bool is_url, const char *cwd)
{
	AUTO_FREE char *name = is_url ? decode(path, false) : str_dup(path);

	s->is_local = true;
	s->path = path_absolute(cwd, name);
	return 0;
}

/* file:/p, file:///p, file://localhost/p; file:p and file://p are relative. */
static int parse_file_url(struct source *s, const char *text, const char *cwd)
{
	AUTO(strbuf) struct strbuf rest = STRBUF_INIT;
	struct str query;
	struct str path = split_query(text + strlen("file:"), &query);

	if (str_starts_with(path, STR("//"))) {
		path.p += 2;
		path.len -= 2;
	}
	if (str_starts_with(path, STR("localhost/"))) {
		path.p += strlen("localhost");
		path.len -= strlen("localhost");
	}
	take_parameters(s, query, &rest);
	return parse_local(s, path, true, cwd);
}

static int parse_web_url(struct source *s, const char *text)
{
	struct strbuf url = STRBUF_INIT, rest = STRBUF_INIT;
	struct str query;
	struct str head = split_query(text, &query);
	const char *host = memmem(head.p, head.len, "://", 3);
	const char *end = head.p + head.len;
	const char *path = host ? memchr(host + 3, '/', (size_t)(end - host - 3)) : NULL;

	take_parameters(s, query, &rest);
	strbuf_add(&url, head.p, head.len);
	strbuf_add(&url, rest.buf, rest.len);
	strbuf_release(&rest);
	s->url = strbuf_detach(&url);
	s->path = path ? decode((struct str){ path, (size_t)(end - path) }, false) : xstrdup("/");
	return 0;
}

int source_parse(struct source *s, const char *text, const char *cwd, struct error **err)
{
	AUTO_FREE char *scheme = scheme_of(text);
	AUTO_FREE char *as_is = path_absolute(cwd, text);

	*s = (struct source){ 0 };
	if (!*text)
		return error_set(err, ERROR_INVALID, "nothing to download from: empty URL");
	if (text_eq(scheme, "file"))
		return parse_file_url(s, text, cwd);
	if (text_eq(scheme, "http") || text_eq(scheme, "https"))
		return parse_web_url(s, text);
	if (scheme && strstr(text, "://"))
		return error_set(err, ERROR_INVALID, "download not supported for scheme '%s'",
				 scheme);
	/* a file may have a question mark in its name */
	if (fs_exists(as_is))
		return parse_local(s, str_of(text), false, cwd);

	AUTO(strbuf) struct strbuf rest = STRBUF_INIT;
	struct str query;
	struct str path = str_split(str_of(text), '?', &query);

	take_parameters(s, query, &rest);
	return parse_local(s, path, false, cwd);
}

void source_release(struct source *s)
{
	free(s->path);
	free(s->url);
	free(s->checksum);
	free(s->archive);
	*s = (struct source){ 0 };
}

/* Parameters of a query but `checksum`, each as NAME=VALUE, newly escaped. */
static void collect_parameters(struct str query, struct strv *pairs)
{
	while (query.len) {
		AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
		struct str tail, value;
		struct str pair = str_split(query, '&', &tail);
		AUTO_FREE char *name = decode(str_split(pair, '=', &value), true);
		AUTO_FREE char *text = decode(value, true);

		query = tail;
		if (!pair.len || text_eq(name, "checksum"))
			continue;
		encode_url_query(&sb, name, strlen(name));
		strbuf_addch(&sb, '=');
		encode_url_query(&sb, text, strlen(text));
		strv_push(pairs, sb.buf);
	}
}

char *source_shown(const char *text, const char *checksum)
{
	if (!checksum)
		return http_url_shown(text);

	AUTO(strv) struct strv pairs = STRV_INIT;
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct str query;
	struct str head = str_split(str_of(text), '?', &query);

	collect_parameters(query, &pairs);
	strbuf_addstr(&sb, "checksum=");
	encode_url_query(&sb, checksum, strlen(checksum));
	strv_push(&pairs, sb.buf);
	strv_sort(&pairs);

	AUTO_FREE char *sorted = strv_join(&pairs, "&");
	AUTO_FREE char *whole = xasprintf("%.*s?%s", STR_FMT(head), sorted);

	return http_url_shown(whole);
}
