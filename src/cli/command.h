/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of the program is one row: name, synopsis, options, function.
 * Help, completion and parsing are all driven by these tables. One file per
 * verb, cmd_<verb>.c, ends in `const struct command command_<verb> = { … };`
 * and is listed in command.c.
 */
#pragma once

#include "base/error.h"
#include "base/redact.h"
#include "base/strv.h"
#include "cli/interrupt.h"
#include "core/event.h"
#include "lang/diag.h"
#include "os/host.h"
#include "os/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_UNFORMATTED = 3, EXIT_NO_COMMAND = 127 };

enum option_kind {
	OPTION_BOOL,     /* bool */
	OPTION_STRING,   /* const char *, borrowed from argv */
	OPTION_STRINGS,  /* struct strv: appended */
	OPTION_CSV,      /* struct strv: split at commas, appended */
	OPTION_INT,      /* int64_t */
	OPTION_CHOICE,   /* const char *: one of choices */
	OPTION_DURATION, /* int64_t, ns */
	OPTION_END,
};

struct option_spec {
	const char *name; /* without dashes */
	enum option_kind kind;
	size_t offset;
	const char *arg; /* what the value is called in help; NULL for booleans */
	const char *doc;
	const char *const *choices;
	const char *ignored; /* why it has no effect here; NULL: it has */
};

/* clang-format off */
#define OPTION_ROW_(t, member, want, kind_, name_, arg_, doc_, ...)                                \
	{ .name = (name_), .kind = (kind_), .arg = (arg_), .doc = (doc_),                          \
	  .offset = _Generic(((t *)0)->member, want: offsetof(t, member)), __VA_ARGS__ }
#define OPT_BOOL(t, m, name, doc)            OPTION_ROW_(t, m, bool, OPTION_BOOL, name, NULL, doc)
#define OPT_STRING(t, m, name, arg, doc)     OPTION_ROW_(t, m, const char *, OPTION_STRING, name, arg, doc)
#define OPT_STRINGS(t, m, name, arg, doc)    OPTION_ROW_(t, m, struct strv, OPTION_STRINGS, name, arg, doc)
#define OPT_CSV(t, m, name, arg, doc)        OPTION_ROW_(t, m, struct strv, OPTION_CSV, name, arg, doc)
#define OPT_INT(t, m, name, arg, doc)        OPTION_ROW_(t, m, int64_t, OPTION_INT, name, arg, doc)
#define OPT_DURATION(t, m, name, arg, doc)   OPTION_ROW_(t, m, int64_t, OPTION_DURATION, name, arg, doc)
#define OPT_IGNORED(t, m, name, why)         OPTION_ROW_(t, m, bool, OPTION_BOOL, name, NULL, "Accepted for compatibility.", .ignored = (why))
#define OPT_CHOICE(t, m, name, list, doc)    OPTION_ROW_(t, m, const char *, OPTION_CHOICE, name, "WHAT", doc, .choices = (list))
#define OPT_END { .kind = OPTION_END }
/* clang-format on */

/* Go-style flags (cli.md 1.5). `args` is the command's option struct, strv members
 * initialised. *ret_first is the index of the first positional argument. */
MUST_CHECK int options_parse(const struct option_spec *specs, int argc, char *const *argv,
			     void *args, int *ret_first, struct error **err);

/* Warns of flags that were given and have no effect. */
void options_warn_ignored(const struct option_spec *specs, const void *args, struct diags *diags);

/* What a command gets. Everything outlives it. */
struct command_ctx {
	const struct command *command;
	int argc; /* arguments after the command's name */
	char *const *argv;
	bool machine_readable;
	bool is_packer; /* called by that name */
	bool no_color;  /* INGOT_NO_COLOR, PACKER_NO_COLOR, NO_COLOR */
	struct host_dirs dirs;
	char *cwd;
	char *const *environ;
	int64_t start_time; /* wall, ns */
	struct redactor *redactor;
	struct sources *sources;    /* texts that diagnostics point into */
	struct interrupt interrupt; /* ends what the loading and planning of a template waits for */
	struct plugin_host *plugins; /* NULL until a template is loaded */
	char run_uuid[UUID_TEXT];    /* of this run of the program */
};

struct command {
	const char *name;
	const char *synopsis; /* one line for the list */
	const char *usage;    /* after "Usage: ingot NAME " */
	const char *doc;      /* paragraph(s) for help */
	const struct option_spec *options;
	void (*more_help)(void);             /* prints what is not in the rows; may be NULL */
	int (*run)(struct command_ctx *ctx); /* exit code */
	bool hidden;
	/* Sorted, NULL-terminated; their names begin with this one's. NULL: there are none. */
	const struct command *const *subcommands;
};

extern const struct command *const commands[]; /* sorted by name, NULL-terminated */
void command_print_list(void);                 /* "Available commands are:" */
const struct command *command_find(const char *name);
/* The one that `argv` begins with; *ret_words is how many of its words are the name. */
const struct command *command_find_words(int argc, char *const *argv, int *ret_words);

/* Prints to standard output in the form of the run (human or machine-readable), redacted. */
PRINTF(2, 3) void command_say(struct command_ctx *ctx, const char *fmt, ...);
PRINTF(2, 3) void command_error(struct command_ctx *ctx, const char *fmt, ...);
/* message, then the hint indented. */
void command_print_error(struct command_ctx *ctx, const struct error *e);
void command_print_diags(struct command_ctx *ctx, const struct diags *diags);
void command_print_help(const struct command *cmd);
/* A point in time as tables show it, local (heap). */
char *command_time(int64_t wall);
/* As a person asked for it, with the subcommands; returns EXIT_ERROR. */
int command_show_help(struct command_ctx *ctx);
/* Wrong usage: the error, the usage text; returns EXIT_ERROR. */
int command_usage_error(struct command_ctx *ctx, struct error *e);
/* Value of INGOT_<name>, else PACKER_<name>, else NULL; empty counts as unset. */
const char *command_env(const char *name);
/* -1: not given, or no time. */
int64_t command_source_date_epoch(void);
/* How many records of runs stay, INGOT_RUNS_KEEP; the default also when that is no number. */
MUST_CHECK int command_runs_kept(int64_t *ret, struct error **err);
