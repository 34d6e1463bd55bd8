/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shell in the container that stays there for small things: scripts come and
 * go with each step, and starting a program in a container takes a hundred
 * times as long as what it does. Whatever goes wrong with it, the long way is
 * there.
 */
#pragma once

#include "comm/docker/client.h"
#include "comm/docker/docker.h"

enum { SESSION_PUT_MAX = 64 * 1024 };

struct docker_session {
	const struct docker_comm_config *cfg;
	const struct docker_client *client;
	struct proc proc;
	uint64_t entry; /* in the journal */
	bool open;
	int failures; /* too many: it is not tried again */
};
void docker_session_init(struct docker_session *s, const struct docker_comm_config *cfg,
			 const struct docker_client *client);
void docker_session_close(struct docker_session *s);

/* 1: done; 0: take the long way; -1: the token's reason. */
MUST_CHECK int docker_session_put(struct docker_session *s, const struct comm_upload *up,
				  const char *path, struct cancel *c, struct error **err);
MUST_CHECK int docker_session_remove(struct docker_session *s, const char *path, struct cancel *c,
				     struct error **err);
