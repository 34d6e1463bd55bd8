/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarded connections: each joins a descriptor of ours with a channel and
 * copies both ways, with back-pressure, whenever its link is waited for. A set
 * belongs to one link and is freed before it.
 */
#pragma once

#include "comm/ssh/link.h"

struct relay_set;

struct relay_set *relay_set_new(struct sshlink *l);
void relay_set_free(struct relay_set *s);
DEFINE_AUTO(relay_set, struct relay_set *, relay_set_free);

/* An open channel. Takes both. */
void relay_add(struct relay_set *s, int fd, ssh_channel ch);
/* A channel yet to be opened to host:port as seen from the server. Takes fd. */
void relay_add_outgoing(struct relay_set *s, int fd, const char *host, int port);

/* As struct sshlink_side.serve wants it. */
size_t relay_set_serve(struct relay_set *s, struct pollfd *fds, size_t max);
