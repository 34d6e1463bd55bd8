/* SPDX-License-Identifier: Apache-2.0 */
/* What this host must have for a cast: programs, name spaces, emulators. */
#pragma once

#include "base/strv.h"
#include "builder/bootstrap/config.h"

/* Adds one error per thing that is missing, with what to do about it. */
void host_check(const struct bootstrap *b, const struct prepare_ctx *ctx, struct diags *diags);
/* The environment of the tools: the program's own, without what would change their work,
 * with the directories of system programs in PATH. */
void host_environment(char *const *own, const char *temp_dir, int64_t epoch, struct strv *ret);
/* The words that put a command into name spaces of its own: a user name space too unless
 * `as_root`. All processes of it end with the first. */
void host_namespace(struct strv *argv, bool as_root);
/*
 * A directory in memory with room for a tree of at most `size` bytes, or NULL:
 * then it has to lie on a disk, where writing and removing ten thousand files
 * takes longer than unpacking them.
 */
const char *host_memory_dir(int64_t size);
