/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `scp -t` and `scp -f` (communicators.md 7), from the machine's side: served
 * by our own uploads and downloads, so that the machine needs no scp, and
 * files travel the way its communicator has for them.
 */
#pragma once

#include "comm/proxy/job.h"

struct scp_request {
	bool is_upload;
	bool recursive;
	bool into; /* the target must be a directory */
	char *path;
};

/* False for everything else: then it is a command as any other. */
bool scp_request_parse(struct scp_request *ret, const char *command);
void scp_request_release(struct scp_request *r);
/* The exit status. */
int scp_serve(struct job *j, const struct scp_request *r);
