/* SPDX-License-Identifier: Apache-2.0 */
/* How the exit status of a remote command travels (plugin-protocol.md 6.9). */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

void exit_status_write(struct strbuf *sb, int status);
/* `bytes`: all that came until the end of the stream. */
MUST_CHECK int exit_status_read(const void *bytes, size_t len, int *ret, struct error **err);
