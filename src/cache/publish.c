/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making entries. Nothing is visible before the rename at the end; what was begun and not finished
 * lies in staging/ until it is collected.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "cache/store.h"
#include "cache/store_internal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/qcow2.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { TRIES = 100 };

/* ---- stages ---------------------------------------------------------------------------- */

int store_stage(struct store *s, struct store_stage *ret, struct error **err)
{
	for (;;) {
		char name[] = "new-0123456789abcdef";
		int fd = -1, r;

		random_text(name + 4, 16, "0123456789abcdef");
		if (mkdirat(s->folders[IN_STAGING], name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return store_fail(err, errno, "make directory", s, IN_STAGING, name);
		}
		r = hold_try(s->folders[IN_STAGING], name, O_RDONLY | O_DIRECTORY, LOCK_SH, &fd);
		if (r > 0) {
			*ret = (struct store_stage){ .dir = store_path(s, IN_STAGING, name),
						     .lock_fd = fd };
			return 0;
		}
		/* else a collector came between making and locking it: another one */
		if (r < 0 && errno != ENOENT)
			return store_fail(err, errno, "lock", s, IN_STAGING, name);
	}
}

static void release(struct store_stage *stage)
{
	fd_close(stage->lock_fd);
	free(stage->dir);
	*stage = (struct store_stage){ .lock_fd = -1 };
}

void store_discard(struct store_stage *stage)
{
	AUTO(error) struct error *e = NULL;

	if (stage->dir && fs_remove_tree(stage->dir, &e) < 0)
		error_ignore(&e, "it will be collected");
	release(stage);
}

/* ---- what belongs to the entry ----------------------------------------------------------- */

struct publication {
	struct store *s;
	struct store_stage *stage;
	struct cancel *cancel;
	const char *key, *parent;
	struct strv layers;     /* file names */
	struct entry_meta meta; /* being made */
	int *layer_fds;
	char generation[GENERATION_LENGTH + 1];
	char *base;
	const struct entry_files *known; /* layers whose digests are right; may be NULL */
};

/* What a chain of it stands on, if that is one of our bases. */
static void find_base(struct publication *p)
{
	for (size_t i = 0; i < p->layers.len && !p->base; i++) {
		AUTO_FREE char *name = qcow2_backing(p->layer_fds[i]);

		if (name && store_base_name_is_valid(name))
			p->base = TAKE(name);
	}
	p->meta.base = p->base;
}

/* From now on nobody writes to it. */
static int freeze(int fd, const struct stat *st)
{
	return (st->st_mode & 07777) == 0400 ? 0 : fchmod(fd, 0400);
}

static int add_layer(struct publication *p, size_t i, const struct entry_files *parents,
		     struct error **err)
{
	const char *name = p->layers.v[i];
	const struct entry_file *old = entry_files_find(parents, name), *same;
	AUTO_FREE char *note = layer_note(name), *sha256 = NULL;
	struct entry_file *f;
	struct stat st;

	if (!store_layer_name_is_valid(name) || entry_files_find(&p->meta.layers, name))
		return error_set(err, ERROR_INVALID, "'%s' is no layer of a step", name);
	if (store_layer_hold(p->s, name, &p->layer_fds[i], err) < 0)
		return -1;
	if (fstat(p->layer_fds[i], &st) < 0 || freeze(p->layer_fds[i], &st) < 0)
		return store_fail(err, errno, "freeze", p->s, IN_LAYERS, name);
	same = old ? old : p->known ? entry_files_find(p->known, name) : NULL;
	if (same && same->size == st.st_size)
		sha256 = xstrdup(same->sha256);
	else if (check_digest(p->layer_fds[i], name, p->cancel, &sha256, err) < 0)
		return -1;
	f = vec_push(&p->meta.layers);
	f->name = xstrdup(name);
	f->size = st.st_size;
	f->added = !old;
	if (!old)
		check_note(p->s, p->layer_fds[i], note, sha256);
	f->sha256 = TAKE(sha256);
	return 0;
}

static int add_layers(struct publication *p, struct error **err)
{
	AUTO(entry_meta) struct entry_meta parent = { 0 };
	AUTO(error) struct error *e = NULL;

	if (p->layers.len > LAYERS_MAX)
		return error_set(err, ERROR_INVALID, "a step of more than %d layers", LAYERS_MAX);
	/* the digests of its layers need not be found again */
	if (p->parent && entry_meta_peek(p->s, p->parent, &parent, &e) < 0)
		error_ignore(&e, "it only saves time");
	for (size_t i = 0; i < p->layers.len; i++)
		if (add_layer(p, i, &parent.layers, err) < 0)
			return -1;
	find_base(p);
	return 0;
}

static int add_file(struct publication *p, const char *name, struct error **err)
{
	AUTO_CLOSE int fd =
		openat(p->stage->lock_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *note = entry_note(p->generation, name), *sha256 = NULL;
	struct entry_file *f;
	struct stat st;

	if (!store_name_is_valid(name) || !strcmp(name, META_FILE))
		return error_set(err, ERROR_INVALID, "'%s' cannot be the name of a file of a step",
				 name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot open '%s/%s'", p->stage->dir, name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_INVALID, "'%s/%s' is no file", p->stage->dir, name);
	if (fchmod(fd, 0600) < 0)
		return error_set_errno(err, errno, "cannot change the mode of '%s/%s'",
				       p->stage->dir, name);
	if (check_digest(fd, name, p->cancel, &sha256, err) < 0)
		return -1;
	check_note(p->s, fd, note, sha256);
	f = vec_push(&p->meta.files);
	f->name = xstrdup(name);
	f->size = st.st_size;
	f->sha256 = TAKE(sha256);
	return 0;
}

static int add_files(struct publication *p, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(p->stage->dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++)
		if (add_file(p, names.v[i], err) < 0)
			return -1;
	return 0;
}

/* ---- making it visible ------------------------------------------------------------------- */

/* The name of a generation is the time, later than that of all others, and something random. */
static int name_generation(struct publication *p, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO_CLOSE int key_dir = -1;
	uint64_t now = (uint64_t)clock_wall(), newest;
	unsigned char salt[2];

	if (entry_open_key(p->s, p->key, &key_dir, err) < 0 ||
	    (key_dir >= 0 && entry_generations(key_dir, &names, err) < 0))
		return -1;
	if (names.len) {
		names.v[names.len - 1][16] = '\0';
		if (parse_uint64(names.v[names.len - 1], 16, &newest) && newest >= now)
			now = newest + 1;
	}
	random_bytes(salt, sizeof(salt));
	(void)snprintf(p->generation, sizeof(p->generation), "%016" PRIx64 "%02x%02x", now, salt[0],
		       salt[1]);
	return 0;
}

/* entries/KEY, even if it is removed or something else was put there. */
static int make_key_dir(struct publication *p, int *ret_fd, struct error **err)
{
	int folder = p->s->folders[IN_ENTRIES];

	if (mkdirat(folder, p->key, 0700) < 0 && errno != EEXIST)
		return store_fail(err, errno, "make directory", p->s, IN_ENTRIES, p->key);
	if (entry_open_key(p->s, p->key, ret_fd, err) < 0)
		return -1;
	if (*ret_fd < 0 && unlinkat(folder, p->key, 0) < 0 && errno != ENOENT && errno != EISDIR)
		return store_fail(err, errno, "remove", p->s, IN_ENTRIES, p->key);
	return 0;
}

static int move_in(struct publication *p, struct error **err)
{
	for (int i = 0;; i++) {
		AUTO_CLOSE int key_dir = -1;

		if (make_key_dir(p, &key_dir, err) < 0)
			return -1;
		if (key_dir >= 0 && renameat(AT_FDCWD, p->stage->dir, key_dir, p->generation) == 0)
			return 0;
		if (i == TRIES || (key_dir >= 0 && errno != ENOENT))
			return store_fail(err, errno, "publish", p->s, IN_ENTRIES, p->key);
	}
}

static int publish(struct publication *p, const struct json_t *members, struct error **err)
{
	AUTO_CLOSE int collector = -1;

	if (!store_key_is_valid(p->key) || (p->parent && !store_key_is_valid(p->parent)))
		return error_set(err, ERROR_INVALID, "'%s' cannot be a key of the store", p->key);
	if (name_generation(p, err) < 0 || add_layers(p, err) < 0 || add_files(p, err) < 0 ||
	    entry_meta_write(p->stage->lock_fd, &p->meta, members, err) < 0)
		return -1;
	/* held until it is in, so that two that fit one by one do not come in together */
	if (hold_collector(p->s, p->cancel, &collector, err) < 0 ||
	    collect_make_room(p->s, p->stage->lock_fd, &p->meta, err) < 0)
		return -1;
	return move_in(p, err);
}

static int run(struct publication *p, const struct strv *layers, const struct json_t *members,
	       struct error **err)
{
	int r;

	strv_init(&p->layers);
	strv_pushv(&p->layers, layers->v);
	p->meta.key = p->key;
	p->meta.parent = p->parent;
	p->layer_fds = xcalloc(layers->len + 1, sizeof(*p->layer_fds));
	for (size_t i = 0; i < layers->len; i++)
		p->layer_fds[i] = -1;
	r = publish(p, members, err);
	for (size_t i = 0; i < layers->len; i++)
		fd_close(p->layer_fds[i]);
	free(p->layer_fds);
	free(p->base);
	strv_release(&p->layers);
	entry_meta_release(&p->meta);
	if (r < 0) {
		store_discard(p->stage);
		return -1;
	}
	release(p->stage);
	entry_discard_old(p->s, p->key);
	return 0;
}

int store_publish(struct store *s, struct store_stage *stage, const char *key,
		  const struct strv *layers, struct json_t *meta, struct cancel *c,
		  struct error **err)
{
	struct publication p = {
		.s = s,
		.stage = stage,
		.cancel = c,
		.key = key,
		.parent = json_string_value(json_object_get(meta, "parent")),
		.meta.made = clock_wall(),
	};

	if (run(&p, layers, meta, err) == 0)
		return 0;
	return error_prefix(err, "cannot keep the step '%.12s'", key);
}

int publish_known(struct store *s, struct store_stage *stage, const struct entry_meta *meta,
		  const struct strv *layers, struct cancel *c, struct error **err)
{
	struct publication p = {
		.s = s,
		.stage = stage,
		.cancel = c,
		.key = meta->key,
		.parent = meta->parent,
		.known = &meta->layers,
		.meta.made = MIN(meta->made, clock_wall()),
	};

	return run(&p, layers, meta->json, err);
}
