/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of config/legacy/ only: the load of a legacy JSON template. syntax.c
 * finds what is no JSON, root.c takes the root object apart, component.c what
 * is built, variable.c and resolve.c the variables, load.c keeps the order.
 */
#pragma once

#include "base/strv.h"
#include "base/vec.h"
#include "config/loader.h"
#include "lang/json.h"
#include "tmpl/tmpl.h"

/* Of a builder, a provisioner, …: its options and its place. */
struct legacy_builder {
	const char *type, *name; /* as written */
	const char *rendered;    /* name, rendered */
	const struct json_node *node;
};
VEC_DECLARE(legacy_builder_list, struct legacy_builder);

struct legacy_provisioner {
	struct config_provisioner pub;
	const char *max_retries; /* a template; NULL: none */
};
VEC_DECLARE(legacy_provisioner_list, struct legacy_provisioner);

VEC_DECLARE(legacy_chain_list, struct config_chain);

struct legacy_loader {
	struct loader *l;
	const struct source *source;
	const struct json_node *root;
	struct strv errors; /* of sections 2 to 5, in order */
	struct range first; /* place of the first of them */
	/* members of the root, or NULL */
	const struct json_node *variables, *builders, *provisioners, *postprocs, *cleanup,
		*sensitive;
	const char *min_version, *description;
	struct map declared; /* name -> struct config_legacy_variable * */
	struct map supplied; /* name -> text, from files and -var */
	struct legacy_builder_list built;
	struct legacy_provisioner_list steps;
	struct legacy_provisioner last; /* error-cleanup-provisioner */
	bool has_last;
	struct legacy_chain_list chains;
};

/* One mistake of sections 2 to 5. */
PRINTF(3, 4)
void legacy_complain(struct legacy_loader *ll, struct range at, const char *fmt, ...);
/* `N errors occurred:` … (the form of several errors); heap. */
char *legacy_several(const struct strv *errors);
/* What the load ends with; the texts are printed as they are. The first one is the template's. */
PRINTF(3, 4) void legacy_fail(struct loader *l, const struct range *at, const char *fmt, ...);
PRINTF(3, 4) void legacy_report(struct loader *l, const struct range *at, const char *fmt, ...);

/* syntax.c: NULL when it is JSON; else the message of 1.1, heap. */
char *legacy_syntax_error(const char *text, size_t len, size_t *ret_offset);

/* root.c: false after complaining */
bool legacy_read_root(struct legacy_loader *ll);

/* decode.c: JSON as C types, in the words of 2 to 5 */
struct value *legacy_value(struct legacy_loader *ll, const struct json_node *n); /* arena */
/* A text, or what becomes one without loss; NULL with the complaint in `why`. */
const char *legacy_weak_text(struct legacy_loader *ll, const char *name, const struct json_node *n,
			     struct strbuf *why);
const char *legacy_strict_text(struct legacy_loader *ll, const char *name,
			       const struct json_node *n, struct strbuf *why);
bool legacy_texts(struct legacy_loader *ll, const char *name, const struct json_node *n, bool weak,
		  struct text_list *ret, struct strbuf *why);
bool legacy_duration(struct legacy_loader *ll, const char *name, const struct json_node *n,
		     int64_t *ret, struct strbuf *why);

/* component.c */
void legacy_read_builders(struct legacy_loader *ll);
void legacy_read_postprocs(struct legacy_loader *ll);
void legacy_read_provisioners(struct legacy_loader *ll);
void legacy_validate(struct legacy_loader *ll, struct strv *errors);
const struct body *legacy_builder_body(struct legacy_loader *ll, const struct legacy_builder *b);

/* variable.c */
void legacy_read_variables(struct legacy_loader *ll);
bool legacy_read_values(struct legacy_loader *ll); /* false after complaining */
void legacy_check_required(struct legacy_loader *ll, struct strv *errors);

/* resolve.c: the object of user variables (arena); NULL with the text in *err */
struct value *legacy_resolve(struct legacy_loader *ll, struct error **err);
