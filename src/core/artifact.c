/* SPDX-License-Identifier: Apache-2.0 */
#include "core/artifact.h"

#include "base/alloc.h"
#include "os/fs.h"

#include <stdlib.h>

struct artifact *artifact_new(const char *builder_id, const char *id, const char *text)
{
	struct artifact *a = NEW(struct artifact);

	a->refs = 1;
	a->builder_id = xstrdup(builder_id);
	a->id = xstrdup(id);
	a->text = xstrdup(text);
	strv_init(&a->files);
	return a;
}

struct artifact *artifact_ref(struct artifact *a)
{
	a->refs++;
	return a;
}

void artifact_unref(struct artifact *a)
{
	if (!a || --a->refs)
		return;
	artifact_close(a);
	free(a->builder_id);
	free(a->id);
	free(a->text);
	strv_release(&a->files);
	value_unref(a->state);
	value_unref(a->generated_data);
	free(a->destroy_path);
	free(a);
}

void artifact_close(struct artifact *a)
{
	if (a && a->remote)
		a->close(a);
	if (a)
		a->remote = NULL;
}

struct artifact *artifact_redacted(const struct artifact *a, struct redactor *r)
{
	AUTO_FREE char *builder_id = redactor_copy(r, a->builder_id);
	AUTO_FREE char *id = redactor_copy(r, a->id);
	AUTO_FREE char *text = redactor_copy(r, a->text);
	struct artifact *copy = artifact_new(builder_id, id, text);

	for (size_t i = 0; i < a->files.len; i++)
		strv_push_take(&copy->files, redactor_copy(r, a->files.v[i]));
	return copy;
}

int artifact_destroy(const struct artifact *a, struct error **err)
{
	return a->destroy ? a->destroy(a, err) : 0;
}

int artifact_destroy_files(const struct artifact *a, struct error **err)
{
	for (size_t i = 0; i < a->files.len; i++)
		if (fs_remove(a->files.v[i], err) < 0)
			return -1;
	return 0;
}

int artifact_destroy_tree(const struct artifact *a, struct error **err)
{
	return fs_remove_tree(a->destroy_path, err);
}
