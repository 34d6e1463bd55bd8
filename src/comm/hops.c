/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/hops.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

/* PORT of "HOST:PORT"; 0 on success. */
static int parse_port(struct str text, int *ret)
{
	AUTO_FREE char *port = str_dup(text);
	int64_t n;

	if (!parse_int64(port, 10, &n) || n < 1 || n > 65535)
		return -1;
	*ret = (int)n;
	return 0;
}

/* More than one colon without brackets: an IPv6 address. */
static int parse_host(struct str s, struct hop *h, struct error **err)
{
	struct str host = s, port = { 0 };
	const char *colon = memchr(s.p, ':', s.len);

	if (s.len > 0 && s.p[0] == '[') {
		const char *end = memchr(s.p, ']', s.len);

		if (!end || (end + 1 < s.p + s.len && end[1] != ':'))
			return error_set(err, ERROR_INVALID, "'%.*s' is no address in brackets",
					 STR_FMT(s));
		host = (struct str){ s.p + 1, (size_t)(end - s.p - 1) };
		colon = end + 1 < s.p + s.len ? end + 1 : NULL;
	} else if (colon && memrchr(s.p, ':', s.len) == colon) {
		host.len = (size_t)(colon - s.p);
	} else {
		colon = NULL;
	}
	if (colon) {
		port = (struct str){ colon + 1, (size_t)(s.p + s.len - colon - 1) };
		if (parse_port(port, &h->port) < 0)
			return error_set(err, ERROR_INVALID, "'%.*s' is not a port", STR_FMT(port));
	}
	if (host.len == 0)
		return error_set(err, ERROR_INVALID, "a host is missing");
	h->host = str_dup(host);
	return 0;
}

static int parse_hop(struct str s, struct hop *h, struct error **err)
{
	const char *at = memrchr(s.p, '@', s.len);

	*h = (struct hop){ 0 };
	if (at) {
		if (at == s.p)
			return error_set(err, ERROR_INVALID, "a user name is missing before '@'");
		h->user = xstrndup(s.p, (size_t)(at - s.p));
		s = (struct str){ at + 1, (size_t)(s.p + s.len - at - 1) };
	}
	return parse_host(s, h, err);
}

int hops_parse(const char *text, struct hop_list *ret, struct error **err)
{
	const char *p = text;

	for (;;) {
		size_t n = strcspn(p, ",");

		if (ret->len >= HOPS_MAX)
			return error_set(err, ERROR_INVALID, "more than %d hosts", HOPS_MAX);
		if (parse_hop(str_trim((struct str){ p, n }), vec_push(ret), err) < 0)
			return -1;
		if (p[n] == '\0')
			return 0;
		p += n + 1;
	}
}

void hops_release(struct hop_list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		free(l->items[i].user);
		free(l->items[i].host);
	}
	vec_release(l);
}
