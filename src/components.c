/* SPDX-License-Identifier: Apache-2.0 */
/* The list of built-in components: sorted by name (a unit test checks it), NULL-terminated. */
#include "core/component.h"

static const struct builder_type *const builders[] = { NULL };
static const struct provisioner_type *const provisioners[] = { NULL };
static const struct postproc_type *const postprocs[] = { NULL };
static const struct comm_type *const comms[] = { NULL };

const struct components builtin_components = {
	.builders = builders,
	.provisioners = provisioners,
	.postprocs = postprocs,
	.comms = comms,
};
