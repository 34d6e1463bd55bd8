/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of ansible-playbook, and the same as people may see them. Extra
 * variables that hold a secret, by what the template says or by their name, go
 * into a private file (`-e @FILE`): everybody on this host sees arguments.
 */
#pragma once

#include "base/error.h"
#include "base/redact.h"
#include "base/strbuf.h"
#include "base/strv.h"

struct command {
	struct strv argv;
	struct strbuf shown;
	const char *dir;           /* for files: ours alone; borrowed */
	struct redactor *redactor; /* learns the secrets that are found; or NULL */
	int files;
};
#define COMMAND_INIT                                                                               \
	{                                                                                          \
		.argv = STRV_INIT, .shown = STRBUF_INIT                                            \
	}
void command_release(struct command *c);
static inline void auto_command(struct command *c)
{
	command_release(c);
}

/* Shown as they are. */
void command_add(struct command *c, const char *arg);
SENTINEL void command_addl(struct command *c, ...);
/* Arguments of the user's own. */
MUST_CHECK int command_add_extra(struct command *c, const struct strv *args, struct error **err);
/* One variable that is a secret. */
MUST_CHECK int command_add_secret(struct command *c, const char *name, const char *value,
				  struct error **err);
