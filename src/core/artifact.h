/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build leaves: files or an id, a text for the summary, named state for
 * post-processors (post-processors.md 1). Reference-counted (used by one
 * thread at a time); dropping the last reference frees the record, never the
 * files: only artifact_destroy() removes those.
 */
#pragma once

#include "base/error.h"
#include "base/redact.h"
#include "base/strv.h"
#include "base/vec.h"
#include "value/value.h"

struct artifact;
typedef int (*artifact_destroy_fn)(const struct artifact *a, struct error **err);

struct artifact {
	int refs;
	char *builder_id; /* "transcend.qemu" */
	char *id;
	char *text; /* "VM files in directory: D" */
	struct strv files;
	struct value *state;          /* object: diskName, …; NULL: none */
	struct value *generated_data; /* object: build.* values; NULL: none */
	artifact_destroy_fn destroy;  /* NULL: nothing to remove */
	char *destroy_path;           /* for artifact_destroy_tree */
	/* Somebody else has it as long as the build lasts; NULL: it is all here. */
	void *remote;
	void (*close)(struct artifact *a); /* lets go of `remote`; the rest stays */
};

struct artifact *artifact_new(const char *builder_id, const char *id, const char *text);
struct artifact *artifact_ref(struct artifact *a);
void artifact_unref(struct artifact *a);
DEFINE_AUTO(artifact, struct artifact *, artifact_unref);
VEC_DECLARE(artifact_list, struct artifact *); /* NULL entry: `<nothing>` */

/* The build is over: what is here is all that will be asked. */
void artifact_close(struct artifact *a);

/* A copy for people: its texts and names without secrets, nothing to destroy. */
struct artifact *artifact_redacted(const struct artifact *a, struct redactor *r);

MUST_CHECK int artifact_destroy(const struct artifact *a, struct error **err);
/* Ready-made: removes each of `files`, or the tree at destroy_path. */
int artifact_destroy_files(const struct artifact *a, struct error **err);
int artifact_destroy_tree(const struct artifact *a, struct error **err);
