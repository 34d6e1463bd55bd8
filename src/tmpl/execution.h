/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the engine only: an execution; exec.c runs nodes, eval.c computes pipelines. */
#pragma once

#include "base/map.h"
#include "tmpl/func.h"
#include "tmpl/node.h"

/* What is looked at: at most one is set. */
struct place {
	const struct term *term;
	const struct command *command;
	const struct pipe *pipe;
	const struct node *node;
};

enum jump { JUMP_NONE, JUMP_BREAK, JUMP_CONTINUE };

struct exec {
	const struct tmpl_ctx *ctx;
	const struct tmpl_tree *tree;
	const struct template_def *def; /* being executed */
	struct arena *arena;            /* of values */
	struct strbuf *out;
	struct tmpl_value dot;
	struct tmpl_value *frame; /* variables of `def` */
	struct place at;
	enum jump jump;
	int depth;
	size_t steps, memory;
	struct error **err; /* the first mistake ends it */
};

/* `template: root:LINE:COL: executing "NAME" at <PLACE>: …`, COL from 0; the first one stays. */
PRINTF(2, 3) void exec_fail(struct exec *x, const char *fmt, ...);
/* False when it is over. */
bool exec_step(struct exec *x);
bool exec_account(struct exec *x, size_t bytes);

/* Nothing after a mistake. */
struct tmpl_value exec_pipe(struct exec *x, const struct pipe *pipe);
void exec_set(struct exec *x, const struct term *variable, struct tmpl_value v);
