/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes system calls fail. Preloaded into ingot (LD_PRELOAD), it counts the calls that ingot's own
 * code makes to each seam of the system (opening, reading, locking, starting processes...), tells
 * them by the return address, and lets the chosen one fail without being made. Calls of libraries
 * and of child processes are left alone: the preloading is taken out of the environment at once.
 *
 *   FAULT_SEAM=open    the seam, as in the table below
 *   FAULT_NTH=3        its third call fails; 0 none
 *   FAULT_ERRNO=24     with this error
 *   FAULT_MODE=once    only that call; `on`: that one and all later ones of the seam;
 *                      `short`: of every read and write one byte is done;
 *                      `interrupt`: every other call that may be interrupted is
 *   FAULT_LOG=FILE     what happens is added to it: `seam number function argument address`
 *                      for the failed calls, or with FAULT_NTH=0 for all
 *
 * tests/tools/fault_walk.py walks over all calls of a run with it.
 */
/* Symbols are named as they are: stat64(), not a stat() that is another one in disguise. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <link.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define CALLER ((uintptr_t)__builtin_return_address(0))

enum seam {
	OPEN,
	READ,
	WRITE,
	CLOSE,
	SYNC,
	RENAME,
	REMOVE,
	MKDIR,
	TRUNCATE,
	ATTRIBUTE,
	STAT,
	LOCK,
	DESCRIPTOR,
	POLL,
	SPAWN,
	WAIT,
	THREAD,
	RANDOM,
	NET,
	LIBRARY,
	SEAMS
};

static const char *const names[SEAMS] = {
	"open",  "read",     "write",     "close",  "sync", "rename",     "remove",
	"mkdir", "truncate", "attribute", "stat",   "lock", "descriptor", "poll",
	"spawn", "wait",     "thread",    "random", "net",  "library",
};

enum mode { ONCE, ON, SHORT, INTERRUPT };

static struct {
	uintptr_t low, high; /* where the code of ingot is */
	int seam;            /* SEAMS: none */
	enum mode mode;
	unsigned nth;
	int error;
	int log; /* -1: none */
	atomic_uint count[SEAMS];
} fault = { .seam = SEAMS, .log = -1 };

/* ---- start --------------------------------------------------------------------- */

static int note_program(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && (p->p_flags & PF_X)) {
			fault.low = info->dlpi_addr + p->p_vaddr;
			fault.high = fault.low + p->p_memsz;
		}
	}
	return 1; /* the first one is the program */
}

static unsigned number_of(const char *name)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static void open_log(const char *path)
{
	enum { HIGH = 500 };
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			      0666);

	/* out of the way: the numbers that the program sees stay what they are */
	fault.log = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, HIGH);
	syscall(SYS_close, fd);
}

__attribute__((constructor)) static void start(void)
{
	static const char *const ours[] = { "FAULT_SEAM", "FAULT_NTH", "FAULT_ERRNO",
					    "FAULT_MODE", "FAULT_LOG", "LD_PRELOAD" };
	const char *seam = getenv("FAULT_SEAM"), *mode = getenv("FAULT_MODE");

	dl_iterate_phdr(note_program, NULL);
	for (int i = 0; seam && i < SEAMS; i++)
		if (!strcmp(names[i], seam))
			fault.seam = i;
	fault.nth = number_of("FAULT_NTH");
	fault.error = (int)number_of("FAULT_ERRNO");
	if (mode && !strcmp(mode, "on"))
		fault.mode = ON;
	else if (mode && !strcmp(mode, "short"))
		fault.mode = SHORT;
	else if (mode && !strcmp(mode, "interrupt"))
		fault.mode = INTERRUPT;
	if (getenv("FAULT_LOG"))
		open_log(getenv("FAULT_LOG"));
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		unsetenv(ours[i]);
}

/* ---- the decision -------------------------------------------------------------- */

struct call {
	enum seam seam;
	const char *function;
	const char *argument; /* a path, or NULL */
	bool may_be_interrupted;
};

static void note(const struct call *c, unsigned n, uintptr_t caller)
{
	char line[1024];
	int len = snprintf(line, sizeof(line), "%s %u %s %.900s %#lx\n", names[c->seam], n,
			   c->function, c->argument && *c->argument ? c->argument : "-",
			   (unsigned long)(caller - fault.low));

	if (fault.log >= 0 && len > 0)
		(void)!syscall(SYS_write, fault.log, line, (size_t)len);
}

