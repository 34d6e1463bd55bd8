/* SPDX-License-Identifier: Apache-2.0 */
#include "core/records.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "core/json_text.h"
#include "core/story.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { UUID_LENGTH = 36, EVENTS_READ_MAX = 256 * 1024 * 1024 };

/* 20260102T030405.678901Z-UUID */
static bool is_name(const char *name)
{
	static const char shape[] = "00000000T000000.000000Z-";
	size_t len = sizeof(shape) - 1;

	if (strlen(name) != len + UUID_LENGTH)
		return false;
	for (size_t i = 0; i < len; i++)
		if (shape[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != shape[i])
			return false;
	return strspn(name + len, "0123456789abcdef-") == UUID_LENGTH;
}

int records_list(const char *state_dir, struct record_list *ret, struct error **err)
{
	AUTO_FREE char *root = path_join(state_dir, RECORDS_DIR);
	AUTO(strv) struct strv names = STRV_INIT;

	if (!fs_exists(root))
		return 0;
	if (fs_list(root, &names, err) < 0)
		return -1;
	for (size_t i = names.len; i-- > 0;) {
		struct record_entry *e;

		if (!is_name(names.v[i])) /* not one of ours */
			continue;
		e = vec_push(ret);
		e->dir = path_join(root, names.v[i]);
		e->id = e->dir + strlen(e->dir) - UUID_LENGTH;
	}
	return 0;
}

int64_t record_wall(const struct record_entry *entry)
{
	struct tm tm = { 0 };
	int micros = 0;

	(void)sscanf(path_basename(entry->dir), "%4d%2d%2dT%2d%2d%2d.%6d", &tm.tm_year, &tm.tm_mon,
		     &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &micros);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (int64_t)timegm(&tm) * NSEC_PER_SEC + micros * INT64_C(1000);
}

void record_list_release(struct record_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		free(list->items[i].dir);
	vec_release(list);
}

int records_find(const struct record_list *list, const char *id, const struct record_entry **ret,
		 struct error **err)
{
	const struct record_entry *found = NULL;

	for (size_t i = 0; i < list->len && *id; i++) {
		const struct record_entry *e = &list->items[i];

		if (!text_starts_with(e->id, id))
			continue;
		if (found) {
			error_set(err, ERROR_INVALID, "several runs begin with '%s'", id);
			return error_hint(err, "two of them are %s and %s", found->id, e->id);
		}
		found = e;
	}
	if (!found) {
		error_set(err, ERROR_NOT_FOUND, "there is no record of a run '%s'", id);
		return error_hint(err, "'ingot runs' lists the records");
	}
	*ret = found;
	return 0;
}

/* ---- reading ----------------------------------------------------------------------- */

static bool is_running(const char *events_path)
{
	AUTO_CLOSE int fd = open(events_path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* A line that was torn in two says nothing. */
static json_t *read_story(const char *events_path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	json_t *story = story_new();

	if (fs_read(events_path, EVENTS_READ_MAX, &text, &e) < 0)
		error_ignore(&e, "then it tells nothing");
	for (struct str rest = { text.buf, text.len }, line; rest.len;) {
		line = str_split(rest, '\n', &rest);

		json_t *event = json_loadb(line.p, line.len, 0, NULL);

		story_add(story, event);
		json_decref(event);
	}
	return story;
}

/* Builds that had not ended when the run did. */
static void mark_open(json_t *run, const char *status)
{
	json_t *builds = json_object_get(run, "builds");

	for (size_t i = 0; i < json_array_size(builds); i++) {
		json_t *build = json_array_get(builds, i);

		if (!json_object_get(build, "status"))
			json_set_text(build, "status", status);
	}
}

static void read_unfinished(json_t *run, const struct record_entry *entry, const char *events_path,
			    bool whole)
{
	bool running = is_running(events_path);
	int64_t until = clock_wall();
	struct stat st;

	/* the last word of one that was killed */
	if (!running && stat(events_path, &st) == 0)
		until = clock_ns(st.st_mtim);
	json_set_text(run, "result", running ? "running" : "interrupted");
	json_object_set_new(run, "seconds",
			    json_real((double)MAX(until - record_wall(entry), INT64_C(0)) /
				      (double)NSEC_PER_SEC));
	if (!whole)
		return;

	json_t *story = read_story(events_path);

	json_object_update(run, story);
	json_decref(story);
	mark_open(run, running ? "running" : "interrupted");
}

static void add_evidence(json_t *run, const char *dir)
{
	AUTO_FREE char *evidence = path_join(dir, RECORD_EVIDENCE);
	json_t *builds = json_object_get(run, "builds");

	if (!fs_exists(evidence))
		return;
	for (size_t i = 0; i < json_array_size(builds); i++) {
		json_t *build = json_array_get(builds, i), *paths = json_array();
		const char *name = json_string_value(json_object_get(build, "name"));
		AUTO_FREE char *own = record_build_dir(evidence, name ? name : "");
		AUTO(strv) struct strv files = STRV_INIT;
		AUTO(error) struct error *e = NULL;

		if (fs_exists(own) && fs_walk_files(own, &files, &e) < 0)
			error_ignore(&e, "then there is none to be seen");
		for (size_t k = 0; k < files.len; k++)
			json_array_append_new(paths, json_text(files.v[k]));
		json_object_set_new(build, "evidence", paths);
	}
}

json_t *record_read(const struct record_entry *entry, bool whole)
{
	AUTO_FREE char *path = path_join(entry->dir, RECORD_RUN);
	AUTO_FREE char *events = path_join(entry->dir, RECORD_EVENTS);
	json_t *run = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(run)) { /* killed before it was written, or torn by a power cut */
		AUTO(strbuf) struct strbuf start = STRBUF_INIT;

		json_decref(run);
		run = json_object();
		clock_format_utc(&start, record_wall(entry));
		json_set_text(run, "id", entry->id);
		json_set_text(run, "start", start.buf);
	}
	if (!json_is_string(json_object_get(run, "result")))
		read_unfinished(run, entry, events, whole);
	if (whole) {
		json_set_text(run, "record", entry->dir);
		add_evidence(run, entry->dir);
	}
	return run;
}

char *record_build_dir(const char *evidence_dir, const char *build_name)
{
	AUTO_FREE char *name = xstrdup(build_name);

	for (char *p = name; (p = strchr(p, '/'));)
		*p = '_';
	return path_join(evidence_dir, name);
}

/* ---- removing ------------------------------------------------------------------------ */

/* Moved aside first: a run that begins in this moment makes its folder anew, and keeps it. */
#define ASIDE "gone-"

static int remove_folder(const struct record_entry *entry, struct error **err)
{
	AUTO_FREE char *root = path_dirname(entry->dir);
	AUTO_FREE char *aside = xasprintf("%s/" ASIDE "%s", root, entry->id);
	AUTO(error) struct error *e = NULL;

	if (fs_rename(entry->dir, aside, &e) < 0) {
		if (e->kind == ERROR_NOT_FOUND) /* somebody else removes it */
			return 0;
		return error_move(err, TAKE(e));
	}
	return fs_remove_tree(aside, err);
}

/* What one that was killed has moved aside. */
static void remove_rest(const char *state_dir)
{
	AUTO_FREE char *root = path_join(state_dir, RECORDS_DIR);
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(error) struct error *e = NULL;

	if (!fs_exists(root) || fs_list(root, &names, &e) < 0) {
		if (e)
			error_ignore(&e, "the next one tries again");
		return;
	}
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *path = path_join(root, names.v[i]);
		AUTO(error) struct error *why = NULL;

		if (text_starts_with(names.v[i], ASIDE) && fs_remove_tree(path, &why) < 0)
			error_ignore(&why, "the next one tries again");
	}
}

int record_remove(const struct record_entry *entry, struct error **err)
{
	AUTO_FREE char *events = path_join(entry->dir, RECORD_EVENTS);
	AUTO_CLOSE int fd = -1;
	AUTO(error) struct error *e = NULL;

	/* Held while it is removed: nobody can start to use it. */
	if (lock_try(events, &fd, &e) < 0) {
		if (e->kind == ERROR_EXISTS)
			return error_set(err, ERROR_EXISTS, "the run %s is in progress", entry->id);
		if (e->kind == ERROR_NOT_FOUND) /* somebody else removes it */
			return 0;
		return error_move(err, TAKE(e));
	}
	return remove_folder(entry, err);
}

static int64_t size_at(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_size : 0;
}

static int64_t size_of_evidence(const struct record_entry *entry)
{
	AUTO_FREE char *path = path_join(entry->dir, RECORD_EVIDENCE);
	AUTO(strv) struct strv files = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	int64_t size = 0;

	if (fs_walk_files(path, &files, &e) < 0)
		error_ignore(&e, "somebody removes it");
	for (size_t i = 0; i < files.len; i++)
		size += size_at(AT_FDCWD, files.v[i]);
	return size;
}

/*
 * Every build asks for all of them: three looks each, on a short way from `root`. Only failed
 * builds leave evidence, whose folder has to be read.
 */
static int64_t size_of_record(int root, const struct record_entry *entry)
{
	static const char *const parts[] = { RECORD_EVIDENCE, RECORD_EVENTS, RECORD_RUN };
	int64_t size = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char name[NAME_MAX];
		int64_t part;

		(void)snprintf(name, sizeof(name), "%s/%s", path_basename(entry->dir), parts[i]);
		part = size_at(root, name);
		size += part && i == 0 ? size_of_evidence(entry) : part;
	}
	return size;
}

