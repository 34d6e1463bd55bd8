/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a medium is made of (qemu-builder.md 11, 12): collected from
 * the host's files and directories and from texts of the template, before one
 * byte is written.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>

struct file_node {
	bool is_dir;
	char *source; /* a host's file; NULL: `text` is the content */
	char *text;
	int64_t size;
};

/* struct file_node by path below the root ("a/b"); every directory has an entry of its own. */
struct file_tree {
	struct map nodes;
};

enum tree_mode {
	TREE_FLAT,     /* all files below a directory, by base name in the root */
	TREE_DEEP,     /* a directory under its own name */
	TREE_DEEP_OPEN /* so too, but "dir/" stands for what is in it */
};

void file_tree_free_node(void *node);
#define FILE_TREE_INIT                                                                             \
	{                                                                                          \
		.nodes = MAP_INIT(file_tree_free_node)                                             \
	}
void file_tree_release(struct file_tree *t);
static inline void auto_file_tree(struct file_tree *t)
{
	file_tree_release(t);
}

/* A pattern (any of * ? [) may match nothing; links are followed. */
MUST_CHECK int file_tree_add(struct file_tree *t, const char *cwd, const char *path,
			     enum tree_mode mode, struct error **err);
/* Replaces a file of the same path. Fails where the path leads outside or through a file. */
MUST_CHECK int file_tree_add_text(struct file_tree *t, const char *path, const char *text,
				  struct error **err);
/* By path, so a directory comes before what is in it. */
void file_tree_sort(struct file_tree *t);

/* Is there a file for it, or is it a pattern that is well-formed? The error says no more than why. */
MUST_CHECK int file_tree_check(const char *cwd, const char *path, struct error **err);
