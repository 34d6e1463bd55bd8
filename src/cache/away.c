/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that somebody else keeps. In layers/ lies a note on each, and the rules are those of all layers; but
 * when one is garbage, its note is only put aside. It stays in gone/ until who can has removed what it
 * stands for, be that in a later process: so nothing is forgotten when that cannot be reached now.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "cache/store.h"
#include "cache/store_internal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { NOTE_MAX = 64 * 1024 };
static const int64_t bytes_max = INT64_C(1) << 50;

bool store_is_away(const char *name)
{
	return text_ends_with(name, "." STORE_AWAY);
}

/* NULL: it cannot be read, or says nothing. */
static json_t *read_note(int folder, const char *name)
{
	AUTO_CLOSE int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	struct stat st;
	json_t *note;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > NOTE_MAX)
		return NULL;
	text = xmalloc(NOTE_MAX);
	n = fd_read_at(fd, text, NOTE_MAX, 0);
	note = n > 0 ? json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (json_is_object(note))
		return note;
	json_decref(note);
	return NULL;
}

json_t *store_away_read(struct store *s, const char *name)
{
	return store_layer_name_is_valid(name) ? read_note(s->folders[IN_LAYERS], name) : NULL;
}

/* One write: who is killed leaves the old note or the new one. */
int store_away_write(int fd, const json_t *note, struct error **err)
{
	AUTO_FREE char *text = json_dumps(note, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (!len || len > NOTE_MAX)
		return error_set(err, ERROR_INVALID, "what is to be kept with a step is too large");
	if (pwrite(fd, text, len, 0) != (ssize_t)len || ftruncate(fd, (off_t)len) < 0 ||
	    fdatasync(fd) < 0)
		return error_set_errno(err, errno, "cannot write the note on a layer");
	return 0;
}

int64_t away_bytes(int folder, const char *name)
{
	json_t *note = read_note(folder, name);
	int64_t bytes = json_integer_value(json_object_get(note, "bytes"));

	json_decref(note);
	return bytes > 0 && bytes <= bytes_max ? bytes : 0;
}

int away_put_aside(struct store *s, const char *name)
{
	return renameat(s->folders[IN_LAYERS], name, s->folders[IN_GONE], name);
}

/* From the future: it is not looked at before then. */
static void put_off(int fd, int64_t ns)
{
	int64_t until = clock_wall() + ns;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { .tv_sec = (time_t)(until / NSEC_PER_SEC) } };

	(void)futimens(fd, times);
}

static bool is_put_off(const struct stat *st)
{
	int64_t until = (int64_t)st->st_mtim.tv_sec * NSEC_PER_SEC, now = clock_wall();

	return until > now && until - now <= STORE_GONE_PAUSE; /* else the clock was set */
}

static void visit(struct store *s, const char *name, const struct store_gone *g)
{
	int folder = s->folders[IN_GONE];
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (hold_try(folder, name, O_RDONLY, LOCK_EX, &fd) <= 0 || fstat(fd, &st) < 0 ||
	    is_put_off(&st))
		return;

	json_t *note = read_note(folder, name);
	enum store_gone_end end = note ? g->remove(g->data, note, clock_ns(st.st_ctim))
				       : STORE_GONE_REMOVED; /* nothing was made for it */

	json_decref(note);
	if (end == STORE_GONE_REMOVED)
		(void)unlinkat(folder, name, 0);
	else if (end == STORE_GONE_PUT_OFF)
		put_off(fd, STORE_GONE_PAUSE);
}

int store_gone_each(struct store *s, const struct store_gone *g, struct error **err)
{
	AUTO_FREE char *dir = store_path(s, IN_GONE, "");
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++)
		if (store_layer_name_is_valid(names.v[i]))
			visit(s, names.v[i], g);
	return 0;
}

size_t store_gone_count(struct store *s)
{
	AUTO_FREE char *dir = store_path(s, IN_GONE, "");
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	size_t n = 0;

	if (fs_list(dir, &names, &e) < 0)
		error_ignore(&e, "it is only told");
	for (size_t i = 0; i < names.len; i++)
		n += store_layer_name_is_valid(names.v[i]);
	return n;
}
