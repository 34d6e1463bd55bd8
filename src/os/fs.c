/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fs.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/cancel.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs_internal.h"
#include "os/log.h"
#include "os/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, UNSIZED = 8 * 1024 /* files in /proc do not tell */ };

int fs_set_error(struct error **err, int os_errno, const char *what, const char *path)
{
	error_set_errno(err, os_errno, "cannot %s '%s'", what, path);
	if (os_errno == ENOSPC || os_errno == EDQUOT)
		error_hint(err, "free space on the file system of '%s', or use another place",
			   path);
	return -1;
}

static enum fs_kind kind_of(mode_t mode)
{
	if (S_ISREG(mode))
		return FS_FILE;
	return S_ISDIR(mode) ? FS_DIR : FS_OTHER;
}

int fs_stat_kind(const char *path, enum fs_kind *ret, struct error **err)
{
	struct stat st;

	if (stat(path, &st) == 0)
		*ret = kind_of(st.st_mode);
	else if (errno == ENOENT || errno == ENOTDIR)
		*ret = FS_ABSENT;
	else
		return fs_set_error(err, errno, "examine", path);
	return 0;
}

const char *fs_reason(int error_number)
{
	switch (error_number) {
	case ENOENT:
		return "no such file or directory";
	case EACCES:
		return "permission denied";
	case ENOTDIR:
		return "not a directory";
	default:
		return strerrordesc_np(error_number);
	}
}

bool fs_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool fs_is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

char *fs_identity_of(const struct stat *st)
{
	return xasprintf("%ju %ju %jd %lld %lld", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
			 (intmax_t)st->st_size, (long long)clock_ns(st->st_mtim),
			 (long long)clock_ns(st->st_ctim));
}

int fs_identity(const char *path, char **ret, struct error **err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_set_errno(err, errno, "cannot look at '%s'", path);
	*ret = fs_identity_of(&st);
	return 0;
}

int fs_size(const char *path, int64_t *ret, struct error **err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fs_set_error(err, errno, "examine", path);
	*ret = st.st_size;
	return 0;
}

static int read_file(const char *path, size_t max, struct strbuf *ret, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct stat st;
	size_t room = CHUNK;

	if (fd < 0)
		return fs_set_error(err, errno, "open", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < CHUNK)
		/* one more to see the end at once */
		room = st.st_size ? (size_t)st.st_size + 1 : UNSIZED;
	for (;;) {
		ssize_t n = fd_read(fd, strbuf_reserve(&text, room), room);

		if (n < 0)
			return fs_set_error(err, errno, "read", path);
		if (n == 0)
			break;
		strbuf_advance(&text, (size_t)n);
		if (text.len > max)
			return error_set(err, ERROR_INVALID,
					 "cannot read '%s': larger than %zu bytes", path, max);
	}
	strbuf_add(ret, text.buf, text.len);
	return 0;
}

int fs_read(const char *path, size_t max, struct strbuf *ret, struct error **err)
{
	size_t before = ret->len;
	int r = read_file(path, max, ret, err);

	if (text_starts_with(path, "/proc/"))
		return r;
	if (r == 0)
		log_debug("fs", "read '%s' (%zu bytes)", path, ret->len - before);
	else
		log_debug("fs", "not read: %s", (*err)->message);
	return r;
}

int fs_write_fd(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int fs_write_all(int fd, const void *data, size_t len, const char *path, struct error **err)
{
	return fs_write_fd(fd, data, len) < 0 ? fs_set_error(err, errno, "write", path) : 0;
}

static int sync_fd(int fd)
{
	int r;

	do
		r = fsync(fd);
	while (r < 0 && errno == EINTR);
	return r;
}

/* Some file systems report a full disk only when the file is closed. */
int fs_close_checked(int *fd)
{
	return close(fd_take(fd)) < 0 && errno != EINTR ? -1 : 0;
}

int fs_write(const char *path, const void *data, size_t len, mode_t mode, struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		return fs_set_error(err, errno, "create", path);
	if (fs_write_fd(fd, data, len) < 0 || fs_close_checked(&fd) < 0)
		return fs_set_error(err, errno, "write", path);
	return 0;
}

static int sync_dir(const char *dir)
{
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* EINVAL: a file system that cannot sync directories */
	return fd < 0 || (sync_fd(fd) < 0 && errno != EINVAL) ? -1 : 0;
}

/* Writes `temp`, which was just made, and puts it in the place of `path`. */
static int fill_and_rename(int *fd, const char *temp, const char *path, struct str data)
{
	AUTO_FREE char *dir = path_dirname(path);

	if (fs_write_fd(*fd, data.p, data.len) < 0 || sync_fd(*fd) < 0 || fs_close_checked(fd) < 0)
		return -1;
	if (rename(temp, path) < 0)
		return -1;
	return sync_dir(dir);
}

/* A file is replaced where it really is: a link to it stays a link. NULL with errno. */
static char *follow_link(const char *path, bool is_there)
{
	struct stat st;

	if (!is_there)
		return xstrdup(path);
	if (lstat(path, &st) < 0)
		return NULL;
	return S_ISLNK(st.st_mode) ? realpath(path, NULL) : xstrdup(path);
}

static char *random_name(const char *prefix, const char *suffix)
{
	char text[13];

	random_text(text, 12, "abcdefghijklmnopqrstuvwxyz0123456789");
	return xasprintf("%s%s%s", prefix, text, suffix);
}

/* What is no file, such as /dev/stdout, cannot be replaced, only written to. */
static int write_in_place(const char *path, struct str data, struct error **err)
{
	/* a pipe without a reader is an error and no wait */
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return fs_set_error(err, errno, "open", path);

	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
	    fs_write_fd(fd, data.p, data.len) < 0)
		return fs_set_error(err, errno, "write", path);
	return 0;
}

