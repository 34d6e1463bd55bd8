/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the host: a component of a plugin, and the processes that serve it. */
#pragma once

#include "core/component.h"
#include "plugin/host/instance.h"
#include "plugin/registry.h"

#include <pthread.h>

struct plugin_host;

struct plugin_type {
	struct foreign foreign; /* first */
	struct plugin_host *host;
	const struct plugin_component *component;
	pthread_mutex_t lock; /* for `spec` */
	struct arena *arena;
	const struct spec *spec; /* once it was asked for */
	union {
		struct builder_type builder;
		struct provisioner_type provisioner;
		struct postproc_type postproc;
		struct datasource_type datasource;
	};
};

static inline struct plugin_type *plugin_type_of(const struct foreign *f)
{
	return (struct plugin_type *)f;
}

/* The rows; builder.c, provisioner.c, postproc.c, datasource.c. */
void plugin_builder_row(struct builder_type *row);
void plugin_provisioner_row(struct provisioner_type *row);
void plugin_postproc_row(struct postproc_type *row);
void plugin_datasource_row(struct datasource_type *row);

/* Which block of which build a process was prepared for. */
struct plugin_owner {
	const char *build_name; /* "": of none */
	const void *block;
};
/* That of the owner if there is one, else one that nobody has, else a new one. */
MUST_CHECK struct instance *plugin_take(struct plugin_type *t, const struct plugin_owner *owner,
					bool *ret_is_prepared, struct cancel *c,
					struct error **err);
/* Keeps it for its owner (NULL: for anybody), or ends it where there are many. */
void plugin_give_back(struct plugin_type *t, const struct plugin_owner *owner,
		      struct instance *in /* taken */);
