/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of `exec` is that of the command, or the client's own when the
 * daemon or the container is gone. So a status that may be the client's is
 * believed only after a look at the container.
 *
 * `cp` works on the container's files, without what is mounted over them
 * inside: for places in memory (tmpfs) `exec` with the container's own cat and
 * tar is used. The first question asked, when connecting, tells where these
 * are, and to whom what is uploaded shall belong.
 */
#include "comm/docker/docker.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/redact.h"
#include "base/str.h"
#include "comm/docker/argv.h"
#include "comm/docker/client.h"
#include "comm/docker/session.h"
#include "comm/docker/shell.h"
#include "comm/docker/tar_in.h"
#include "comm/docker/tar_out.h"
#include "core/route.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024 * 1024, LINKS_MAX = 8, STATUS_SIGNAL = 128, END_MSEC = 500 };

/* Nothing but the shell itself: the image need not have any other program. */
static const char question[] =
	"while read -r k v x; do case $k in Uid:) echo \"u $v\";; Gid:) echo \"g $v\";; esac; "
	"done </proc/self/status; "
	"while read -r d m t x; do case $t in tmpfs) echo \"t $m\";; esac; done </proc/self/mounts";

struct docker_comm {
	struct comm comm;
	const struct docker_comm_config *cfg;
	struct docker_client client;
	uint32_t uid, gid;
	struct strv memory; /* where a tmpfs is mounted */
	struct docker_session session;
};

static void start_argv(const struct docker_comm *m, struct strv *argv, enum docker_stdin in)
{
	argv_docker_exec(argv, m->cfg, in);
}

/* ---- commands ----------------------------------------------------------------------------- */

/* 1 and 125 to 127 are also what the client says when it could not do it; 255 and those of signals
 * when the connection or the container ended. */
static bool may_be_the_client(int status)
{
	return status == 1 || (status >= 125 && status <= 127) || status > STATUS_SIGNAL;
}

/* A container takes its commands with it, and is seen to end a moment after them: then the token does. */
static int check_alive(struct docker_comm *m, int status, struct cancel *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	if (status > STATUS_SIGNAL &&
	    io_pause(clock_deadline(END_MSEC * NSEC_PER_MSEC), c, err) < 0)
		return -1;

	docker_argv(&argv, &m->client, "inspect");
	strv_pushl(&argv, "--format", "{{.State.Running}}", m->cfg->container, NULL);

	AUTO_FREE char *answer = docker_ask(&m->client, &argv, c, err);

	if (text_eq(answer, "true"))
		return 0;
	if (!answer && (*err)->kind != ERROR_FAILED)
		return error_prefix(err, "the container cannot be reached");

	AUTO(error) struct error *e = NULL;

	/* whoever watches it says it better */
	if (io_pause(clock_deadline(END_MSEC * NSEC_PER_MSEC), c, &e) < 0) {
		error_free(TAKE(*err));
		return error_move(err, TAKE(e));
	}
	if (answer)
		return error_set(err, ERROR_GONE, "the container has ended");
	(*err)->kind = ERROR_GONE;
	return error_prefix(err, "the container cannot be reached");
}

/* Files did not get through: that is for nothing if there is no container any more. */
static int explain_transfer(struct docker_comm *m, struct cancel *c, struct error **err)
{
	AUTO(error) struct error *gone = NULL;

	if ((*err)->kind != ERROR_FAILED)
		return -1;
	(*err)->kind = ERROR_REMOTE;
	if (check_alive(m, 0, c, &gone) == 0)
		return -1;
	error_free(TAKE(*err));
	return error_move(err, TAKE(gone));
}

struct output {
	comm_output_fn fn;
	void *data;
};

static int give_output(void *data, bool is_stderr, const void *bytes, size_t len,
		       struct error **err)
{
	const struct output *o = data;

	(void)err;
	if (o->fn)
		o->fn(o->data, is_stderr, bytes, len);
	return 0;
}

/*
 * Everybody on this host sees the arguments of the client and of the shell in the container. A command that
 * holds a secret goes into a variable, which only its owner sees.
 */
#define HIDDEN     "INGOT_COMMAND"
#define RUN_HIDDEN "c=$" HIDDEN "; unset " HIDDEN "; eval \"$c\""

static bool holds_secret(const struct docker_comm *m, const char *command)
{
	struct redactor *r = m->client.ctx->ui->redactor;

	return r && redactor_has(r, command, strlen(command), NULL);
}

