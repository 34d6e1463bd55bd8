/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/fetch.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "net/transfer.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/wait.h"
#include "plugin/get/listing.h"
#include "plugin/get/unzip.h"

#include <stdlib.h>
#include <string.h>

enum {
	TEXT_SEC = 60, /* for a whole text */
	TRIES = 3,
	PAUSE_MSEC = 500,
	FILE_MODE = 0600,
};

bool fetch_is_url(const char *base)
{
	return text_starts_with(base, "http://") || text_starts_with(base, "https://");
}

char *fetch_place(const char *base, const char *rest)
{
	size_t len = strlen(base);

	while (len > 1 && base[len - 1] == '/')
		len--;
	return xasprintf("%.*s/%s", (int)len, base, rest);
}

char *fetch_shown(const char *place)
{
	return fetch_is_url(place) ? http_url_shown(place) : xstrdup(place);
}

/* Most troubles on the way name the URL already. */
static int name_place(const char *place, struct error **err)
{
	AUTO_FREE char *shown = fetch_shown(place);

	return strstr((*err)->message, shown) ? -1 : error_prefix(err, "%s", shown);
}

/* ---- texts --------------------------------------------------------------------------------- */

static bool is_own_host(const char *url)
{
	static const char *const own[] = { "http://127.0.0.1:", "http://127.0.0.1/",
					   "http://localhost:", "http://localhost/",
					   "http://[::1]:",     "http://[::1]/" };

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (text_starts_with(url, own[i]))
			return true;
	return false;
}

/* How long GitHub wants to be left alone; false: that is not what it says. */
static bool is_rate_limit(const struct http_response *r, int64_t *ret_reset)
{
	const char *left = http_response_header(r, "x-ratelimit-remaining");
	const char *reset = http_response_header(r, "x-ratelimit-reset");
	const char *after = http_response_header(r, "retry-after");
	int64_t now = clock_wall() / NSEC_PER_SEC, n;

	*ret_reset = now;
	if (r->status != 403 && r->status != 429)
		return false;
	if (after && parse_int64(after, 10, &n) && n >= 0 && n < INT32_MAX) {
		*ret_reset = now + n;
		return true;
	}
	if (reset && parse_int64(reset, 10, &n) && n > now && n - now < INT32_MAX)
		*ret_reset = n;
	return text_eq(left, "0") || r->status == 429;
}

static int rate_limited(int64_t reset, struct error **err)
{
	AUTO(strbuf) struct strbuf wait = STRBUF_INIT, at = STRBUF_INIT;
	int64_t seconds = reset - clock_wall() / NSEC_PER_SEC;

	duration_format(&wait, MAX(seconds, INT64_C(0)) * NSEC_PER_SEC);
	clock_format_local(&at, reset * NSEC_PER_SEC);
	error_set(err, ERROR_REMOTE,
		  "Plugin host rate limited the plugin getter. Try again in %s.\n"
		  "HINT: Set the PACKER_GITHUB_API_TOKEN env var with a token to get more "
		  "requests.",
		  wait.buf);
	return error_hint(err, "the host counts anew from %s on", at.buf);
}

static int check_status(const struct http_response *r, const char *token, struct error **err)
{
	int64_t reset;

	if (r->status == 200)
		return 0;
	if (r->status == 404 || r->status == 410)
		return error_set(err, ERROR_NOT_FOUND, "bad response code: %d", r->status);
	if (is_rate_limit(r, &reset))
		return rate_limited(reset, err);
	if (r->status == 401 || r->status == 403) {
		error_set(err, ERROR_AUTH, "bad response code: %d", r->status);
		return token ? error_hint(err, "is the token in PACKER_GITHUB_API_TOKEN valid?")
			     : -1;
	}
	return error_set(err, r->status >= 500 ? ERROR_DISCONNECTED : ERROR_REMOTE,
			 "bad response code: %d", r->status);
}

