/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads of large files with checksums (qemu-builder.md 13): mirrors in
 * order, a cache that builds share, partial files that are resumed.
 *
 * A file grows as TARGET.part and is renamed when it is complete and right, so
 * TARGET is never half a file; the lock is TARGET.lock. Files of this host are
 * used where they are and never altered.
 */
#pragma once

#include "base/error.h"
#include "base/strv.h"
#include "os/cancel.h"

#include <stdbool.h>
#include <stdint.h>

struct download {
	const char *what;        /* for messages: "ISO" */
	const struct strv *urls; /* tried in order */
	const char *checksum;    /* canonical (net/checksum.h), or "none" */
	const char *cache_dir;   /* where the file goes by default */
	const char *target_path; /* NULL, or a file; a directory if it has no extension */
	const char *extension;   /* of the name in the cache, without a dot; any case */
	const char *cwd;         /* relative paths are meant from here; absolute */
	const char *netrc;       /* file with credentials, or NULL */
	const char *plain_proxy; /* see struct http_request; or NULL */
	int64_t request_timeout; /* ns for each request; 0: 30 minutes */
	int64_t stall_timeout;   /* ns without a byte; 0: a minute */
	int64_t retry_pause;     /* ns before the second try, doubled each time; 0: a second */
	bool look_only;          /* what is here already, unasked; else ERROR_NOT_FOUND */
	int tries;               /* of one URL without any progress; 0: 5 */
	/* For people; called on the thread of the download. Both may be NULL. */
	void (*say)(void *data, bool is_error, const char *text);
	void (*progress)(void *data, int64_t done, int64_t total); /* total -1: unknown */
	/*
	 * Unpacks a file that was downloaded packed (.gz, .tar.xz, ...; `type` is the suffix
	 * without its dot) into `to`. NULL: packed files are refused, unless the URL says
	 * archive=false, which keeps them as they are.
	 */
	int (*unpack)(void *data, const char *type, const char *from, const char *to,
		      struct cancel *c, struct error **err);
	void *data;
};

struct download_result {
	char *path;     /* the file; absolute */
	char *url;      /* where it is from, as in `urls` */
	char *checksum; /* canonical, or "none" */
	bool in_place;  /* a file of this host, not ours */
	bool cached;    /* nothing was transferred */
};
void download_result_release(struct download_result *r);

/*
 * A full disk and the end of the token end it at once; other failures lead to
 * the next URL, and after the last one to an ERROR_FAILED that names them all.
 */
MUST_CHECK int download_run(const struct download *d, struct cancel *c, struct download_result *ret,
			    struct error **err);

/* Where a URL's file is put; heap. */
char *download_target(const struct download *d, const char *url, const char *checksum);
