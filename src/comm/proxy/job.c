/* SPDX-License-Identifier: Apache-2.0 */
#include "comm/proxy/job.h"

#include "base/alloc.h"
#include "base/str.h"
#include "comm/bridge.h"
#include "comm/proxy/scp_server.h"
#include "os/clock.h"
#include "os/wait.h"

#include <string.h>

enum {
	STATUS_LOST =
		255, /* what ssh says when there is no connection: the machine is unreachable */
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

/* Where the usual systems keep it. */
#define FIND_SFTP                                                                                  \
	"for f in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec /usr/lib "       \
	"/usr/local/libexec; do [ -x $f/sftp-server ] && exec $f/sftp-server -e; done; exit 127"

/* ---- waiting ------------------------------------------------------------------------------ */

static bool is_wanted(struct job *j)
{
	return proxy_move(j->proxy) && !request_is_gone(j->q);
}

int job_wait(struct job *j)
{
	AUTO(error) struct error *e = NULL;

	if (io_wait(proxy_wait_fd(j->proxy), POLLIN, DEADLINE_NEVER, j->outer, &e) < 0) {
		error_ignore(&e, "the build has ended: so have its waits");
		return -1;
	}
	return is_wanted(j) ? 0 : -1;
}

int job_write(struct job *j, bool is_stderr, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		size_t n = request_is_gone(j->q) ? 0 : request_write(j->q, is_stderr, at, len);

		at += n;
		len -= n;
		if (!n && job_wait(j) < 0)
			return -1;
	}
	return 0;
}

ssize_t job_read(struct job *j, void *buf, size_t len)
{
	for (;;) {
		size_t n = request_is_gone(j->q) ? 0 : request_read(j->q, buf, len);

		if (n > 0)
			return (ssize_t)n;
		if (j->q->ended)
			return request_is_gone(j->q) ? -1 : 0;
		if (job_wait(j) < 0)
			return -1;
	}
}

void job_complain(struct job *j, const char *text)
{
	AUTO_FREE char *line = xasprintf("%s\n", text);

	proxy_set_trouble(j->proxy, text);
	if (job_write(j, true, line, strlen(line)) < 0)
		return; /* nobody reads it */
}

/* A cancel_reason_fn: while the communicator waits. */
static int end_of_job(void *data, struct error **err)
{
	return is_wanted(data) ? 0 : error_set(err, ERROR_CANCELLED, "whoever asked has gone");
}

/* ---- commands ----------------------------------------------------------------------------- */

static void pass_on(void *data, bool is_stderr, const void *bytes, size_t len)
{
	if (job_write(data, is_stderr, bytes, len) < 0)
		return; /* the token has ended, too */
}

static ssize_t read_input(void *data, void *buf, size_t len, struct error **err)
{
	struct job *j = data;
	size_t n = request_is_gone(j->q) ? 0 : request_read(j->q, buf, len);

	(void)err;
	if (n > 0)
		return (ssize_t)n;
	return j->q->ended ? 0 : -1;
}

static int run_command(struct job *j, const char *line)
{
	const struct comm_source source = {
		.fd = proxy_arrived_fd(j->proxy), .read = read_input, .data = j, .size = -1
	};
	const struct comm_cmd cmd = {
		.command = line, .output = pass_on, .output_data = j, .source = &source
	};
	AUTO(error) struct error *e = NULL;
	int status = 0;

	if (bridge_exec(j->comm, &cmd, j->c, &status, &e) < 0) {
		if (is_wanted(j))
			job_complain(j, e->message);
		error_ignore(&e, "whoever asked has been told");
		return STATUS_LOST;
	}
	if (status != COMM_DISCONNECTED)
		return status;
	job_complain(j, j->comm->loss ? j->comm->loss : "the connection to the machine was lost");
	return STATUS_LOST;
}

static int run_sftp(struct job *j)
{
	bool is_ours = text_is_empty(j->sftp_command);
	int status = run_command(j, is_ours ? FIND_SFTP : j->sftp_command);
	AUTO_FREE char *text = NULL;

	if (status != STATUS_NOT_FOUND && status != STATUS_NOT_EXECUTABLE)
		return status;
	text = xasprintf("the machine has no SFTP server%s%s%s: install one there%s, or let files "
			 "travel by scp (for scp of OpenSSH 9 with its option -O)",
			 is_ours ? "" : " where sftp_command says ('",
			 is_ours ? "" : j->sftp_command, is_ours ? "" : "')",
			 is_ours ? " (package openssh-sftp-server)" : ", correct sftp_command");
	job_complain(j, text);
	return status;
}

static int run_any(struct job *j)
{
	struct scp_request scp;
	int status;

	if (j->q->kind == REQUEST_SFTP)
		return run_sftp(j);
	if (!scp_request_parse(&scp, j->q->command))
		return run_command(j, j->q->command);
	status = scp_serve(j, &scp);
	scp_request_release(&scp);
	return status;
}

void job_run(struct job *j)
{
	AUTO(cancel) struct cancel *c = cancel_new(j->outer, DEADLINE_NEVER);

	cancel_watch(c, proxy_wait_fd(j->proxy), end_of_job, j);
	j->c = c;
	request_end(j->q, run_any(j));
	j->c = NULL;
}
