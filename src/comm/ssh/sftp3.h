/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File transfer protocol version 3 (draft-ietf-secsh-filexfer-02) over the
 * `sftp` subsystem, one channel per operation. Our own client, because the
 * library's blocks: this one keeps dozens of requests in flight and can be
 * cancelled anywhere. ERROR_NOT_FOUND: the machine has no such subsystem.
 * Paths are not expanded by a shell.
 */
#pragma once

#include "comm/ssh/link.h"
#include "core/comm.h"

MUST_CHECK int sftp3_upload(struct sshlink *l, const struct comm_upload *up, const char *dst,
			    struct cancel *c, struct error **err);
MUST_CHECK int sftp3_upload_dir(struct sshlink *l, const char *src, const char *dst,
				struct cancel *c, struct error **err);
MUST_CHECK int sftp3_download(struct sshlink *l, const char *src, const char *dst, struct cancel *c,
			      struct error **err);
/* Result is dst/BASE(src)/…, as with scp. */
MUST_CHECK int sftp3_download_dir(struct sshlink *l, const char *src, const char *dst,
				  struct cancel *c, struct error **err);
