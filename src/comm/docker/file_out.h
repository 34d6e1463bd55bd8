/* SPDX-License-Identifier: Apache-2.0 */
/* What the tool sends to its output, as a file. */
#pragma once

#include "comm/docker/client.h"

/*
 * Beside its place, then renamed: half an export is never taken for a whole
 * one. Directories are made. On failure nothing is left there.
 */
MUST_CHECK int docker_write_file(const struct docker_client *client, const struct strv *argv,
				 const char *path, struct error **err);