static int docker_exec(struct comm *comm, const struct comm_cmd *cmd, struct cancel *c,
		       int *ret_status, struct error **err)
{
	struct docker_comm *m = (struct docker_comm *)comm;
	AUTO(strv) struct strv argv = STRV_INIT;
	struct output output = { cmd->output, cmd->output_data };
	/* a terminal has no end of input: a command that gets one runs without */
	bool pty = m->cfg->pty && !cmd->input_len && !cmd->source;
	int status = 0;

	bool hide = holds_secret(m, cmd->command);

	argv_docker_exec_with(&argv, m->cfg, pty ? DOCKER_STDIN_TERMINAL : DOCKER_STDIN_OPEN,
			      hide ? HIDDEN : NULL);
	strv_pushl(&argv, "/bin/sh", "-c", hide ? RUN_HIDDEN : cmd->command, NULL);

	const struct docker_call call = {
		.client = &m->client,
		.argv = &argv,
		.cancel = c,
		.variable = hide ? HIDDEN : NULL,
		.value = cmd->command,
		.input = cmd->input_len ? cmd->input : NULL,
		.input_len = cmd->input_len,
		.more = cmd->source ? cmd->source->read : NULL,
		.more_data = cmd->source ? cmd->source->data : NULL,
		.more_fd = cmd->source ? cmd->source->fd : 0,
		.bytes = give_output,
		.bytes_data = &output,
		.started = cmd->started,
		.started_data = cmd->started_data,
		.began = cmd->began,
		.ret_status = &status,
	};

	if (docker_run(&call, err) < 0)
		return -1;
	if (may_be_the_client(status) && check_alive(m, status, c, err) < 0)
		return -1;
	*ret_status = status;
	return 0;
}

/* A command of ours, word by word; *ret_ok: it succeeded. */
static int try_words(struct docker_comm *m, struct strv *argv, struct cancel *c, bool *ret_ok,
		     struct error **err)
{
	int status = 0;
	const struct docker_call call = {
		.client = &m->client, .argv = argv, .cancel = c, .ret_status = &status
	};

	if (docker_run(&call, err) < 0)
		return -1;
	*ret_ok = status == 0;
	return 0;
}

static int is_directory(struct docker_comm *m, const char *path, struct cancel *c, bool *ret,
			struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	start_argv(m, &argv, DOCKER_STDIN_NONE);
	strv_pushl(&argv, "/bin/sh", "-c", "[ -d \"$0\" ]", path, NULL);
	return try_words(m, &argv, c, ret, err);
}

/* ---- uploads ------------------------------------------------------------------------------ */

static bool is_in_memory(const struct docker_comm *m, const char *path)
{
	for (size_t i = 0; i < m->memory.len; i++)
		if (path_is_below(path, m->memory.v[i]))
			return true;
	return false;
}

static struct tar_out *new_tar(const struct docker_comm *m, const struct comm_upload *up)
{
	const struct tar_out_options options = {
		.keep_owner = m->cfg->keep_owner,
		.uid = m->cfg->keep_owner ? 0 : m->uid,
		.gid = m->cfg->keep_owner ? 0 : m->gid,
		.progress = up ? up->progress : NULL,
		.progress_data = up ? up->progress_data : NULL,
	};

	return tar_out_new(&options);
}

static int send(struct docker_comm *m, struct tar_out *tar, const struct strv *argv,
		struct cancel *c, struct error **err)
{
	const struct docker_call call = {
		.client = &m->client,
		.argv = argv,
		.cancel = c,
		.more = tar_out_read,
		.more_data = tar,
	};

	return docker_run(&call, err) < 0 ? explain_transfer(m, c, err) : 0;
}

/* Below `dir`, which exists in the container. */
static int send_tar(struct docker_comm *m, struct tar_out *tar, const char *dir, struct cancel *c,
		    struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	if (is_in_memory(m, dir)) {
		start_argv(m, &argv, DOCKER_STDIN_OPEN);
		strv_pushl(&argv, "tar", "-x", "-f", "-", "-C", dir, NULL);
	} else {
		argv_docker_put(&argv, m->cfg, dir);
	}
	return send(m, tar, &argv, c, err);
}

