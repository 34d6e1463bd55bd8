/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/qemu/saved.h"

#include "base/path.h"
#include "base/redact.h"
#include "base/str.h"
#include "os/fs.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, FILE_MAX = 4 * 1024 * 1024, DISKS_MAX = 64, MEMORY_MAX = 2 };

/* Texts of the file and of the struct. */
static const struct {
	const char *key;
	size_t at;
} texts[] = {
	{ "qemu", offsetof(struct saved, qemu) },
	{ "binary", offsetof(struct saved, binary) },
	{ "accel", offsetof(struct saved, accel) },
	{ "arch", offsetof(struct saved, arch) },
	{ "machine_type", offsetof(struct saved, machine_type) },
	{ "cpu", offsetof(struct saved, cpu) },
	{ "vm_name", offsetof(struct saved, vm_name) },
	{ "source", offsetof(struct saved, source) },
	{ "iso", offsetof(struct saved, iso) },
	{ "efi_code", offsetof(struct saved, efi_code) },
	{ "firmware", offsetof(struct saved, firmware) },
	{ "mac", offsetof(struct saved, mac) },
	{ "communicator", offsetof(struct saved, comm) },
	{ "user", offsetof(struct saved, user) },
	{ "private_key", offsetof(struct saved, private_pem) },
	{ "public_key", offsetof(struct saved, public_line) },
	{ "key_file", offsetof(struct saved, key_file) },
	{ "credential", offsetof(struct saved, credential) },
};

static char **text_at(const struct saved *s, size_t i)
{
	return (char **)((char *)s + texts[i].at);
}

/* ---- writing --------------------------------------------------------------------------- */

static json_t *list_of(const struct strv *sv)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sv->len; i++)
		json_array_append_new(list, json_string(sv->v[i]));
	return list;
}

static json_t *disks_of(const struct chain_list *disks)
{
	json_t *list = json_array();

	for (size_t i = 0; i < disks->len; i++) {
		const struct layer_chain *c = &disks->items[i];

		json_array_append_new(list,
				      json_pack("{s:s*, s:s*, s:o, s:I}", "base", c->base,
						"base_format", c->base_format, "layers",
						list_of(&c->frozen), "size", (json_int_t)c->size));
	}
	return list;
}

int saved_write(const char *dir, const struct saved *s, struct error **err)
{
	AUTO_FREE char *path = path_join(dir, SAVED_MACHINE);
	json_t *o = json_pack(
		"{s:i, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:b, s:o}", "format", FORMAT, "made",
		(json_int_t)s->made, "guest_port", (json_int_t)s->guest_port, "source_size",
		(json_int_t)s->source_size, "source_mtime", (json_int_t)s->source_mtime, "state",
		(int)s->has_state, "synced", (int)s->is_synced, "tpm", (int)s->has_tpm, "tpm_1",
		(int)s->tpm_1, "disks", disks_of(&s->disks));
	char *text;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (*text_at(s, i))
			json_object_set_new(o, texts[i].key, json_string(*text_at(s, i)));
	if (s->argv.len)
		json_object_set_new(o, "argv", list_of(&s->argv));
	if (s->memory.len)
		json_object_set_new(o, "memory", list_of(&s->memory));
	text = json_dumps(o, JSON_INDENT(2));
	assert(text);
	r = fs_write(path, text, strlen(text), 0600, err);
	secret_free(text);
	json_decref(o);
	return r;
}

/* ---- reading --------------------------------------------------------------------------- */

static bool take_list(const json_t *list, struct strv *ret)
{
	size_t i;
	const json_t *item;

	json_array_foreach (list, i, item) {
		if (!json_is_string(item))
			return false;
		strv_push(ret, json_string_value(item));
	}
	return true;
}

static char *text_of(const json_t *o, const char *key)
{
	return xstrdup(json_string_value(json_object_get(o, key)));
}

/* A file beside the others, whatever it says. */
static bool is_bare(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static bool take_memory(const json_t *list, struct strv *ret)
{
	if (!take_list(list, ret) || ret->len > MEMORY_MAX)
		return false;
	for (size_t i = 0; i < ret->len; i++)
		if (!is_bare(ret->v[i]))
			return false;
	return true;
}

static bool take_disk(const json_t *o, struct layer_chain *c)
{
	strv_init(&c->frozen);
	c->base = text_of(o, "base");
	c->base_format = text_of(o, "base_format");
	c->size = json_integer_value(json_object_get(o, "size"));
	if (!take_list(json_object_get(o, "layers"), &c->frozen))
		return false;
	for (size_t i = 0; i < c->frozen.len; i++)
		if (!is_bare(c->frozen.v[i]))
			return false;
	return c->frozen.len && c->size > 0 && !c->base == !c->base_format &&
	       (!c->base || is_bare(c->base));
}

static bool take_disks(const json_t *list, struct chain_list *ret)
{
	size_t i;
	const json_t *item;

	json_array_foreach (list, i, item)
		if (i >= DISKS_MAX || !take_disk(item, vec_push(ret)))
			return false;
	return ret->len > 0;
}

static bool take(const json_t *o, struct saved *s)
{
	if (json_integer_value(json_object_get(o, "format")) != FORMAT)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*text_at(s, i) = text_of(o, texts[i].key);
	s->made = json_integer_value(json_object_get(o, "made"));
	s->guest_port = json_integer_value(json_object_get(o, "guest_port"));
	s->source_size = json_integer_value(json_object_get(o, "source_size"));
	s->source_mtime = json_integer_value(json_object_get(o, "source_mtime"));
	s->has_tpm = json_is_true(json_object_get(o, "tpm"));
	s->tpm_1 = json_is_true(json_object_get(o, "tpm_1"));
	s->is_synced =
		!json_is_false(json_object_get(o, "synced")); /* who did not say so always was */
	if (!take_memory(json_object_get(o, "memory"), &s->memory))
		return false;
	s->has_state = json_is_true(json_object_get(o, "state")) && s->memory.len;
	return s->qemu && s->binary && s->accel && s->machine_type && s->vm_name && s->comm &&
	       !s->private_pem == !s->public_line &&
	       take_list(json_object_get(o, "argv"), &s->argv) &&
	       take_disks(json_object_get(o, "disks"), &s->disks);
}

int saved_read(const char *dir, struct saved *ret, struct error **err)
{
	AUTO_FREE char *path = path_join(dir, SAVED_MACHINE);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct saved s = SAVED_INIT;
	json_error_t why;
	json_t *o;
	bool ok;

	if (fs_read(path, FILE_MAX, &text, err) < 0) {
		(*err)->kind = ERROR_INVALID;
		return -1;
	}
	o = json_loadb(text.buf, text.len, 0, &why);
	ok = json_is_object(o) && take(o, &s);
	json_decref(o);
	secret_wipe(text.buf, text.len);
	if (ok) {
		*ret = s;
		return 0;
	}
	saved_release(&s);
	return error_set(err, ERROR_INVALID, "'%s' does not describe a machine", path);
}

void saved_release(struct saved *s)
{
	secret_free(TAKE(s->private_pem));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*text_at(s, i));
	chains_release(&s->disks);
	strv_release(&s->argv);
	strv_release(&s->memory);
}
