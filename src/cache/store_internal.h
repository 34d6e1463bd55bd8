/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share. All of it works relative to open folders and follows no link
 * below them: what others put into the store may be left alone, but leads nowhere.
 *
 * Locks are flock(2) on what they protect, an entry's folder or a file: shared by those who use it,
 * exclusive by who removes it. Between opening and locking the thing may have been removed, so that
 * a lock counts only if the name still leads to what was locked (hold.c).
 */
#pragma once

#include "base/vec.h"
#include "cache/store.h"

#include <sys/stat.h>

/* Its folders, in the order of store.c's names. */
enum store_folder {
	IN_ENTRIES,
	IN_LAYERS,
	IN_LOCKS,
	IN_STAGING,
	IN_CHECKED,
	IN_GONE,
	STORE_FOLDERS
};

struct store {
	char *dir;
	int top, folders[STORE_FOLDERS];
	int64_t max;
	unsigned char secret[STORE_SECRET];
};

#define BASE_PREFIX "base-"
#define META_FILE   "meta.json"
enum {
	NAME_LENGTH_MAX = 200, /* of what we make a file of */
	META_MAX = 4 * 1024 * 1024,
	LAYERS_MAX = 200, /* of one entry, each costs a descriptor; files, too */
	GENERATION_LENGTH = 20,
	LAYER_ID_LENGTH = 20,
};

/* Letters, digits, '-', '_' and '.', not first: a name that stays in its folder. */
bool store_name_is_valid(const char *name);
bool store_key_is_valid(const char *key);         /* the same without '.' */
bool store_layer_name_is_valid(const char *name); /* ID.EXT */
bool store_base_name_is_valid(const char *name);  /* base-KEY */
char *store_path(const struct store *s, enum store_folder folder, const char *name); /* heap */
/* "cannot WHAT 'PATH': why"; -1. */
int store_fail(struct error **err, int os_errno, const char *what, const struct store *s,
	       enum store_folder folder, const char *name);

/* ---- hold.c ---------------------------------------------------------------------------- */

/*
 * Opens `name` in an open folder and locks it (LOCK_SH, LOCK_EX). 1: held; 0: a lock of somebody
 * is in the way; -1 with errno: ENOENT; ELOOP or ENOTDIR: something else is there. O_DIRECTORY in
 * `flags`: a folder; else a regular file.
 */
int hold_try(int folder, const char *name, int flags, int operation, int *ret_fd);
/* A layer, exclusively: neither one of us nor a running emulator uses it. As hold_try(). */
int hold_try_layer(int folder, const char *name, int *ret_fd);
/* The same, waiting for the lock. 0, or -1 with errno; ECANCELED: `c` says why. */
int hold_wait(int folder, const char *name, int flags, int operation, struct cancel *c,
	      int *ret_fd);
/* 1: the name still leads to what is open; 0: no more; -1 with errno. */
int hold_is_named(int fd, int folder, const char *name);
/* Only one process at a time makes room or collects. */
MUST_CHECK int hold_collector(struct store *s, struct cancel *c, int *ret_fd, struct error **err);

/* ---- meta.c ---------------------------------------------------------------------------- */

struct entry_file {
	char *name;
	char *sha256;
	int64_t size;
	bool added; /* a layer that the parent does not have */
};
VEC_DECLARE(entry_files, struct entry_file);
void entry_files_release(struct entry_files *files);
static inline void auto_entry_files(struct entry_files *files)
{
	entry_files_release(files);
}
struct entry_file *entry_files_find(const struct entry_files *files, const char *name);

enum entry_list { ENTRY_FILES, ENTRY_LAYERS, ENTRY_BASE };
/* An array of { name, size, sha256 }, or one of them. */
MUST_CHECK int entry_files_parse(const struct json_t *array, enum entry_list kind,
				 struct entry_files *ret, struct error **err);

/* What meta.json says, checked: names are valid and unique, sizes and digests well-formed. */
struct entry_meta {
	struct json_t *json;
	const char *key, *parent, *base; /* borrowed from it; parent and base may be NULL */
	int64_t made;
	struct entry_files layers, files;
};
void entry_meta_release(struct entry_meta *m);
static inline void auto_entry_meta(struct entry_meta *m)
{
	entry_meta_release(m);
}
/* ERROR_INVALID says what is wrong with it. */
MUST_CHECK int entry_meta_parse(const char *text, size_t len, struct entry_meta *ret,
				struct error **err);
