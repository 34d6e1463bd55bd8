/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands around plugins share: where plugins are, where they come from
 * (the environment), ^C, and a line of progress on a terminal.
 */
#pragma once

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/template_args.h"
#include "plugin/find.h"
#include "plugin/get/get.h"

struct plugin_session {
	struct command_ctx *ctx;
	char *dir; /* of plugins; may not be there */
	struct interrupt interrupt;
	struct place_list places;
	struct http_client *http;
	struct plugin_getting getting; /* of all that */
	bool shows_line;               /* a live one is on the terminal */
};
#define PLUGIN_SESSION_INIT                                                                        \
	{                                                                                          \
		.interrupt = INTERRUPT_INIT                                                        \
	}

/* Before there are threads. It must not move afterwards. */
MUST_CHECK int plugin_session_open(struct plugin_session *s, struct command_ctx *ctx,
				   struct error **err);
void plugin_session_release(struct plugin_session *s);
static inline void auto_plugin_session(struct plugin_session *s)
{
	plugin_session_release(s);
}

/* Says what went wrong, or that it was interrupted; returns EXIT_ERROR. */
int plugin_session_fail(struct plugin_session *s, const struct error *e);
/* Takes the live line away, before something is said. */
void plugin_session_hush(struct plugin_session *s);
/* `Installed plugin SOURCE vV in "PATH"`. */
void plugin_session_told_installed(struct plugin_session *s, const char *source,
				   const struct plugin_got *got);
/* Installed releases of a source that meet a constraint (NULL: any), best last. */
MUST_CHECK int plugin_session_find(struct plugin_session *s, const char *source,
				   const char *constraint, bool all, struct plugin_binary_list *ret,
				   struct error **err);

static inline void auto_plugin_binary_list(struct plugin_binary_list *l)
{
	plugin_binary_list_release(l);
}

/* Does ingot have a component of this name, or one that begins with it and a dash? */
bool plugin_session_is_builtin(const char *accessor);

/* A template, as far as its required plugins. NULL after printing: mistakes, or a legacy one. */
struct config *plugin_session_load(struct command_ctx *ctx, const char *path,
				   const struct template_args *args);
/* Is the same source required under another name, in other versions? The lock file, which has one
 * version of each, does not speak of it then. */
bool plugin_session_has_rival(const struct config *config, const struct config_plugin *p);

/* What is said of a template that requires none. */
void plugin_session_say_none(struct command_ctx *ctx);
/* A title and a text, as diagnostics look; returns EXIT_ERROR. */
int plugin_session_complain(struct command_ctx *ctx, const char *summary, const char *detail);
