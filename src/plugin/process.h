/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One running plugin: a child process that serves one component over one
 * connection (plugin-protocol.md 2). Its standard error goes to the debug log
 * line by line under its name, filtered, and its last lines are kept for the
 * message when it dies. Both outputs are read for as long as it lives, by the
 * thread that reads its connection.
 */
#pragma once

#include "base/redact.h"
#include "core/journal.h"
#include "plugin/find.h"
#include "plugin/wire/broker.h"
#include "plugin/wire/rpc.h"

enum plugin_kind { PLUGIN_BUILDER, PLUGIN_PROVISIONER, PLUGIN_POSTPROC, PLUGIN_DATASOURCE };

struct plugin_process;

struct plugin_launch {
	const struct plugin_binary *binary; /* copied from */
	enum plugin_kind kind;
	const char *component; /* as in `describe` */
	char *const *environ;  /* of the program; what 2.3 says is added */
	const char *run_uuid;  /* PACKER_RUN_UUID */
	const char *dir;       /* working directory; NULL: ours */
	/* One that we start and then die before it has a connection would wait for ever: then gc ends
	 * it. NULL: nowhere. Outlives the process. */
	struct journal *journal;
	int64_t patience; /* until it is ready, ns; 0: a minute from the start on */
};

/* In two parts, so that several can start side by side: the process… */
MUST_CHECK struct plugin_process *plugin_process_spawn(const struct plugin_launch *l,
						       struct error **err);
/* … and its handshake, the connection and the main service. On failure nothing is left of `p`; the
 * message names the plugin and quotes the end of its standard error. */
MUST_CHECK int plugin_process_connect(struct plugin_process *p, struct cancel *c,
				      struct error **err);
/* SIGKILL for the process itself, reaped; whatever is still waited for fails. */
void plugin_process_stop(struct plugin_process *p);
/* SIGKILL at once: it must not see what of its connection is closed from now on. */
void plugin_process_kill(struct plugin_process *p);

struct broker *plugin_process_broker(struct plugin_process *p);
struct mux *plugin_process_mux(struct plugin_process *p);
struct rpc_caller *plugin_process_main(struct plugin_process *p); /* broker id 0 */
const char *plugin_process_name(const struct plugin_process *p);  /* base name of the binary */
/* Readable, for good, when it has ended or its connection has; why() then sets ERROR_GONE with exit
 * status and the tail of its standard error. A cancel_reason_fn. */
int plugin_process_ended_fd(struct plugin_process *p);
int plugin_process_why_ended(void *process, struct error **err);
/* For an error of one of its streams or calls: what is ERROR_GONE because the plugin has ended says
 * so in the words of why(). -1. */
int plugin_process_explain(struct plugin_process *p, struct error **err);
