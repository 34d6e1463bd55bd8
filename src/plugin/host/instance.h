/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin process at work for one block of the template: what it is asked,
 * and what it asks back. All of it happens on the thread of the build, without
 * a loop of its own: whoever waits for anything waits with a token that
 * watches the instance, so questions of the plugin are answered meanwhile, in
 * any wait, however deep (instance_watch()). Questions that may take long are
 * put aside for the one who waits with instance_wait().
 */
#pragma once

#include "base/vec.h"
#include "core/component.h"
#include "plugin/process.h"

struct instance;

/*
 * Answers a request of the plugin with rpc_reply() or rpc_reply_error() and
 * frees it, or keeps it for later. -1: its answer cannot be sent.
 */
typedef int (*service_fn)(struct instance *in, struct rpc_server *s, struct rpc_request *r,
			  void *data, struct error **err);
struct service_row {
	const char *name; /* "Ui"; NULL ends */
	service_fn fn;
	void *data;
};

/* Somebody else's stream on which we serve. */
struct service {
	uint32_t id; /* told to the plugin; 0: it has come */
	struct rpc_server *server;
	const struct service_row *rows; /* borrowed */
	bool is_used;                   /* a request has come */
};
VEC_DECLARE(service_list, struct service *);

/* A request that waits for the thread of the build. */
struct put_aside {
	struct rpc_server *server;
	struct rpc_request *request;
};
VEC_DECLARE(put_aside_list, struct put_aside);

/* Why a hook failed, for a plugin whose engine has told the reason. */
#define FAILED_HOOK "a provisioner failed"

struct instance {
	int refs; /* of one thread at a time */
	struct plugin_process *process;
	int epoll_fd;
	struct service_list services;
	struct put_aside_list aside;
	size_t aside_at;
	struct rpc_call *call;   /* the long one: Run, Provision, PostProcess */
	bool is_answered;        /* `call` is */
	bool is_idle;            /* somebody is in instance_wait() */
	int depth;               /* of pumps within pumps */
	struct build_ctx *build; /* whose UI it talks to; NULL: nobody's yet */
	struct map progress;     /* ids of bars -> what serve_ui.c knows of them */
	unsigned progress_count;
	bool answers_cleanup; /* questions what to do after a failure are answered "c", what the
			       * engine has told of it is not told again */
	void *state;          /* of the endpoint, freed at last; NULL: none */
	void (*free_state)(void *state);
};

/* Takes the process. */
struct instance *instance_new(struct plugin_process *process, struct error **err);
struct instance *instance_ref(struct instance *in);
/* The last one stops the process. */
void instance_unref(struct instance *in);
DEFINE_AUTO(instance, struct instance *, instance_unref);

/* Is served on a number of ours, which is told to the plugin; `rows` outlive the instance. */
struct service *instance_offer(struct instance *in, const struct service_row *rows);
void instance_withdraw(struct instance *in, struct service *s);

/* From now on waits on `c` serve the instance, too. */
void instance_watch(struct instance *in, struct cancel *c);
/* What that does: answers what can be answered. A cancel_reason_fn. */
int instance_pump(void *instance, struct error **err);

/* A short call on the main service. */
MUST_CHECK const struct packed *instance_ask(struct instance *in, const char *method,
					     const struct strbuf *arg, struct arena *arena,
					     int64_t deadline, struct cancel *c,
					     struct error **err);
/* The long one: starts; instance_wait() until is_answered; instance_answer(). */
MUST_CHECK int instance_start(struct instance *in, const char *method, const struct strbuf *arg,
			      struct cancel *c, struct error **err);
/* Until the long call is answered or something was put aside. `c` need not watch. */
MUST_CHECK int instance_wait(struct instance *in, int64_t deadline, struct cancel *c,
			     struct error **err);
/* Of the answered call: its error, or the reply (lives until the next instance_start()). */
MUST_CHECK int instance_answer(struct instance *in, const struct packed **ret, struct error **err);
/* NULL: nothing is put aside. The request is the caller's. */
struct rpc_request *instance_next_aside(struct instance *in, struct rpc_server **ret_server);
void instance_put_aside(struct instance *in, struct rpc_server *s, struct rpc_request *r);
/* Asks it to stop what it does; answered or not. `service`: "Builder". Only once it has called. */
void instance_cancel(struct instance *in, const char *service, const struct service *s);
