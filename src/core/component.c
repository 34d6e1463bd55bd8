/* SPDX-License-Identifier: Apache-2.0 */
#include "core/component.h"

#include <stdlib.h>
#include <string.h>

static const void *find_further(const struct components *c, enum component_kind kind,
				const char *name)
{
	return c->source ? c->source->find(c->source, kind, name) : NULL;
}

const struct builder_type *components_builder(const struct components *c, const char *name)
{
	const struct builder_type *further = find_further(c, COMPONENT_BUILDER, name);

	if (further)
		return further;
	for (const struct builder_type *const *t = c->builders; t && *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

const struct provisioner_type *components_provisioner(const struct components *c, const char *name)
{
	const struct provisioner_type *further = find_further(c, COMPONENT_PROVISIONER, name);

	if (further)
		return further;
	for (const struct provisioner_type *const *t = c->provisioners; t && *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

const struct postproc_type *components_postproc(const struct components *c, const char *name)
{
	const struct postproc_type *further = find_further(c, COMPONENT_POSTPROC, name);

	if (further)
		return further;
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
	const struct datasource_type *further = find_further(c, COMPONENT_DATASOURCE, name);

	if (further)
		return further;
	for (const struct datasource_type *const *t = c->datasources; t && *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}

static void add_listed(const struct components *c, enum component_kind kind, struct strv *ret)
{
	switch (kind) {
	case COMPONENT_BUILDER:
		for (size_t i = 0; c->builders && c->builders[i]; i++)
			strv_push(ret, c->builders[i]->name);
		return;
	case COMPONENT_PROVISIONER:
		for (size_t i = 0; c->provisioners && c->provisioners[i]; i++)
			strv_push(ret, c->provisioners[i]->name);
		return;
	case COMPONENT_POSTPROC:
		for (size_t i = 0; c->postprocs && c->postprocs[i]; i++)
			strv_push(ret, c->postprocs[i]->name);
		return;
	case COMPONENT_DATASOURCE:
		for (size_t i = 0; c->datasources && c->datasources[i]; i++)
			strv_push(ret, c->datasources[i]->name);
		return;
	}
}

void components_names(const struct components *c, enum component_kind kind, struct strv *ret)
{
	AUTO(strv) struct strv further = STRV_INIT;

	add_listed(c, kind, ret);
	if (c->source)
		c->source->names(c->source, kind, &further);
	for (size_t i = 0; i < further.len; i++)
		if (!strv_contains(ret, further.v[i]))
			strv_push(ret, further.v[i]);
	strv_sort(ret);
}

void resolved_start_release(struct resolved_start *r)
{
	free(r->id);
	free(r->never);
	*r = (struct resolved_start){ 0 };
}
