/* SPDX-License-Identifier: Apache-2.0 */
#include "core/outcome.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/path.h"
#include "base/str.h"
#include "core/json_text.h"
#include "os/fs.h"
#include "value/jsontext.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { OUTCOME_MAX = 16 * 1024 * 1024, RAN_MAX = 100000, FILES_MAX = 2000 };

#define OUTCOME_DIR "outcomes"

/* The name keeps builds of different folders apart: relative outputs have the same key. */
static char *outcome_path(const char *state_dir, const char *key, const char *cwd)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	AUTO_FREE char *hex = NULL;

	digest_add_field(d, "key", key, strlen(key));
	digest_add_field(d, "cwd", cwd, strlen(cwd));
	hex = digest_finish_hex(d);
	return xasprintf("%s/" OUTCOME_DIR "/%s.json", state_dir, hex);
}

/* An empty file whose name stands for the directory. */
static char *place_path(const char *state_dir, const char *cwd, const char *dir)
{
	AUTO_FREE char *full = path_absolute(cwd, dir);
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	AUTO_FREE char *hex = NULL;

	digest_add(d, full, strlen(full));
	hex = digest_finish_hex(d);
	return xasprintf("%s/" OUTCOME_DIR "/%s.at", state_dir, hex);
}

bool outcome_was_at(const char *state_dir, const char *cwd, const char *dir)
{
	AUTO_FREE char *path = place_path(state_dir, cwd, dir);

	return fs_exists(path);
}

static int note_place(const char *state_dir, const char *cwd, const struct artifact *built,
		      struct error **err)
{
	AUTO_FREE char *path = NULL;

	if (!built || built->destroy != artifact_destroy_tree)
		return 0;
	path = place_path(state_dir, cwd, built->destroy_path);
	return fs_exists(path) ? 0 : fs_write(path, "", 0, 0600, err);
}

void outcome_free(struct outcome *o)
{
	if (!o)
		return;
	free(o->final);
	free(o->ran.v);
	artifact_unref(o->built);
	for (size_t i = 0; i < o->all.len; i++)
		artifact_unref(o->all.items[i]);
	vec_release(&o->all);
	free(o);
}

/* ---- writing ------------------------------------------------------------------------------- */

static bool is_secret_name(const char *name)
{
	return !strcmp(name, "SSHPrivateKey") || !strcmp(name, "Password") ||
	       !strcmp(name, "WinRMPassword");
}

static struct value *without_secrets(struct value *v)
{
	struct map kept;

	value_map_init(&kept);
	for (size_t i = 0; i < value_len(v); i++)
		if (!is_secret_name(value_key_at(v, i)))
			map_set(&kept, value_key_at(v, i), value_ref(value_at(v, i)));
	return value_object_take(&kept);
}

static void add_value(json_t *o, const char *name, const struct value *v)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;

	if (!v)
		return;
	jsontext_print(&text, v);
	json_set_text(o, name, text.buf);
}

int outcome_snapshot(const struct artifact *a, struct strv *ret, struct error **err)
{
	for (size_t i = 0; i < a->files.len; i++) {
		AUTO_FREE char *identity = NULL;

		if (fs_identity(a->files.v[i], &identity, err) < 0)
			return -1;
		strv_push(ret, identity);
	}
	return 0;
}

/* `identities`: of its files; NULL: as they are now. */
static json_t *write_artifact(const struct artifact *a, const struct strv *identities,
			      struct error **err)
{
	AUTO(strv) struct strv now = STRV_INIT;
	json_t *files;
	AUTO(value)
	struct value *data = a->generated_data ? without_secrets(a->generated_data) : NULL;
	json_t *o;

	if (!identities && outcome_snapshot(a, &now, err) < 0)
		return NULL;
	if (!identities)
		identities = &now;
	o = json_object();
	files = json_object();
	json_object_set_new(o, "files", files);
	for (size_t i = 0; i < MIN(a->files.len, identities->len); i++)
		json_set_text(files, a->files.v[i], identities->v[i]);
	json_set_text(o, "builder_id", a->builder_id);
	json_set_text(o, "id", a->id);
	json_set_text(o, "text", a->text);
	if (a->destroy == artifact_destroy_tree)
		json_set_text(o, "tree", a->destroy_path);
	else if (a->destroy)
		json_object_set_new(o, "own_files", json_true());
	add_value(o, "state", a->state);
	add_value(o, "generated", data);
	return o;
}

static int write_all(json_t *root, const struct outcome *o, struct error **err)
{
	json_t *all = json_array(), *ran = json_array();

	json_object_set_new(root, "artifacts", all);
	json_object_set_new(root, "ran", ran);
	json_set_text(root, "final", o->final);
	for (size_t i = 0; i < o->ran.len; i++)
		json_array_append_new(ran, json_integer(o->ran.v[i]));
	for (size_t i = 0; i < o->all.len; i++) {
		json_t *a =
			o->all.items[i] ? write_artifact(o->all.items[i], NULL, err) : json_null();

		if (!a)
			return -1;
		json_array_append_new(all, a);
	}
	if (o->built) {
		AUTO(error) struct error *gone = NULL;
		json_t *built = write_artifact(o->built, o->built_files, &gone);

		if (built)
			json_object_set_new(root, "built", built);
		else
			error_ignore(&gone, "the post-processors have used it up");
	}
	return 0;
}

