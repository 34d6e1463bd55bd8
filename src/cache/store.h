/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of finished steps, CACHE/steps/ (docs/internals/store.md). It knows nothing of builds:
 *
 *   entries/KEY/GENERATION/  one checkpoint: meta.json and the files that the machine kept. Published
 *                  by a rename, never changed afterwards but for the time of its last use. The
 *                  newest generation counts; others stay while somebody uses them.
 *   layers/ID.EXT  disk layers, in one flat folder, so that a layer names the one below it by its
 *                  bare file name and a folder can move as a whole. A layer is written by one
 *                  machine until it is frozen; from then on nobody writes to it.
 *   layers/base-KEY  a symbolic link to the file that the chains of KEY stand on.
 *   locks/KEY      held by who makes that checkpoint.
 *   staging/       entries that are being made, and those that are being removed.
 *   gone/          notes on layers that others keep and are to remove.
 *   checked/       what files looked like when their digests were last found to be right.
 *   secret         see store_secret().
 *
 * Everything is 0600/0700. What is in use is locked (flock): collecting skips what is locked, so
 * a process that was killed leaves only what the next collection takes. Layers that no entry
 * names and nobody holds are garbage. Losing the store costs time, never data.
 * Any number of processes and threads; a `struct store` itself may be shared by threads.
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"
#include "base/strv.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct json_t;

/* Makes the directories and, once per host, the secret key. `size_max`: bytes; 0: the default, 20 GiB
 * or a tenth of the disk, whichever is less. */
MUST_CHECK int store_open(const char *dir, int64_t size_max, struct store **ret,
			  struct error **err);
void store_close(struct store *s);
DEFINE_AUTO(store, struct store *, store_close);
const char *store_dir(const struct store *s);

/* The secret of this host for keyed hashes: STORE_SECRET bytes. It stays when the store is emptied. */
enum { STORE_SECRET = 32 };
const unsigned char *store_secret(const struct store *s);

/* ---- layers ---------------------------------------------------------------------------- */

/* A new empty layer file that we hold. *ret_fd keeps it from collection until closed. A machine holds all the
 * layers of its chain for as long as it lives: an entry that names them may be removed meanwhile. */
MUST_CHECK int store_layer_new(struct store *s, const char *extension, char **ret_path, int *ret_fd,
			       struct error **err);
/* Holds one that is there, by file name; ERROR_NOT_FOUND. */
MUST_CHECK int store_layer_hold(struct store *s, const char *name, int *ret_fd, struct error **err);
/* layers/base-KEY leads to `path` from now on (absolute). Its path is returned. */
MUST_CHECK int store_base(struct store *s, const char *key, const char *path, char **ret_path,
			  struct error **err);

/*
 * A layer with this extension is kept by somebody else, such as a container engine: its file is a note on it, a
 * JSON object whose "bytes" is the room that it takes there. The rules are those of all layers, but when it is
 * garbage its note goes to gone/ and stays until somebody who can has removed what it stands for.
 */
#define STORE_AWAY "away"
bool store_is_away(const char *name);
/* Before what it stands for is made, with all by which that can be found; again as often as more is known. */
MUST_CHECK int store_away_write(int fd, const struct json_t *note, struct error **err);
struct json_t *store_away_read(struct store *s, const char *name); /* owned; NULL: unreadable */

enum store_gone_end {
	STORE_GONE_REMOVED,
	STORE_GONE_LATER, /* it is there, or cannot be reached */
	STORE_GONE_PUT_OFF, /* the same, and to try takes long: not within the next STORE_GONE_PAUSE */
};
#define STORE_GONE_PAUSE (INT64_C(3600) * 1000000000)
struct store_gone {
	/* `since`: wall, ns */
	enum store_gone_end (*remove)(void *data, const struct json_t *note, int64_t since);
	void *data;
};
/* Each for which nobody else does it now. */
MUST_CHECK int store_gone_each(struct store *s, const struct store_gone *g, struct error **err);
size_t store_gone_count(struct store *s);

/* ---- entries --------------------------------------------------------------------------- */

struct store_entry {
	char *key, *dir;     /* absolute path */
	struct json_t *meta; /* an object; owned */
	int64_t bytes; /* of its own files and of the layers that only it adds to its parent's */
	int64_t made, used; /* wall, ns */
	int lock_fd;        /* shared lock: it and what it names stays */
	struct strv layers; /* file names; all of the chain, oldest first */
	int *layer_fds, base_fd;
};
/*
 * Holds the entry of a key, with its layers, after checking what it names: present, of the right size and
 * digest (not again as long as nothing about the file has changed since the last check, on the same boot of
 * the host). ERROR_NOT_FOUND: there is none. ERROR_INVALID: it was damaged, and has been removed; the message
 * says what was wrong. Counts as use.
 */
MUST_CHECK int store_get(struct store *s, const char *key, struct cancel *c,
			 struct store_entry **ret, struct error **err);
void store_entry_free(struct store_entry *e);
DEFINE_AUTO(store_entry, struct store_entry *, store_entry_free);
/* Something learned about an entry that is held: all who hold it later see it, until it is published again. A
 * short word. */
MUST_CHECK int store_mark(const struct store_entry *e, const char *word, struct error **err);
bool store_is_marked(const struct store_entry *e, const char *word);
/* Its meta only, unchecked and without holding anything: for `plan` and `cache ls`, with "key", "made",
 * "used" (wall ns) and "bytes". Owned; NULL: none. */
struct json_t *store_peek(struct store *s, const char *key);

/* An entry being made: put files into `dir`, then publish or discard. */
struct store_stage {
	char *dir;
	int lock_fd;
};
MUST_CHECK int store_stage(struct store *s, struct store_stage *ret, struct error **err);
/*
 * Makes it the entry of `key`, replacing an older one; who uses that one keeps it. `meta` is written
 * with it (borrowed; "layers" and "files" are added: name, size, sha256 each); its member "parent" is
 * the key of the checkpoint below, if there is one. Makes room first; ERROR_IO with ENOSPC when there is none.
 * The layers are frozen; who runs on them holds them. The stage is released in any case.
 */
MUST_CHECK int store_publish(struct store *s, struct store_stage *stage, const char *key,
			     const struct strv *layers, struct json_t *meta, struct cancel *c,
			     struct error **err);
void store_discard(struct store_stage *stage);
/* The entry and what only it needs. ERROR_NOT_FOUND; ERROR_EXISTS: it is in use. Entries that stand on its
 * layers keep them. */
MUST_CHECK int store_remove(struct store *s, const char *key, struct error **err);

/* Keys of all entries, sorted. */
MUST_CHECK int store_list(struct store *s, struct strv *ret, struct error **err);
struct store_usage {
	int64_t bytes, max;
	size_t entries, layers;
};
MUST_CHECK int store_usage(struct store *s, struct store_usage *ret, struct error **err);
/* Removes garbage, entries last used before `before` (wall ns; 0: none for age), then the least recently used
 * until at most `max` bytes are left. What is in use stays. */
MUST_CHECK int store_collect(struct store *s, int64_t before, int64_t max, int *ret_removed,
			     struct error **err);

/* ---- who makes what -------------------------------------------------------------------- */

/* ERROR_EXISTS: somebody else makes it now. */
MUST_CHECK int store_claim(struct store *s, const char *key, int *ret_fd, struct error **err);
/* Until nobody makes it; then it is there, or its maker gave up. */
MUST_CHECK int store_wait(struct store *s, const char *key, struct cancel *c, struct error **err);
