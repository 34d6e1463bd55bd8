/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loaded template: files -> variables, locals, sources, builds. After this
 * point nobody knows which syntax it was. Immutable once loaded, so build
 * threads share it; everything but the texts lives in its arena.
 *
 * Loading follows language.md 13; each stage reports all its mistakes.
 */
#pragma once

#include "base/arena.h"
#include "base/redact.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "eval/scope.h"
#include "lang/body.h"
#include "lang/diag.h"
#include "schema/schema.h"
#include "value/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The Packer release whose templates we read: `packer.version`, required_version. */
#define COMPAT_VERSION "1.16.0"

enum variable_origin {
	VARIABLE_UNSET,
	VARIABLE_DEFAULT,
	VARIABLE_ENV,
	VARIABLE_FILE,
	VARIABLE_CMD
};

struct config_variable {
	const char *name;
	struct type *type;   /* dynamic when not given */
	struct value *value; /* the winning one; NULL while unset */
	enum variable_origin origin;
	const char *description;
	bool sensitive;
	struct range range;       /* the block's header */
	struct range value_range; /* the winning value's expression */
};

struct config_local {
	const char *name;
	struct value *value; /* NULL if evaluation failed */
	const char *
		fresh; /* function in it or in what it needs that gives something new in each run */
	bool sensitive;
	struct range range;
};

/* A top-level `source` block, used or not. */
struct config_declaration {
	const char *type, *name;
	const struct body *body; /* `dynamic` blocks expanded */
	struct range range;      /* the block's header */
};

/* An entry of required_plugins. */
struct config_plugin {
	const char *accessor;
	const char *source;     /* "github.com/hashicorp/amazon" */
	const char *constraint; /* ">= 1.2.0" */
	bool prefers_builtin; /* said in a comment above it: ours is to be used, if there is one */
	struct range range;
};

/* A user variable of a legacy template. */
struct config_legacy_variable {
	const char *name;
	const char *text; /* default, a template; "" when required */
	bool required, sensitive;
	struct range range;
};

/* What only legacy JSON templates have. Their options are `{{ }}` templates, decoded weakly. */
struct config_legacy {
	const char *description;                        /* "" when not given */
	const struct config_legacy_variable *variables; /* sorted by name */
	size_t variable_count;
	struct value *user;   /* object of texts: all variables, resolved */
	const char *base_dir; /* for template_dir; NULL: standard input */
	const char *path;     /* as given; "" for standard input */
	bool is_complete;     /* false after mistakes: there is nothing to plan */
};

/* A use of a source in a build; `body` is the source's, merged with the build's additions. */
struct config_source {
	const char *type, *name;
	const char *local_name;  /* name given in the build's source block, else name */
	const struct body *body; /* NULL: no such source is declared */
	struct range range;      /* the source block's header, else `use` */
	struct range use;        /* where the build names it */
	/* Of legacy templates, else NULL. */
	const char *shown_name; /* of the build */
	const char *raw_name;   /* only, except and override of the other components mean this */
};

struct config_provisioner {
	const char *type;
	const char *name;              /* NULL: none */
	struct text_list only, except; /* exact T.LOCAL names */
	int64_t pause_before, timeout; /* ns */
	int64_t max_retries;
	bool continue_on_error;
	/* Reuse of the finished step, written as attributes or in a comment above the block. */
	enum tribool cache;
	int64_t cache_ttl;                    /* ns; 0: the host's */
	const struct text_list *cache_inputs; /* globs of what it reads here; NULL: not said */
	struct value *override;               /* object of objects, or NULL */
	const struct body *body;              /* what is left for the component */
	struct range range;
};

struct config_postprocessor {
	const char *type;
	const char *name; /* NULL: none */
	struct text_list only, except;
	enum tribool keep_input_artifact;
	const struct body *body;
	struct range range;
};

struct config_chain {
	const struct config_postprocessor *items;
	size_t len;
};

struct config_build {
	const char *name;        /* "" when unnamed */
	const char *description; /* NULL: none */
	const struct config_source *sources;
	size_t source_count;
	const struct config_provisioner *provisioners;
	size_t provisioner_count;
	const struct config_provisioner *error_cleanup; /* NULL: none */
	const struct config_chain *chains;
	size_t chain_count;
	struct range range;
	/* What could be read is here, so that its mistakes can be reported too; it must not run. */
	bool has_errors;
};

