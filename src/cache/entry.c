/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and removing entries. */
#include "base/alloc.h"
#include "base/duration.h"
#include "cache/store.h"
#include "cache/store_internal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- generations ----------------------------------------------------------------------- */

bool generation_is_valid(const char *name)
{
	return strlen(name) == GENERATION_LENGTH &&
	       strspn(name, "0123456789abcdef") == GENERATION_LENGTH;
}

char *entry_note(const char *generation, const char *file)
{
	return xasprintf("file-%s-%s", generation, file);
}

char *layer_note(const char *layer)
{
	return xasprintf("layer-%s", layer);
}

int entry_open_key(struct store *s, const char *key, int *ret_fd, struct error **err)
{
	*ret_fd = -1;
	if (!store_key_is_valid(key))
		return 0;
	*ret_fd = openat(s->folders[IN_ENTRIES], key,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0 && errno != ENOENT && errno != ELOOP && errno != ENOTDIR)
		return store_fail(err, errno, "open directory", s, IN_ENTRIES, key);
	return 0;
}

/* *ret_vanished: one that the folder named was gone when it was looked at. */
static int read_generations(int key_dir, struct strv *ret, bool *ret_vanished, struct error **err)
{
	int copy = openat(key_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), saved;
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	*ret_vanished = false;
	if (!d) {
		fd_close(copy);
		if (errno == ENOENT) /* removed meanwhile */
			return 0;
		return error_set_errno(err, errno, "cannot read the folder of a step");
	}
	/* an error is never taken for absence: what no entry names is removed */
	for (errno = 0; (e = readdir(d)); errno = 0) {
		struct stat st;

		if (!generation_is_valid(e->d_name))
			continue;
		if (fstatat(key_dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (S_ISDIR(st.st_mode))
				strv_push(ret, e->d_name);
		} else if (errno == ENOENT) {
			*ret_vanished = true;
		} else {
			break;
		}
	}
	saved = errno;
	closedir(d);
	if (saved && saved != ENOENT)
		return error_set_errno(err, saved, "cannot read the folder of a step");
	return 0;
}

/* An old one goes as soon as a newer one is there: if all that the folder named are gone, that may
 * have come since it was read. */
int entry_generations(int key_dir, struct strv *ret, struct error **err)
{
	bool vanished;

	do
		if (read_generations(key_dir, ret, &vanished, err) < 0)
			return -1;
	while (vanished && !ret->len);
	strv_sort(ret);
	return 0;
}

static int not_found(struct error **err, const char *key)
{
	return error_set(err, ERROR_NOT_FOUND, "no step '%s' is kept", key);
}

/* ---- removing -------------------------------------------------------------------------- */

int entry_discard(struct store *s, int key_dir, const char *key, const char *generation,
		  struct error **err)
{
	char dead[13];

	random_text(dead, 12, "abcdefghijklmnopqrstuvwxyz");

	AUTO_FREE char *name = xasprintf("dead-%s-%s", generation, dead);
	AUTO_FREE char *path = store_path(s, IN_STAGING, name);

	if (renameat(key_dir, generation, s->folders[IN_STAGING], name) < 0)
		return store_fail(err, errno, "remove", s, IN_ENTRIES, key);
	(void)unlinkat(s->folders[IN_ENTRIES], key, AT_REMOVEDIR); /* if it was the last one */
	return fs_remove_tree(path, err);
}

void entry_discard_old(struct store *s, const char *key)
{
	AUTO(strv) struct strv generations = STRV_INIT;
	AUTO(error) struct error *e = NULL;
	AUTO_CLOSE int key_dir = -1;

	if (entry_open_key(s, key, &key_dir, &e) < 0 ||
	    (key_dir >= 0 && entry_generations(key_dir, &generations, &e) < 0))
		error_ignore(&e, "the next collection sees them");
	for (size_t i = 0; i + 1 < generations.len; i++) {
		AUTO_CLOSE int fd = -1;

		if (hold_try(key_dir, generations.v[i], O_RDONLY | O_DIRECTORY, LOCK_EX, &fd) > 0 &&
		    entry_discard(s, key_dir, key, generations.v[i], &e) < 0)
			error_ignore(&e, "the next collection sees it");
	}
}

bool entry_layers_are_held(struct store *s, const struct entry_meta *meta)
{
	for (size_t i = 0; i < meta->layers.len; i++) {
		AUTO_CLOSE int fd = -1;

		if (hold_try_layer(s->folders[IN_LAYERS], meta->layers.items[i].name, &fd) == 0)
			return true;
	}
	return false;
}

static int in_use(struct error **err, const char *key)
{
	return error_set(err, ERROR_EXISTS, "the step '%s' is in use", key);
}

/* All generations are locked before the first goes: an older one must not come to light again. */
static int remove_generations(struct store *s, const char *key, int key_dir,
			      const struct strv *names, int *fds, struct error **err)
{
	for (size_t i = 0; i < names->len; i++) {
		AUTO(entry_meta) struct entry_meta meta = { 0 };
		AUTO(error) struct error *e = NULL;
		int r = hold_try(key_dir, names->v[i], O_RDONLY | O_DIRECTORY, LOCK_EX, &fds[i]);

		if (r < 0 && errno == ENOENT) /* somebody else removed it */
			continue;
		if (r < 0)
			return store_fail(err, errno, "lock", s, IN_ENTRIES, key);
		if (r == 0)
			return in_use(err, key);
		if (entry_meta_read(fds[i], &meta, &e) < 0)
			error_ignore(&e, "what is damaged may be removed all the same");
		else if (entry_layers_are_held(s, &meta))
			return in_use(err, key);
	}
	for (size_t i = 0; i < names->len; i++)
		if (fds[i] >= 0 && entry_discard(s, key_dir, key, names->v[i], err) < 0)
			return -1;
	return 0;
}

int store_remove(struct store *s, const char *key, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_CLOSE int key_dir = -1;
	AUTO_FREE int *fds = NULL;
	int r;

	if (entry_open_key(s, key, &key_dir, err) < 0 ||
	    (key_dir >= 0 && entry_generations(key_dir, &names, err) < 0))
		return -1;
	if (!names.len)
		return not_found(err, key);
	fds = xcalloc(names.len, sizeof(*fds));
	for (size_t i = 0; i < names.len; i++)
		fds[i] = -1;
	r = remove_generations(s, key, key_dir, &names, fds, err);
	for (size_t i = 0; i < names.len; i++)
		fd_close(fds[i]);
	return r < 0 ? -1 : collect_layers(s, err);
}

/* ---- getting --------------------------------------------------------------------------- */

/* 1: the newest generation is open and held; 0: there is none; -1. */
static int open_newest(struct store *s, const char *key, struct cancel *c, char **ret_generation,
		       int *ret_fd, struct error **err)
{
	for (;;) {
		AUTO(strv) struct strv names = STRV_INIT;
		AUTO_CLOSE int key_dir = -1;

		if (cancel_check(c, err) < 0 || entry_open_key(s, key, &key_dir, err) < 0 ||
		    (key_dir >= 0 && entry_generations(key_dir, &names, err) < 0))
			return -1;
		if (!names.len)
			return 0;

		const char *newest = names.v[names.len - 1];

		if (hold_wait(key_dir, newest, O_RDONLY | O_DIRECTORY, LOCK_SH, c, ret_fd) == 0) {
			*ret_generation = xstrdup(newest);
			return 1;
		}
		if (errno == ENOENT || errno == ECANCELED) /* removed meanwhile: look again */
			continue;
		return store_fail(err, errno, "lock", s, IN_ENTRIES, key);
	}
}

/* In `e`, with all layers held. */
static int check_content(struct store *s, struct store_entry *e, const char *generation,
			 const struct entry_meta *meta, struct cancel *c, struct error **err)
{
	for (size_t i = 0; i < meta->layers.len; i++) {
		const struct entry_file *f = &meta->layers.items[i];
		AUTO_FREE char *note = layer_note(f->name);

		if (check_file(s, e->layer_fds[i], note, f, c, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < meta->files.len; i++) {
		const struct entry_file *f = &meta->files.items[i];
		AUTO_FREE char *note = entry_note(generation, f->name);
		AUTO_CLOSE int fd =
			openat(e->lock_fd, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		struct stat st;

		if (fd < 0 && errno != ENOENT && errno != ELOOP)
			return error_set_errno(err, errno, "cannot open '%s'", f->name);
		if (fd >= 0 && fstat(fd, &st) < 0)
			return error_set_errno(err, errno, "cannot examine '%s'", f->name);
		if (fd < 0 || !S_ISREG(st.st_mode))
			return error_set(err, ERROR_INVALID, "'%s' is gone", f->name);
		if (check_file(s, fd, note, f, c, err) < 0)
			return -1;
	}
	return 0;
}

static int64_t bytes_added(struct store *s, int entry, const struct entry_meta *meta)
{
	int64_t bytes = bytes_of_folder(entry, 0);

	for (size_t i = 0; i < meta->layers.len; i++)
		if (meta->layers.items[i].added)
			bytes += bytes_of_file(s->folders[IN_LAYERS], meta->layers.items[i].name);
	return bytes;
}

static int64_t last_use(int entry)
{
	struct stat st;

	return fstatat(entry, META_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : clock_ns(st.st_mtim);
}

static int hold_layers(struct store *s, const struct entry_meta *meta, struct cancel *c,
		       struct store_entry *e, struct error **err)
{
	e->layer_fds = xcalloc(meta->layers.len + 1, sizeof(*e->layer_fds));
	for (size_t i = 0; i < meta->layers.len; i++) {
		const char *name = meta->layers.items[i].name;

		e->layer_fds[i] = -1;
		strv_push(&e->layers, name);
		if (hold_wait(s->folders[IN_LAYERS], name, O_RDONLY, LOCK_SH, c,
			      &e->layer_fds[i]) == 0)
			continue;
		if (errno == ENOENT || errno == ELOOP)
			return error_set(err, ERROR_INVALID, "the layer '%s' is gone", name);

		int saved = errno;

		if (saved == ECANCELED && cancel_check(c, err) < 0)
			return -1;
		return store_fail(err, saved, "open", s, IN_LAYERS, name);
	}
	/* a base that is a link is not ours to hold */
	if (meta->base)
		(void)hold_try(s->folders[IN_LAYERS], meta->base, O_RDONLY, LOCK_SH, &e->base_fd);
	return 0;
}

static int fill(struct store *s, const char *generation, struct cancel *c, struct store_entry *e,
		struct error **err)
{
	static const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT },
						{ .tv_nsec = UTIME_NOW } };
	AUTO(entry_meta) struct entry_meta meta = { 0 };
	AUTO_FREE char *key_dir = store_path(s, IN_ENTRIES, e->key);

	e->dir = xasprintf("%s/%s", key_dir, generation);
	if (entry_meta_read(e->lock_fd, &meta, err) < 0)
		return -1;
	if (strcmp(meta.key, e->key) != 0)
		return error_set(err, ERROR_INVALID, "it is the one of '%s'", meta.key);
	if (hold_layers(s, &meta, c, e, err) < 0 ||
	    check_content(s, e, generation, &meta, c, err) < 0)
		return -1;
	(void)utimensat(e->lock_fd, META_FILE, now, AT_SYMLINK_NOFOLLOW);
	e->made = meta.made;
	e->used = last_use(e->lock_fd);
	e->bytes = bytes_added(s, e->lock_fd, &meta);
	e->meta = json_incref(meta.json);
	return 0;
}

/* Others that hold it keep what they have; the next one to look sees the damage, too. */
static void remove_damaged(struct store *s, const char *key, const char *generation)
{
	AUTO(error) struct error *e = NULL;
	AUTO_CLOSE int key_dir = -1, fd = -1;

	if (entry_open_key(s, key, &key_dir, &e) == 0 && key_dir >= 0 &&
	    hold_try(key_dir, generation, O_RDONLY | O_DIRECTORY, LOCK_EX, &fd) > 0 &&
	    entry_discard(s, key_dir, key, generation, &e) == 0)
		collect_layers_quietly(s);
	if (e)
		error_ignore(&e, "that it is damaged says more");
}

int store_get(struct store *s, const char *key, struct cancel *c, struct store_entry **ret,
	      struct error **err)
{
	AUTO(store_entry) struct store_entry *e = NEW(struct store_entry);
	AUTO_FREE char *generation = NULL;
	int r;

	e->key = xstrdup(key);
	e->lock_fd = e->base_fd = -1;
	strv_init(&e->layers);
	r = open_newest(s, key, c, &generation, &e->lock_fd, err);
	if (r <= 0)
		return r < 0 ? -1 : not_found(err, key);
	if (fill(s, generation, c, e, err) == 0) {
		*ret = TAKE(e);
		return 0;
	}
	if ((*err)->kind != ERROR_INVALID)
		return -1;
	store_entry_free(TAKE(e));
	remove_damaged(s, key, generation);
	return error_prefix(err, "the step '%s' was kept, but is damaged", key);
}

/* Names of an entry's files do not begin with a dot. */
static char *mark_name(const char *word)
{
	return xasprintf(".%s", word);
}

int store_mark(const struct store_entry *e, const char *word, struct error **err)
{
	AUTO_FREE char *name = mark_name(word);
	AUTO_CLOSE int fd = openat(e->lock_fd, name,
				   O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	return fd < 0 ? error_set_errno(err, errno, "cannot write '%s/%s'", e->dir, name) : 0;
}

bool store_is_marked(const struct store_entry *e, const char *word)
{
	AUTO_FREE char *name = mark_name(word);
	struct stat st;

	return fstatat(e->lock_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

void store_entry_free(struct store_entry *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->layers.len; i++)
		fd_close(e->layer_fds[i]);
	free(e->layer_fds);
	fd_close(e->base_fd);
	fd_close(e->lock_fd);
	strv_release(&e->layers);
	json_decref(e->meta);
	free(e->key);
	free(e->dir);
	free(e);
}

/* *ret_fd: its folder. */
static int peek(struct store *s, const char *key, struct entry_meta *ret, int *ret_fd,
		struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_CLOSE int key_dir = -1, fd = -1;

	if (entry_open_key(s, key, &key_dir, err) < 0 ||
	    (key_dir >= 0 && entry_generations(key_dir, &names, err) < 0))
		return -1;
	if (names.len)
		fd = openat(key_dir, names.v[names.len - 1],
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return not_found(err, key);
	if (entry_meta_read(fd, ret, err) < 0)
		return -1;
	if (strcmp(ret->key, key) != 0) {
		entry_meta_release(ret);
		return error_set(err, ERROR_INVALID, "it is the one of another step");
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

int entry_meta_peek(struct store *s, const char *key, struct entry_meta *ret, struct error **err)
{
	AUTO_CLOSE int fd = -1;

	return peek(s, key, ret, &fd, err);
}

json_t *store_peek(struct store *s, const char *key)
{
	AUTO(entry_meta) struct entry_meta meta = { 0 };
	AUTO(error) struct error *e = NULL;
	AUTO_CLOSE int fd = -1;

	if (peek(s, key, &meta, &fd, &e) < 0) {
		error_ignore(&e, "store_get() says what is wrong with it");
		return NULL;
	}
	json_object_set_new(meta.json, "used", json_integer(last_use(fd)));
	json_object_set_new(meta.json, "bytes", json_integer(bytes_added(s, fd, &meta)));
	return json_incref(meta.json);
}

int store_list(struct store *s, struct strv *ret, struct error **err)
{
	AUTO(scan) struct scan scan = { 0 };

	if (scan_entries(s, &scan, err) < 0)
		return -1;
	for (size_t i = 0; i < scan.len; i++)
		if (!scan.items[i].old && !scan.items[i].damaged)
			strv_push(ret, scan.items[i].key);
	return 0;
}
