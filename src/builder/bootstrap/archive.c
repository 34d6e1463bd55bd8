/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/bootstrap/archive.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bootstrap/tool.h"
#include "os/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_MAX = 8 * 1024 * 1024 };

static void add_source(struct archive_source *s, const char *uri, const char *suite,
		       const char *suffix)
{
	s->uri = uri;
	(void)snprintf(s->suite, sizeof(s->suite), "%s%s", suite, suffix);
}

size_t archive_sources(const struct bootstrap *b, struct archive_source ret[ARCHIVE_SOURCES_MAX])
{
	size_t n = 0;

	add_source(&ret[n++], b->mirror, b->release, "");
	if (b->rel->updates && b->updates)
		add_source(&ret[n++], b->mirror, b->release, "-updates");
	if (b->rel->updates && *b->security_mirror)
		add_source(&ret[n++], b->security_mirror, b->release, "-security");
	return n;
}

void archive_lines(const struct bootstrap *b, struct strv *ret)
{
	struct archive_source sources[ARCHIVE_SOURCES_MAX];
	size_t n = archive_sources(b, sources);

	for (size_t i = 0; i < n; i++) {
		AUTO(strbuf) struct strbuf line = STRBUF_INIT;

		strbuf_addf(&line, "deb [signed-by=%s%s] %s %s",
			    b->keyring ? b->keyring : b->distro->host_keyring,
			    b->check_valid_until ? "" : " check-valid-until=no", sources[i].uri,
			    sources[i].suite);
		for (size_t k = 0; k < b->components.len; k++)
			strbuf_addf(&line, " %s", b->components.v[k]);
		strv_push(ret, line.buf);
	}
}

void archive_state_release(struct archive_state *s)
{
	free(s->digest);
	*s = (struct archive_state){ 0 };
}

/* Days since 1970-01-01 (proleptic Gregorian). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	/* years begin in March, so that the leap day is the last one */
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = (month + 9) % 12;
	int64_t era = y / 400, of_era = y % 400;
	int64_t of_year = (153 * m + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "Sat, 11 Jul 2026 09:39:12 UTC" */
static bool parse_date(const char *s, int64_t *ret)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, year, h, m, sec;
	char month[4];
	const char *at;

	if (sscanf(s, "%*3s, %2d %3s %4d %2d:%2d:%2d", &day, month, &year, &h, &m, &sec) != 6 ||
	    strlen(month) != 3)
		return false;
	at = strstr(months, month);
	if (!at || (at - months) % 3 || day < 1 || day > 31 || year < 1970 || h > 23 || m > 59 ||
	    sec > 60 || h < 0 || m < 0 || sec < 0)
		return false;
	*ret = days_of(year, (at - months) / 3 + 1, day) * 86400 + h * 3600 + m * 60 + sec;
	return true;
}

bool archive_date(const char *text, int64_t *ret)
{
	static const char key[] = "Date: ";
	const char *line = text;

	while (line && !text_starts_with(line, key)) {
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return line && parse_date(line + strlen(key), ret);
}

static void note_cause(void *data, bool is_stderr, const char *line)
{
	char **cause = data;

	(void)is_stderr;
	if (!*cause && text_starts_with(line, "E: "))
		*cause = xstrdup(line + strlen("E: "));
}

static int download(struct build_ctx *ctx, const char *url, const char *file, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_FREE char *cause = NULL;
	int status = 0;
	struct tool_call call = {
		.ctx = ctx,
		.what = "apt-helper",
		.argv = &argv,
		.epoch = -1,
		.line = note_cause,
		.line_data = &cause,
		.ret_status = &status,
	};

	strv_pushl(&argv, "/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root", "-o",
		   "Acquire::Retries=2", "download-file", url, file, (char *)NULL);
	if (tool_run(&call, err) < 0)
		return -1;
	if (!status)
		return 0;
	return error_set(err, ERROR_REMOTE, "%s", cause ? cause : "apt cannot download it");
}

static int read_source(const struct bootstrap *b, struct build_ctx *ctx,
		       const struct archive_source *s, const char *file, struct strbuf *ret,
		       struct error **err)
{
	AUTO_FREE char *url = xasprintf("%s/dists/%s/InRelease", s->uri, s->suite);

	if (download(ctx, url, file, err) < 0) {
		if (strstr((*err)->message, "404"))
			error_hint(err,
				   "the archive has no suite '%s'; check release ('%s') and "
				   "mirror",
				   s->suite, b->release);
		else
			error_hint(err, "check mirror, and http_proxy if this host needs one");
		return error_prefix(err, "cannot read the archive at %s", s->uri);
	}
	return fs_read(file, INDEX_MAX, ret, err);
}

int archive_look(const struct bootstrap *b, struct build_ctx *ctx, const char *dir,
		 struct archive_state *ret, struct error **err)
{
	struct archive_source sources[ARCHIVE_SOURCES_MAX];
	size_t n = archive_sources(b, sources);
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	int64_t newest = 0;

	if (fs_mkdir_all(dir, 0700, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(INDEX_MAX);
		AUTO_FREE char *file = xasprintf("%s/%zu", dir, i);
		int64_t date;

		if (read_source(b, ctx, &sources[i], file, &text, err) < 0)
			return -1;
		if (!archive_date(text.buf, &date))
			return error_set(err, ERROR_INVALID,
					 "the index of %s %s is not one: it has no date",
					 sources[i].uri, sources[i].suite);
		digest_add_field(d, sources[i].suite, text.buf, text.len);
		newest = MAX(newest, date);
	}
	*ret = (struct archive_state){ .digest = digest_finish_hex(d), .epoch = newest };
	return 0;
}
