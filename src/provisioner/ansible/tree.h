/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which local files a playbook uses, as far as its texts tell: what Ansible
 * finds by itself beside it (roles, group_vars, templates, …), and every word of
 * its YAML that names something which is there. What is named too much only
 * lets a step run again.
 */
#pragma once

#include "base/map.h"
#include "base/strv.h"
#include "provisioner/ansible/ansible.h"

struct tree {
	const char *cwd, *home;
	struct strv *files;             /* found so far; absolute */
	struct map taken;               /* paths that have been added */
	struct map words;               /* "FOLDER WORD" that have been looked at */
	struct strv roles, collections; /* folders that are searched beyond the playbook's */
	struct strv versions;           /* collections of the system: only their version counts */
	struct strv excluded;           /* folders that a run itself fills */
	char *playbook_dir;
	size_t next; /* of `files`, whose words come next */
};
void tree_init(struct tree *t, const char *cwd, const char *home, struct strv *files);
void tree_release(struct tree *t);
static inline void auto_tree(struct tree *t)
{
	tree_release(t);
}

/* A file, or all files of a folder; nothing if it is not there. */
void tree_add(struct tree *t, const char *path);
/* The playbook, and all that it leads to. */
void tree_add_playbook(struct tree *t, const char *path);
/* Words of a text which name files, from the working directory. */
void tree_add_words(struct tree *t, const char *text);
/* Follows the words of all that was added. */
void tree_follow(struct tree *t);
bool tree_is_yaml(const char *path);
