/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `BINARY describe` (plugin-protocol.md 1.4): one JSON object. The memory is
 * a file per binary, CACHE/plugins/describe/DIGEST.json, that holds the bytes
 * as they were told: it passes the same checks, and one that is damaged is as
 * good as absent.
 */
#include "plugin/describe.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/fs.h"
#include "os/log.h"
#include "os/proc.h"

#include <jansson.h>
#include <stdlib.h>

enum {
	ANSWER_SECONDS = 10,
	ANSWER_MAX = 1024 * 1024,
	TEXT_MAX = 256,             /* bytes of a name or a version */
	REMEMBERED_MAX = 64 * 1024, /* bytes; real ones have a few thousand */
	REMEMBERED_FILES = 500,
};

void plugin_description_release(struct plugin_description *d)
{
	free(d->version);
	free(d->sdk_version);
	free(d->api_version);
	strv_release(&d->builders);
	strv_release(&d->provisioners);
	strv_release(&d->postprocs);
	strv_release(&d->datasources);
	*d = (struct plugin_description){ 0 };
}

static void auto_description(struct plugin_description *d)
{
	plugin_description_release(d);
}

/* ---- reading --------------------------------------------------------------------------- */

static bool is_printable(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n = utf8_decode(text + at, len - at, &cp);

		if (!n || !utf8_is_printable(cp))
			return false;
		at += n;
	}
	return true;
}

/* The text of a member or of an element; `what` names it. */
static int read_text(const json_t *v, const char *what, const char **ret, struct error **err)
{
	if (!json_is_string(v))
		return error_set(err, ERROR_INVALID, "its %s is not a text", what);
	if (json_string_length(v) > TEXT_MAX)
		return error_set(err, ERROR_INVALID, "its %s is longer than %d bytes", what,
				 TEXT_MAX);
	if (!is_printable(json_string_value(v), json_string_length(v)))
		return error_set(err, ERROR_INVALID, "its %s has characters that cannot be shown",
				 what);
	*ret = json_string_value(v);
	return 0;
}

/* Absent and null are no text, as they are for the programs that write this. */
static int read_member(const json_t *root, const char *key, bool required, char **ret,
		       struct error **err)
{
	const json_t *v = json_object_get(root, key);
	const char *text = "";

	if (v && !json_is_null(v) && read_text(v, key, &text, err) < 0)
		return -1;
	if (required && !*text)
		return error_set(err, ERROR_INVALID, "it has no %s", key);
	*ret = xstrdup(text);
	return 0;
}

static int read_names(const json_t *root, const char *key, struct strv *ret, struct error **err)
{
	const json_t *list = json_object_get(root, key), *item;
	size_t i;

	strv_init(ret);
	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return error_set(err, ERROR_INVALID, "its %s are not a list", key);
	json_array_foreach (list, i, item) {
		AUTO_FREE char *what = xasprintf("name %zu of %s", i + 1, key);
		const char *name = NULL;

		if (read_text(item, what, &name, err) < 0)
			return -1;
		if (!*name)
			return error_set(err, ERROR_INVALID, "its %s is empty", what);
		strv_push(ret, name);
	}
	strv_sort(ret);
	for (i = 1; i < ret->len; i++)
		if (text_eq(ret->v[i - 1], ret->v[i]))
			return error_set(err, ERROR_INVALID, "its %s have '%s' twice", key,
					 ret->v[i]);
	return 0;
}

static int read_description(const json_t *root, struct plugin_description *ret, struct error **err)
{
	AUTO_FREE char *protocol = NULL;

	if (!json_is_object(root))
		return error_set(err, ERROR_INVALID, "it is no JSON object");
	if (read_member(root, "version", true, &ret->version, err) < 0 ||
	    read_member(root, "sdk_version", false, &ret->sdk_version, err) < 0 ||
	    read_member(root, "api_version", true, &ret->api_version, err) < 0 ||
	    read_member(root, "protocol_version", false, &protocol, err) < 0)
		return -1;
	ret->has_protobuf = text_eq(protocol, "v2");
	if (read_names(root, "builders", &ret->builders, err) < 0 ||
	    read_names(root, "provisioners", &ret->provisioners, err) < 0 ||
	    read_names(root, "post_processors", &ret->postprocs, err) < 0 ||
	    read_names(root, "datasources", &ret->datasources, err) < 0)
		return -1;
	return 0;
}

