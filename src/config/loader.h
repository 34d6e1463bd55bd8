/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of config/ only: a load in progress. Each stage of language.md 13 is
 * a function that reads what the stages before it left here and reports all
 * the mistakes it finds; load.c says in which order they run and where a
 * stage with errors ends the load.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "config/config.h"
#include "lang/parser.h"

/* A file that was read and parsed. */
struct config_file {
	const char *path;
	struct body *body;
	struct content content; /* by the top-level schema */
};
VEC_DECLARE(file_list, struct config_file);

struct validation {
	struct expr *condition;
	const char *message;
	struct range range; /* the header */
};
VEC_DECLARE(validation_list, struct validation);

struct variable_decl {
	struct config_variable pub;
	struct validation_list validations;
};
VEC_DECLARE(variable_list, struct variable_decl);

/* A local or a data block: a node of the graph of language.md 16.3. */
struct local_decl {
	struct config_local pub;
	struct expr *expr;
};
VEC_DECLARE(local_list, struct local_decl);

struct data_decl {
	const char *type, *name;
	struct block *block;
	struct value *value; /* NULL: not (yet) read */
};
VEC_DECLARE(data_list, struct data_decl);

struct loader {
	const struct config_options *opts;
	struct config *config;
	struct arena *arena;         /* the config's */
	struct scope *default_scope; /* of variable defaults: env() and no names */
	struct func_world *validation_world;
	struct diags *diags;
	struct file_list files;     /* templates */
	struct file_list var_files; /* auto files, then -var-file */
	struct variable_list variables;
	struct map variable_index; /* name -> position + 1 */
	struct map source_index;   /* TYPE\nNAME -> position + 1 */
	struct local_list locals;
	struct data_list data;
	bool has_registry;
};

extern const char bad_name_detail[]; /* language.md 14 (B) */

/* files.c: step 1, 2 and the files of step 9 */
void load_templates(struct loader *l);
void load_var_files(struct loader *l);

/* packer.c: step 4 and 6 */
void check_core_version(struct loader *l);
void read_required_plugins(struct loader *l);

/* variable.c, variable_value.c: step 7, 9, 11 */
void read_variables(struct loader *l);
void collect_variable_values(struct loader *l);
void validate_variables(struct loader *l);
struct variable_decl *find_variable(const struct loader *l, const char *name);
/* From `variables` in order; for scopes and the result. */
struct value *variables_object(const struct loader *l);

/* local.c: step 8 and 12 */
void read_locals(struct loader *l);
void evaluate_locals(struct loader *l);

/* data.c: the data blocks of step 8 and 12 */
void read_data_blocks(struct loader *l);
void evaluate_data(struct loader *l, struct data_decl *d);
/* `data` in the scope. With `only`, an array of as many flags as there are blocks, those; else all
 * that have been read, and unknown ones in place of the rest if `fill`. */
void set_data(struct loader *l, const bool *only, bool fill);

/* build.c: step 14 */
void read_sources(struct loader *l);
void read_builds(struct loader *l);

/* meta.c: arguments of ours inside component blocks; false after reporting */
bool read_provisioner(struct loader *l, const struct block *b, const struct scope *scope,
		      struct config_provisioner *ret);
bool read_postprocessor(struct loader *l, const struct block *b, const struct scope *scope,
			struct config_postprocessor *ret);

/* reuse.c: cache, cache_ttl and cache_inputs, from arguments or the comment above the block */
void read_reuse(struct loader *l, const struct block *b, const struct content *c,
		const struct scope *scope, struct config_provisioner *p);
MUST_CHECK int config_cache_ttl(const char *text, struct config_provisioner *p, struct error **err);

/* registry.c */
void read_registry(struct loader *l, const struct block *b, bool in_build);

/* world.c */
void make_scopes(struct loader *l);
struct value *empty_object(void);

/* read.c: arguments as C types. NULL or false when absent, null, unknown or wrong (reported). */
const char *read_text(struct loader *l, const struct attribute *a, const struct scope *scope);
bool read_bool(struct loader *l, const struct attribute *a, const struct scope *scope, bool *ret);
bool read_int(struct loader *l, const struct attribute *a, const struct scope *scope, int64_t *ret);
bool read_texts(struct loader *l, const struct attribute *a, const struct scope *scope,
		struct text_list *ret);
bool is_identifier(const char *s);
const char *quote(struct arena *arena, const char *s); /* %q of the specs */
extern const char config_hidden_timeout[];             /* why a timeout has no effect */
const char *text_of_label(const struct loader *l, const struct block *b, size_t i);
void *keep_array(struct arena *arena, const void *items, size_t size, size_t len);
struct type *keep_type(struct arena *arena, struct type *t);
/* Registers every text and every longer number inside, except keys. */
void register_secrets(struct redactor *r, const struct value *v);

/* hide.c: `inner` without the arguments `names` (NULL-terminated) */
struct body *body_hide(struct arena *arena, const struct body *inner, const char *const *names);