/* Without any program but cat and chmod. */
static int send_into_memory(struct docker_comm *m, const struct comm_upload *up, const char *dst,
			    struct cancel *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO_CLOSE int fd = -1;
	struct stat st;
	mode_t mode = up->mode ? up->mode : 0644;

	if (up->path) {
		fd = open(up->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0)
			return error_set_errno(err, errno, "cannot read '%s'", up->path);
		mode = up->mode ? up->mode : st.st_mode & 07777;
	}
	start_argv(m, &argv, DOCKER_STDIN_OPEN);
	strv_pushl(&argv, "/bin/sh", "-c", "cat >\"$0\" && chmod \"$1\" \"$0\"", dst, NULL);
	strv_pushf(&argv, "%04o", (unsigned)mode);

	const struct docker_call call = {
		.client = &m->client,
		.argv = &argv,
		.cancel = c,
		.input = up->path   ? NULL
			 : up->data ? up->data
				    : "",
		.input_len = up->path ? 0 : up->len,
		.in_fd = MAX(fd, 0),
	};

	return docker_run(&call, err) < 0 ? explain_transfer(m, c, err) : 0;
}

static int send_file(struct docker_comm *m, const struct comm_upload *up, const char *dst,
		     struct cancel *c, struct error **err)
{
	AUTO_FREE char *path = path_absolute("/", dst);
	AUTO_FREE char *dir = path_dirname(path);
	AUTO(tar_out) struct tar_out *tar = new_tar(m, up);

	if (is_in_memory(m, dir))
		return send_into_memory(m, up, path, c, err);
	if (!up->path)
		tar_out_data(tar, path_basename(path), up->data, up->len,
			     up->mode ? up->mode : 0644);
	else if (tar_out_file(tar, path_basename(path), up->path, up->mode, err) < 0)
		return -1;
	return send_tar(m, tar, dir, c, err);
}

static int docker_upload(struct comm *comm, const struct comm_upload *up, const char *dst,
			 struct cancel *c, struct error **err)
{
	if (send_file((struct docker_comm *)comm, up, dst, c, err) < 0)
		return error_prefix(err, "cannot upload to '%s' in the container", dst);
	return 0;
}

static int docker_quick_put(struct comm *comm, const struct comm_upload *up, const char *dst,
			    struct cancel *c, struct error **err)
{
	struct docker_comm *m = (struct docker_comm *)comm;
	AUTO(error) struct error *e = NULL;
	int r = m->cfg->keep_owner ? 0 : docker_session_put(&m->session, up, dst, c, err);

	if (r != 0)
		return r;
	if (send_file(m, up, dst, c, &e) == 0)
		return 1;
	return cancel_check(c, err);
}

static int docker_quick_remove(struct comm *comm, const char *path, struct cancel *c,
			       struct error **err)
{
	return docker_session_remove(&((struct docker_comm *)comm)->session, path, c, err);
}

/*
 * "DIR" goes into a directory that exists, and becomes one that does not; of
 * "DIR/" it is only what is in it.
 */
static int send_dir(struct docker_comm *m, const char *src, const char *dst, struct cancel *c,
		    struct error **err)
{
	AUTO_FREE char *from = path_clean(src);
	AUTO_FREE char *path = path_absolute("/", dst);
	AUTO_FREE char *parent = path_dirname(path);
	AUTO_FREE char *real = path_absolute(m->client.ctx->cwd, from);
	AUTO(tar_out) struct tar_out *tar = new_tar(m, NULL);
	bool exists = false;

	if (is_directory(m, path, c, &exists, err) < 0)
		return -1;

	const char *name = text_ends_with(src, "/") ? NULL : path_basename(real);

	if (!exists)
		name = path_basename(path);
	if (tar_out_tree(tar, name, from, err) < 0)
		return -1;
	return send_tar(m, tar, exists ? path : parent, c, err);
}

static int docker_upload_dir(struct comm *comm, const char *src, const char *dst, struct cancel *c,
			     struct error **err)
{
	if (send_dir((struct docker_comm *)comm, src, dst, c, err) < 0)
		return error_prefix(err, "cannot upload '%s' to '%s' in the container", src, dst);
	return 0;
}

/* ---- downloads ---------------------------------------------------------------------------- */

static int take_bytes(void *data, bool is_stderr, const void *bytes, size_t len, struct error **err)
{
	return is_stderr ? 0 : tar_in_feed(data, bytes, len, err);
}

