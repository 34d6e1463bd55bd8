/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta.json of an entry:
 *
 *   { "format": 1, "key": "…", "parent": "…" or null, "made": wall ns, "base": "base-KEY" or null,
 *     "layers": [ { "name": "…", "size": bytes, "sha256": "…", "added": true }, … ],
 *     "files": [ { "name": "…", "size": bytes, "sha256": "…" }, … ], and what the engine adds }
 *
 * "base" is what the lowest layer stands on, "added" marks layers that the parent does not have.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "cache/store_internal.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, SHA256_HEX = 64 };

void entry_files_release(struct entry_files *files)
{
	for (size_t i = 0; i < files->len; i++) {
		free(files->items[i].name);
		free(files->items[i].sha256);
	}
	vec_release(files);
}

struct entry_file *entry_files_find(const struct entry_files *files, const char *name)
{
	for (size_t i = 0; i < files->len; i++)
		if (!strcmp(files->items[i].name, name))
			return &files->items[i];
	return NULL;
}

void entry_meta_release(struct entry_meta *m)
{
	json_decref(m->json);
	m->json = NULL;
	entry_files_release(&m->layers);
	entry_files_release(&m->files);
}

/* ---- reading --------------------------------------------------------------------------- */

static bool is_digest(const char *text)
{
	return strlen(text) == SHA256_HEX && strspn(text, "0123456789abcdef") == SHA256_HEX;
}

static int wrong(struct error **err, const char *what)
{
	return error_set(err, ERROR_INVALID, "its " META_FILE " is damaged: %s", what);
}

static int parse_file(const json_t *o, enum entry_list kind, struct entry_files *ret,
		      struct error **err)
{
	static bool (*const is_valid[])(const char *name) = {
		[ENTRY_FILES] = store_name_is_valid,
		[ENTRY_LAYERS] = store_layer_name_is_valid,
		[ENTRY_BASE] = store_base_name_is_valid,
	};
	const json_t *size = json_object_get(o, "size");
	const char *name = json_string_value(json_object_get(o, "name"));
	const char *sha256 = json_string_value(json_object_get(o, "sha256"));
	struct entry_file *f;

	if (!name || !is_valid[kind](name) || !strcmp(name, META_FILE) ||
	    entry_files_find(ret, name))
		return wrong(err, "the name of a file");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return wrong(err, "the size of a file");
	if (!sha256 || !is_digest(sha256))
		return wrong(err, "the digest of a file");
	f = vec_push(ret);
	f->name = xstrdup(name);
	f->sha256 = xstrdup(sha256);
	f->size = json_integer_value(size);
	f->added = json_is_true(json_object_get(o, "added"));
	return 0;
}

int entry_files_parse(const json_t *array, enum entry_list kind, struct entry_files *ret,
		      struct error **err)
{
	if (kind == ENTRY_BASE)
		return parse_file(array, kind, ret, err);
	if (!json_is_array(array) || json_array_size(array) > LAYERS_MAX)
		return wrong(err, "a list of files is missing or too long");
	for (size_t i = 0; i < json_array_size(array); i++)
		if (parse_file(json_array_get(array, i), kind, ret, err) < 0)
			return -1;
	return 0;
}

int entry_meta_parse(const char *text, size_t len, struct entry_meta *ret, struct error **err)
{
	AUTO(entry_meta) struct entry_meta m = { 0 };
	json_t *made;

	m.json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(m.json))
		return wrong(err, "it is no JSON object");
	if (json_integer_value(json_object_get(m.json, "format")) != FORMAT)
		return wrong(err, "its format is not known");
	m.key = json_string_value(json_object_get(m.json, "key"));
	m.parent = json_string_value(json_object_get(m.json, "parent"));
	m.base = json_string_value(json_object_get(m.json, "base"));
	made = json_object_get(m.json, "made");
	if (!m.key || !store_key_is_valid(m.key) || (m.parent && !store_key_is_valid(m.parent)))
		return wrong(err, "a key");
	if (m.base && !store_base_name_is_valid(m.base))
		return wrong(err, "the name of the base");
	if (!json_is_integer(made))
		return wrong(err, "the time when it was made");
	m.made = json_integer_value(made);
	if (entry_files_parse(json_object_get(m.json, "layers"), ENTRY_LAYERS, &m.layers, err) <
		    0 ||
	    entry_files_parse(json_object_get(m.json, "files"), ENTRY_FILES, &m.files, err) < 0)
		return -1;
	*ret = m;
	m = (struct entry_meta){ 0 };
	return 0;
}

int entry_meta_read(int entry, struct entry_meta *ret, struct error **err)
{
	AUTO_CLOSE int fd =
		openat(entry, META_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno != ENOENT && errno != ELOOP)
		return error_set_errno(err, errno, "cannot open " META_FILE);
	if (fd >= 0 && fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot examine " META_FILE);
	if (fd < 0 || !S_ISREG(st.st_mode) || st.st_size > META_MAX)
		return wrong(err, "it is absent or no such file");
	text = xmalloc((size_t)st.st_size + 1);
	n = fd_read_at(fd, text, (size_t)st.st_size, 0);
	if (n < 0)
		return error_set_errno(err, errno, "cannot read " META_FILE);
	return entry_meta_parse(text, (size_t)n, ret, err);
}

/* ---- writing --------------------------------------------------------------------------- */

static json_t *files_json(const struct entry_files *files)
{
	json_t *array = json_array();

	for (size_t i = 0; i < files->len; i++) {
		const struct entry_file *f = &files->items[i];
		json_t *o = json_pack("{s:s, s:I, s:s}", "name", f->name, "size",
				      (json_int_t)f->size, "sha256", f->sha256);

		if (f->added)
			json_object_set_new(o, "added", json_true());
		json_array_append_new(array, o);
	}
	return array;
}

int entry_meta_write(int entry, struct entry_meta *m, const struct json_t *members,
		     struct error **err)
{
	AUTO_CLOSE int fd = openat(entry, META_FILE,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	AUTO_FREE char *text = NULL;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot create " META_FILE);
	json_decref(m->json);
	m->json =
		json_pack("{s:i, s:s, s:s?, s:I, s:s?, s:o, s:o}", "format", FORMAT, "key", m->key,
			  "parent", m->parent, "made", (json_int_t)m->made, "base", m->base,
			  "layers", files_json(&m->layers), "files", files_json(&m->files));
	json_object_update_missing(m->json, (json_t *)members);
	text = json_dumps(m->json, JSON_INDENT(1));
	if (!text || strlen(text) > META_MAX)
		return error_set(err, ERROR_INVALID, "what is to be kept with a step is too large");
	if (fs_write_all(fd, text, strlen(text), META_FILE, err) < 0)
		return -1;
	if (close(fd_take(&fd)) < 0 && errno != EINTR)
		return error_set_errno(err, errno, "cannot write " META_FILE);
	return 0;
}
