/* SPDX-License-Identifier: Apache-2.0 */
#include "postproc/export/pick.h"

#include "base/path.h"
#include "disk/image.h"

#include <stdlib.h>
#include <string.h>

static const char *file_named(const struct artifact *input, const char *name)
{
	for (size_t i = 0; i < input->files.len; i++) {
		const char *file = input->files.v[i];

		if (!strcmp(file, name) || !strcmp(path_basename(file), path_basename(name)))
			return file;
	}
	return NULL;
}

static const char *text_of(const struct value *v)
{
	return v && value_type(v) == type_string && value_is_known(v) && !value_is_null(v)
		       ? value_as_string(v)
		       : NULL;
}

static bool is_list(const struct value *v)
{
	enum type_kind kind = v ? type_kind(value_type(v)) : TYPE_STRING;

	return (kind == TYPE_LIST || kind == TYPE_TUPLE) && value_is_known(v) && !value_is_null(v);
}

/* Builders tell which file it is; several disks are nobody's choice but the user's. */
static const char *file_told(const struct artifact *input, bool *ret_several)
{
	const struct value *paths = input->state ? value_get(input->state, "diskPaths") : NULL;
	const char *name = input->state ? text_of(value_get(input->state, "diskName")) : NULL;

	*ret_several = is_list(paths) && value_len(paths) > 1;
	if (is_list(paths) && value_len(paths) == 1)
		name = text_of(value_at(paths, 0));
	return name && !*ret_several ? file_named(input, name) : NULL;
}

static const char *only_qcow2(const struct artifact *input)
{
	const char *found = NULL;

	for (size_t i = 0; i < input->files.len; i++) {
		AUTO(error) struct error *e = NULL;
		enum disk_kind kind;

		if (disk_kind_of(input->files.v[i], &kind, &e) < 0) {
			error_ignore(&e, "then it is not the disk");
			continue;
		}
		if (kind != DISK_QCOW2)
			continue;
		if (found)
			return NULL;
		found = input->files.v[i];
	}
	return found;
}

const char *pick_disk(const struct artifact *input, const char *wanted, struct error **err)
{
	AUTO_FREE char *names = strv_join(&input->files, ", ");
	bool several = false;
	const char *file =
		wanted && *wanted ? file_named(input, wanted) : file_told(input, &several);

	if (file)
		return file;
	if (!input->files.len) {
		error_set(err, ERROR_INVALID, "the artifact has no files, so no disk to export");
		return NULL;
	}
	if (wanted && *wanted) {
		error_set(err, ERROR_INVALID, "'%s' is none of the artifact's files: %s", wanted,
			  names);
		return NULL;
	}
	if (input->files.len == 1)
		return input->files.v[0];
	file = several ? NULL : only_qcow2(input);
	if (file)
		return file;
	error_set(err, ERROR_INVALID,
		  "which of the artifact's files is the disk to export? It has: %s", names);
	error_hint(err, "name it: disk = \"%s\"", path_basename(input->files.v[0]));
	return NULL;
}
