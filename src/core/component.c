/* SPDX-License-Identifier: Apache-2.0 */
#include "core/component.h"

#include <string.h>

const struct builder_type *components_builder(const struct components *c, const char *name)
{
	for (const struct builder_type *const *t = c->builders; t && *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

const struct provisioner_type *components_provisioner(const struct components *c, const char *name)
{
	for (const struct provisioner_type *const *t = c->provisioners; t && *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

const struct postproc_type *components_postproc(const struct components *c, const char *name)
{
	for (const struct postproc_type *const *t = c->postprocs; t && *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

const struct comm_type *components_comm(const struct components *c, const char *name)
{
	for (const struct comm_type *const *t = c->comms; t && *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

const struct datasource_type *components_datasource(const struct components *c, const char *name)
{
	for (const struct datasource_type *const *t = c->datasources; t && *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}