static int receive(struct docker_comm *m, const char *path, struct tar_in *tar, struct cancel *c,
		   struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	if (is_in_memory(m, path)) {
		AUTO_FREE char *dir = path_dirname(path);

		start_argv(m, &argv, DOCKER_STDIN_NONE);
		strv_pushl(&argv, "tar", "-c", "-f", "-", "-C", dir, path_basename(path), NULL);
	} else {
		argv_docker_get(&argv, m->cfg, path);
	}

	const struct docker_call call = {
		.client = &m->client,
		.argv = &argv,
		.cancel = c,
		.bytes = take_bytes,
		.bytes_data = tar,
	};

	if (docker_run(&call, err) < 0)
		return explain_transfer(m, c, err);
	return tar_in_end(tar, err);
}

/* Follows links: a file of that name is wanted, not the link. */
static int receive_file(struct docker_comm *m, const char *src, int fd, struct cancel *c,
			struct error **err)
{
	AUTO_FREE char *path = path_absolute("/", src);

	for (int i = 0; i < LINKS_MAX; i++) {
		AUTO(tar_in) struct tar_in *tar = tar_in_file(fd);
		AUTO_FREE char *dir = path_dirname(path);

		if (receive(m, path, tar, c, err) < 0)
			return -1;
		if (!tar_in_link(tar))
			return 0;
		free(path);
		path = path_absolute(dir, tar_in_link(tar));
	}
	return error_set(err, ERROR_REMOTE, "'%s' in the container: too many links", src);
}

static int docker_download(struct comm *comm, const char *src, const char *dst, struct cancel *c,
			   struct error **err)
{
	AUTO_FREE char *part = xasprintf("%s.ingot-part", dst);
	AUTO(error) struct error *e = NULL;
	AUTO_CLOSE int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot create '%s'", part);
	if (receive_file((struct docker_comm *)comm, src, fd, c, err) == 0 &&
	    fs_rename(part, dst, err) == 0)
		return 0;
	if (fs_remove(part, &e) < 0)
		error_ignore(&e, "the first error is the one that counts");
	return error_prefix(err, "cannot download '%s' from the container", src);
}

static void tell_left_out(struct docker_comm *m, const struct tar_in *tar)
{
	const struct strv *names = tar_in_left_out(tar);

	for (size_t i = 0; i < names->len; i++)
		ui_error(m->client.ctx->ui,
			 "warning: '%s' is a link out of the folder, or no file: left out",
			 names->v[i]);
}

static int receive_tree(struct docker_comm *m, const char *src, const char *dst, struct cancel *c,
			struct error **err)
{
	AUTO_FREE char *path = path_absolute("/", src);
	AUTO_FREE char *into =
		text_ends_with(src, "/") ? xstrdup(dst) : path_join(dst, path_basename(path));
	AUTO_CLOSE int dir = -1;

	if (fs_mkdir_all(into, 0755, err) < 0)
		return -1;
	dir = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_set_errno(err, errno, "cannot open '%s'", into);
	for (int i = 0; i < LINKS_MAX; i++) {
		AUTO(tar_in) struct tar_in *tar = tar_in_tree(dir);
		AUTO_FREE char *parent = path_dirname(path);

		if (receive(m, path, tar, c, err) < 0)
			return -1;
		tell_left_out(m, tar);
		if (!tar_in_link(tar))
			return 0;
		free(path);
		path = path_absolute(parent, tar_in_link(tar));
	}
	return error_set(err, ERROR_REMOTE, "'%s' in the container: too many links", src);
}

static int docker_download_dir(struct comm *comm, const char *src, const char *dst,
			       struct cancel *c, struct error **err)
{
	if (strpbrk(src, "*?["))
		return error_set(err, ERROR_INVALID,
				 "cannot download '%s' from the container: patterns are not "
				 "expanded there",
				 src);
	if (receive_tree((struct docker_comm *)comm, src, dst, c, err) < 0)
		return error_prefix(err, "cannot download '%s' from the container", src);
	return 0;
}

/* ---- shells ------------------------------------------------------------------------------- */

static int docker_open_shell(struct comm *comm, struct comm_shell *s, struct cancel *c,
			     int *ret_status, struct error **err)
{
	struct docker_comm *m = (struct docker_comm *)comm;
	AUTO(error) struct error *gone = NULL;

	if (docker_shell(m->cfg, &m->client, s, c, ret_status, err) < 0)
		return -1;
	if (!may_be_the_client(*ret_status) || check_alive(m, *ret_status, c, &gone) == 0)
		return 0;
	if (gone->kind != ERROR_GONE)
		return error_move(err, TAKE(gone));
	error_ignore(&gone, "that is what the status says");
	*ret_status = COMM_DISCONNECTED;
	return 0;
}

