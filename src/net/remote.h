/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that stays on its server and is read there in pieces by somebody else:
 * the first of several URLs whose server gives single ranges of bytes.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"
#include "os/cancel.h"

#include <stdbool.h>

struct remote {
	const struct strv *urls; /* http or https, best first */
	const char *cwd;
	const char *plain_proxy; /* as in net/http.h */
	void (*say)(void *data, bool is_error, const char *text);
	void *data;
};

/*
 * The URL as it is requested, and (unless NULL) a text that changes when the
 * file does, from what the server says of it; both heap. ERROR_NOT_FOUND: no
 * server that can.
 */
MUST_CHECK int remote_find(const struct remote *r, struct cancel *c, char **ret_url,
			   char **ret_state, struct error **err);
