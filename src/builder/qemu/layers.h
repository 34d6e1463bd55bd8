/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disks of a machine whose steps are kept: each is a chain of qcow2 layers in the store. The
 * guest writes to the top one, which is this build's; those below are frozen, and other guests may
 * stand on them, too. Names of backing files are bare, so that the folder can move.
 */
#pragma once

#include "base/vec.h"
#include "builder/qemu/image.h"
#include "cache/store.h"

struct layer_chain {
	char *base, *base_format; /* name of the link that the lowest layer stands on; NULL: none */
	struct strv frozen;       /* file names, oldest first */
	int64_t size;             /* bytes, as the guest sees it */
};
VEC_DECLARE(chain_list, struct layer_chain);
VEC_DECLARE(fd_list, int);
void chains_copy(struct chain_list *ret, const struct chain_list *from);
void chains_release(struct chain_list *list);

struct layers {
	struct store *store; /* NULL: no disk is a layer */
	struct chain_list chains;
	struct strv live; /* absolute paths: what the guest writes to */
	struct fd_list held;
};
#define LAYERS_INIT .live = STRV_INIT

/* The further chain's disk; nothing is on top of it yet. */
struct layer_chain *layers_add(struct layers *l);
/* A new empty layer for disk `nr`, which stands on `below` (a file name) or, if that is NULL, on
 * nothing. Held until layers_release(). */
MUST_CHECK int layers_make(struct layers *l, size_t nr, const char *below,
			   const struct image_ctx *x, char **ret_path, struct error **err);
/* The frozen ones of a checkpoint. ERROR_INVALID: one is gone. */
MUST_CHECK int layers_hold(struct layers *l, struct error **err);
/* One on top of each chain as it is, for a guest that starts. */
MUST_CHECK int layers_open_tops(struct layers *l, const struct image_ctx *x, struct error **err);
/* The guest writes to `path` (taken) from now on: what it wrote to is frozen. */
void layers_freeze(struct layers *l, size_t nr, char *path);
/* Absolute paths of all layers of a disk, lowest first. */
void layers_paths(const struct layers *l, size_t nr, struct strv *ret);
void layers_release(struct layers *l);
