/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SSH server on 127.0.0.1 that passes what it is asked on to a communicator
 * (provisioners.md 11.3): so a program that speaks only SSH works on every
 * machine that we reach. One user with one key may log in. Commands, `scp` and
 * the subsystem `sftp` are served; how many connections and sessions there are
 * does not matter, but the machine does one thing after the other.
 *
 * There is no thread: everything happens in proxy_run(), also while the
 * communicator waits. A client that hangs up ends its command.
 */
#pragma once

#include "core/component.h"
#include "os/proc.h"

struct proxy;

struct proxy_options {
	const char *user;                /* who may log in */
	const char *authorized_key_file; /* with the public key that may; empty: one is made */
	const char *host_key_file;       /* a private key; empty: one is made */
	const char *key_type;            /* of keys that are made: "ECDSA" or "RSA" */
	int port;                        /* this one or one of the nine after it; 0: any */
	const char *sftp_command;        /* on the machine; empty: wherever it usually is */
};

/* Listens at once, serves in proxy_run(). The communicator must outlive it. */
MUST_CHECK int proxy_start(const struct proxy_options *o, struct comm *comm,
			   struct build_ctx *build, struct proxy **ret, struct error **err);
int proxy_port(const struct proxy *p);
/* The private key to log in with, a file (0600) that is removed by proxy_free(); NULL: made
 * elsewhere. */
const char *proxy_key_file(const struct proxy *p);
/* "ecdsa-sha2-nistp384 AAAA…", for a known_hosts file. */
const char *proxy_host_key(const struct proxy *p);

/*
 * As proc_run(), serving meanwhile; of `run` the members spec, line, bytes, deadline and started
 * count, there is no input. *ret_status may not be NULL. May be called several times.
 */
MUST_CHECK int proxy_run(struct proxy *p, const struct proc_run *run, struct cancel *c,
			 int *ret_status, struct error **err);
/* What went wrong with the machine last, in words; NULL: nothing. Clients were told, too. */
const char *proxy_trouble(const struct proxy *p);
void proxy_free(struct proxy *p);
DEFINE_AUTO(proxy, struct proxy *, proxy_free);
