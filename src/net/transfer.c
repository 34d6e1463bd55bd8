/* SPDX-License-Identifier: Apache-2.0 */
#include "net/transfer.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "net/http.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	TRIES = 5,
	REQUEST_SEC = 30 * 60,
	PAUSE_SEC = 1,
	PAUSE_MAX_SEC = 30,
	PROGRESS_MSEC = 100,
	READ_PIECE = 256 * 1024,
	VALIDATOR_MAX = 4096,
};

/* Digest of the URL (it may contain a password), newline, validator of the whole file. */
static const char validator_attribute[] = "user.ingot.source";

struct state {
	const struct transfer *t;
	char *part;
	int fd;
	int64_t have;          /* bytes in the file */
	struct digest *digest; /* of them, or NULL */
	bool old_part;         /* some of them are from an earlier run */
	char *validator;       /* ETag or Last-Modified of the whole, or NULL */
	int64_t total;         /* of the whole, -1 */
	int64_t modified;      /* Last-Modified, -1 */
	int status;
	bool must_restart; /* the answer does not fit what we have */
	int64_t next_progress;
	struct http_client *client;
};

/* ---- the partial file --------------------------------------------------- */

static int start_over(struct state *s, struct error **err)
{
	if (ftruncate(s->fd, 0) < 0 || lseek(s->fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", s->part);
	digest_free(s->digest);
	s->digest = s->t->has_digest ? digest_new(s->t->type) : NULL;
	s->have = 0;
	s->old_part = false;
	free(TAKE(s->validator));
	return 0;
}

/* Brings the digest up to what is in the file already. */
static int digest_part(struct state *s, struct cancel *c, struct error **err)
{
	AUTO_FREE char *buf = xmalloc(READ_PIECE);

	for (;;) {
		if (cancel_check(c, err) < 0)
			return -1;

		ssize_t n = fd_read(s->fd, buf, READ_PIECE);

		if (n < 0)
			return error_set_errno(err, errno, "cannot read '%s'", s->part);
		if (n == 0)
			return 0;
		s->have += n;
		digest_add(s->digest, buf, (size_t)n);
	}
}

static char *url_id(const struct state *s)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);

	digest_add(d, s->t->url, strlen(s->t->url));
	return digest_finish_hex(d);
}

/* The validator that an earlier run left on a part of this same URL. */
static char *stored_validator(const struct state *s)
{
	char text[VALIDATOR_MAX];
	ssize_t n = fgetxattr(s->fd, validator_attribute, text, sizeof(text));
	struct str validator;

	if (n <= 0)
		return NULL;

	AUTO_FREE char *id = url_id(s);
	struct str url = str_split((struct str){ text, (size_t)n }, '\n', &validator);

	return str_is(url, id) && validator.len ? str_dup(validator) : NULL;
}

