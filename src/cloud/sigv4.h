/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature version 4 of AWS requests: pure text and digests. Requests go out
 * with the headers that were signed, and with the host of the URL.
 */
#pragma once

#include "base/strv.h"

#include <stddef.h>
#include <stdint.h>

struct sigv4_key {
	const char *id, *secret;
	const char *session; /* NULL: a key that does not end */
};

struct sigv4_request {
	const char *method;
	const char *host;           /* with the port, as the Host header has it */
	const char *path;           /* as sent, "/" at least */
	const char *query;          /* as sent, without "?"; may be NULL */
	const struct strv *headers; /* "Name: value"; all of them are signed */
	const void *body;
	size_t body_len;
};

struct sigv4_scope {
	const char *region, *service;
	int64_t now; /* ns since the epoch */
};

/* Adds X-Amz-Date, X-Amz-Security-Token (if there is one) and Authorization to `headers`, which
 * may be the list that is signed. */
void sigv4_sign(const struct sigv4_request *req, const struct sigv4_key *key,
		const struct sigv4_scope *scope, struct strv *headers);
/* The text whose digest is signed, for tests; heap. */
char *sigv4_canonical_request(const struct sigv4_request *req);