/* Of the open folder of an entry; ERROR_INVALID also when it is absent or no file. */
MUST_CHECK int entry_meta_read(int entry, struct entry_meta *ret, struct error **err);
/* Of the newest entry of a key, unchecked; ERROR_NOT_FOUND. */
MUST_CHECK int entry_meta_peek(struct store *s, const char *key, struct entry_meta *ret,
			       struct error **err);
/* Sets json from the rest and the caller's members (borrowed) and writes it. */
MUST_CHECK int entry_meta_write(int entry, struct entry_meta *m, const struct json_t *members,
				struct error **err);

/* ---- check.c --------------------------------------------------------------------------- */

/* Of an open file, from its beginning. */
MUST_CHECK int check_digest(int fd, const char *path, struct cancel *c, char **ret_sha256,
			    struct error **err);
/*
 * Is the open file what it was? ERROR_INVALID: no. Its content is not read again as long as its
 * note in checked/ fits. `note`: a name for that which is the file's own.
 */
MUST_CHECK int check_file(struct store *s, int fd, const char *note, const struct entry_file *f,
			  struct cancel *c, struct error **err);
/* Its content is known to be that. */
void check_note(struct store *s, int fd, const char *note, const char *sha256);

/* ---- entry.c --------------------------------------------------------------------------- */

/*
 * entries/KEY/GENERATION/: publishing again makes another generation, so that who uses the older
 * one is not disturbed. The last name is the newest.
 */
bool generation_is_valid(const char *name);
/* Opens entries/KEY; *ret_fd is -1 when there is no such folder. */
MUST_CHECK int entry_open_key(struct store *s, const char *key, int *ret_fd, struct error **err);
/* Names of its generations, sorted. */
MUST_CHECK int entry_generations(int key_dir, struct strv *ret, struct error **err);
/* Somebody holds one of its layers. */
bool entry_layers_are_held(struct store *s, const struct entry_meta *meta);
/* Moves a generation, which the caller holds exclusively, out of the way and removes it. Layers
 * stay. */
MUST_CHECK int entry_discard(struct store *s, int key_dir, const char *key, const char *generation,
			     struct error **err);
/* Removes generations of the key that are not the newest and that nobody uses. */
void entry_discard_old(struct store *s, const char *key);
char *entry_note(const char *generation, const char *file); /* names for check_file(); heap */
char *layer_note(const char *layer);

/* ---- away.c ----------------------------------------------------------------------------- */

int64_t away_bytes(int folder, const char *name); /* that it takes elsewhere; 0: not known */
/* Garbage from now on. -1 with errno. */
int away_put_aside(struct store *s, const char *name);

/* ---- bytes.c: what files take on the disk, holes not counted ------------------------------- */

int64_t bytes_of_file(int folder, const char *name); /* 0: it is absent or no file */
int64_t bytes_of_folder(int folder, int depth);      /* all files in it, so many levels down */

/* ---- export.c -------------------------------------------------------------------------- */

/* Whether an entry of these layers can be carried to another host. */
bool parcel_may_hold(const struct entry_files *layers);

/* ---- publish.c ------------------------------------------------------------------------- */

/* Publishes what came from another host: made when `meta` says, with its members; the digests of
 * its layers are known to be right. */
MUST_CHECK int publish_known(struct store *s, struct store_stage *stage,
			     const struct entry_meta *meta, const struct strv *layers,
			     struct cancel *c, struct error **err);

/* ---- scan.c ---------------------------------------------------------------------------- */

struct scanned {
	char *key, *generation;
	bool damaged, old;
	struct entry_meta meta;
	int64_t bytes; /* of its own files */
	int64_t used;
};
VEC_DECLARE(scan, struct scanned);
/* Everything in entries/; what is not ours is left out. */
MUST_CHECK int scan_entries(struct store *s, struct scan *ret, struct error **err);
void scan_sort_by_use(struct scan *scan); /* least recently used first */
void scan_release(struct scan *scan);
static inline void auto_scan(struct scan *scan)
{
	scan_release(scan);
}

/* ---- collect.c ------------------------------------------------------------------------- */

/* Removes layers that no entry names and nobody holds, and bases and notes of what is gone. */
MUST_CHECK int collect_layers(struct store *s, struct error **err);
/* For what is done on the side: an error is only logged. */
void collect_layers_quietly(struct store *s);
/* Under hold_collector(): evicts until there is room for an entry that is about to be published
 * from the open folder `stage`. ERROR_IO with ENOSPC. */
MUST_CHECK int collect_make_room(struct store *s, int stage, const struct entry_meta *meta,
				 struct error **err);
