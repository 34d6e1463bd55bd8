/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is uploaded: a regular file or bytes in memory, read piece by piece; and
 * who is told how far it is.
 */
#pragma once

#include "core/comm.h"

#include <stdbool.h>

struct upload_source {
	const char *path; /* for messages */
	int fd;           /* -1: memory */
	const char *data;
	int64_t size; /* as announced to the other side */
	int64_t done;
	mode_t mode;
	bool keep_mode; /* the mode is the file's own or was asked for: set it over SFTP too */
	const struct comm_upload *up;
};

MUST_CHECK int upload_source_open(struct upload_source *s, const struct comm_upload *up,
				  struct error **err);
void upload_source_close(struct upload_source *s);
/*
 * Fills buf; *ret_len is 0 at the end. A file that has become shorter than
 * announced is ERROR_IO; what has been added is not sent.
 */
MUST_CHECK int upload_source_read(struct upload_source *s, void *buf, size_t size, size_t *ret_len,
				  struct error **err);
void upload_source_progress(struct upload_source *s);