/* Every other call from one place: what tries again gets on. */
static bool is_interrupted(uintptr_t caller)
{
	static _Thread_local bool before[4096];
	bool *b = &before[caller % (sizeof(before) / sizeof(*before))];

	*b = !*b;
	return *b;
}

/* Whether this call fails; errno is then set. */
static bool fails(uintptr_t caller, struct call c)
{
	if (caller < fault.low || caller >= fault.high)
		return false;

	unsigned n = atomic_fetch_add(&fault.count[c.seam], 1) + 1;

	if (fault.mode == INTERRUPT) {
		if (!c.may_be_interrupted || !is_interrupted(caller))
			return false;
		errno = EINTR;
		return true;
	}
	if (fault.seam == SEAMS)
		note(&c, n, caller);
	if ((int)c.seam != fault.seam || n < fault.nth || (n > fault.nth && fault.mode != ON))
		return false;
	note(&c, n, caller);
	errno = fault.error;
	return true;
}

/* In the mode `short` streams and files give and take a byte at a time. */
static size_t shorter(uintptr_t caller, int fd, size_t len)
{
	struct stat st;
	int type = SOCK_STREAM;
	socklen_t size = sizeof(type);

	if (fault.mode != SHORT || caller < fault.low || caller >= fault.high || len < 2 ||
	    syscall(SYS_fstat, fd, &st) < 0)
		return len;
	if (S_ISSOCK(st.st_mode) &&
	    (syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	     type != SOCK_STREAM))
		return len;
	return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ? 1 : len;
}

/* ---- the seams ----------------------------------------------------------------- */

/* The next definition of the function: the C library's or a sanitizer's. */
#define REAL(name)                                                                                 \
	static __typeof__(name) *real;                                                             \
	if (!real)                                                                                 \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FAILS(seam, argument, waits) fails(CALLER, (struct call){ seam, __func__, argument, waits })

/* A function with the way it fails, its seam, the path among its arguments, whether it may be
 * interrupted, and what it takes. */
#define WRAP(type, name, failure, seam, argument, waits, params, args)                             \
	EXPORT type name params;                                                                   \
	EXPORT type name params                                                                    \
	{                                                                                          \
		REAL(name);                                                                        \
		return FAILS(seam, argument, waits) ? failure : real args;                         \
	}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

EXPORT int open64(const char *path, int flags, ...)
{
	REAL(open64);
	va_list ap;

	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	return FAILS(OPEN, path, false) ? -1 : real(path, flags, mode);
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
	REAL(openat64);
	va_list ap;

	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	return FAILS(OPEN, path, false) ? -1 : real(dir, path, flags, mode);
}

WRAP(int, __open64_2, -1, OPEN, path, false, (const char *path, int flags), (path, flags))
WRAP(DIR *, opendir, NULL, OPEN, path, false, (const char *path), (path))
WRAP(DIR *, fdopendir, NULL, OPEN, NULL, false, (int fd), (fd))
WRAP(int, mkostemps64, -1, OPEN, path, false, (char *path, int suffix, int flags),
     (path, suffix, flags))

WRAP(ssize_t, pread64, -1, READ, NULL, true, (int fd, void *buf, size_t len, off64_t at),
     (fd, buf, shorter(CALLER, fd, len), at))
/* What is only looked at may be looked at again: whole. */
WRAP(ssize_t, recv, -1, READ, NULL, true, (int fd, void *buf, size_t len, int flags),
     (fd, buf, flags &MSG_PEEK ? len : shorter(CALLER, fd, len), flags))
WRAP(struct dirent64 *, readdir64, NULL, READ, NULL, false, (DIR * dir), (dir))

WRAP(ssize_t, pwrite64, -1, WRITE, NULL, true, (int fd, const void *buf, size_t len, off64_t at),
     (fd, buf, shorter(CALLER, fd, len), at))
WRAP(ssize_t, send, -1, WRITE, NULL, true, (int fd, const void *buf, size_t len, int flags),
     (fd, buf, shorter(CALLER, fd, len), flags))
WRAP(ssize_t, copy_file_range, -1, WRITE, NULL, true,
     (int from, off64_t *from_at, int to, off64_t *to_at, size_t len, unsigned flags),
     (from, from_at, to, to_at, shorter(CALLER, to, len), flags))

