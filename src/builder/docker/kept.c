/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/docker/kept.h"

#include "base/alloc.h"
#include "base/path.h"
#include "os/fs.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_FILE "container.json"
enum { FORMAT = 1, SIZE_LIMIT = 1024 * 1024 };

void kept_release(struct kept *k)
{
	free(k->image);
	free(k->tool);
	free(k->variant);
	free(k->exec_user);
	docker_facts_release(&k->source);
	strv_release(&k->env);
	strv_release(&k->command);
	*k = (struct kept)KEPT_INIT;
}

bool kept_is_in(const char *dir)
{
	AUTO_FREE char *path = path_join(dir, KEPT_FILE);

	return fs_exists(path);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void set_text(json_t *o, const char *name, const char *text)
{
	if (text)
		(void)json_object_set_new(o, name, json_string(text));
}

static void add_words(json_t *o, const char *name, const struct strv *words)
{
	json_t *list = json_array();

	for (size_t i = 0; i < words->len; i++)
		(void)json_array_append_new(list, json_string(words->v[i]));
	json_object_set_new(o, name, list);
}

int kept_write(const char *dir, const struct kept *k, struct error **err)
{
	AUTO_FREE char *path = path_join(dir, KEPT_FILE);
	json_t *o = json_pack("{s:i}", "format", FORMAT), *source = json_object();

	set_text(o, "image", k->image);
	set_text(o, "tool", k->tool);
	set_text(o, "variant", k->variant);
	set_text(o, "exec_user", k->exec_user);
	add_words(o, "env", &k->env);
	add_words(o, "command", &k->command);
	set_text(source, "id", k->source.id);
	set_text(source, "digest", k->source.digest);
	add_words(source, "cmd", &k->source.cmd);
	add_words(source, "entrypoint", &k->source.entrypoint);
	json_object_set_new(o, "source", source);

	AUTO_FREE char *text = json_dumps(o, JSON_INDENT(1));

	json_decref(o);
	if (!text || strlen(text) > SIZE_LIMIT)
		return error_set(err, ERROR_INVALID,
				 "what is to be kept of the container is too "
				 "large");
	return fs_write(path, text, strlen(text), 0600, err);
}

/* ---- reading ------------------------------------------------------------------------------ */

static char *take_text(const json_t *o, const char *name)
{
	return xstrdup(json_string_value(json_object_get(o, name)));
}

static void take_words(const json_t *o, const char *name, struct strv *ret)
{
	const json_t *list = json_object_get(o, name);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (word)
			strv_push(ret, word);
	}
}

static bool take(const json_t *o, struct kept *k)
{
	const json_t *source = json_object_get(o, "source");

	k->image = take_text(o, "image");
	k->tool = take_text(o, "tool");
	k->variant = take_text(o, "variant");
	k->exec_user = take_text(o, "exec_user");
	take_words(o, "env", &k->env);
	take_words(o, "command", &k->command);
	k->source.id = take_text(source, "id");
	k->source.digest = take_text(source, "digest");
	take_words(source, "cmd", &k->source.cmd);
	take_words(source, "entrypoint", &k->source.entrypoint);
	return json_integer_value(json_object_get(o, "format")) == FORMAT && k->tool &&
	       k->source.id && (!k->image || k->image[0] != '-') && k->source.id[0] != '-';
}

int kept_read(const char *dir, struct kept *ret, struct error **err)
{
	AUTO_FREE char *path = path_join(dir, KEPT_FILE);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(kept) struct kept k = KEPT_INIT;
	json_t *o;
	bool ok;

	if (fs_read(path, SIZE_LIMIT, &text, err) < 0) {
		(*err)->kind = ERROR_INVALID;
		return -1;
	}
	o = json_loadb(text.buf, text.len, JSON_REJECT_DUPLICATES, NULL);
	ok = take(o, &k);
	json_decref(o);
	if (!ok)
		return error_set(err, ERROR_INVALID, "'%s' says nothing that can be used", path);
	kept_release(ret);
	*ret = k;
	k = (struct kept)KEPT_INIT;
	return 0;
}