/* ---- connecting --------------------------------------------------------------------------- */

static void docker_close(struct comm *comm)
{
	struct docker_comm *m = (struct docker_comm *)comm;

	docker_session_close(&m->session);
	strv_release(&m->memory);
	free(m);
}

static int docker_route(struct comm *comm, struct comm_route *ret, struct cancel *c,
			struct error **err)
{
	const struct docker_comm *m = (const struct docker_comm *)comm;

	(void)c;
	(void)err;
	ret->kind = COMM_ROUTE_CONTAINER;
	ret->program = xstrdup(m->cfg->program);
	ret->container = xstrdup(m->cfg->container);
	ret->exec_user = xstrdup(m->cfg->exec_user ? m->cfg->exec_user
				 : m->uid == 0     ? "root"
						   : NULL);
	return 0;
}

static const struct comm_ops docker_ops = {
	.exec = docker_exec,
	.upload = docker_upload,
	.upload_dir = docker_upload_dir,
	.download = docker_download,
	.download_dir = docker_download_dir,
	.quick_put = docker_quick_put,
	.quick_remove = docker_quick_remove,
	.shell = docker_open_shell,
	.route = docker_route,
	.close = docker_close,
	.heeds_source = true,
};

static void read_answer(struct docker_comm *m, const char *answer)
{
	struct str rest = str_of(answer);

	while (rest.len) {
		struct str value, line = str_split(rest, '\n', &rest);
		struct str kind = str_split(line, ' ', &value);
		AUTO_FREE char *text = str_dup(value);
		int64_t n = 0;

		if (str_is(kind, "t"))
			strv_push(&m->memory, text);
		else if (!parse_int64(text, 10, &n) || n < 0 || n > UINT32_MAX)
			continue;
		else if (str_is(kind, "u"))
			m->uid = (uint32_t)n;
		else if (str_is(kind, "g"))
			m->gid = (uint32_t)n;
	}
}

static int ask_container(struct docker_comm *m, struct cancel *c, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;

	start_argv(m, &argv, DOCKER_STDIN_NONE);
	strv_pushl(&argv, "/bin/sh", "-c", question, NULL);

	AUTO_FREE char *answer = docker_ask(&m->client, &argv, c, err);

	if (answer) {
		read_answer(m, answer);
		return 0;
	}
	if ((*err)->kind == ERROR_FAILED && strstr((*err)->message, "/bin/sh"))
		error_hint(err, "provisioners need a shell: the image has no /bin/sh, or it cannot "
				"run here");
	if ((*err)->kind == ERROR_FAILED && strstr((*err)->message, "is not running"))
		error_hint(err, "its command ended at once: run_command must start something that "
				"goes on, such as a shell with -i -t");
	return error_prefix(err, "cannot run commands in the container");
}

static struct comm *docker_connect(const void *config, const struct comm_target *target,
				   struct build_ctx *ctx, struct cancel *c, struct error **err)
{
	const struct docker_comm_config *cfg = config;
	struct docker_comm *m = NEW(struct docker_comm);
	AUTO(comm) struct comm *owner = &m->comm;

	(void)target;
	m->comm.ops = &docker_ops;
	m->cfg = cfg;
	m->client = (struct docker_client){ .program = cfg->program, .ctx = ctx };
	strv_init(&m->memory);
	docker_session_init(&m->session, cfg, &m->client);
	ui_say(ctx->ui, "Using docker communicator to connect: %.12s", cfg->container);
	if (ask_container(m, c, err) < 0)
		return NULL;
	return TAKE(owner);
}

static void docker_describe(const void *config, const struct comm_target *target,
			    struct map *values)
{
	const struct docker_comm_config *cfg = config;

	(void)target;
	map_set(values, "ConnType", value_string("docker"));
	map_set(values, "User", value_string(cfg->exec_user ? cfg->exec_user : ""));
}

const struct comm_type comm_docker = {
	.name = "docker",
	.doc = "Commands and files through the command line of Docker or Podman.",
	.connect = docker_connect,
	.describe = docker_describe,
};