int plugin_description_parse(const void *bytes, size_t len, struct plugin_description *ret,
			     struct error **err)
{
	AUTO(description) struct plugin_description d = { 0 };
	json_error_t why;
	json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
	int r;

	strv_init(&d.builders);
	strv_init(&d.provisioners);
	strv_init(&d.postprocs);
	strv_init(&d.datasources);
	if (!root)
		return error_set(err, ERROR_INVALID, "it is not JSON: line %d, column %d: %s",
				 why.line, why.column, why.text);
	r = read_description(root, &d, err);
	json_decref(root);
	if (r < 0)
		return -1;
	*ret = d;
	d = (struct plugin_description){ 0 };
	return 0;
}

/* ---- asking ---------------------------------------------------------------------------- */

static int ask(const char *path, struct cancel *c, struct strbuf *answer, struct error **err)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	struct proc_run run = {
		.spec.argv = &argv,
		.output = answer,
		.deadline = clock_deadline(ANSWER_SECONDS * NSEC_PER_SEC),
	};

	strv_pushl(&argv, path, "describe", NULL);
	return proc_run(&run, c, NULL, err);
}

static int describe(const char *path, struct cancel *c, struct strbuf *answer,
		    struct plugin_description *ret, struct error **err)
{
	const char *name = path_basename(path);

	if (ask(path, c, answer, err) < 0)
		return error_prefix(err, "cannot ask plugin '%s' what it is", name);
	if (plugin_description_parse(answer->buf, answer->len, ret, err) < 0)
		return error_prefix(err, "cannot understand what plugin '%s' says of itself", name);
	return 0;
}

int plugin_describe(const char *path, struct cancel *c, struct plugin_description *ret,
		    struct error **err)
{
	AUTO(strbuf) struct strbuf answer = STRBUF_INIT_MAX(ANSWER_MAX);

	return describe(path, c, &answer, ret, err);
}

/* ---- remembering ----------------------------------------------------------------------- */

static bool recall(const char *file, struct plugin_description *ret)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	if (fs_read(file, REMEMBERED_MAX, &text, &e) == 0 &&
	    plugin_description_parse(text.buf, text.len, ret, &e) == 0)
		return true;
	error_ignore(&e, "the plugin is asked instead");
	return false;
}

static void remember(const char *dir, const char *file, const struct strbuf *answer)
{
	AUTO(error) struct error *e = NULL;
	int removed;

	if (answer->len > REMEMBERED_MAX)
		return;
	if (fs_mkdir_all(dir, 0777, &e) < 0 ||
	    fs_prune(dir, INT64_MIN, REMEMBERED_FILES - 1, &removed, &e) < 0 ||
	    fs_write_atomic(file, answer->buf, answer->len, 0600, &e) < 0)
		error_ignore(&e, "the plugin is asked again the next time");
}

int plugin_describe_once(const char *cache_dir, const char *digest, const char *path,
			 struct cancel *c, struct plugin_description *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf answer = STRBUF_INIT_MAX(ANSWER_MAX);
	AUTO_FREE char *dir = cache_dir ? path_join(cache_dir, "plugins/describe") : NULL;
	AUTO_FREE char *name = xasprintf("%s.json", digest);
	AUTO_FREE char *file = dir ? path_join(dir, name) : NULL;

	if (file && recall(file, ret))
		return 0;
	if (describe(path, c, &answer, ret, err) < 0)
		return -1;
	if (file)
		remember(dir, file, &answer);
	return 0;
}
