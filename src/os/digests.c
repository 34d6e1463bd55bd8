/* SPDX-License-Identifier: Apache-2.0 */
#include "os/digests.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"
#include "os/log.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The memory is a text: one line per file, `TYPE IDENTITY HEX` (fs_identity), the newest last. */
enum {
	SIZE_MIN = 1024 * 1024, /* smaller ones are read faster than remembered */
	FILES_MAX = 1000,
	MEMORY_MAX = 1024 * 1024,
	LOCK_MSEC = 2000,
};
#define RACY_TIME (2 * NSEC_PER_SEC) /* coarser than the clock of any file system */

/* The line up to the digest. */
static char *line_of(enum digest_type type, const struct stat *st)
{
	AUTO_FREE char *identity = fs_identity_of(st);

	return xasprintf("%s %s ", digest_name(type), identity);
}

/* Too young to tell a later change by its time. Also a time in the future. */
static bool is_racy(const struct stat *st, int64_t now)
{
	return now - clock_ns(st->st_mtim) < RACY_TIME || now - clock_ns(st->st_ctim) < RACY_TIME;
}

static void read_memory(const char *file, struct strbuf *text)
{
	AUTO(error) struct error *e = NULL;

	if (fs_read(file, MEMORY_MAX, text, &e) < 0) {
		error_ignore(&e, "what is not remembered is read");
		strbuf_truncate(text, 0);
	}
}

static bool is_hex(struct str s, enum digest_type type)
{
	return s.len == 2 * digest_size(type) && strspn(s.p, "0123456789abcdef") >= s.len;
}

/* Heap, or NULL. */
static char *recall(const char *file, const char *line, enum digest_type type)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	read_memory(file, &text);
	for (struct str rest = { text.buf, text.len }; rest.len;) {
		struct str one = str_split(rest, '\n', &rest);

		if (!str_starts_with(one, str_of(line)))
			continue;
		one.p += strlen(line);
		one.len -= strlen(line);
		return is_hex(one, type) ? str_dup(one) : NULL;
	}
	return NULL;
}

static size_t count_lines(const struct strbuf *text)
{
	size_t n = 0;

	for (const char *p = text->buf; (p = memchr(p, '\n', text->len - (size_t)(p - text->buf)));
	     p++)
		n++;
	return n;
}

/* Without the oldest, if there are too many. */
static void make_room(struct strbuf *text)
{
	while (count_lines(text) >= FILES_MAX) {
		struct str rest,
			first = str_split((struct str){ text->buf, text->len }, '\n', &rest);

		strbuf_remove(text, 0, first.len + 1);
	}
}

static int remember(const char *dir, const char *file, const char *line, const char *hex,
		    struct cancel *c, struct error **err)
{
	AUTO_FREE char *lock = xasprintf("%s.lock", file);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO_CLOSE int fd = -1;

	if (fs_mkdir_all(dir, 0777, err) < 0 ||
	    lock_acquire(lock, clock_deadline(LOCK_MSEC * NSEC_PER_MSEC), c, &fd, err) < 0)
		return -1;
	read_memory(file, &text);
	make_room(&text);
	strbuf_addf(&text, "%s%s\n", line, hex);
	return fs_write_atomic(file, text.buf, text.len, 0600, err);
}

int digests_of_file(const char *cache_dir, const char *path, enum digest_type type,
		    struct cancel *c, char **ret_hex, struct error **err)
{
	AUTO_FREE char *file = cache_dir ? path_join(cache_dir, "digests") : NULL;
	AUTO_FREE char *line = NULL, *after = NULL;
	AUTO(error) struct error *e = NULL;
	struct stat st;
	int64_t now = clock_wall();

	if (!file || stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < SIZE_MIN)
		return fs_digest(path, type, c, ret_hex, err);
	line = line_of(type, &st);
	*ret_hex = recall(file, line, type);
	if (*ret_hex) {
		log_debug("digest", "'%s' is as it was: %s", path, *ret_hex);
		return 0;
	}
	if (fs_digest(path, type, c, ret_hex, err) < 0)
		return -1;
	if (is_racy(&st, now) || stat(path, &st) < 0)
		return 0;
	after = line_of(type, &st);
	if (text_eq(line, after) && remember(cache_dir, file, line, *ret_hex, c, &e) < 0)
		error_ignore(&e, "it is read again the next time");
	return 0;
}
