/* SPDX-License-Identifier: Apache-2.0 */
/* Places and facts of this host, resolved once in cli/ and passed down. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* All absolute, heap, owned by the struct; the directories may not exist yet. */
struct host_dirs {
	char *home;  /* NULL if unknown */
	char *cache; /* INGOT_CACHE_DIR, PACKER_CACHE_DIR, XDG_CACHE_HOME/ingot, ~/.cache/ingot */
	char *state; /* INGOT_STATE_DIR, XDG_STATE_HOME/ingot, ~/.local/state/ingot: journals, runs */
	char *config; /* INGOT_CONFIG_DIR/…, PACKER_CONFIG_DIR/.packer.d, … (cli.md 2) */
	char *temp;   /* TMPDIR or /tmp */
};

/* `lookup` is getenv, or a fake in tests. */
typedef const char *(*host_env_fn)(const char *name);
MUST_CHECK int host_dirs_init(struct host_dirs *d, host_env_fn lookup, struct error **err);
void host_dirs_release(struct host_dirs *d);

/* "linux_amd64", as Go names them: the end of the names of binaries made for it. */
extern const char host_platform[];

/* How many processors this process may run on, at least 1. */
int host_cpus(void);
/* Memory that programs of ours can get without swapping, in bytes; 0 if unknown. */
int64_t host_memory_available(void);