int outcome_save(const char *state_dir, const char *key, const char *cwd, const struct outcome *o,
		 struct error **err)
{
	AUTO_FREE char *path = outcome_path(state_dir, key, cwd);
	AUTO_FREE char *dir = path_dirname(path);
	AUTO_FREE char *text = NULL;
	json_t *root = json_object();
	int r = write_all(root, o, err), removed;
	bool is_new;

	if (r == 0)
		text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	if (r < 0 || fs_mkdir_all(dir, 0700, err) < 0 ||
	    note_place(state_dir, cwd, o->built, err) < 0)
		return -1;
	is_new = !fs_exists(path);
	if (fs_write_atomic(path, text, strlen(text), 0600, err) < 0)
		return -1;
	return is_new ? fs_prune(dir, 0, FILES_MAX, &removed, err) : 0;
}

int outcome_prune(const char *state_dir, int64_t before, int *ret_removed, struct error **err)
{
	AUTO_FREE char *dir = path_join(state_dir, OUTCOME_DIR);

	return fs_prune(dir, before, FILES_MAX, ret_removed, err);
}

/* ---- reading ------------------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static struct value *read_value(const json_t *o, const char *name)
{
	AUTO(error) struct error *e = NULL;
	const char *text = text_of(o, name);
	struct value *v = *text ? jsontext_decode(text, strlen(text), &e) : NULL;

	if (e)
		error_ignore(&e, "as if it had not been kept");
	return v;
}

static bool read_files(const json_t *o, struct artifact *a)
{
	json_t *files = json_object_get(o, "files"), *identity;
	const char *name;
	bool intact = json_object_size(files) > 0;

	json_object_foreach (files, name, identity) {
		AUTO(error) struct error *e = NULL;
		AUTO_FREE char *now = NULL;

		strv_push(&a->files, name);
		if (fs_identity(name, &now, &e) < 0) {
			error_ignore(&e, "then it is not as it was");
			intact = false;
		} else if (!text_eq(now, json_string_value(identity))) {
			intact = false;
		}
	}
	return intact;
}

static struct artifact *read_artifact(const json_t *o, const struct outcome_judge *judge,
				      bool *ret_intact)
{
	struct artifact *a =
		artifact_new(text_of(o, "builder_id"), text_of(o, "id"), text_of(o, "text"));
	const char *tree = text_of(o, "tree");

	a->state = read_value(o, "state");
	a->generated_data = read_value(o, "generated");
	*ret_intact = read_files(o, a);
	if (*tree) {
		a->destroy = artifact_destroy_tree;
		a->destroy_path = xstrdup(tree);
	} else if (json_is_true(json_object_get(o, "own_files"))) {
		a->destroy = artifact_destroy_files;
	}
	if (!a->files.len && *a->id)
		*ret_intact = judge->is_there(judge->data, a);
	return a;
}

static void read_all(json_t *root, const struct outcome_judge *judge, struct outcome *o)
{
	json_t *all = json_object_get(root, "artifacts"), *ran = json_object_get(root, "ran");
	json_t *built = json_object_get(root, "built");
	size_t n = MIN(json_array_size(ran), (size_t)RAN_MAX);
	bool intact;

	o->final = xstrdup(text_of(root, "final"));
	o->ran.v = xcalloc(n + 1, sizeof(*o->ran.v));
	for (size_t i = 0; i < n; i++)
		o->ran.v[o->ran.len++] = json_integer_value(json_array_get(ran, i));
	o->intact = json_array_size(all) > 0;
	for (size_t i = 0; i < json_array_size(all); i++) {
		*vec_push(&o->all) = read_artifact(json_array_get(all, i), judge, &intact);
		o->intact &= intact;
	}
	if (!json_is_object(built))
		return;
	o->built = read_artifact(built, judge, &intact);
	if (!intact)
		artifact_unref(TAKE(o->built));
}

int outcome_load(const struct outcome_place *place, const char *key,
		 const struct outcome_judge *judge, struct outcome **ret, struct error **err)
{
	AUTO_FREE char *path = outcome_path(place->state_dir, key, place->cwd);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	json_t *root;

	if (!fs_exists(path))
		return error_set(err, ERROR_NOT_FOUND, "no result of this build is known");
	if (fs_read(path, OUTCOME_MAX, &text, err) < 0)
		return -1;
	root = json_loadb(text.buf, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return error_set(err, ERROR_NOT_FOUND, "'%s' cannot be read", path);
	}
	*ret = NEW(struct outcome);
	read_all(root, judge, *ret);
	json_decref(root);
	return 0;
}