/* The new file is to its readers what the old one was. */
static int keep_owner_and_mode(int fd, const struct stat *old)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	/* who may not give files away owns the new one */
	if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
	    fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
		return -1;
	return fchmod(fd, old->st_mode & 0777);
}

int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct error **err)
{
	struct stat old;
	bool is_there = stat(path, &old) == 0;

	if (!is_there && errno != ENOENT) /* what is there must not be lost with its mode */
		return fs_set_error(err, errno, "examine", path);
	if (is_there && kind_of(old.st_mode) == FS_OTHER)
		return write_in_place(path, (struct str){ data, len }, err);
	if (is_there && access(path, W_OK) < 0)
		return fs_set_error(err, errno, "write", path);

	AUTO_FREE char *target = follow_link(path, is_there);

	if (!target)
		return fs_set_error(err, errno, "examine", path);

	AUTO_FREE char *dir = path_dirname(target);
	AUTO_FREE char *name = random_name(".ingot-", ".tmp");
	AUTO_FREE char *temp = path_join(dir, name);
	AUTO_CLOSE int fd =
		open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_there ? 0600 : mode);

	if (fd < 0)
		return fs_set_error(err, errno, "create", path);
	if ((is_there && keep_owner_and_mode(fd, &old) < 0) ||
	    fill_and_rename(&fd, temp, target, (struct str){ data, len }) < 0) {
		int saved = errno;

		(void)unlink(temp);
		return fs_set_error(err, saved, "write", path);
	}
	return 0;
}

/* Makes one directory; one that is there already, maybe made meanwhile, is fine. */
static int make_dir(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;

	int saved = errno;

	/* a file in the way is EEXIST, a read-only parent of an existing one EROFS */
	if (stat(path, &st) < 0) {
		/* that it "exists" explains nothing, unless it is a link to nowhere */
		if (saved != EEXIST || errno == ENOENT)
			errno = saved;
		return -1;
	}
	errno = saved;
	return S_ISDIR(st.st_mode) ? 0 : -1;
}

int fs_mkdir(const char *path, mode_t mode, struct error **err)
{
	if (mkdir(path, mode) < 0)
		return fs_set_error(err, errno, "make directory", path);
	return 0;
}

int fs_mkdir_all(const char *path, mode_t mode, struct error **err)
{
	AUTO_FREE char *part = path_clean(path);

	for (char *p = part + 1; p[-1]; p++) {
		char kept = *p;

		if (kept != '/' && kept != '\0')
			continue;
		*p = '\0';
		if (make_dir(part, mode) < 0)
			return fs_set_error(err, errno, "make directory", part);
		*p = kept;
		if (!kept)
			break;
	}
	return 0;
}

int fs_remove(const char *path, struct error **err)
{
	if (unlink(path) == 0)
		log_debug("fs", "removed '%s'", path);
	else if (errno != ENOENT)
		return fs_set_error(err, errno, "remove", path);
	return 0;
}

int fs_rename(const char *from, const char *to, struct error **err)
{
	if (rename(from, to) < 0) {
		int saved = errno;
		AUTO_FREE char *what = xasprintf("rename '%s' to", from);

		return fs_set_error(err, saved, what, to);
	}
	log_debug("fs", "renamed '%s' to '%s'", from, to);
	return 0;
}

int fs_list(const char *dir, struct strv *ret, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return fs_set_error(err, errno, "open directory", dir);
	for (errno = 0; (e = readdir(d)); errno = 0)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			strv_push(&names, e->d_name);

	int saved = errno;

	closedir(d);
	if (saved)
		return fs_set_error(err, saved, "read directory", dir);
	strv_sort(&names);
	strv_pushv(ret, names.v);
	return 0;
}