static int request(const struct fetcher *f, const char *url, const char *token, struct cancel *c,
		   struct strbuf *ret, struct error **err)
{
	AUTO(http_response) struct http_response r = { 0 };
	AUTO(strv) struct strv headers = STRV_INIT;
	const struct http_request req = {
		.url = url,
		.headers = &headers,
		.plain_proxy = f->plain_proxy,
		.deadline = clock_deadline(TEXT_SEC * NSEC_PER_SEC),
		.body_max = LISTING_MAX,
	};

	/* curl keeps it to itself when it is sent on to another host or port. */
	if (token && (text_starts_with(url, "https://") || is_own_host(url)))
		strv_pushf(&headers, "Authorization: Bearer %s", token);
	if (http_perform(f->http, &req, c, &r, err) < 0)
		return -1;
	if (check_status(&r, token, err) < 0)
		return -1;
	strbuf_add(ret, r.body.buf, r.body.len);
	return 0;
}

static int request_again(const struct fetcher *f, const char *url, const char *token,
			 struct cancel *c, struct strbuf *ret, struct error **err)
{
	int64_t pause = PAUSE_MSEC * NSEC_PER_MSEC;

	for (int i = 1;; i++, pause *= 2) {
		AUTO(error) struct error *e = NULL;

		if (request(f, url, token, c, ret, &e) == 0)
			return 0;
		if (i == TRIES || e->kind != ERROR_DISCONNECTED)
			return error_move(err, TAKE(e));
		if (io_pause(clock_deadline(pause), c, err) < 0)
			return -1;
	}
}

int fetch_text(const struct fetcher *f, const char *place, const char *token, struct cancel *c,
	       struct strbuf *ret, struct error **err)
{
	if (!fetch_is_url(place))
		return fs_read(place, LISTING_MAX, ret, err);
	if (request_again(f, place, token, c, ret, err) < 0)
		return name_place(place, err);
	return 0;
}

/* ---- files --------------------------------------------------------------------------------- */

static int wrong_digest(const char *shown, const char *got, const char *want, struct error **err)
{
	return error_set(err, ERROR_INVALID,
			 "%s does not have the right checksum: it has sha256:%s, wanted is "
			 "sha256:%s",
			 shown, got, want);
}

static int copy_file(const struct fetcher *f, const char *place, const char *digest, const char *to,
		     struct cancel *c, struct error **err)
{
	AUTO_FREE char *got = NULL;
	int64_t size;

	if (fs_size(place, &size, err) < 0)
		return -1;
	if (size > UNZIP_BYTES_MAX)
		return error_set(err, ERROR_INVALID, "'%s' has more than %lld bytes", place,
				 (long long)UNZIP_BYTES_MAX);
	if (fs_copy(place, to, FILE_MODE, f->progress, f->data, c, err) < 0 ||
	    fs_digest(to, DIGEST_SHA256, c, &got, err) < 0)
		return -1;
	return text_eq(got, digest) ? 0 : wrong_digest(place, got, digest, err);
}

int fetch_file(const struct fetcher *f, const char *place, const char *digest, const char *to,
	       struct cancel *c, struct error **err)
{
	AUTO_FREE char *shown = fetch_shown(place);
	AUTO_FREE char *got = NULL;
	const struct transfer t = {
		.url = place,
		.path = to,
		.plain_proxy = f->plain_proxy,
		.has_digest = true,
		.type = DIGEST_SHA256,
		.want = digest,
		.retry_pause = PAUSE_MSEC * NSEC_PER_MSEC,
		.tries = TRIES,
		.progress = f->progress,
		.data = f->data,
		.size_max = UNZIP_BYTES_MAX,
	};

	if (!fetch_is_url(place))
		return copy_file(f, place, digest, to, c, err);
	if (transfer_run(&t, c, &got, err) == 0)
		return 0;
	if (!got)
		return name_place(place, err);
	error_free(TAKE(*err));
	return wrong_digest(shown, got, digest, err);
}
