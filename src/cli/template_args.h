/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that every command with a template shares (cli.md 1.6), and the
 * two stages all of them start with: load, plan.
 */
#pragma once

#include "cli/command.h"
#include "config/config.h"
#include "core/plan.h"

struct template_args {
	struct strv only, except, vars, var_files;
	const char *config_type;
};

extern const char *const config_types[];

#define TEMPLATE_OPTIONS(type, member)                                                             \
	OPT_CSV(type, member.only, "only", "a,b", "Build only the named builds (globs)."),         \
		OPT_CSV(type, member.except, "except", "a,b",                                      \
			"Leave the named builds and post-processors out."),                        \
		OPT_STRINGS(type, member.vars, "var", "'key=value'",                               \
			    "Value of a variable; may be repeated."),                              \
		OPT_STRINGS(type, member.var_files, "var-file", "path",                            \
			    "File with values of variables; may be repeated."),                    \
		OPT_CHOICE(type, member.config_type, "config-type", config_types,                  \
			   "How a file of another name is read.")

void template_args_init(struct template_args *a);
void template_args_release(struct template_args *a);
static inline void auto_template_args(struct template_args *a)
{
	template_args_release(a);
}

/* Parses the flags and the one template path; an exit code on failure, else -1. */
int template_args_parse(struct command_ctx *ctx, void *args, const char **ret_path);

/*
 * The arguments as a record may keep them: without secrets, and of -var only the values of
 * variables that `config` declares as no secrets. NULL: none.
 */
void template_args_shown(const struct command_ctx *ctx, const struct config *config,
			 struct strv *ret);

struct template_loading {
	bool warn_undeclared;
	bool syntax_only;
	bool sequential;       /* language.md 16.3 */
	bool dry_data;         /* data sources are checked but not asked */
	bool releases_only;    /* plugins that are none do not count */
	bool may_lack_plugins; /* those that are required and not there are no mistake */
	bool legacy;           /* a legacy template, whatever its name */
};
/* Loads and reports nothing: diagnostics are the caller's. NULL on syntax errors. */
struct config *template_load(struct command_ctx *ctx, const char *path,
			     const struct template_args *a, const struct template_loading *how,
			     struct diags *diags);

struct template_plan {
	bool debug, force;
	bool may_be_done; /* see component_info */
	const char *on_error;
};
struct plan *template_plan(struct command_ctx *ctx, const struct config *config,
			   const struct template_args *a, const struct template_plan *how,
			   struct diags *diags);
