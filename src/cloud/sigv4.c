/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/sigv4.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/encode.h"
#include "base/gotime.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

static const char algorithm[] = "AWS4-HMAC-SHA256";

/* ---- the canonical request --------------------------------------------------------------- */

static void add_escaped(struct strbuf *sb, const char *text)
{
	static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789-_.~/";

	for (const char *p = text; *p; p++) {
		if (strchr(kept, *p))
			strbuf_addch(sb, *p);
		else
			strbuf_addf(sb, "%%%02X", (unsigned char)*p);
	}
}

static void add_path(struct strbuf *sb, const char *path)
{
	AUTO_FREE char *clean = path_clean(path);
	size_t start = sb->len;

	add_escaped(sb, clean);
	if (text_ends_with(path, "/") && sb->buf[sb->len - 1] != '/')
		strbuf_addch(sb, '/');
	if (sb->len == start)
		strbuf_addch(sb, '/');
}

static void add_query(struct strbuf *sb, const char *query)
{
	AUTO(strv) struct strv pairs = STRV_INIT;
	struct str rest = str_of(query);

	while (rest.len) {
		struct str pair = str_split(rest, '&', &rest);

		if (pair.len)
			strv_pushf(&pairs, "%.*s%s", STR_FMT(pair),
				   memchr(pair.p, '=', pair.len) ? "" : "=");
	}
	strv_sort(&pairs);
	for (size_t i = 0; i < pairs.len; i++)
		strbuf_addf(sb, "%s%s", i ? "&" : "", pairs.v[i]);
}

/* "name:value", the name in lower case, runs of blanks as one. */
static char *canonical_header(const char *line)
{
	struct strbuf sb = STRBUF_INIT;
	struct str value, name = str_trim(str_split(str_of(line), ':', &value));

	for (size_t i = 0; i < name.len; i++)
		strbuf_addch(&sb, (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20
									      : name.p[i]));
	strbuf_addch(&sb, ':');
	value = str_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] != ' ' || value.p[i - 1] != ' ')
			strbuf_addch(&sb, value.p[i]);
	}
	return strbuf_detach(&sb);
}

static int compare_headers(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t m = strcspn(x, ":"), n = strcspn(y, ":");
	int order = memcmp(x, y, MIN(m, n));

	return order ? order : (m > n) - (m < n);
}

static void collect_headers(struct strv *ret, const struct sigv4_request *req)
{
	AUTO_FREE char *host = xasprintf("host:%s", req->host);

	strv_push(ret, host);
	for (size_t i = 0; req->headers && i < req->headers->len; i++)
		strv_push_take(ret, canonical_header(req->headers->v[i]));
	qsort(ret->v, ret->len, sizeof(*ret->v), compare_headers);
}

static char *signed_names(const struct strv *headers)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < headers->len; i++)
		strbuf_addf(&sb, "%s%.*s", i ? ";" : "", (int)strcspn(headers->v[i], ":"),
			    headers->v[i]);
	return strbuf_detach(&sb);
}

static char *hash(const void *data, size_t len)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);

	digest_add(d, data, len);
	return digest_finish_hex(d);
}

char *sigv4_canonical_request(const struct sigv4_request *req)
{
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO_FREE char *names = NULL;
	AUTO_FREE char *body = hash(req->body ? req->body : "", req->body_len);
	struct strbuf sb = STRBUF_INIT;

	collect_headers(&headers, req);
	names = signed_names(&headers);
	strbuf_addf(&sb, "%s\n", req->method);
	add_path(&sb, req->path);
	strbuf_addch(&sb, '\n');
	add_query(&sb, req->query);
	strbuf_addch(&sb, '\n');
	for (size_t i = 0; i < headers.len; i++)
		strbuf_addf(&sb, "%s\n", headers.v[i]);
	strbuf_addf(&sb, "\n%s\n%s", names, body);
	return strbuf_detach(&sb);
}

/* ---- the signature --------------------------------------------------------------------------- */

enum { KEY_SIZE = 32 };

static void derive(unsigned char key[DIGEST_MAX], size_t key_len, const char *text)
{
	AUTO(digest) struct digest *d = digest_new_hmac(DIGEST_SHA256, key, key_len);

	digest_add(d, text, strlen(text));
	digest_finish(d, key);
}

static char *signature(const struct sigv4_scope *scope, const char *secret, const char *day,
		       const char *text)
{
	AUTO(strbuf) struct strbuf hex = STRBUF_INIT;
	AUTO_FREE char *first = xasprintf("AWS4%s", secret);
	unsigned char key[DIGEST_MAX];
	AUTO(digest)
	struct digest *d = digest_new_hmac(DIGEST_SHA256, first, strlen(first));

	digest_add(d, day, strlen(day));
	digest_finish(d, key);
	derive(key, KEY_SIZE, scope->region);
	derive(key, KEY_SIZE, scope->service);
	derive(key, KEY_SIZE, "aws4_request");
	derive(key, KEY_SIZE, text);
	encode_hex(&hex, key, KEY_SIZE);
	secret_wipe(first, strlen(first));
	secret_wipe(key, sizeof(key));
	return strbuf_detach(&hex);
}

void sigv4_sign(const struct sigv4_request *req, const struct sigv4_key *key,
		const struct sigv4_scope *scope, struct strv *headers)
{
	AUTO(strbuf) struct strbuf time = STRBUF_INIT;
	AUTO(strv) struct strv all = STRV_INIT;
	AUTO(strv) struct strv canonical = STRV_INIT;
	struct sigv4_request full = *req;

	gotime_format(&time, scope->now, "20060102T150405Z");
	if (req->headers)
		strv_pushv(&all, req->headers->v);
	strv_pushf(&all, "X-Amz-Date: %s", time.buf);
	strv_pushf(headers, "X-Amz-Date: %s", time.buf);
	if (key->session) {
		strv_pushf(&all, "X-Amz-Security-Token: %s", key->session);
		strv_pushf(headers, "X-Amz-Security-Token: %s", key->session);
	}
	full.headers = &all;
	collect_headers(&canonical, &full);

	AUTO_FREE char *names = signed_names(&canonical);
	AUTO_FREE char *request = sigv4_canonical_request(&full);
	AUTO_FREE char *digest = hash(request, strlen(request));
	AUTO_FREE char *day = xstrndup(time.buf, 8);
	AUTO_FREE char *where =
		xasprintf("%s/%s/%s/aws4_request", day, scope->region, scope->service);
	AUTO_FREE char *text = xasprintf("%s\n%s\n%s\n%s", algorithm, time.buf, where, digest);
	AUTO_FREE char *signed_text = signature(scope, key->secret, day, text);

	strv_pushf(headers, "Authorization: %s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		   algorithm, key->id, where, names, signed_text);
}
