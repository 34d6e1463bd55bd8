/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins in one archive, for a place that has no network: a tar, packed with
 * zstd or gzip, of a mirror in the layout of a plugin directory (place.h). It can
 * be unpacked by hand into a plugin directory, served by any web server, or read by
 * `plugins install -from`. The same plugins give the same bytes.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"
#include "os/cancel.h"

#include <stdbool.h>

enum { BUNDLE_ENTRIES_MAX = 10000 };

/* Is it a name that bundle_write() takes: .tar.zst, .tar.gz, .tgz? */
bool bundle_name_is_valid(const char *file);
/* Packs the files below `tree`, replacing `file` when all is written. */
MUST_CHECK int bundle_write(const char *tree, const char *file, struct cancel *c,
			    struct error **err);
/* Unpacks an archive from anywhere into `to`, an empty folder. ERROR_INVALID for anything in it
 * that such an archive does not have. */
MUST_CHECK int bundle_read(const char *file, const char *to, struct cancel *c, struct error **err);
/* The sources that a tree has binaries of, for a platform (NULL: any); sorted. */
MUST_CHECK int bundle_sources(const char *tree, const char *platform, struct strv *ret,
			      struct error **err);
/* index.json in the folder of each source, so that the tree can be served over HTTP. */
MUST_CHECK int bundle_index(const char *tree, struct error **err);