/* A `data` block, about to be read. */
struct config_data {
	const char *type, *name;
	const struct body *body;
	struct range range; /* the block's header */
};

/* Who knows the data sources; config/ does not. */
struct config_data_reader {
	/* The block's outputs, unknown ones if nothing is to be asked; NULL after reporting. */
	struct value *(*read)(void *data, const struct config_data *d, const struct scope *scope,
			      struct diags *diags);
	void *data;
};

struct config {
	struct arena *arena;
	struct sources *sources; /* the caller's */
	struct config_variable *variables;
	size_t variable_count;
	struct config_local *locals;
	size_t local_count;
	const struct config_declaration *declarations;
	size_t declaration_count;
	const struct config_plugin *plugins;
	size_t plugin_count;
	const struct config_build *builds;
	size_t build_count;
	/* var, local, data, path, packer and all functions; the parent of every later scope.
	 * `source` and `build` are there too, unknown. */
	struct scope *scope;
	struct func_world *world;
	const char *base_dir;               /* of the template, as written */
	const struct config_legacy *legacy; /* NULL: the template is not one */
};

/* Which loader a path is for (cli.md 1.8); `type`: "json", "hcl2" or NULL. */
MUST_CHECK int config_is_legacy(const char *path, const char *type, bool *ret, struct error **err);

struct config_options {
	const char *path;        /* file or directory; NULL: an empty template */
	bool legacy_json;        /* `path` (or "-", standard input) is a legacy JSON template */
	const struct strv *vars; /* "k=v" from -var, in order */
	const struct strv *var_files; /* from -var-file, in order */
	bool warn_undeclared;         /* undeclared variables in files warn */
	bool syntax_only;             /* stop after step 9 (validate -syntax-only) */
	bool sequential;            /* data blocks first, then locals in order (language.md 16.3) */
	const char *cwd;            /* absolute */
	const char *home;           /* NULL: unknown */
	const char *const *environ; /* KEY=VALUE, for PKR_VAR_* and env() */
	int64_t start_time;
	/* Told what the template requires, before anything is evaluated; or NULL. */
	void (*required)(void *data, const struct config *c, struct diags *diags);
	void *required_data;
	const struct config_data_reader *data_reader; /* NULL: no data source is known */
	struct cancel *cancel;     /* ends what waits for servers; NULL: nothing does */
	struct redactor *redactor; /* sensitive values are registered here */
	struct sources *sources; /* gets the texts; outlives the diagnostics that point into them */
};

/* NULL when nothing can be evaluated (syntax errors); otherwise a config to plan with,
 * also when diags has errors, so that later stages can report theirs in the same run. */
struct config *config_load(const struct config_options *opts, struct diags *diags);
void config_free(struct config *c);
DEFINE_AUTO(config, struct config *, config_free);

/* What a step can ask of the machine it runs on: `build.ID`, …; NULL-terminated. */
extern const char *const config_build_names[];

/*
 * The scope of a component body (language.md 17): adds `source` and `build`.
 * `b` NULL: the body of a source, which cannot use `build`. `build_values`
 * (an object) is laid over the placeholders; NULL: placeholders only. Owned by
 * the caller.
 */
struct scope *config_component_scope(const struct config *c, const struct config_build *b,
				     const struct config_source *s, struct value *build_values);

/* What `inspect` prints (cli.md 6.2): three messages, each without the newline that printing it
 * adds… */
void config_inspect_title(struct strbuf *sb);
void config_inspect_variables(struct strbuf *sb, const struct config *c);
void config_inspect_builds(struct strbuf *sb, const struct config *c);
/* … and as one text. */
void config_inspect(struct strbuf *sb, const struct config *c);

/* The same of a legacy template: one message. */
void config_inspect_legacy(struct strbuf *sb, const struct config *c);
/* What a console line gives in a legacy template (cli.md 6.3): `variables`, or a template that is
 * rendered until nothing changes. Heap; NULL with the text in *err. */
char *config_legacy_line(const struct config *c, const char *line, struct error **err);
/* Sections 1 to 6 of legacy-json.md for a text, without variables from outside: does it load, and
 * do its parts fit together? */
MUST_CHECK int config_legacy_check(const char *text, size_t len, bool *ret_parses,
				   struct error **err);
