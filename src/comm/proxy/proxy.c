/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One descriptor, of the list of clients, wakes every wait: that for the
 * program which is served, that of a job, and that of the communicator while
 * it works for one, which watches a token with it.
 */
#include "comm/proxy/proxy.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "comm/key.h"
#include "comm/proxy/job.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char ciphers[] = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr";

enum {
	PORTS_TRIED = 10,
	BACKLOG = 16,
	PIECE = 16 * 1024,
	KEY_FILE_MAX = 64 * 1024,
	ECDSA_BITS = 384,
	RSA_BITS = 2048,
	STOP_SEC = 5,
	/* after the end of the program: something it left behind may hold the pipe */
	DRAIN_MSEC = 500,
};

/* The program that is served. */
struct child {
	const struct proc_run *run;
	struct proc proc;
	struct line_splitter *lines[2];
	struct error *failure; /* of whoever takes its output */
	bool ended;
};

struct proxy {
	struct clients clients;
	struct comm *comm;
	struct build_ctx *build;
	int port;
	char *key_file, *host_key, *sftp_command, *user, *trouble;
	struct child *child; /* NULL: none runs */
};

/* ---- starting ----------------------------------------------------------------------------- */

static int try_port(struct clients *l, int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0) {
		fd_close(fd);
		return -1;
	}
	l->listen_fd = fd;
	return 0;
}

static int open_port(struct proxy *p, int first, struct error **err)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int last = first ? MIN(first + PORTS_TRIED - 1, UINT16_MAX) : 0;
	int port = first;

	while (try_port(&p->clients, port) < 0)
		if (++port > last) {
			error_set_errno(err, errno, "cannot listen on 127.0.0.1, port %d%s", first,
					first ? " or the nine after it" : "");
			return -1;
		}
	if (getsockname(p->clients.listen_fd, (struct sockaddr *)&at, &len) < 0)
		return error_set_errno(err, errno, "cannot listen on 127.0.0.1");
	p->port = ntohs(at.sin_port);
	return 0;
}

static int make_key(const char *type, struct keypair **ret, struct error **err)
{
	if (text_eq(type, "RSA"))
		return keypair_generate("rsa", RSA_BITS, ret, err);
	return keypair_generate("ecdsa", ECDSA_BITS, ret, err);
}

