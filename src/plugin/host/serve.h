/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins ask of us (plugin-protocol.md 6.8, 6.11, 6.12): functions for rows of services. */
#pragma once

#include "plugin/host/instance.h"

/* Says, errors, questions and progress, to the UI of instance.build. `data` is not used. */
int serve_ui(struct instance *in, struct rpc_server *s, struct rpc_request *r, void *data,
	     struct error **err);
void serve_ui_init(struct instance *in);
void serve_ui_release(struct instance *in);

/* `data`: the artifact. */
int serve_artifact(struct instance *in, struct rpc_server *s, struct rpc_request *r, void *data,
		   struct error **err);

/* Commands and transfers take their time: put aside for the build. `data` is not used. */
int serve_later(struct instance *in, struct rpc_server *s, struct rpc_request *r, void *data,
		struct error **err);

/* One that was put aside, done on the machine that `comm` reaches. `c` ends it; its answer is sent in any
 * case. -1: it cannot be, or the token has ended. */
MUST_CHECK int serve_comm(struct instance *in, struct comm *comm, struct rpc_server *s,
			  const struct rpc_request *r, struct cancel *c, struct error **err);

/* Helpers of all: frees the request. */
int serve_reply(struct rpc_server *s, struct rpc_request *r, const struct strbuf *reply,
		struct error **err);
int serve_error(struct rpc_server *s, struct rpc_request *r, const char *text, struct error **err);
