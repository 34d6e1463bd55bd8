/* SPDX-License-Identifier: Apache-2.0 */
#include "net/download.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "net/checksum.h"
#include "net/source.h"
#include "net/transfer.h"
#include "os/clock.h"
#include "os/digests.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"
#include "os/log.h"

#include <errno.h>
#include <sys/stat.h>

/* One URL of a download, while it is tried. */
struct attempt {
	const struct download *d;
	const char *url;
	const char *checksum; /* canonical, or "none" */
	struct source source;
	char *shown;  /* the URL with its checksum, for people */
	char *target; /* where it is to be */
	char *path;   /* where it is, in the end */
	bool wrong_sum;
	bool cached;
};

PRINTF(3, 4)
static void say(const struct download *d, bool is_error, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	if (d->say)
		d->say(d->data, is_error, sb.buf);
	strbuf_release(&sb);
}

static bool has_checksum(const char *checksum)
{
	return !text_eq(checksum, "none");
}

static char *sha1_of(const char *text)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA1);

	digest_add(d, text, strlen(text));
	return digest_finish_hex(d);
}

char *download_target(const struct download *d, const char *url, const char *checksum)
{
	AUTO_FREE char *sum = sha1_of(has_checksum(checksum) ? checksum : url);
	AUTO_FREE char *name = xasprintf("%s.%s", sum, d->extension);
	AUTO_FREE char *dir = NULL;

	for (char *p = name; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	if (d->target_path && path_extension(d->target_path).len)
		return path_absolute(d->cwd, d->target_path);
	dir = path_absolute(d->cwd, d->target_path ? d->target_path : d->cache_dir);
	return path_join(dir, name);
}

/* ---- checksums ---------------------------------------------------------- */

static int wrong_sum(struct attempt *a, const char *path, const char *got, struct error **err)
{
	enum digest_type type = DIGEST_SHA256;
	const char *want = "";

	(void)checksum_split(a->checksum, &type, &want);
	a->wrong_sum = true;
	error_set(err, ERROR_INVALID,
		  "Checksums did not match for %s.\nExpected: %s\nGot: %s\n*%s.digest", path, want,
		  got, digest_name(type));
	return error_hint(err, "the file is not the one that the checksum was made of: get it "
			       "again, or correct the checksum");
}

/* 1: the file has the right sum, 0: another (*ret_got), -1: error. */
static int has_right_sum(struct attempt *a, const char *path, char **ret_got, struct cancel *c,
			 struct error **err)
{
	enum digest_type type;
	const char *want;

	if (!checksum_split(a->checksum, &type, &want)) {
		log_debug("checksum", "none is given for '%s'", path);
		return 1;
	}
	if (digests_of_file(a->d->cache_dir, path, type, c, ret_got, err) < 0)
		return -1;
	log_debug("checksum", "'%s' has %s, wanted is %s", path, *ret_got, want);
	return text_eq(*ret_got, want);
}

/* ---- where it may be already -------------------------------------------- */

static int use_in_place(struct attempt *a, struct cancel *c, struct error **err)
{
	AUTO_FREE char *got = NULL;
	enum fs_kind kind;

	if (fs_stat_kind(a->source.path, &kind, err) < 0)
		return -1;
	if (kind == FS_ABSENT)
		return error_set_errno(err, ENOENT, "cannot open '%s'", a->source.path);
	if (kind == FS_DIR)
		return error_set(err, ERROR_INVALID, "'%s' is a directory", a->source.path);

	int r = has_right_sum(a, a->source.path, &got, c, err);

	if (r == 0) {
		wrong_sum(a, a->source.path, got, err);
		a->wrong_sum = false; /* nothing of ours is to be removed */
	}
	if (r <= 0)
		return -1;
	a->path = xstrdup(a->source.path);
	return 0;
}

/* Without a checksum: a file is what the server has if size and time are the same. */
static bool is_unchanged(struct attempt *a, const char *path, struct cancel *c)
{
	AUTO(http_client) struct http_client *h = http_client_new();
	AUTO(http_response) struct http_response r = { 0 };
	AUTO(error) struct error *err = NULL;
	struct http_request req = {
		.method = "HEAD",
		.url = a->source.url,
		.netrc = a->d->netrc,
		.plain_proxy = a->d->plain_proxy,
	};
	struct stat st;

	if (stat(path, &st) < 0 || http_perform(h, &req, c, &r, &err) < 0)
		return false;

	bool same = r.status == 200 && r.length == st.st_size &&
		    (r.modified < 0 || r.modified == st.st_mtime);

	log_debug("download", "'%s' %s by size and time", path,
		  same ? "is what the server has," : "differs from what the server has");
	return same;
}

static int is_cached(struct attempt *a, const char *path, struct cancel *c, struct error **err)
{
	AUTO_FREE char *got = NULL;
	enum fs_kind kind;

	if (fs_stat_kind(path, &kind, err) < 0)
		return -1;
	if (kind == FS_ABSENT)
		return 0;
	if (kind != FS_FILE)
		return error_set(err, ERROR_EXISTS, "'%s' is not a file", path);
	if (!has_checksum(a->checksum))
		return is_unchanged(a, path, c);
	return has_right_sum(a, path, &got, c, err);
}

/* ---- the transfer ------------------------------------------------------- */

/* Gets the source to `path`, packed or not as it is there. */
static int get_to(struct attempt *a, const char *path, struct cancel *c, struct error **err)
{
	const struct download *d = a->d;
	AUTO_FREE char *got = NULL;
	struct transfer t = {
		.url = a->source.url,
		.path = path,
		.netrc = d->netrc,
		.plain_proxy = d->plain_proxy,
		.request_timeout = d->request_timeout,
		.stall_timeout = d->stall_timeout,
		.retry_pause = d->retry_pause,
		.tries = d->tries,
		.progress = d->progress,
		.data = d->data,
	};
	int r = is_cached(a, path, c, err);

	if (r) {
		a->cached = r > 0;
		if (r > 0)
			log_debug("download", "'%s' is used as it is", path);
		return r < 0 ? -1 : 0;
	}
	t.has_digest = checksum_split(a->checksum, &t.type, &t.want);
	if (transfer_run(&t, c, &got, err) == 0)
		return 0;
	if (!got)
		return -1;
	error_ignore(err, "said in more detail here");
	return wrong_sum(a, path, got, err);
}

/* ".tar.gz" before ".gz" */
static const char *const packed_suffixes[] = {
	"tar.gz", "tar.xz", "tar.bz2", "tar.zst", "tgz", "txz", "tbz2", "tzst",
	"tar",    "zip",    "gz",      "xz",      "bz2", "zst", NULL,
};

/* How the source is packed, NULL if it is not or is to be kept so. */
static const char *packed_type(const struct source *s)
{
	if (s->archive && (text_eq(s->archive, "false") || text_eq(s->archive, "0")))
		return NULL;
	for (const char *const *p = packed_suffixes; *p; p++) {
		AUTO_FREE char *suffix = xasprintf(".%s", *p);

		if (s->archive ? text_eq(s->archive, *p) : text_ends_with(s->path, suffix))
			return *p;
	}
	return NULL;
}

static int unpack(struct attempt *a, const char *type, const char *packed, struct cancel *c,
		  struct error **err)
{
	const struct download *d = a->d;
	AUTO_FREE char *part = xasprintf("%s.part", a->target);

	if (d->unpack(d->data, type, packed, part, c, err) < 0) {
		AUTO(error) struct error *e = NULL;

		if (fs_remove(part, &e) < 0)
			error_ignore(&e, "the first error counts");
		return error_prefix(err, "cannot unpack '%s'", packed);
	}
	return fs_rename(part, a->target, err);
}

/* Under the lock of the target. */
static int fetch_locked(struct attempt *a, struct cancel *c, struct error **err)
{
	const char *type = packed_type(&a->source);

	if (!type)
		return get_to(a, a->target, c, err);
	if (!a->d->unpack)
		return error_set(err, ERROR_INVALID,
				 "'%s' is packed; with archive=false it is used as it is",
				 a->shown);

	AUTO_FREE char *packed = xasprintf("%s.%s", a->target, type);

	if (get_to(a, packed, c, err) < 0)
		return -1;
	return unpack(a, type, packed, c, err);
}

static int look(struct attempt *a, struct error **err)
{
	enum fs_kind kind;

	if (fs_stat_kind(a->target, &kind, err) < 0)
		return -1;
	if (kind != FS_FILE)
		return error_set(err, ERROR_NOT_FOUND, "it has to be downloaded");
	a->path = xstrdup(a->target);
	return 0;
}

static int fetch(struct attempt *a, struct cancel *c, struct error **err)
{
	AUTO_FREE char *dir = path_dirname(a->target);
	AUTO_FREE char *lock = xasprintf("%s.lock", a->target);
	AUTO_CLOSE int fd = -1;

	if (fs_mkdir_all(dir, 0777, err) < 0 || lock_acquire(lock, DEADLINE_NEVER, c, &fd, err) < 0)
		return -1;
	if (fetch_locked(a, c, err) < 0)
		return -1;
	a->path = xstrdup(a->target);
	return 0;
}

/* ---- the URLs ----------------------------------------------------------- */

/* A checksum in the URL goes before the given one, also for the URLs that follow. */
static int take_checksum(struct attempt *a, char **sticky, struct cancel *c, struct error **err)
{
	const struct download *d = a->d;
	const struct checksum_context ctx = {
		.url = a->url, .cwd = d->cwd, .netrc = d->netrc, .plain_proxy = d->plain_proxy
	};
	char *canonical = NULL;

	if (text_is_empty(a->source.checksum))
		return 0;
	if (checksum_resolve(a->source.checksum, &ctx, c, &canonical, err) < 0)
		return -1;
	free(*sticky);
	*sticky = canonical;
	return 0;
}

static int try_url(struct attempt *a, char **sticky, struct cancel *c, struct error **err)
{
	const struct download *d = a->d;
	AUTO_FREE char *plain = source_shown(a->url, NULL);

	say(d, false, "Trying %s", plain);
	if (source_parse(&a->source, a->url, d->cwd, err) < 0 ||
	    take_checksum(a, sticky, c, err) < 0)
		return -1;
	a->checksum = *sticky;
	a->shown = source_shown(a->url, has_checksum(a->checksum) ? a->checksum : NULL);
	a->target = download_target(d, a->url, a->checksum);
	say(d, false, "Trying %s", a->shown);
	if (a->source.is_local)
		return use_in_place(a, c, err);
	return d->look_only ? look(a, err) : fetch(a, c, err);
}

static void tell_failure(struct attempt *a, const struct error *e)
{
	AUTO(error) struct error *kept = NULL;

	if (!a->wrong_sum) {
		say(a->d, true, "Download failed %s", e->message);
		return;
	}
	say(a->d, true, "Checksum did not match, removing %s", a->target);
	if (fs_remove(a->target, &kept) < 0)
		say(a->d, true, "Failed to remove cache file. Please remove manually: %s",
		    a->target);
}

/* No other URL can help: the place for the file is at fault, or we are to stop. */
static bool is_final(const struct error *e, struct cancel *c)
{
	static const int faults[] = { ENOSPC, EDQUOT, EROFS, EFBIG, EIO };
	AUTO(error) struct error *ended = NULL;

	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (e->os_errno == faults[i])
			return true;
	return cancel_check(c, &ended) < 0;
}

static void attempt_release(struct attempt *a)
{
	source_release(&a->source);
	free(a->shown);
	free(a->target);
	free(a->path);
}

void download_result_release(struct download_result *r)
{
	free(r->path);
	free(r->url);
	free(r->checksum);
	*r = (struct download_result){ 0 };
}

/* What was wrong with each place. */
struct failures {
	struct strv texts;
	char *hint; /* of the last one that had any */
};

/* 1: there it is, 0: the next URL, -1: the end. */
static int run_one(struct attempt *a, char **sticky, struct failures *failed, struct cancel *c,
		   struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (try_url(a, sticky, c, &e) == 0) {
		say(a->d, false, "%s => %s", a->shown, a->path);
		return 1;
	}
	if (is_final(e, c))
		return error_move(err, TAKE(e));
	tell_failure(a, e);
	strv_push(&failed->texts, e->message);
	if (e->hint) {
		free(failed->hint);
		failed->hint = TAKE(e->hint);
	}
	return 0;
}

int download_run(const struct download *d, struct cancel *c, struct download_result *ret,
		 struct error **err)
{
	AUTO_FREE char *sticky = xstrdup(d->checksum);
	struct failures failed = { .texts = STRV_INIT };
	int r = 0;

	say(d, false, "Retrieving %s", d->what);
	for (size_t i = 0; i < d->urls->len && r == 0; i++) {
		struct attempt a = { .d = d, .url = d->urls->v[i] };

		r = run_one(&a, &sticky, &failed, c, err);
		if (r > 0)
			*ret = (struct download_result){
				.path = TAKE(a.path),
				.url = xstrdup(a.url),
				.checksum = xstrdup(sticky),
				.in_place = a.source.is_local,
				.cached = a.cached,
			};
		attempt_release(&a);
	}
	if (r == 0) {
		AUTO_FREE char *all = strv_join(&failed.texts, " ");

		if (d->look_only)
			error_set(err, ERROR_NOT_FOUND, "%s", all);
		else
			error_set(err, ERROR_FAILED, "error downloading %s: [%s]", d->what, all);
		if (failed.hint)
			error_hint(err, "%s", failed.hint);
	}
	strv_release(&failed.texts);
	free(failed.hint);
	return r > 0 ? 0 : -1;
}
