/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/vagrant/provider.h"

#include "base/strv.h"

#include <string.h>

static const struct box_provider *const providers[] = {
	&box_docker,
	&box_libvirt,
	&box_qemu,
};

const struct box_provider *box_provider_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		if (!strcmp(providers[i]->name, name))
			return providers[i];
	return NULL;
}

const struct box_provider *box_provider_for(const struct artifact *a)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		for (const char *const *id = providers[i]->builder_ids; *id; id++)
			if (!strcmp(*id, a->builder_id))
				return providers[i];
	return NULL;
}

char *box_provider_names(void)
{
	AUTO(strv) struct strv names = STRV_INIT;

	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		strv_push(&names, providers[i]->name);
	return strv_join(&names, ", ");
}

int box_plan_add(struct box_plan *p, const char *name, const char *path, struct error **err)
{
	ui_say(p->ctx->ui, "Copying from artifact: %s", path);
	return box_add_file(p->box, name, path, err);
}

const char *box_plan_state(const struct box_plan *p, const char *key)
{
	const struct value *v = p->input->state ? value_get(p->input->state, key) : NULL;

	return v && !value_is_null(v) && type_kind(value_type(v)) == TYPE_STRING
		       ? value_as_string(v)
		       : NULL;
}
