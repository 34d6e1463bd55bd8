/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of Docker or Podman: what the builder, the communicator and
 * the post-processors do, they do by running it. Both understand the same
 * commands. A failure says what the tool said, and what to do about the usual
 * ones: it is not installed, its daemon does not run, or may not be talked to.
 */
#pragma once

#include "core/component.h"
#include "os/proc.h"

struct docker_client {
	const char *program; /* "docker" */
	struct build_ctx *ctx;
	char *config_dir; /* of a login of ours (login.h); NULL: the user's own */
};

/* By its name. They agree on almost all. */
bool docker_is_podman(const char *program);
/* Starts an argument vector: the program and its command. */
void docker_argv(struct strv *argv, const struct docker_client *client, const char *command);

struct docker_call {
	const struct docker_client *client;
	const struct strv *argv;
	struct cancel *cancel; /* NULL: the build's */
	const char *variable;  /* in its environment, with this value; NULL: none */
	const char *value;
	const void *input;
	size_t input_len;
	proc_more_fn more; /* instead of `input` */
	void *more_data;
	int more_fd;       /* as in struct proc_run */
	int in_fd, out_fd; /* files that are its input and output; 0: none */
	struct strbuf *output;
	proc_line_fn line;
	void *line_data;
	proc_bytes_fn bytes;
	void *bytes_data;
	void (*started)(void *data); /* told when it was started; or NULL */
	void *started_data;
	bool *began;     /* becomes true once it was started; or NULL */
	int *ret_status; /* NULL: any status but 0 is an error that quotes what the tool said */
};
/* Runs to the end. The process is in the journal meanwhile. */
MUST_CHECK int docker_run(const struct docker_call *call, struct error **err);
/* The same for short answers: standard output without white space at its end; heap. */
char *docker_ask(const struct docker_client *client, const struct strv *argv, struct cancel *c,
		 struct error **err);
/* Adds what to do about the usual failures. Returns -1. */
int docker_explain(const char *program, struct error **err);
/* It failed because there is no such container, image or network. */
bool docker_is_absent(const struct error *e);
