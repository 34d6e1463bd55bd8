/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the store: its folders, its size, the secret of the host. */
#include "cache/store.h"

#include "base/alloc.h"
#include "base/path.h"
#include "cache/store_internal.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const int64_t default_max = INT64_C(20) << 30;
enum { DISK_SHARE = 10, SECRET_TRIES = 10 };
#define SECRET_FILE "secret"

STRING_TABLE(store_folder, STORE_FOLDERS, "entries", "layers", "locks", "staging", "checked",
	     "gone");

static bool is_name(const char *name, const char *marks)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(name);

	if (!len || len > NAME_LENGTH_MAX || name[0] == '.' || name[0] == '-')
		return false;
	for (const char *p = name; *p; p++)
		if (!strchr(plain, *p) && !strchr(marks, *p))
			return false;
	return true;
}

bool store_name_is_valid(const char *name)
{
	return is_name(name, "-_.");
}

bool store_key_is_valid(const char *key)
{
	return is_name(key, "-_");
}

bool store_layer_name_is_valid(const char *name)
{
	static const char hex[] = "0123456789abcdef";

	return strlen(name) > LAYER_ID_LENGTH + 1 && strspn(name, hex) == LAYER_ID_LENGTH &&
	       name[LAYER_ID_LENGTH] == '.' && is_name(name + LAYER_ID_LENGTH + 1, "");
}

bool store_base_name_is_valid(const char *name)
{
	return text_starts_with(name, BASE_PREFIX) &&
	       store_key_is_valid(name + sizeof(BASE_PREFIX) - 1);
}

char *store_path(const struct store *s, enum store_folder folder, const char *name)
{
	return xasprintf("%s/%s/%s", s->dir, store_folder_names[folder], name);
}

int store_fail(struct error **err, int os_errno, const char *what, const struct store *s,
	       enum store_folder folder, const char *name)
{
	AUTO_FREE char *path = store_path(s, folder, name);

	return error_set_errno(err, os_errno, "cannot %s '%s'", what, path);
}

const char *store_dir(const struct store *s)
{
	return s->dir;
}

const unsigned char *store_secret(const struct store *s)
{
	return s->secret;
}

/* ---- the secret ------------------------------------------------------------------------ */

/* 1: read, 0: there is none (or a torn one), -1: error. */
static int read_secret(struct store *s, struct error **err)
{
	AUTO_CLOSE int fd =
		openat(s->top, SECRET_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	unsigned char bytes[STORE_SECRET + 1];
	ssize_t n = fd < 0 ? -1 : fd_read_at(fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno != ENOENT && errno != ELOOP)
		return error_set_errno(err, errno, "cannot read '%s/" SECRET_FILE "'", s->dir);
	if (n == STORE_SECRET)
		memcpy(s->secret, bytes, STORE_SECRET);
	explicit_bzero(bytes, sizeof(bytes));
	return n == STORE_SECRET;
}

/* Of several processes that make one at once, one wins: link() does not replace. */
static int make_secret(struct store *s, const char *temp)
{
	unsigned char bytes[STORE_SECRET];
	AUTO_CLOSE int fd = -1;
	int r = hold_try(s->folders[IN_STAGING], temp, O_WRONLY | O_CREAT | O_EXCL, LOCK_SH, &fd);

	if (r <= 0)
		return r < 0 && errno != ENOENT ? -1 : 0; /* a collector saw it first */
	random_bytes(bytes, sizeof(bytes));
	r = fd_write_at(fd, bytes, sizeof(bytes), 0);
	explicit_bzero(bytes, sizeof(bytes));
	while (r == 0 && fsync(fd) < 0)
		r = errno == EINTR ? 0 : -1;
	if (r < 0)
		return -1;
	if (linkat(s->folders[IN_STAGING], temp, s->top, SECRET_FILE, 0) == 0)
		return 0;
	if (errno != EEXIST)
		return errno == ENOENT ? 0 : -1;

	struct stat st;

	/* a file that cannot be one of ours is replaced */
	if (fstatat(s->top, SECRET_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!S_ISREG(st.st_mode) || st.st_size != STORE_SECRET))
		return renameat(s->folders[IN_STAGING], temp, s->top, SECRET_FILE);
	return 0;
}

static int load_secret(struct store *s, struct error **err)
{
	for (int i = 0; i < SECRET_TRIES; i++) {
		int r = read_secret(s, err);
		char temp[17] = "secret-";

		if (r)
			return r < 0 ? -1 : 0;
		random_text(temp + 7, 9, "abcdefghijklmnopqrstuvwxyz");
		r = make_secret(s, temp);

		int saved = errno;

		(void)unlinkat(s->folders[IN_STAGING], temp, 0);
		if (r < 0)
			return error_set_errno(err, saved, "cannot make '%s/" SECRET_FILE "'",
					       s->dir);
	}
	return error_set(err, ERROR_IO, "cannot make '%s/" SECRET_FILE "'", s->dir);
}

/* ---- opening --------------------------------------------------------------------------- */

static int open_folder(struct store *s, enum store_folder i, struct error **err)
{
	const char *name = store_folder_names[i];

	if (mkdirat(s->top, name, 0700) < 0 && errno != EEXIST)
		return store_fail(err, errno, "make directory", s, i, "");
	s->folders[i] = openat(s->top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return s->folders[i] < 0 ? store_fail(err, errno, "open directory", s, i, "") : 0;
}

static int default_size(const char *dir, int64_t *ret, struct error **err)
{
	int64_t disk;

	if (fs_total_space(dir, &disk, err) < 0)
		return -1;
	*ret = MIN(default_max, disk / DISK_SHARE);
	return 0;
}

int store_open(const char *dir, int64_t size_max, struct store **ret, struct error **err)
{
	AUTO(store) struct store *s = NEW(struct store);

	s->dir = path_clean(dir);
	s->max = size_max;
	s->top = -1;
	for (int i = 0; i < STORE_FOLDERS; i++)
		s->folders[i] = -1;
	if (fs_mkdir_all(s->dir, 0700, err) < 0)
		return -1;
	s->top = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->top < 0)
		return error_set_errno(err, errno, "cannot open directory '%s'", s->dir);
	for (int i = 0; i < STORE_FOLDERS; i++)
		if (open_folder(s, (enum store_folder)i, err) < 0)
			return -1;
	if (load_secret(s, err) < 0 || (!s->max && default_size(s->dir, &s->max, err) < 0))
		return -1;
	*ret = TAKE(s);
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < STORE_FOLDERS; i++)
		fd_close(s->folders[i]);
	fd_close(s->top);
	explicit_bzero(s->secret, sizeof(s->secret));
	free(s->dir);
	free(s);
}
