/* SPDX-License-Identifier: Apache-2.0 */
#include "os/host.h"

#include "base/alloc.h"
#include "base/macro.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "os/fs.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_FILE_MAX = 64 * 1024 };

/* A variable that is set to nothing counts as unset. */
static const char *get(host_env_fn lookup, const char *name)
{
	const char *value = lookup(name);

	return text_is_empty(value) ? NULL : value;
}

/* Relative paths are meant from the directory we were started in. */
static char *absolute(const char *path)
{
	AUTO_FREE char *cwd = path[0] == '/' ? NULL : fs_cwd();

	return path_absolute(cwd ? cwd : "/", path);
}

static char *absolute_below(const char *dir, const char *name)
{
	AUTO_FREE char *joined = path_join(dir, name);

	return absolute(joined);
}

/* $INGOT_x_DIR, $PACKER_x_DIR, $XDG_x_HOME/ingot, ~/DEFAULT/ingot */
static char *find_dir(const struct host_dirs *d, host_env_fn lookup, const char *const names[3],
		      const char *below_home)
{
	const char *dir = get(lookup, names[0]);

	if (!dir && names[1])
		dir = get(lookup, names[1]);
	if (dir)
		return absolute(dir);
	dir = get(lookup, names[2]);
	if (dir)
		return absolute_below(dir, "ingot");
	if (!d->home)
		return NULL;

	AUTO_FREE char *base = path_join(d->home, below_home);

	return absolute_below(base, "ingot");
}

/* Where plugins and the configuration file of the existing tool are (cli.md 2). */
static char *find_config(const struct host_dirs *d, host_env_fn lookup)
{
	const char *dir = get(lookup, "INGOT_CONFIG_DIR");

	if (!dir)
		dir = get(lookup, "PACKER_CONFIG_DIR");
	if (dir)
		return absolute_below(dir, ".packer.d");

	AUTO_FREE char *old = d->home ? path_join(d->home, ".packer.d") : NULL;

	if (old && fs_exists(old))
		return absolute(old);
	dir = get(lookup, "XDG_CONFIG_HOME");
	if (dir)
		return absolute_below(dir, "packer");
	return d->home ? absolute_below(d->home, ".config/packer") : NULL;
}

int host_dirs_init(struct host_dirs *d, host_env_fn lookup, struct error **err)
{
	static const char *const cache[] = { "INGOT_CACHE_DIR", "PACKER_CACHE_DIR",
					     "XDG_CACHE_HOME" };
	static const char *const state[] = { "INGOT_STATE_DIR", NULL, "XDG_STATE_HOME" };
	const char *home = get(lookup, "HOME");
	const char *temp = get(lookup, "TMPDIR");

	*d = (struct host_dirs){ .home = home ? absolute(home) : NULL };
	d->temp = absolute(temp ? temp : "/tmp");
	d->cache = find_dir(d, lookup, cache, ".cache");
	d->state = find_dir(d, lookup, state, ".local/state");
	d->config = find_config(d, lookup);
	if (d->cache && d->state && d->config)
		return 0;
	if (!d->config)
		error_set(err, ERROR_INVALID,
			  "No $HOME environment variable found, required to set Config Directory");
	else if (!d->cache)
		error_set(err, ERROR_INVALID, "neither $XDG_CACHE_HOME nor $HOME are defined");
	else
		error_set(err, ERROR_INVALID, "neither $XDG_STATE_HOME nor $HOME are defined");
	host_dirs_release(d);
	return error_hint(err, "set HOME, or INGOT_CONFIG_DIR, INGOT_CACHE_DIR and "
			       "INGOT_STATE_DIR");
}

void host_dirs_release(struct host_dirs *d)
{
	free(d->home);
	free(d->cache);
	free(d->state);
	free(d->config);
	free(d->temp);
	*d = (struct host_dirs){ 0 };
}

int host_cpus(void)
{
	cpu_set_t set;

	/* Fails on hosts with more processors than the set can hold; they have two to spare. */
	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 2 : CPU_COUNT(&set);
}

static int64_t number_in(const char *path)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(SMALL_FILE_MAX);
	AUTO(error) struct error *e = NULL;
	int64_t n;

	if (fs_read(path, SMALL_FILE_MAX, &text, &e) < 0)
		return -1;
	return sscanf(text.buf, "%" SCNd64, &n) == 1 ? n : -1; /* "max": no limit */
}

/* What a container or service of ours may still take; caches count as taken. */
static int64_t left_to_our_group(void)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(SMALL_FILE_MAX);
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *limit_path = NULL, *used_path = NULL;
	int64_t limit, used;
	char *group;

	if (fs_read("/proc/self/cgroup", SMALL_FILE_MAX, &text, &e) < 0)
		return INT64_MAX;
	group = strstr(text.buf, "0::/");
	if (!group)
		return INT64_MAX;
	group += strlen("0::");
	*strchrnul(group, '\n') = '\0';
	limit_path = xasprintf("/sys/fs/cgroup%s/memory.max", group);
	used_path = xasprintf("/sys/fs/cgroup%s/memory.current", group);
	limit = number_in(limit_path);
	used = number_in(used_path);
	return limit < 0 || used < 0 ? INT64_MAX : MAX(limit - used, INT64_C(0));
}

int64_t host_memory_available(void)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(SMALL_FILE_MAX);
	AUTO(error) struct error *e = NULL;
	const char *line;
	int64_t kib;

	if (fs_read("/proc/meminfo", SMALL_FILE_MAX, &text, &e) < 0)
		return 0;
	line = strstr(text.buf, "MemAvailable:");
	if (!line || sscanf(line, "MemAvailable: %" SCNd64, &kib) != 1)
		return 0;
	return MIN(kib * 1024, left_to_our_group());
}
