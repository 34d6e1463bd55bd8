/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing trees, always relative to an open directory, so that nobody can
 * lead us elsewhere by putting a link into the path meanwhile. What cannot be
 * removed does not keep the rest from being removed; the first error is told.
 */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/fs_internal.h"
#include "os/log.h"
#include "os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each level keeps a descriptor open. */
enum { DEPTH_MAX = 256 };
static const int64_t mapped_nsec = 120 * NSEC_PER_SEC;

static int remove_entry(int parent, const char *name, const char *path, int depth,
			struct error **err);

/* Keeps only the first error of several. */
static int keep_first(struct error **err, struct error *e)
{
	if (*err)
		error_free(e);
	else
		*err = e;
	return -1;
}

static void make_accessible(int fd)
{
	struct stat st;
	AUTO_FREE char *self = xasprintf("/proc/self/fd/%d", fd);

	/* by way of /proc: fchmod() refuses O_PATH descriptors */
	if (fstat(fd, &st) == 0)
		(void)chmod(self, (st.st_mode & 07777) | S_IRWXU);
}

static int open_dir_at(int parent, const char *name)
{
	const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, O_RDONLY | flags);

	if (fd >= 0 || errno != EACCES)
		return fd;

	AUTO_CLOSE int handle = openat(parent, name, O_PATH | flags);

	if (handle < 0)
		return -1;
	make_accessible(handle);
	return openat(parent, name, O_RDONLY | flags);
}

static int remove_content(int fd, const char *path, int depth, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	int r = 0, copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d) {
		fd_close(copy);
		return fs_set_error(err, errno, "read directory", path);
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			strv_push(&names, e->d_name);
	closedir(d);
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *below = path_join(path, names.v[i]);
		struct error *one = NULL;

		if (remove_entry(fd, names.v[i], below, depth + 1, &one) < 0)
			r = keep_first(err, one);
	}
	return r;
}

/* A directory that we may not write to gets the permission once. */
static int unlink_at(int parent, const char *name, int flags)
{
	if (unlinkat(parent, name, flags) == 0 || errno == ENOENT)
		return 0;
	if (errno != EACCES || parent == AT_FDCWD)
		return -1;
	make_accessible(parent);
	return unlinkat(parent, name, flags) == 0 || errno == ENOENT ? 0 : -1;
}

static int remove_dir(int parent, const char *name, const char *path, int depth, struct error **err)
{
	if (depth > DEPTH_MAX)
		return error_set(err, ERROR_FAILED, "cannot remove '%s': too deep", path);

	AUTO_CLOSE int fd = open_dir_at(parent, name);

	if (fd < 0)
		return errno == ENOENT ? 0 : fs_set_error(err, errno, "open directory", path);
	if (remove_content(fd, path, depth, err) < 0)
		return -1;
	if (unlink_at(parent, name, AT_REMOVEDIR) < 0)
		return fs_set_error(err, errno, "remove", path);
	return 0;
}

static int stat_at(int parent, const char *name, struct stat *st)
{
	if (fstatat(parent, name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != EACCES || parent == AT_FDCWD)
		return -1;
	make_accessible(parent); /* readable, but not searchable */
	return fstatat(parent, name, st, AT_SYMLINK_NOFOLLOW);
}

static int remove_entry(int parent, const char *name, const char *path, int depth,
			struct error **err)
{
	struct stat st;

	if (stat_at(parent, name, &st) < 0)
		return errno == ENOENT ? 0 : fs_set_error(err, errno, "remove", path);
	if (S_ISDIR(st.st_mode))
		return remove_dir(parent, name, path, depth, err);
	if (unlink_at(parent, name, 0) < 0)
		return fs_set_error(err, errno, "remove", path);
	return 0;
}

/*
 * Files of ours that belong to ids of our subordinate range (/etc/subuid), as the tree of an image
 * has them: in a user name space with those ids we may remove them.
 */
static int remove_mapped(const char *path, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	struct proc_run run = { .spec.argv = &argv, .deadline = clock_deadline(mapped_nsec) };

	strv_pushl(&argv, "unshare", "--map-root-user", "--map-auto", "rm", "-rf",
		   "--one-file-system", "--", path, (char *)NULL);
	return proc_run(&run, NULL, NULL, err);
}

static int remove_tree(const char *path, struct error **err)
{
	AUTO_FREE char *clean = path_clean(path);
	AUTO(error) struct error *e = NULL;

	if (remove_entry(AT_FDCWD, clean, path, 0, err) == 0)
		return 0;
	if (geteuid() == 0 || ((*err)->os_errno != EACCES && (*err)->os_errno != EPERM))
		return -1;
	if (remove_mapped(clean, &e) < 0) {
		error_ignore(&e, "the first error says more");
		return -1;
	}
	error_free(TAKE(*err));
	return 0;
}

int fs_remove_tree(const char *path, struct error **err)
{
	bool existed = log_is_on && fs_exists(path);
	int r = remove_tree(path, err);

	if (r < 0)
		log_debug("fs", "%s", (*err)->message);
	else if (existed)
		log_debug("fs", "removed '%s'", path);
	return r;
}