/* The directories still to be read are a list, so depth costs no stack. */
int fs_walk_files(const char *dir, struct strv *ret, struct error **err)
{
	AUTO(strv) struct strv todo = STRV_INIT, files = STRV_INIT;

	strv_push(&todo, dir);
	while (todo.len) {
		AUTO_FREE char *next = xstrdup(todo.v[todo.len - 1]);
		AUTO(strv) struct strv names = STRV_INIT;

		strv_remove(&todo, todo.len - 1);
		if (fs_list(next, &names, err) < 0)
			return -1;
		for (size_t i = 0; i < names.len; i++) {
			char *path = path_join(next, names.v[i]);
			struct stat st;

			if (lstat(path, &st) < 0) {
				int r = fs_set_error(err, errno, "examine", path);

				free(path);
				return r;
			}
			if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
				strv_push_take(S_ISDIR(st.st_mode) ? &todo : &files, path);
			else
				free(path);
		}
	}
	strv_sort(&files);
	strv_pushv(ret, files.v);
	return 0;
}

char *fs_cwd(void)
{
	char *cwd = getcwd(NULL, 0);

	if (!cwd && errno != ENOENT) /* by another way */
		cwd = realpath("/proc/self/cwd", NULL);
	/* removed under our feet: this name is absolute and fails where it is used */
	return cwd ? cwd : xstrdup("/proc/self/cwd");
}

int fs_expand_home(const char *path, const char *home, char **ret, struct error **err)
{
	if (path[0] != '~') {
		*ret = xstrdup(path);
		return 0;
	}
	if (path[1] && path[1] != '/')
		return error_set(err, ERROR_INVALID, "cannot expand user-specific home dir");
	if (!home)
		return error_set(err, ERROR_INVALID, "cannot expand '%s': HOME is not set", path);
	*ret = path[1] && path[2] ? path_join(home, path + 2) : xstrdup(home);
	return 0;
}

int fs_temp_dir(const char *dir, const char *prefix, char **ret_path, struct error **err)
{
	AUTO_FREE char *name = xasprintf("%sXXXXXX", prefix);
	AUTO_FREE char *path = path_join(dir, name);

	if (!mkdtemp(path))
		return fs_set_error(err, errno, "make a temporary directory in", dir);
	*ret_path = TAKE(path);
	return 0;
}

int fs_temp_file(const char *dir, const char *prefix, const char *suffix, char **ret_path,
		 int *ret_fd, struct error **err)
{
	AUTO_FREE char *name = xasprintf("%sXXXXXX%s", prefix, suffix);
	AUTO_FREE char *path = path_join(dir, name);
	int fd = mkostemps(path, (int)strlen(suffix), O_CLOEXEC);

	if (fd < 0)
		return fs_set_error(err, errno, "make a temporary file in", dir);
	*ret_path = TAKE(path);
	*ret_fd = fd;
	return 0;
}

int fs_digest(const char *path, enum digest_type type, struct cancel *c, char **ret_hex,
	      struct error **err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(digest) struct digest *d = digest_new(type);
	AUTO_FREE char *buf = xmalloc(CHUNK);

	if (fd < 0)
		return fs_set_error(err, errno, "open", path);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (;;) {
		if (cancel_check(c, err) < 0)
			return -1;

		ssize_t n = fd_read(fd, buf, CHUNK);

		if (n < 0)
			return fs_set_error(err, errno, "read", path);
		if (n == 0)
			break;
		digest_add(d, buf, (size_t)n);
	}
	*ret_hex = digest_finish_hex(d);
	return 0;
}

static int stat_file_system(const char *path, struct statvfs *st, struct error **err)
{
	AUTO_FREE char *place = xstrdup(path);

	while (statvfs(place, st) < 0) {
		char *parent;

		if (errno != ENOENT || text_eq(place, ".") || text_eq(place, "/"))
			return fs_set_error(err, errno, "examine the file system of", path);
		parent = path_dirname(place);
		free(place);
		place = parent;
	}
	return 0;
}

int fs_free_space(const char *path, int64_t *ret, struct error **err)
{
	struct statvfs st;

	if (stat_file_system(path, &st, err) < 0)
		return -1;
	*ret = (int64_t)st.f_bavail * (int64_t)st.f_frsize;
	return 0;
}

int fs_total_space(const char *path, int64_t *ret, struct error **err)
{
	struct statvfs st;

	if (stat_file_system(path, &st, err) < 0)
		return -1;
	*ret = (int64_t)st.f_blocks * (int64_t)st.f_frsize;
	return 0;
}
