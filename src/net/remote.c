/* SPDX-License-Identifier: Apache-2.0 */
#include "net/remote.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "net/http.h"
#include "net/source.h"
#include "os/clock.h"

/* A server that is asked about a file only. */
static const int64_t ANSWER = 60 * NSEC_PER_SEC;

PRINTF(3, 4) static void say(const struct remote *r, bool is_error, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	r->say(r->data, is_error, text.buf);
}

static int ask(const struct remote *r, const char *url, struct cancel *c, struct http_response *ret,
	       struct error **err)
{
	AUTO(http_client) struct http_client *h = http_client_new();
	const struct http_request req = {
		.method = "HEAD",
		.url = url,
		.plain_proxy = r->plain_proxy,
		.deadline = clock_deadline(ANSWER),
	};

	return http_perform(h, &req, c, ret, err);
}

static char *state_of(const char *url, const struct http_response *answer)
{
	const char *tag = http_response_header(answer, "etag");

	return xasprintf("%s %lld %lld %s", url, (long long)answer->length,
			 (long long)answer->modified, tag ? tag : "");
}

static bool gives_ranges(const struct remote *r, const char *shown,
			 const struct http_response *answer)
{
	if (answer->status / 100 != 2)
		say(r, true, "%s: the server answers with status %d", shown, answer->status);
	else if (!text_eq(http_response_header(answer, "accept-ranges"), "bytes"))
		say(r, true, "%s: the server gives the whole file only", shown);
	else
		return true;
	return false;
}

/* 1: this one, 0: not this one, -1: error. */
static int try_url(const struct remote *r, const char *text, struct cancel *c, char **ret_url,
		   char **ret_state, struct error **err)
{
	AUTO(http_response) struct http_response answer = { 0 };
	AUTO(source) struct source source = { 0 };
	AUTO(error) struct error *why = NULL;
	AUTO_FREE char *shown = source_shown(text, NULL);

	if (source_parse(&source, text, r->cwd, err) < 0)
		return -1;
	say(r, false, "Trying %s", shown);
	if (ask(r, source.url, c, &answer, &why) < 0) {
		if (cancel_check(c, err) < 0)
			return -1;
		say(r, true, "%s", why->message);
		return 0;
	}
	if (!gives_ranges(r, shown, &answer))
		return 0;
	if (ret_state)
		*ret_state = state_of(source.url, &answer);
	*ret_url = TAKE(source.url);
	return 1;
}

int remote_find(const struct remote *r, struct cancel *c, char **ret_url, char **ret_state,
		struct error **err)
{
	for (size_t i = 0; i < r->urls->len; i++) {
		int found = try_url(r, r->urls->v[i], c, ret_url, ret_state, err);

		if (found)
			return found < 0 ? -1 : 0;
	}
	return error_set(err, ERROR_NOT_FOUND,
			 "No byte serving support. The HTTP server must support "
			 "Accept-Ranges=bytes");
}
