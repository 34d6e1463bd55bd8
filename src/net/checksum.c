/* SPDX-License-Identifier: Apache-2.0 */
#include "net/checksum.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "net/source.h"
#include "os/fs.h"
#include "os/log.h"

#include <string.h>

static char *lower(struct str s)
{
	char *copy = str_dup(s);

	for (char *p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

/* Appends "why" if `hex` is no pairs of hexadecimal digits; false then. */
static bool check_hex(struct str hex, struct strbuf *why)
{
	for (size_t i = 0; i < hex.len; i++) {
		unsigned char c = (unsigned char)hex.p[i];

		if (memchr("0123456789abcdefABCDEF", c, 22))
			continue;
		strbuf_addf(why, "encoding/hex: invalid byte: U+%04X", c);
		if (c > ' ' && c < 0x7f)
			strbuf_addf(why, " '%c'", c);
		return false;
	}
	if (hex.len % 2)
		strbuf_addstr(why, "encoding/hex: odd length hex string");
	else if (!hex.len)
		strbuf_addstr(why, "it is empty");
	return hex.len && hex.len % 2 == 0;
}

static bool type_from_length(size_t digits, enum digest_type *ret)
{
	static const enum digest_type known[] = { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256,
						  DIGEST_SHA512 };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (digest_size(known[i]) * 2 == digits) {
			*ret = known[i];
			return true;
		}
	}
	return false;
}

static bool type_from_name(struct str name, enum digest_type *ret)
{
	AUTO_FREE char *type = lower(name);

	return digest_from_name(type, ret) && *ret != DIGEST_SHA224 && *ret != DIGEST_SHA384;
}

/* `type` may be empty: it follows from the length. */
static char *make(struct str type, struct str hex, struct error **err)
{
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	AUTO_FREE char *digits = lower(hex);
	enum digest_type found;

	if (!check_hex(hex, &why)) {
		error_set(err, ERROR_INVALID, "invalid checksum: %s", why.buf);
		return NULL;
	}
	if (type.p && !type_from_name(type, &found)) {
		error_set(err, ERROR_INVALID, "unsupported checksum type: %.*s", STR_FMT(type));
		return NULL;
	}
	if (!type.p && !type_from_length(hex.len, &found)) {
		error_set(err, ERROR_INVALID, "Unknown type for checksum %.*s", STR_FMT(hex));
		return NULL;
	}
	return xasprintf("%s:%s", digest_name(found), digits);
}

/* ---- files of checksums ------------------------------------------------- */

enum { FIELDS_MAX = 5 }; /* more do not matter */

static size_t split_fields(struct str line, struct str fields[FIELDS_MAX])
{
	size_t n = 0;

	for (line = str_trim(line); line.len && n < FIELDS_MAX; line = str_trim(line)) {
		size_t len = 0;

		while (len < line.len && !strchr(" \t\r\v\f", line.p[len]))
			len++;
		fields[n++] = (struct str){ line.p, len };
		line.p += len;
		line.len -= len;
	}
	return n;
}

/* The way from one cleaned absolute directory to a path. */
static char *relative_path(const char *dir, const char *path)
{
	struct strbuf sb = STRBUF_INIT;
	size_t common = 0, i = 0;

	for (; dir[i] && dir[i] == path[i]; i++)
		if (dir[i] == '/')
			common = i + 1;
	if (!dir[i] && (path[i] == '/' || !path[i]))
		common = i + (path[i] == '/');
	for (const char *p = dir + MIN(common, strlen(dir)); *p; p++)
		if (p == dir + common || *p == '/')
			strbuf_addstr(&sb, "../");
	strbuf_addstr(&sb, path + MIN(common, strlen(path)));
	return strbuf_detach(&sb);
}

/* Names under which the file may stand in the list. */
static void list_names(struct strv *names, const char *path, const char *sums_path)
{
	AUTO_FREE char *dir = path_dirname(sums_path);
	AUTO_FREE char *relative = relative_path(text_eq(dir, "/") ? "" : dir, path);
	const char *base = path_basename(path);

	strv_push(names, base);
	strv_pushf(names, "*%s", base);
	strv_pushf(names, "?%s", base);
	strv_push(names, relative[0] == '/' ? relative + 1 : relative);
	strv_pushf(names, "./%s", relative[0] == '/' ? relative + 1 : relative);
	strv_push(names, path);
}

static bool is_meant(struct str name, const struct strv *names, const char *path)
{
	AUTO_FREE char *text = str_dup(name);
	const char *bare = text + strspn(text, "./");

	return strv_contains(names, text) || (*bare && strstr(path, bare));
}

/* The checksum of a line, if it is a line for us. */
static char *read_line(struct str line, const struct strv *names, const char *path)
{
	AUTO(error) struct error *err = NULL;
	struct str fields[FIELDS_MAX];
	size_t n = split_fields(line, fields);

	if (!n || strchr("#/-", fields[0].p[0]))
		return NULL;
	if (n == 4) { /* TYPE (NAME) = HEX */
		struct str name = fields[1];

		if (str_starts_with(name, STR("(")) && str_ends_with(name, STR(")"))) {
			name.p++;
			name.len -= 2;
		}
		return is_meant(name, names, path) ? make(fields[0], fields[3], &err) : NULL;
	}
	if (n == 2 && !is_meant(fields[1], names, path))
		return NULL;
	return make((struct str){ 0 }, fields[0], &err);
}

char *checksum_find(const char *content, const char *path, const char *sums_path)
{
	AUTO(strv) struct strv names = STRV_INIT;
	struct str rest = str_of(content);

	list_names(&names, path, sums_path);
	while (rest.len) {
		struct str tail;
		struct str line = str_split(rest, '\n', &tail);
		char *found = read_line(line, &names, path);

		if (found)
			return found;
		rest = tail;
	}
	return NULL;
}

static int fetch_sums(const struct source *s, const struct checksum_context *ctx, struct cancel *c,
		      struct strbuf *ret, struct error **err)
{
	AUTO(http_client) struct http_client *h = http_client_new();
	AUTO(http_response) struct http_response r = { 0 };
	struct http_request req = {
		.url = s->url,
		.netrc = ctx->netrc,
		.plain_proxy = ctx->plain_proxy,
		.body_max = CHECKSUM_FILE_MAX,
	};

	if (http_perform(h, &req, c, &r, err) < 0)
		return -1;
	if (r.status != 200)
		return error_set(err, ERROR_REMOTE, "bad response code: %d", r.status);
	strbuf_add(ret, r.body.buf, r.body.len);
	return 0;
}

static int resolve_file(const char *place, const struct checksum_context *ctx, struct cancel *c,
			char **ret, struct error **err)
{
	AUTO(source) struct source sums = { 0 }, target = { 0 };
	AUTO(strbuf) struct strbuf content = STRBUF_INIT;
	int r;

	if (source_parse(&sums, place, ctx->cwd, err) < 0 ||
	    source_parse(&target, ctx->url ? ctx->url : "", ctx->cwd, err) < 0)
		return -1;
	if (sums.is_local)
		r = fs_read(sums.path, CHECKSUM_FILE_MAX, &content, err);
	else
		r = fetch_sums(&sums, ctx, c, &content, err);
	if (r < 0)
		return error_prefix(err, "Error downloading checksum file");
	*ret = checksum_find(content.buf, target.path, sums.path);
	if (!*ret)
		return error_set(err, ERROR_NOT_FOUND, "no checksum found in: %s", place);
	return 0;
}

static int resolve(const char *text, const struct checksum_context *ctx, struct cancel *c,
		   char **ret, struct error **err)
{
	struct str rest;
	struct str type = str_split(str_of(text), ':', &rest);

	if (!strchr(text, ':'))
		*ret = make((struct str){ 0 }, str_of(text), err);
	else if (!str_is(type, "file"))
		*ret = make(type, rest, err);
	else
		return resolve_file(rest.p, ctx, c, ret, err);
	return *ret ? 0 : -1;
}

/* Every mistake ends with the text it was found in. */
static int name_text(struct error **err, const char *text)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "%s in ", (*err)->message);
	encode_go_quoted(&sb, text, strlen(text));
	free((*err)->message);
	(*err)->message = strbuf_detach(&sb);
	return -1;
}

int checksum_resolve(const char *text, const struct checksum_context *ctx, struct cancel *c,
		     char **ret_canonical, struct error **err)
{
	AUTO_FREE char *low = lower(str_of(text));
	char *canonical = NULL;

	if (!*text)
		return error_set(err, ERROR_INVALID, "A checksum must be specified");
	if (text_ends_with(low, ".iso"))
		return error_set(err, ERROR_INVALID,
				 "Error parsing checksum: .iso is not a valid checksum ending");
	if (text_eq(text, "none")) {
		*ret_canonical = xstrdup(text);
		return 0;
	}
	if (resolve(text, ctx, c, &canonical, err) < 0) {
		if ((*err)->kind == ERROR_CANCELLED)
			return -1;
		return name_text(err, text);
	}
	log_debug("checksum", "'%s' means %s", text, canonical);
	*ret_canonical = canonical;
	return 0;
}

bool checksum_split(const char *canonical, enum digest_type *ret_type, const char **ret_hex)
{
	struct str hex;
	AUTO_FREE char *type = str_dup(str_split(str_of(canonical), ':', &hex));

	if (!hex.len || !digest_from_name(type, ret_type))
		return false;
	*ret_hex = hex.p;
	return true;
}
