/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes, always from an argument vector, never through a shell we
 * wrote. Started with posix_spawn in a process group of their own (a ^C on the
 * terminal does not reach them), watched through a pidfd.
 *
 * A test build may install a hook that records argv and plays back results.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum proc_io {
	PROC_NULL,    /* /dev/null */
	PROC_PIPE,    /* a pipe; our end is in struct proc, non-blocking */
	PROC_INHERIT, /* ours */
	PROC_FD,      /* the fd given in the spec */
};

struct proc_spec {
	const struct strv *argv; /* argv[0] is looked up in PATH of `env` */
	const struct strv *env;  /* NULL: our own environment */
	const char *dir;         /* NULL: our own */
	enum proc_io in, out, err;
	int in_fd, out_fd, err_fd; /* for PROC_FD; borrowed */
	bool merge_err;            /* stderr goes where stdout goes */
	const int *pass_fds;       /* further fds the child keeps at the same number; -1 ends */
};

struct proc {
	pid_t pid;
	int64_t started;           /* monotonic */
	int pidfd;                 /* readable when the process has ended */
	int in_fd, out_fd, err_fd; /* our ends of the pipes, else -1 */
	bool reaped;
	int status; /* exit code, or 128 + signal, once reaped */
};

/* Missing program: ERROR_NOT_FOUND, "cannot run 'x': not found in PATH". */
MUST_CHECK int proc_start(struct proc *ret, const struct proc_spec *spec, struct error **err);
/* Reaps; deadline/cancel end the wait, not the process. */
MUST_CHECK int proc_wait(struct proc *p, int64_t deadline, struct cancel *c, int *ret_status,
			 struct error **err);
bool proc_try_reap(struct proc *p);        /* true if it has ended (status is set) */
void proc_signal(struct proc *p, int sig); /* the whole group */
/* TERM, up to `grace_ns` for the child itself, then KILL for what is left of its group; reaps;
 * closes fds. Safe on a zeroed or ended one. */
void proc_stop(struct proc *p, int64_t grace_ns);
/* SIGKILL for itself alone: what it has started goes on. Reaps; the fds stay, what is in them can
 * still be read. Safe on a zeroed or ended one. */
void proc_kill(struct proc *p);
void proc_release(struct proc *p); /* closes fds; the process must be reaped or is left alone */
#define PROC_INIT                                                                                  \
	{                                                                                          \
		.pidfd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1                               \
	}

/* One line of a child's output, without its newline. */
typedef void (*proc_line_fn)(void *data, bool is_stderr, const char *line);

/* Bytes of a child's output as they come; an error stops the child. */
typedef int (*proc_bytes_fn)(void *data, bool is_stderr, const void *bytes, size_t len,
			     struct error **err);
/* Input as the child takes it: how many bytes, 0 at the end, -1 stops the child; or, where there is a
 * more_fd and *err is not set, nothing yet. */
typedef ssize_t (*proc_more_fn)(void *data, void *buf, size_t len, struct error **err);

/*
 * Runs to the end: feeds `input` (may be NULL), hands complete lines to `line`
 * (may be NULL), keeps the last 16 KiB of stderr for the message. A cancel
 * stops the process (TERM, 5 s, KILL) before it returns. *ret_status may be
 * NULL: then any non-zero status is an error that quotes stderr.
 */
struct proc_run {
	struct proc_spec spec; /* in/out/err are set by proc_run(), but for PROC_FD of in and out */
	const void *input;
	size_t input_len;
	proc_more_fn more; /* instead of `input`, or NULL */
	void *more_data;
	int more_fd; /* readable when more() would not say "nothing yet"; 0: it never does */
	proc_line_fn line;
	void *line_data;
	proc_bytes_fn bytes; /* both outputs, unlike `line` with all that is in them; or NULL */
	void *bytes_data;
	struct strbuf *output; /* whole stdout, or NULL; give it a limit */
	int64_t deadline;      /* 0: never */
	/* Called right after the start, before anything is read: journal the pid. */
	int (*started)(void *data, pid_t pid, struct error **err);
	void *started_data;
};
MUST_CHECK int proc_run(struct proc_run *run, struct cancel *c, int *ret_status,
			struct error **err);

/* The value of `name` in an environment (NULL: none), or NULL. Borrowed. */
const char *env_get(char *const *env, const char *name);

/* Full path of a program in PATH; ERROR_NOT_FOUND otherwise. */
MUST_CHECK int proc_find(const char *name, char **ret_path, struct error **err);
/* Start time of a pid (clock ticks since boot, /proc/PID/stat field 22); 0 if it is gone. */
uint64_t proc_start_time(pid_t pid);
/* Identifies this boot of this machine. */
const char *proc_boot_id(void);
