/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a tar stream from a container apart while it comes, and writes what is
 * in it. The stream is a stranger's: names that lead out of the destination
 * are refused, nothing is written through a symbolic link, and all that is
 * kept in memory is bounded.
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>

struct tar_in;

/* The first entry, which must be a regular file, goes to this descriptor; the rest is dropped. */
struct tar_in *tar_in_file(int fd);
/* All goes below the open directory, without the first element of its names. */
struct tar_in *tar_in_tree(int dir_fd);
void tar_in_free(struct tar_in *t);
DEFINE_AUTO(tar_in, struct tar_in *, tar_in_free);

MUST_CHECK int tar_in_feed(struct tar_in *t, const void *bytes, size_t len, struct error **err);
/* After the last byte: was it all there? Makes the links that the stream has. */
MUST_CHECK int tar_in_end(struct tar_in *t, struct error **err);

/* tar_in_file(): the entry is a link, and this is where it leads; nothing was written. */
const char *tar_in_link(const struct tar_in *t);
/* tar_in_tree(): what was left out: links that lead out of the tree, devices. */
const struct strv *tar_in_left_out(const struct tar_in *t);