/* Counters of the kernel in memory (eventfd, timers, signals) have no way to fail. */
static bool is_counter(int fd)
{
	struct stat st;

	return syscall(SYS_fstat, fd, &st) == 0 && !(st.st_mode & S_IFMT);
}

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
	REAL(read);
	if (is_counter(fd))
		return real(fd, buf, len);
	return FAILS(READ, NULL, true) ? -1 : real(fd, buf, shorter(CALLER, fd, len));
}

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	REAL(write);
	if (is_counter(fd))
		return real(fd, buf, len);
	return FAILS(WRITE, NULL, true) ? -1 : real(fd, buf, shorter(CALLER, fd, len));
}

/* Whatever close() says, the descriptor is gone. */
EXPORT int close(int fd)
{
	REAL(close);
	int r = real(fd);

	return FAILS(CLOSE, NULL, true) ? -1 : r;
}

WRAP(int, fsync, -1, SYNC, NULL, true, (int fd), (fd))
WRAP(int, fdatasync, -1, SYNC, NULL, true, (int fd), (fd))
WRAP(int, rename, -1, RENAME, to, false, (const char *from, const char *to), (from, to))
WRAP(int, unlink, -1, REMOVE, path, false, (const char *path), (path))
WRAP(int, unlinkat, -1, REMOVE, path, false, (int dir, const char *path, int flags),
     (dir, path, flags))
WRAP(int, rmdir, -1, REMOVE, path, false, (const char *path), (path))
WRAP(int, mkdir, -1, MKDIR, path, false, (const char *path, mode_t mode), (path, mode))
WRAP(char *, mkdtemp, NULL, MKDIR, path, false, (char *path), (path))
WRAP(int, ftruncate64, -1, TRUNCATE, NULL, false, (int fd, off64_t len), (fd, len))
WRAP(off64_t, lseek64, -1, TRUNCATE, NULL, false, (int fd, off64_t at, int whence),
     (fd, at, whence))

WRAP(int, chmod, -1, ATTRIBUTE, path, false, (const char *path, mode_t mode), (path, mode))
WRAP(int, fchmod, -1, ATTRIBUTE, NULL, false, (int fd, mode_t mode), (fd, mode))
WRAP(int, fchown, -1, ATTRIBUTE, NULL, false, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAP(int, futimens, -1, ATTRIBUTE, NULL, false, (int fd, const struct timespec t[2]), (fd, t))
WRAP(int, utimensat, -1, ATTRIBUTE, path, false,
     (int dir, const char *path, const struct timespec t[2], int flags), (dir, path, t, flags))
WRAP(int, fsetxattr, -1, ATTRIBUTE, name, false,
     (int fd, const char *name, const void *value, size_t len, int flags),
     (fd, name, value, len, flags))
WRAP(int, fremovexattr, -1, ATTRIBUTE, name, false, (int fd, const char *name), (fd, name))

WRAP(int, stat64, -1, STAT, path, false, (const char *path, struct stat64 *st), (path, st))
WRAP(int, lstat64, -1, STAT, path, false, (const char *path, struct stat64 *st), (path, st))
WRAP(int, fstat64, -1, STAT, NULL, false, (int fd, struct stat64 *st), (fd, st))
WRAP(int, fstatat64, -1, STAT, path, false,
     (int dir, const char *path, struct stat64 *st, int flags), (dir, path, st, flags))
WRAP(int, access, -1, STAT, path, false, (const char *path, int how), (path, how))
WRAP(int, statfs64, -1, STAT, path, false, (const char *path, struct statfs64 *st), (path, st))
WRAP(int, statvfs64, -1, STAT, path, false, (const char *path, struct statvfs64 *st), (path, st))
WRAP(char *, realpath, NULL, STAT, path, false, (const char *path, char *out), (path, out))
WRAP(char *, getcwd, NULL, STAT, NULL, false, (char *out, size_t len), (out, len))
WRAP(ssize_t, fgetxattr, -1, STAT, name, false, (int fd, const char *name, void *value, size_t len),
     (fd, name, value, len))

WRAP(int, flock, -1, LOCK, NULL, true, (int fd, int how), (fd, how))

/* The third argument is a number or an address: one register either way. */
EXPORT int fcntl64(int fd, int what, ...)
{
	REAL(fcntl64);
	va_list ap;

	va_start(ap, what);
	void *argument = va_arg(ap, void *);
	va_end(ap);

	bool locks =
		what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK || what == F_OFD_SETLKW;

	return FAILS(locks ? LOCK : DESCRIPTOR, NULL, false) ? -1 : real(fd, what, argument);
}

WRAP(int, pipe2, -1, DESCRIPTOR, NULL, false, (int fds[2], int flags), (fds, flags))
WRAP(int, eventfd, -1, DESCRIPTOR, NULL, false, (unsigned value, int flags), (value, flags))
WRAP(int, epoll_create1, -1, DESCRIPTOR, NULL, false, (int flags), (flags))
WRAP(int, epoll_ctl, -1, DESCRIPTOR, NULL, false,
     (int epoll, int how, int fd, struct epoll_event *event), (epoll, how, fd, event))
WRAP(int, signalfd, -1, DESCRIPTOR, NULL, false, (int fd, const sigset_t *set, int flags),
     (fd, set, flags))
WRAP(int, timerfd_create, -1, DESCRIPTOR, NULL, false, (clockid_t clock, int flags), (clock, flags))
WRAP(int, timerfd_settime, -1, DESCRIPTOR, NULL, false,
     (int fd, int flags, const struct itimerspec *t, struct itimerspec *old), (fd, flags, t, old))
WRAP(int, pidfd_open, -1, DESCRIPTOR, NULL, false, (pid_t pid, unsigned flags), (pid, flags))

WRAP(int, poll, -1, POLL, NULL, true, (struct pollfd * fds, nfds_t n, int msec), (fds, n, msec))
WRAP(int, ppoll, -1, POLL, NULL, true,
     (struct pollfd * fds, nfds_t n, const struct timespec *t, const sigset_t *set),
     (fds, n, t, set))

WRAP(int, posix_spawn, errno, SPAWN, path, false,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attr, char *const argv[], char *const env[]),
     (pid, path, actions, attr, argv, env))
