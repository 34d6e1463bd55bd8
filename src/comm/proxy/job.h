/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of a client while it is done, on the thread of the build: whatever
 * waits here keeps the clients, and the program that is served, going.
 */
#pragma once

#include "comm/proxy/proxy.h"
#include "comm/proxy/session.h"

struct job {
	struct proxy *proxy;
	struct comm *comm;
	struct request *q;
	struct cancel *outer; /* of the build */
	struct cancel *c;     /* ends also when whoever asked has gone */
	const char *temp_dir;
	const char *sftp_command;
};

/* Done by proxy.c: moves everything along; false when nobody waits for the job any more. */
bool proxy_move(struct proxy *p);
int proxy_wait_fd(const struct proxy *p);    /* readable when there is something to move */
int proxy_arrived_fd(const struct proxy *p); /* … of the input of the request in work */
void proxy_set_trouble(struct proxy *p, const char *text);

/* Sets the exit status. */
void job_run(struct job *j);

/* Waits until something has changed. -1: nobody waits for the job any more. */
MUST_CHECK int job_wait(struct job *j);
/* Waits until all is on its way. -1 as above. */
MUST_CHECK int job_write(struct job *j, bool is_stderr, const void *bytes, size_t len);
/* Waits for at least one byte: how many; 0 at the end of the input; -1 as above. */
MUST_CHECK ssize_t job_read(struct job *j, void *buf, size_t len);
/* Tells the client, and whoever asks for proxy_trouble(). */
void job_complain(struct job *j, const char *text);