static int64_t *read_sizes(const char *state_dir, const struct record_list *list)
{
	AUTO_FREE char *path = path_join(state_dir, RECORDS_DIR);
	AUTO_CLOSE int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int64_t *sizes = xcalloc(list->len, sizeof(*sizes));

	for (size_t i = 0; i < list->len && root >= 0; i++)
		sizes[i] = size_of_record(root, &list->items[i]);
	return sizes;
}

int records_prune(const char *state_dir, int64_t keep, int64_t max_bytes, int *ret_removed,
		  struct error **err)
{
	AUTO(record_list) struct record_list list = { 0 };
	AUTO_FREE int64_t *sizes = NULL;
	int64_t total = 0, count;
	int removed = 0;

	if (records_list(state_dir, &list, err) < 0)
		return -1;
	count = (int64_t)list.len;
	if (max_bytes < INT64_MAX)
		sizes = read_sizes(state_dir, &list);
	for (size_t i = 0; i < list.len && sizes; i++)
		total += sizes[i];
	for (size_t i = list.len; i-- > 0 && (count > keep || total > max_bytes);) {
		AUTO(error) struct error *e = NULL;

		if (record_remove(&list.items[i], &e) < 0) {
			if (e->kind != ERROR_EXISTS)
				return error_move(err, TAKE(e));
			continue;
		}
		count--;
		total -= sizes ? sizes[i] : 0;
		removed++;
	}
	if (removed)
		remove_rest(state_dir);
	*ret_removed = removed;
	return 0;
}
