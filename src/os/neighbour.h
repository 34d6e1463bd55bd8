/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is on a network of this host: the kernel's table of neighbours, and news
 * of it as they happen (rtnetlink). Open it before the one that is looked for
 * can be there: what the table held then is taken for a memory of others until
 * it is confirmed.
 *
 * The kernel learns an address only when this host and the neighbour talk.
 * neighbours_knock() makes it ask for every address of a small network.
 */
#pragma once

#include "base/error.h"
#include "os/interface.h"

#include <stdbool.h>

enum { MAC_BYTES = 6 };

struct neighbours;

struct neighbours *neighbours_open(const struct interface *on, struct error **err);
void neighbours_close(struct neighbours *n);
DEFINE_AUTO(neighbours, struct neighbours *, neighbours_close);

int neighbours_fd(const struct neighbours *n); /* readable: there are news */

struct neighbour_sight {
	char address[16]; /* IPv4; "" while it is not known */
	bool is_there;    /* a bridge has seen it send */
};

/* Reads the news about one neighbour; `sight` remembers between calls. */
MUST_CHECK int neighbours_look(struct neighbours *n, const unsigned char mac[MAC_BYTES],
			       struct neighbour_sight *sight, struct error **err);

/* Networks of more than 256 addresses are left in peace. */
void neighbours_knock(const struct neighbours *n);

/* "52:54:00:12:34:56" */
bool mac_parse(const char *text, unsigned char ret[MAC_BYTES]);
