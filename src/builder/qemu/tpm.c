/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/tpm.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/qemu/logtail.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	LOG_LINES = 4,
	TERM_MSEC = 300,
};

#define STATE_NAME "tpm" /* below the temporary directory */

struct tpm {
	struct proc proc;
	struct journal *journal;
	uint64_t journal_id;
	char *state, *log;
	int fd;
};

static int say_missing(struct error **err)
{
	error_set(err, ERROR_NOT_FOUND,
		  "failed to locate swtpm (exec: \"swtpm\": executable file not found in $PATH), "
		  "this is required for vTPM support");
	return error_hint(err, "the Debian package swtpm brings it");
}

int tpm_find_binary(struct error **err)
{
	AUTO_FREE char *path = NULL;

	if (proc_find("swtpm", &path, err) == 0)
		return 0;
	error_ignore(err, "said better below");
	return say_missing(err);
}

/* In the temporary directory, so that no path of the user's is part of an option: swtpm knows no
 * way to write a comma in one. */
static void make_argv(struct strv *argv, const struct tpm_spec *spec, int fd)
{
	strv_pushl(argv, "swtpm", "socket", "--tpmstate", "dir=" STATE_NAME, "--ctrl", NULL);
	strv_pushf(argv, "type=unixio,clientfd=%d", fd);
	if (!spec->version_1)
		strv_push(argv, "--tpm2");
}

static int spawn(struct tpm *t, const struct tpm_spec *spec, int fd, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strv) struct strv env = STRV_INIT;
	const int pass[] = { fd, -1 };
	AUTO_CLOSE int log = open(t->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const struct proc_spec ps = { .argv = &argv,
				      .env = &env,
				      .dir = spec->temp_dir,
				      .out = PROC_FD,
				      .err = PROC_FD,
				      .out_fd = log,
				      .err_fd = log,
				      .pass_fds = pass };

	if (log < 0)
		return error_set_errno(err, errno, "cannot write '%s'", t->log);
	make_argv(&argv, spec, fd);
	strv_pushv(&env, spec->environ);
	if (journal_process(t->journal, "swtpm", &env, &t->journal_id, err) < 0)
		return -1;
	if (proc_start(&t->proc, &ps, err) == 0)
		return journal_started(t->journal, t->journal_id, t->proc.pid, err);
	if ((*err)->kind != ERROR_NOT_FOUND)
		return -1;
	error_ignore(err, "said better below");
	return say_missing(err);
}

/* The files of swtpm; those with a dot are its locks. */
int tpm_keep(const struct tpm *t, const char *dir, const char *prefix, struct cancel *c,
	     struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(t->state, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		AUTO_FREE char *from = path_join(t->state, names.v[i]);
		AUTO_FREE char *name = xasprintf("%s%s", prefix, names.v[i]);
		AUTO_FREE char *to = path_join(dir, name);

		if (*names.v[i] != '.' && fs_copy(from, to, 0600, NULL, NULL, c, err) < 0)
			return -1;
	}
	return 0;
}

static int put_back(struct tpm *t, const struct tpm_spec *spec, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(spec->from, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		if (!text_starts_with(names.v[i], spec->from_prefix))
			continue;

		AUTO_FREE char *from = path_join(spec->from, names.v[i]);
		AUTO_FREE char *to = path_join(t->state, names.v[i] + strlen(spec->from_prefix));

		if (fs_copy(from, to, 0600, NULL, NULL, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int set_up(struct tpm *t, const struct tpm_spec *spec, struct error **err)
{
	int pair[2];

	if (fs_mkdir(t->state, 0700, err) < 0 || (spec->from && put_back(t, spec, err) < 0))
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(err, errno, "cannot make a socket for the TPM");
	t->fd = pair[0];

	int r = spawn(t, spec, pair[1], err);

	fd_close(pair[1]);
	return r;
}

struct tpm *tpm_start(const struct tpm_spec *spec, struct error **err)
{
	struct tpm *t = NEW(struct tpm);

	*t = (struct tpm){
		.proc = PROC_INIT,
		.journal = spec->journal,
		.state = path_join(spec->temp_dir, STATE_NAME),
		.log = path_join(spec->temp_dir, "swtpm.log"),
		.fd = -1,
	};
	if (set_up(t, spec, err) == 0)
		return t;
	tpm_stop(t);
	return NULL;
}

int tpm_fd(const struct tpm *t)
{
	return t->fd;
}

void tpm_close_fd(struct tpm *t)
{
	fd_close(fd_take(&t->fd));
}

int tpm_watch_fd(const struct tpm *t)
{
	return t->proc.pidfd;
}

bool tpm_has_ended(struct tpm *t)
{
	return proc_try_reap(&t->proc);
}

void tpm_hint_words(struct tpm *t, struct error **err)
{
	AUTO(strbuf) struct strbuf log = STRBUF_INIT;

	log_tail(t->log, LOG_LINES, &log);
	if (log.len)
		error_hint(err, "swtpm said: %s", log.buf);
}

int tpm_say_ended(struct tpm *t, struct error **err)
{
	AUTO(strbuf) struct strbuf log = STRBUF_INIT;
	int status = t->proc.status;

	log_tail(t->log, LOG_LINES, &log);
	return error_set(err, ERROR_GONE, "the guest's TPM is gone: swtpm %s %d%s%s",
			 status > 128 ? "was killed by signal" : "ended with status",
			 status > 128 ? status - 128 : status, log.len ? ": " : "", log.buf);
}

void tpm_stop(struct tpm *t)
{
	AUTO(error) struct error *e = NULL;

	if (!t)
		return;
	tpm_close_fd(t);
	proc_stop(&t->proc, TERM_MSEC * NSEC_PER_MSEC);
	if (t->proc.pid <= 0 || t->proc.reaped)
		journal_done(t->journal, t->journal_id);
	if (fs_remove_tree(t->state, &e) < 0)
		error_ignore(&e, "it lies in the build's own temporary directory");
	free(t->state);
	free(t->log);
	free(t);
}
