/* SPDX-License-Identifier: Apache-2.0 */
/* Floppy and CD made of files (qemu-builder.md 11, 12), in the build's temporary directory. */
#pragma once

#include "builder/qemu/config.h"
#include "core/component.h"

struct media {
	char *floppy, *cd; /* heap paths; NULL: the template wants none */
};

MUST_CHECK int media_make(struct media *m, const struct qemu_config *c, struct build_ctx *ctx,
			  struct error **err);
void media_release(struct media *m);

void media_check(const struct qemu_config *c, const struct prepare_ctx *ctx, struct diags *diags);
/* The names, each with `what` before it, and contents. */
struct file_tree;
MUST_CHECK int media_fingerprint_tree(struct digest *d, const char *what, struct file_tree *t,
				      struct build_ctx *ctx, struct error **err);
/* Labels, names and contents. */
MUST_CHECK int media_fingerprint(const struct qemu_config *c, struct build_ctx *ctx,
				 struct digest *d, struct error **err);
