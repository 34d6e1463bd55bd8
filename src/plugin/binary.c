/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/binary.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "os/fd.h"
#include "os/host.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUM_DIGITS = 64, CANONICAL_SEGMENTS = 3 };

void plugin_file_release(struct plugin_file *f)
{
	free(f->name);
	free(f->version_text);
	free(f->api);
	*f = (struct plugin_file){ 0 };
}

/* Three numbers without leading zeros, perhaps a pre-release, and no metadata: so that one version
 * has one file name. */
static bool is_canonical(const struct version *v, const char *text)
{
	AUTO(strbuf) struct strbuf again = STRBUF_INIT;

	if (v->given != CANONICAL_SEGMENTS)
		return false;
	strbuf_addf(&again, "%lld.%lld.%lld", (long long)v->segments[0], (long long)v->segments[1],
		    (long long)v->segments[2]);
	if (*v->pre)
		strbuf_addf(&again, "-%s", v->pre);
	return text_eq(again.buf, text);
}

static int parse_version(struct str text, struct plugin_file *f, struct error **err)
{
	f->version_text = str_dup(text);
	if (!version_parse(f->version_text, &f->version))
		return error_set(err, ERROR_INVALID, "'%s' in its name is no version",
				 f->version_text);
	if (strchr(f->version_text, '+'))
		return error_set(err, ERROR_INVALID,
				 "the version '%s' in its name has metadata, which names leave out",
				 f->version_text);
	if (!is_canonical(&f->version, f->version_text))
		return error_set(err, ERROR_INVALID,
				 "the version '%s' in its name is not written as MAJOR.MINOR.PATCH",
				 f->version_text);
	return 0;
}

static bool parse_number(struct str digits, int64_t *ret)
{
	AUTO_FREE char *text = str_dup(digits);

	return digits.len && isdigit((unsigned char)*text) && parse_int64(text, 10, ret);
}

/* "x5.0" */
static int parse_api(struct str text, struct plugin_file *f, struct error **err)
{
	struct str minor,
		major = str_split((struct str){ text.p + 1, text.len - !!text.len }, '.', &minor);

	f->api = str_dup(text);
	if (!str_starts_with(text, STR("x")) || !parse_number(major, &f->api_major) ||
	    !parse_number(minor, &f->api_minor))
		return error_set(err, ERROR_INVALID,
				 "'%s' in its name is no API version such as x%d.%d", f->api,
				 PLUGIN_API_MAJOR, PLUGIN_API_MINOR);
	return 0;
}

int plugin_file_parse(const char *base, struct plugin_file *ret, struct error **err)
{
	AUTO(plugin_file) struct plugin_file f = { 0 };
	AUTO_FREE char *suffix = xasprintf("_%s", host_platform);
	struct str text = str_of(base), version, api;
	const char *mark;

	if (!str_starts_with(text, STR(PLUGIN_FILE_PREFIX)))
		return error_set(err, ERROR_INVALID, "its name does not begin with '%s'",
				 PLUGIN_FILE_PREFIX);
	if (!str_ends_with(text, str_of(suffix)))
		return error_set(err, ERROR_INVALID,
				 "its name does not end with '%s', the platform of this host",
				 suffix);
	text.p += strlen(PLUGIN_FILE_PREFIX);
	text.len -= strlen(PLUGIN_FILE_PREFIX);
	mark = strstr(text.p, "_v");
	if (!mark || mark == text.p)
		return error_set(err, ERROR_INVALID, "its name is not %sNAME_vVERSION_xAPI%s",
				 PLUGIN_FILE_PREFIX, suffix);
	f.name = xstrndup(text.p, (size_t)(mark - text.p));
	text = str_of(mark + strlen("_v"));
	version = str_split(text, '_', &api);
	if (parse_version(version, &f, err) < 0)
		return -1;
	/* The API is all between the version and the platform. */
	api.len = api.len > strlen(suffix) ? api.len - strlen(suffix) : 0;
	if (parse_api(api, &f, err) < 0)
		return -1;
	*ret = f;
	f = (struct plugin_file){ 0 };
	return 0;
}

char *plugin_sum_parse(const char *bytes, size_t len)
{
	char *sum;

	if (len < SUM_DIGITS)
		return NULL;
	sum = xstrndup(bytes, SUM_DIGITS);
	for (size_t i = 0; i < SUM_DIGITS; i++) {
		if (!isxdigit((unsigned char)sum[i])) {
			free(sum);
			return NULL;
		}
		sum[i] = (char)tolower((unsigned char)sum[i]);
	}
	return sum;
}

int plugin_sum_read(const char *binary, char **ret, struct error **err)
{
	AUTO_FREE char *path = xasprintf("%s" PLUGIN_SUM_SUFFIX, binary);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char text[SUM_DIGITS];
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERROR_NOT_FOUND, "there is no checksum file '%s'", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot open the checksum file '%s'", path);
	n = S_ISREG(st.st_mode) ? fd_read_at(fd, text, sizeof(text), 0) : 0;
	if (n < 0)
		return error_set_errno(err, errno, "cannot read the checksum file '%s'", path);
	*ret = plugin_sum_parse(text, (size_t)n);
	if (!*ret)
		return error_set(err, ERROR_INVALID,
				 "the checksum file '%s' does not begin with a SHA-256", path);
	return 0;
}