WRAP(int, waitid, -1, WAIT, NULL, true, (idtype_t type, id_t id, siginfo_t *info, int options),
     (type, id, info, options))
WRAP(pid_t, waitpid, -1, WAIT, NULL, true, (pid_t pid, int *status, int options),
     (pid, status, options))
WRAP(int, pthread_create, errno, THREAD, NULL, false,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*fn)(void *), void *data),
     (thread, attr, fn, data))
WRAP(ssize_t, getrandom, -1, RANDOM, NULL, true, (void *buf, size_t len, unsigned flags),
     (buf, len, flags))

WRAP(int, socket, -1, NET, NULL, false, (int domain, int type, int protocol),
     (domain, type, protocol))
WRAP(int, socketpair, -1, NET, NULL, false, (int domain, int type, int protocol, int fds[2]),
     (domain, type, protocol, fds))
WRAP(int, bind, -1, NET, NULL, false, (int fd, const struct sockaddr *to, socklen_t len),
     (fd, to, len))
WRAP(int, listen, -1, NET, NULL, false, (int fd, int backlog), (fd, backlog))
WRAP(int, connect, -1, NET, NULL, true, (int fd, const struct sockaddr *to, socklen_t len),
     (fd, to, len))
WRAP(int, accept4, -1, NET, NULL, true, (int fd, struct sockaddr *from, socklen_t *len, int flags),
     (fd, from, len, flags))
WRAP(int, setsockopt, -1, NET, NULL, false,
     (int fd, int level, int name, const void *value, socklen_t len), (fd, level, name, value, len))
WRAP(int, getsockopt, -1, NET, NULL, false,
     (int fd, int level, int name, void *value, socklen_t *len), (fd, level, name, value, len))
WRAP(int, getaddrinfo, EAI_MEMORY, NET, host, false,
     (const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret),
     (host, port, hints, ret))
WRAP(int, getifaddrs, -1, NET, NULL, false, (struct ifaddrs * *ret), (ret))

/* A library that is not there, with the message that belongs to it. */
EXPORT void *dlopen(const char *path, int flags)
{
	REAL(dlopen);
	return real(FAILS(LIBRARY, path, false) ? "libmissing-by-fault.so" : path, flags);
}
