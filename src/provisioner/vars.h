/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment variables of a script (provisioners.md 4): those of the
 * build, then environment_vars, then env; later ones replace earlier ones of
 * the same name, and all are sorted by name.
 */
#pragma once

#include "base/map.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "core/component.h"

struct script_vars {
	struct map map; /* name -> char *, sorted */
};
#define SCRIPT_VARS_INIT                                                                           \
	{                                                                                          \
		.map = MAP_INIT(free)                                                              \
	}

void script_vars_release(struct script_vars *v);
static inline void auto_script_vars(struct script_vars *v)
{
	script_vars_release(v);
}

/* PACKER_BUILD_NAME, PACKER_BUILDER_TYPE, PACKER_HTTP_* when known. */
void script_vars_add_build(struct script_vars *v, const struct provision_ctx *ctx);
void script_vars_set(struct script_vars *v, const char *name, const char *value);
/* "K=V" */
void script_vars_set_pair(struct script_vars *v, const char *pair);
void script_vars_sort(struct script_vars *v);

/* Each through `format`, whose two %s are name and value; ' in values becomes '"'"'. */
void script_vars_format(const struct script_vars *v, const char *format, struct strbuf *ret);
/* Into an environment: replaces variables of the same name. */
void script_vars_export(const struct script_vars *v, char *const *environ, struct strv *ret);

/* For prepare(): every entry must be K=V. */
void script_vars_check(const struct text_list *pairs, const struct prepare_ctx *ctx,
		       struct diags *diags);