static int import_host_key(struct proxy *p, const struct keypair *pair, struct error **err)
{
	ssh_bind b = p->clients.bind = ssh_bind_new();
	AUTO(strbuf) struct strbuf line = STRBUF_INIT;
	bool no = false;
	ssh_key key = NULL;

	if (!b ||
	    ssh_pki_import_privkey_base64(pair->private_pem, NULL, NULL, NULL, &key) != SSH_OK)
		return error_set(err, ERROR_FAILED, "cannot use the host key");
	ssh_bind_options_set(b, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
	/* without the library's own first choice, ChaCha20: with AES instructions these are faster */
	ssh_bind_options_set(b, SSH_BIND_OPTIONS_CIPHERS_C_S, ciphers);
	ssh_bind_options_set(b, SSH_BIND_OPTIONS_CIPHERS_S_C, ciphers);
	if (ssh_bind_options_set(b, SSH_BIND_OPTIONS_IMPORT_KEY, key) < 0) {
		ssh_key_free(key);
		return error_set(err, ERROR_FAILED, "cannot use the host key: %s",
				 ssh_get_error(b));
	}
	strbuf_addstr(&line, pair->public_line);
	strbuf_rtrim(&line);
	p->host_key = strbuf_detach(&line);
	return 0;
}

static int set_host_key(struct proxy *p, const struct proxy_options *o, struct error **err)
{
	AUTO(keypair) struct keypair *pair = NULL;

	if (text_is_empty(o->host_key_file)) {
		if (make_key(o->key_type, &pair, err) < 0)
			return -1;
	} else if (keypair_load(o->host_key_file, &pair, err) < 0) {
		return error_prefix(err, "ssh_host_key_file");
	}
	return import_host_key(p, pair, err);
}

/* The first line of a file such as id_ed25519.pub or authorized_keys. */
static int load_public(const char *path, ssh_key *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(KEY_FILE_MAX);
	struct str rest, type, data;

	if (fs_read(path, KEY_FILE_MAX, &text, err) < 0)
		return error_prefix(err, "ssh_authorized_key_file");
	type = str_split(str_trim(str_of(text.buf)), ' ', &rest);
	data = str_split(rest, ' ', &rest);
	data = str_split(data, '\n', &rest);

	AUTO_FREE char *name = str_dup(type), *blob = str_dup(data);

	if (ssh_pki_import_pubkey_base64(blob, ssh_key_type_from_name(name), ret) == SSH_OK)
		return 0;
	error_set(err, ERROR_INVALID, "ssh_authorized_key_file: '%s' holds no public key", path);
	return error_hint(err, "A public key is one line such as 'ssh-ed25519 AAAA...', as in "
			       "~/.ssh/id_ed25519.pub.");
}

static int make_user_key(struct proxy *p, const char *type, struct error **err)
{
	AUTO(keypair) struct keypair *pair = NULL;
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;

	if (make_key(type, &pair, err) < 0)
		return -1;
	if (ssh_pki_import_privkey_base64(pair->private_pem, NULL, NULL, NULL,
					  &p->clients.user_key) != SSH_OK)
		return error_set(err, ERROR_FAILED, "cannot use a key that was just made");
	if (fs_temp_file(p->build->temp_dir, "proxy-key-", "", &path, &fd, err) < 0)
		return -1;
	p->key_file = TAKE(path);
	return fs_write_all(fd, pair->private_pem, strlen(pair->private_pem), p->key_file, err);
}

int proxy_start(const struct proxy_options *o, struct comm *comm, struct build_ctx *build,
		struct proxy **ret, struct error **err)
{
	AUTO(proxy) struct proxy *p = NEW(struct proxy);

	p->clients.listen_fd = p->clients.epoll_fd = p->clients.arrived_fd = -1;
	p->comm = comm;
	p->build = build;
	p->user = xstrdup(o->user);
	p->clients.user = p->user;
	p->sftp_command = o->sftp_command ? xstrdup(o->sftp_command) : NULL;
	if (set_host_key(p, o, err) < 0)
		return -1;
	if (text_is_empty(o->authorized_key_file)) {
		if (make_user_key(p, o->key_type, err) < 0)
			return -1;
	} else if (load_public(o->authorized_key_file, &p->clients.user_key, err) < 0) {
		return -1;
	}
	if (open_port(p, o->port, err) < 0 || clients_init(&p->clients, err) < 0)
		return -1;
	log_debug("proxy", "listens on port %d", p->port);
	*ret = TAKE(p);
	return 0;
}

void proxy_free(struct proxy *p)
{
	if (!p)
		return;
	clients_release(&p->clients);
	if (p->key_file)
		(void)unlink(p->key_file);
	free(p->key_file);
	free(p->host_key);
	free(p->sftp_command);
	free(p->user);
	free(p->trouble);
	free(p);
}

int proxy_port(const struct proxy *p)
{
	return p->port;
}

const char *proxy_key_file(const struct proxy *p)
{
	return p->key_file;
}

const char *proxy_host_key(const struct proxy *p)
{
	return p->host_key;
}

const char *proxy_trouble(const struct proxy *p)
{
	return p->trouble;
}

void proxy_set_trouble(struct proxy *p, const char *text)
{
	log_debug("proxy", "%s", text);
	free(p->trouble);
	p->trouble = xstrdup(text);
}

int proxy_wait_fd(const struct proxy *p)
{
	return p->clients.epoll_fd;
}

int proxy_arrived_fd(const struct proxy *p)
{
	return p->clients.arrived_fd;
}

/* ---- the program that is served ------------------------------------------------------------ */

static void give_out(void *data, const char *line)
{
	const struct child *k = data;

	k->run->line(k->run->line_data, false, line);
}

static void give_err(void *data, const char *line)
{
	const struct child *k = data;

	k->run->line(k->run->line_data, true, line);
}

static int child_start(struct proxy *p, struct child *k, struct error **err)
{
	struct proc_spec spec = k->run->spec;

	spec.in = PROC_NULL;
	spec.out = spec.err = PROC_PIPE;
	if (proc_start(&k->proc, &spec, err) < 0)
		return -1;
	k->lines[0] = line_splitter_new(give_out, k);
	k->lines[1] = line_splitter_new(give_err, k);
	clients_watch(&p->clients, k->proc.pidfd);
	clients_watch(&p->clients, k->proc.out_fd);
	clients_watch(&p->clients, k->proc.err_fd);
	if (k->run->started)
		return k->run->started(k->run->started_data, k->proc.pid, err);
	return 0;
}

static void child_read(struct child *k, bool is_stderr)
{
	int *fd = is_stderr ? &k->proc.err_fd : &k->proc.out_fd;
	const struct proc_run *run = k->run;
	char buf[PIECE];
	ssize_t n;

	while (*fd >= 0 && (n = fd_read(*fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		if (run->line)
			line_splitter_feed(k->lines[is_stderr], buf, (size_t)n);
		if (run->bytes && !k->failure)
			(void)run->bytes(run->bytes_data, is_stderr, buf, (size_t)n, &k->failure);
	}
	fd_close(fd_take(fd));
}

static void child_move(struct proxy *p, struct child *k)
{
	child_read(k, false);
	child_read(k, true);
	if (k->ended || !proc_try_reap(&k->proc))
		return;
	k->ended = true;
	(void)epoll_ctl(p->clients.epoll_fd, EPOLL_CTL_DEL, k->proc.pidfd, NULL);
}

static void child_release(struct child *k)
{
	proc_stop(&k->proc, STOP_SEC * NSEC_PER_SEC);
	proc_release(&k->proc);
	for (size_t i = 0; i < ARRAY_LEN(k->lines); i++)
		line_splitter_free(k->lines[i]);
	error_free(k->failure);
}

bool proxy_move(struct proxy *p)
{
	if (p->child)
		child_move(p, p->child);
	clients_move(&p->clients);
	return p->child && !p->child->ended && !p->child->failure;
}

/* ---- serving ------------------------------------------------------------------------------ */

static void do_job(struct proxy *p, struct request *q, struct cancel *c)
{
	struct job j = { .proxy = p,
			 .comm = p->comm,
			 .q = q,
			 .outer = c,
			 .temp_dir = p->build->temp_dir,
			 .sftp_command = p->sftp_command };

	clients_work(&p->clients, q);
	job_run(&j);
	clients_work(&p->clients, NULL);
}

static int check_time(const struct child *k, int64_t deadline, struct error **err)
{
	if (k->ended || clock_monotonic() < deadline)
		return 0;
	return error_set(err, ERROR_TIMEOUT, "'%s': timed out", k->run->spec.argv->v[0]);
}

/* Until the program has ended. */
static int serve(struct proxy *p, struct cancel *c, struct error **err)
{
	struct child *k = p->child;
	int64_t deadline = k->run->deadline ? k->run->deadline : DEADLINE_NEVER;
	AUTO(cancel) struct cancel *limited = cancel_new(c, deadline);

	while (proxy_move(p)) {
		struct request *q = clients_next(&p->clients);

		if (q)
			do_job(p, q, limited);
		else if (io_wait(p->clients.epoll_fd, POLLIN, DEADLINE_NEVER, limited, err) < 0)
			return -1;
		if (q && (cancel_check(c, err) < 0 || check_time(k, deadline, err) < 0))
			return -1;
	}
	return k->failure ? error_move(err, TAKE(k->failure)) : 0;
}

/* What is left in the pipes. */
static int drain(struct proxy *p, struct cancel *c, struct error **err)
{
	struct proc *proc = &p->child->proc;
	int64_t until = clock_deadline(DRAIN_MSEC * NSEC_PER_MSEC);

	while (proc->out_fd >= 0 || proc->err_fd >= 0) {
		struct pollfd fds[] = { { .fd = proc->out_fd, .events = POLLIN },
					{ .fd = proc->err_fd, .events = POLLIN } };
		AUTO(error) struct error *e = NULL;

		if (io_wait_many(fds, ARRAY_LEN(fds), until, c, &e) < 0) {
			if (e->kind != ERROR_TIMEOUT)
				return error_move(err, TAKE(e));
			error_ignore(&e, "something it left behind holds the pipe");
			return cancel_check(c, err);
		}
		child_move(p, p->child);
	}
	return 0;
}

int proxy_run(struct proxy *p, const struct proc_run *run, struct cancel *c, int *ret_status,
	      struct error **err)
{
	struct child k = { .run = run, .proc = PROC_INIT };
	int r;

	if (cancel_check(c, err) < 0)
		return -1;
	r = child_start(p, &k, err);
	p->child = &k;
	if (r == 0)
		r = serve(p, c, err);
	if (r == 0)
		r = drain(p, c, err);
	if (r == 0)
		*ret_status = k.proc.status;
	p->child = NULL;
	child_release(&k);
	return r;
}
