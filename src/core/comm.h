/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A communicator: how provisioners reach the inside of a machine. One vtable;
 * implementations live in comm/. Used by the build's thread only. All calls
 * may block, but only in waits that watch `c`.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "os/cancel.h"
#include "value/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct comm;
struct comm_route;
struct build_ctx;
struct tty_raw;

/* Exit status that says the connection was lost before one arrived (communicators.md 1). */
enum { COMM_DISCONNECTED = 2300218 };

typedef void (*comm_output_fn)(void *data, bool is_stderr, const void *bytes, size_t len);

/* Bytes that come in their own time. */
struct comm_source {
	int fd; /* readable when read() would not say "nothing yet" */
	/* >0: bytes, 0: the end; -1: nothing yet (*err untouched), or *err says what is wrong */
	ssize_t (*read)(void *data, void *buf, size_t len, struct error **err);
	void *data;
	const char *name; /* base name and the rest as of a file; NULL: nothing is known */
	int64_t size;
	mode_t mode;
};

struct comm_cmd {
	const char *command; /* a line for the guest's shell */
	const void *input;   /* stdin, or NULL: none */
	size_t input_len;
	comm_output_fn output; /* NULL: dropped */
	void *output_data;
	bool *began; /* becomes true when the command may have begun to run; or NULL */
	/* stdin that comes while it runs, instead of `input`: for bridge_exec() (comm/bridge.h), or a
	 * communicator that heeds it. */
	const struct comm_source *source;
	void (*started)(void *data); /* told once the machine has taken the command; or NULL */
	void *started_data;
};

typedef int (*comm_write_fn)(void *data, const void *bytes, size_t len, struct error **err);

/* What to upload: a local file, or bytes in memory. */
struct comm_upload {
	const char *path; /* local file; NULL: data */
	const void *data;
	size_t len;
	mode_t mode; /* 0: the file's own, or 0644 for data */
	void (*progress)(void *data, int64_t done, int64_t total); /* or NULL */
	void *progress_data;
};

/* A person's own shell in the machine, or a command of theirs. The descriptors are borrowed and used
 * as they are: nobody makes them non-blocking. */
struct comm_shell {
	const char *command; /* a line for the machine's shell; NULL: the user's own shell */
	int in, out, err;
	/* `in` is a terminal: the machine gives one, too, and the keys go there unchanged until the
	 * shell ends. NULL: a plain stream of bytes. */
	struct tty_raw *terminal;
	const char *term;            /* its type, TERM */
	int resized;                 /* eventfd: look at its size again; -1: never */
	void (*suspend)(void *data); /* asked for with `~^Z` */
	void *data;
	bool hung_up; /* out: by the person, with `~.` */
};

struct comm_ops {
	/* 0 with *ret_status; a lost connection is status COMM_DISCONNECTED, not an error. */
	int (*exec)(struct comm *m, const struct comm_cmd *cmd, struct cancel *c, int *ret_status,
		    struct error **err);
	int (*upload)(struct comm *m, const struct comm_upload *up, const char *dst,
		      struct cancel *c, struct error **err);
	/* Trailing-slash rule of communicators.md 1. */
	int (*upload_dir)(struct comm *m, const char *src, const char *dst, struct cancel *c,
			  struct error **err);
	int (*download)(struct comm *m, const char *src, const char *dst_path, struct cancel *c,
			struct error **err);
	int (*download_dir)(struct comm *m, const char *src, const char *dst, struct cancel *c,
			    struct error **err);
	/*
	 * Both optional: a short way for small files, without a command for each step. put: bytes
	 * in memory, with exactly this mode. 1: done; 0: not this way, take the usual one, which
	 * also says what is wrong; -1: the token's reason.
	 */
	int (*quick_put)(struct comm *m, const struct comm_upload *up, const char *dst,
			 struct cancel *c, struct error **err);
	int (*quick_remove)(struct comm *m, const char *path, struct cancel *c, struct error **err);
	/* Optional. As exec: the shell's exit status, COMM_DISCONNECTED when the connection was lost
	 * or hung up. */
	int (*shell)(struct comm *m, struct comm_shell *s, struct cancel *c, int *ret_status,
		     struct error **err);
	/* Both optional: without a file in between. write() of the second may wait. */
	int (*upload_from)(struct comm *m, const struct comm_source *from, const char *dst,
			   struct cancel *c, struct error **err);
	int (*download_to)(struct comm *m, const char *src, comm_write_fn write, void *data,
			   struct cancel *c, struct error **err);
	/* Optional: core/route.h. *ret is empty before, and released by the caller in any case. */
	int (*route)(struct comm *m, struct comm_route *ret, struct cancel *c, struct error **err);
	void (*close)(struct comm *m); /* frees */
	bool heeds_source;             /* exec takes comm_cmd.source */
};

struct comm {
	const struct comm_ops *ops;
	char *loss; /* why the connection ended last (heap); NULL: it did not, or nobody knows */
};
void comm_set_loss(struct comm *m, const char *why);

/*
 * A sign that it is worth trying again at once: the machine's network comes up. begin() returns an
 * fd that is readable when look() has something to look at, or -1 when nothing can be told; look()
 * is true for a sign. end() follows when there is an fd.
 */
struct comm_sign_ops {
	int (*begin)(void *data);
	bool (*look)(void *data);
	void (*end)(void *data);
};

/* Where a machine listens, known when it runs. */
struct comm_target {
	const char *host;
	int port;
	const char *private_key;          /* PEM text of a generated key, or NULL */
	const char *private_key_path;     /* or NULL */
	const char *public_key;           /* line of the key that takes part, or NULL */
	const struct comm_sign_ops *sign; /* NULL: none */
	void *sign_data;
};

struct comm_type {
	const char *name; /* "ssh" */
	const char *doc;
	/* Waits until the machine answers and logs in; says what it does through ctx->ui. */
	struct comm *(*connect)(const void *config, const struct comm_target *target,
				struct build_ctx *ctx, struct cancel *c, struct error **err);
	/* Adds what `build.*` says of the connection (User, Password, SSHPublicKey, …) to a map
	 * of struct value *. */
	void (*describe)(const void *config, const struct comm_target *target, struct map *values);
};

MUST_CHECK int comm_quick_put(struct comm *m, const struct comm_upload *up, const char *dst,
			      struct cancel *c, struct error **err);
MUST_CHECK int comm_quick_remove(struct comm *m, const char *path, struct cancel *c,
				 struct error **err);
void comm_close(struct comm *m);
DEFINE_AUTO(comm, struct comm *, comm_close);
/* A communicator that does nothing: commands succeed, transfers fail (type `none`,
 * communicators.md 15) or are swallowed (the file builder, provisioners.md 16). */
struct comm *comm_none_new(bool swallow_transfers);
/* Of a machine that has ended: everything fails with ERROR_GONE and this text. */
struct comm *comm_gone_new(const char *why);
