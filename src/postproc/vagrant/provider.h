/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a box is for one provider of Vagrant: which files of an artifact it has
 * and under which names, what metadata.json and the Vagrantfile say.
 */
#pragma once

#include "base/strbuf.h"
#include "core/component.h"
#include "postproc/vagrant/box.h"

struct json_t;

struct box_plan {
	struct build_ctx *ctx;
	const struct artifact *input;
	const char *architecture; /* as Vagrant says it */
	struct box *box;
	struct json_t *metadata;   /* object; has provider and architecture */
	struct strbuf vagrantfile; /* the provider's part */
};

struct box_provider {
	const char *name;
	const char *const *builder_ids; /* whose artifacts are for it; NULL-terminated */
	int (*fill)(struct box_plan *p, struct error **err);
	bool keeps_input; /* the box is of no use without the artifact */
};

/* NULL: there is none. */
const struct box_provider *box_provider_named(const char *name);
const struct box_provider *box_provider_for(const struct artifact *a);
char *box_provider_names(void); /* "docker, libvirt, …"; heap */

/* Says so and adds it. */
MUST_CHECK int box_plan_add(struct box_plan *p, const char *name, const char *path,
			    struct error **err);
/* A text of the artifact's state; NULL: there is none. */
const char *box_plan_state(const struct box_plan *p, const char *key);

extern const struct box_provider box_docker, box_libvirt, box_qemu;
