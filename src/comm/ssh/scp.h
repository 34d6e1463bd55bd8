/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The old SCP protocol over an exec channel (communicators.md 7), with every
 * acknowledgement read in its place. Paths are left to the remote shell (`~`,
 * `$HOME`), only spaces are escaped. ERROR_NOT_FOUND: the machine has no `scp`.
 */
#pragma once

#include "comm/ssh/link.h"
#include "core/comm.h"

MUST_CHECK int scp_upload(struct sshlink *l, const struct comm_upload *up, const char *dst,
			  struct cancel *c, struct error **err);
MUST_CHECK int scp_upload_dir(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
			      struct error **err);
MUST_CHECK int scp_download(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
			    struct error **err);
MUST_CHECK int scp_download_dir(struct sshlink *l, const char *src, const char *dst,
				struct cancel *c, struct error **err);
