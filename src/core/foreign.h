/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components whose options only they know: those of plugins. Where a built-in
 * one has a table that fills a C struct, they have a tree made at run time
 * that gives one value, and the rest of the program need not tell them apart:
 * their struct is the same for all, and its table has two members.
 */
#pragma once

#include "base/error.h"
#include "schema/schema.h"
#include "schema/spec.h"

struct foreign {
	/* How a block is read; belongs to the component. NULL after setting *err. Thread-safe. */
	const struct spec *(*spec)(const struct foreign *f, struct error **err);
	/* A block of it is about to be prepared: what takes time can begin. Fails later, if at all. */
	void (*expect)(const struct foreign *f);
};

/* The configuration of one block: what prepare() and run() get. */
struct foreign_config {
	const struct foreign *of;
	/* As the tree gives it; of legacy templates the object as it is written, templates in it
	 * unrendered. Parts that are not known yet are unknown. */
	struct value *options;
	struct value *override; /* NULL: none */
	void *data;             /* of prepare(), for run(); lives in no arena */
};
extern const struct schema foreign_schema;

/* A block read by its component's tree, in the arena. NULL where that is not to be had, after reporting
 * at `range`; other mistakes are reported, too. */
struct foreign_config *foreign_decode(const struct foreign *f, const struct body *body,
				      const struct scope *scope, struct range range,
				      struct arena *arena, struct diags *diags);
/* One with options as they are; takes the reference. */
struct foreign_config *foreign_take(const struct foreign *f, struct value *options,
				    struct arena *arena);
