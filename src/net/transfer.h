/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One URL to one file: tries again and goes on where it was interrupted. Part
 * of net/download.h. The file grows as PATH.part, which is left behind by an
 * interruption and taken up by the next run:
 *   - with a digest, whoever wrote it: a wrong mixture will not get through;
 *   - without, only if it is from the same URL and the server confirms (by
 *     If-Range) that the file is still the one it was.
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stdint.h>

struct transfer {
	const char *url, *path;
	const char *netrc, *plain_proxy; /* as in struct http_request */
	bool has_digest;
	enum digest_type type;
	const char *want; /* hex */
	int64_t request_timeout, stall_timeout, retry_pause;
	int tries;        /* all as in struct download */
	int64_t size_max; /* more than this is ERROR_INVALID; 0: whatever comes */
	void (*progress)(void *data, int64_t done, int64_t total);
	void *data;
};

/* With a wrong digest *ret_got (heap) is set too; then nothing is left behind. */
MUST_CHECK int transfer_run(const struct transfer *t, struct cancel *c, char **ret_got,
			    struct error **err);