static int open_part(struct state *s, struct cancel *c, struct error **err)
{
	s->fd = open(s->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (s->fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", s->part);
	if (s->t->has_digest) {
		s->digest = digest_new(s->t->type);
		if (digest_part(s, c, err) < 0)
			return -1;
		s->old_part = s->have > 0;
		return 0;
	}

	AUTO_FREE char *validator = stored_validator(s);

	if (!validator)
		return start_over(s, err);
	s->have = lseek(s->fd, 0, SEEK_END);
	s->old_part = s->have > 0;
	s->validator = TAKE(validator);
	return 0;
}

/* Remembers of what the file is a part; where that cannot be kept it is not resumed. */
static void note_source(struct state *s, const struct http_response *r)
{
	const char *etag = http_response_header(r, "etag");
	const char *modified = http_response_header(r, "last-modified");
	bool strong = etag && !text_starts_with(etag, "W/");
	const char *validator = strong ? etag : modified;

	if (!validator)
		return;

	AUTO_FREE char *id = url_id(s);
	AUTO_FREE char *text = xasprintf("%s\n%s", id, validator);

	free(s->validator);
	s->validator = xstrdup(validator);
	(void)fsetxattr(s->fd, validator_attribute, text, strlen(text), 0);
}

/* ---- one request -------------------------------------------------------- */

/* "bytes FIRST-LAST/TOTAL", "bytes * /TOTAL": false if it is neither. */
static bool parse_content_range(const char *text, int64_t *ret_first, int64_t *ret_total)
{
	struct str rest, last;

	if (!text || !text_starts_with(text, "bytes "))
		return false;

	struct str range = str_split(str_of(text + strlen("bytes ")), '/', &rest);
	AUTO_FREE char *first = str_dup(str_trim(str_split(range, '-', &last)));
	AUTO_FREE char *total = str_dup(str_trim(rest));

	*ret_first = *ret_total = -1;
	(void)parse_int64(total, 10, ret_total); /* "*": not known */
	return text_eq(first, "*") || parse_int64(first, 10, ret_first);
}

static void on_partial(struct state *s, const struct http_response *r)
{
	int64_t first, total;

	s->must_restart =
		!parse_content_range(http_response_header(r, "content-range"), &first, &total) ||
		first != s->have;
	s->total = total;
}

static int on_head(void *data, const struct http_response *r, struct error **err)
{
	struct state *s = data;

	s->status = r->status;
	s->modified = r->modified;
	if (r->status == 206)
		on_partial(s, r);
	if (s->must_restart) /* ends the transfer; seen by the caller */
		return error_set(err, ERROR_DISCONNECTED, "the server sent another part");
	if (r->status != 200)
		return 0;
	if (s->have && start_over(s, err) < 0)
		return -1;
	s->total = r->length;
	note_source(s, r);
	return 0;
}

static void tell(struct state *s, bool last)
{
	int64_t now = clock_monotonic();

	if (!s->t->progress || (!last && now < s->next_progress))
		return;
	s->next_progress = now + PROGRESS_MSEC * NSEC_PER_MSEC;
	s->t->progress(s->t->data, s->have, s->total);
}

static int on_body(void *data, const void *bytes, size_t len, struct error **err)
{
	struct state *s = data;

	if (s->status != 200 && s->status != 206)
		return 0; /* the page that explains the error */
	if (s->t->size_max && (int64_t)len > s->t->size_max - s->have)
		return error_set(err, ERROR_INVALID, "it has more than %lld bytes",
				 (long long)s->t->size_max);
	if (fs_write_all(s->fd, bytes, len, s->part, err) < 0)
		return -1;
	if (s->digest)
		digest_add(s->digest, bytes, len);
	s->have += (int64_t)len;
	tell(s, false);
	return 0;
}

/* 416: there is nothing after what we have. That may be because we have it all. */
static int on_no_more(struct state *s, const struct http_response *r, struct error **err)
{
	int64_t first, total;

	if (parse_content_range(http_response_header(r, "content-range"), &first, &total) &&
	    total == s->have) {
		s->total = total;
		return 0;
	}
	s->must_restart = true;
	return error_set(err, ERROR_DISCONNECTED, "the file at the server became shorter");
}

static int request(struct state *s, struct cancel *c, struct error **err)
{
	const struct transfer *t = s->t;
	AUTO(strv) struct strv headers = STRV_INIT;
	AUTO(http_response) struct http_response r = { 0 };
	int64_t limit = t->request_timeout ? t->request_timeout : REQUEST_SEC * NSEC_PER_SEC;
	struct http_request req = {
		.url = t->url,
		.headers = &headers,
		.range_from = s->have,
		.netrc = t->netrc,
		.plain_proxy = t->plain_proxy,
		.stall_timeout = t->stall_timeout,
		.deadline = clock_deadline(limit),
		.head = on_head,
		.sink = on_body,
		.data = s,
	};

	if (s->have && s->validator)
		strv_pushf(&headers, "If-Range: %s", s->validator);
	s->status = 0;
	s->must_restart = false;
	if (http_perform(s->client, &req, c, &r, err) < 0)
		return -1;
	if (r.status == 200 || r.status == 206) {
		s->total = s->have;
		tell(s, true);
		return 0;
	}
	if (r.status == 416 && s->have)
		return on_no_more(s, &r, err);
	return error_set(err, ERROR_REMOTE, "bad response code: %d", r.status);
}

/* ---- trying again ------------------------------------------------------- */

static bool is_transient(const struct state *s, const struct error *e)
{
	if (e->kind == ERROR_TIMEOUT || e->kind == ERROR_DISCONNECTED)
		return true;
	return e->kind == ERROR_REMOTE &&
	       (s->status >= 500 || s->status == 408 || s->status == 429);
}

static int wait_for_retry(struct state *s, int failures, struct cancel *c, struct error **err)
{
	int64_t pause = s->t->retry_pause ? s->t->retry_pause : PAUSE_SEC * NSEC_PER_SEC;
	int64_t longest = PAUSE_MAX_SEC * NSEC_PER_SEC;

	for (int i = 1; i < failures && pause < longest; i++)
		pause *= 2;
	return io_pause(clock_deadline(MIN(pause, longest)), c, err);
}

/* Requests until the file is whole. Each byte that comes is progress. */
static int get_whole(struct state *s, struct cancel *c, struct error **err)
{
	int tries = s->t->tries ? s->t->tries : TRIES;

	for (int failures = 0;;) {
		AUTO(error) struct error *e = NULL;
		int64_t before = s->have;

		if (request(s, c, &e) == 0)
			return 0;
		if (cancel_check(c, err) < 0)
			return -1;
		if (!is_transient(s, e))
			return error_move(err, TAKE(e));
		failures = s->have > before ? 1 : failures + 1;
		if (failures >= tries)
			return error_move(err, TAKE(e));
		if (s->must_restart && start_over(s, err) < 0)
			return -1;
		log_debug("http", "try %d of %d with %s failed, %lld bytes are here", failures,
			  tries, s->t->url, (long long)s->have);
		if (wait_for_retry(s, failures, c, err) < 0)
			return -1;
	}
}

/* 1: right (or nothing to compare with), 0: wrong. */
static int compare(struct state *s, char **ret_got)
{
	if (!s->digest)
		return 1;

	AUTO_FREE char *got = digest_finish_hex(s->digest);

	log_debug("checksum", "'%s' has %s, wanted is %s", s->t->path, got, s->t->want);
	if (text_eq(got, s->t->want))
		return 1;
	*ret_got = TAKE(got);
	return 0;
}

static int put_in_place(struct state *s, struct error **err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = s->modified } };

	if (s->modified >= 0)
		(void)futimens(s->fd, times);
	(void)fremovexattr(s->fd, validator_attribute);
	if (fsync(s->fd) < 0 || close(fd_take(&s->fd)) < 0)
		return error_set_errno(err, errno, "cannot write '%s'", s->part);
	return fs_rename(s->part, s->t->path, err);
}

static int get_right(struct state *s, struct cancel *c, char **ret_got, struct error **err)
{
	AUTO_FREE char *got = NULL;

	if (get_whole(s, c, err) < 0)
		return -1;

	bool was_old = s->old_part;

	if (compare(s, &got))
		return put_in_place(s, err);
	/* what an earlier run left may be of another file: once more, from nothing */
	if (start_over(s, err) < 0)
		return -1;
	if (was_old)
		return get_right(s, c, ret_got, err);
	(void)unlink(s->part);
	*ret_got = TAKE(got);
	return error_set(err, ERROR_INVALID, "wrong checksum");
}

int transfer_run(const struct transfer *t, struct cancel *c, char **ret_got, struct error **err)
{
	struct state s = {
		.t = t,
		.part = xasprintf("%s.part", t->path),
		.fd = -1,
		.total = -1,
		.modified = -1,
		.client = http_client_new(),
	};
	int r = open_part(&s, c, err) < 0 ? -1 : get_right(&s, c, ret_got, err);

	fd_close(s.fd);
	digest_free(s.digest);
	http_client_free(s.client);
	free(s.validator);
	free(s.part);
	return r;
}
