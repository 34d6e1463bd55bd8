/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search (plugin-protocol.md 1.3). First all file names, which cost
 * nothing; then, from the best of each name down, what is in the files, until
 * one of them is good: a folder with twenty old versions costs one digest and
 * one description.
 */
#include "plugin/find.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/digests.h"
#include "os/fs.h"
#include "os/log.h"
#include "plugin/binary.h"
#include "plugin/describe.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DEPTH_MAX = 16,
	NAMES_MAX = 200000, /* files and folders that are looked at */
	PASSED_OVER_MAX = 10,
};

struct candidate {
	struct plugin_binary *binary;
	struct plugin_file file;
};
VEC_DECLARE(candidate_list, struct candidate);

/* `source` is the way to it from the plugin directory, "" for that itself. */
struct folder {
	char *path, *source;
	int depth;
};
VEC_DECLARE(folder_list, struct folder);

struct search {
	const struct plugin_query *q;
	struct cancel *c;
	char *prefix; /* of file names */
	struct folder_list todo;
	struct candidate_list found;
	size_t seen;
};

/* ---- life cycle ------------------------------------------------------------------------ */

void plugin_binary_free(struct plugin_binary *b)
{
	if (!b)
		return;
	free(b->path);
	free(b->source);
	free(b->name);
	free(b->digest);
	free(b->version_text);
	plugin_description_release(&b->about);
	free(b);
}

void plugin_binary_list_release(struct plugin_binary_list *l)
{
	for (size_t i = 0; i < l->len; i++)
		plugin_binary_free(l->items[i]);
	vec_release(l);
}

static void folder_release(struct folder *f)
{
	free(f->path);
	free(f->source);
}

static void auto_folder(struct folder *f)
{
	folder_release(f);
}

static void auto_search(struct search *s)
{
	free(s->prefix);
	for (size_t i = 0; i < s->todo.len; i++)
		folder_release(&s->todo.items[i]);
	for (size_t i = 0; i < s->found.len; i++) {
		plugin_binary_free(s->found.items[i].binary);
		plugin_file_release(&s->found.items[i].file);
	}
	vec_release(&s->todo);
	vec_release(&s->found);
}

static void pass_over(struct search *s, const char *path, const char *why)
{
	log_debug("plugin", "'%s' is passed over: %s", path, why);
	if (s->q->passed_over && s->q->passed_over->len < PASSED_OVER_MAX)
		strv_pushf(s->q->passed_over, "%s: %s", path, why);
}

/* ---- names ----------------------------------------------------------------------------- */

/* A word on those that one may want to use although they are none for us. */
static int check_name(const struct search *s, const struct folder *in, const char *name,
		      struct plugin_file *ret, struct error **err)
{
	struct version core;
	bool fits = true;

	if (in->depth == 0)
		return error_set(err, ERROR_INVALID,
				 "it is not in a folder that is named as its source");
	if (plugin_file_parse(name, ret, err) < 0)
		return -1;
	if (ret->api_major != PLUGIN_API_MAJOR || ret->api_minor > PLUGIN_API_MINOR)
		return error_set(err, ERROR_INVALID, "it speaks API %s, and we x%d.%d", ret->api,
				 PLUGIN_API_MAJOR, PLUGIN_API_MINOR);
	if (*ret->version.pre && s->q->releases_only)
		return error_set(err, ERROR_INVALID, "version %s is a pre-release",
				 ret->version_text);
	if (s->q->version && !text_eq(s->q->version, ret->version_text))
		return error_set(err, ERROR_INVALID, "version %s is not %s", ret->version_text,
				 s->q->version);
	core = ret->version;
	core.pre[0] = '\0';
	if (s->q->constraint && version_matches(s->q->constraint, &core, &fits, err) < 0)
		return -1;
	if (!fits)
		return error_set(err, ERROR_INVALID, "version %s is not %s", ret->version_text,
				 s->q->constraint);
	if (*ret->version.pre && !text_eq(ret->version.pre, "dev"))
		log_debug("plugin", "'%s/%s' is a pre-release", in->path, name);
	return 0;
}

static void consider(struct search *s, const struct folder *in, const char *name, const char *path)
{
	AUTO(plugin_file) struct plugin_file file = { 0 };
	AUTO(error) struct error *e = NULL;
	struct plugin_binary *b;

	if (!text_starts_with(name, s->prefix) || text_ends_with(name, PLUGIN_SUM_SUFFIX))
		return;
	if (check_name(s, in, name, &file, &e) < 0) {
		pass_over(s, path, e->message);
		return;
	}
	b = NEW(struct plugin_binary);
	b->path = xstrdup(path);
	b->source = xstrdup(in->source);
	b->name = xstrdup(file.name);
	b->version = file.version;
	b->version_text = xstrdup(file.version_text);
	*vec_push(&s->found) = (struct candidate){ b, file };
	file = (struct plugin_file){ 0 };
}

/* ---- folders --------------------------------------------------------------------------- */

static void add_folder(struct search *s, const struct folder *in, const char *name, char *path_take)
{
	*vec_push(&s->todo) = (struct folder){
		.path = path_take,
		.source = *in->source ? xasprintf("%s/%s", in->source, name) : xstrdup(name),
		.depth = in->depth + 1,
	};
}

/* Links to binaries are followed, links to folders are not: they may lead in a circle. */
static void look_at(struct search *s, const struct folder *in, const char *name)
{
	AUTO_FREE char *path = path_join(in->path, name);
	struct stat st;

	if (lstat(path, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode) && in->depth < DEPTH_MAX)
		add_folder(s, in, name, TAKE(path));
	else if (!S_ISDIR(st.st_mode) && stat(path, &st) == 0 && S_ISREG(st.st_mode))
		consider(s, in, name, path);
}

static int look_into(struct search *s, const struct folder *f, struct error **err)
{
	AUTO(strv) struct strv names = STRV_INIT;

	if (fs_list(f->path, &names, err) < 0)
		return -1;
	s->seen += names.len;
	if (s->seen > NAMES_MAX)
		return error_set(err, ERROR_INVALID,
				 "there are more than %d files below the plugin directory '%s'",
				 NAMES_MAX, s->q->dir);
	for (size_t i = 0; i < names.len; i++)
		look_at(s, f, names.v[i]);
	return 0;
}

static int walk(struct search *s, struct error **err)
{
	bool is_top = true;

	while (s->todo.len) {
		AUTO(folder) struct folder f = s->todo.items[--s->todo.len];
		AUTO(error) struct error *e = NULL;

		if (cancel_check(s->c, err) < 0)
			return -1;
		if (look_into(s, &f, &e) < 0) {
			if (is_top || e->kind == ERROR_INVALID)
				return error_move(err, TAKE(e));
			log_debug("plugin", "a folder is passed over: %s", e->message);
		}
		is_top = false;
	}
	return 0;
}

/* ---- order ----------------------------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = strcmp(x->file.name, y->file.name);

	if (order == 0)
		order = version_compare(&x->file.version, &y->file.version);
	if (order == 0)
		order = (x->file.api_minor > y->file.api_minor) -
			(x->file.api_minor < y->file.api_minor);
	return order ? order : strcmp(x->binary->path, y->binary->path);
}

/* ---- contents -------------------------------------------------------------------------- */

static int check_digest(const struct search *s, struct plugin_binary *b, struct error **err)
{
	AUTO_FREE char *sum = NULL;

	if (plugin_sum_read(b->path, &sum, err) < 0 ||
	    digests_of_file(s->q->cache_dir, b->path, DIGEST_SHA256, s->c, &b->digest, err) < 0)
		return -1;
	if (!text_eq(sum, b->digest))
		return error_set(err, ERROR_INVALID,
				 "its SHA-256 is %s, not %s as its checksum file says", b->digest,
				 sum);
	return 0;
}

static int check_contents(const struct search *s, const struct candidate *k, struct error **err)
{
	struct plugin_binary *b = k->binary;
	struct plugin_description *about = &b->about;
	struct version told;

	/* It may have been asked who it is before. */
	if (access(b->path, X_OK) < 0)
		return error_set(err, ERROR_INVALID, "it is not executable");
	if (check_digest(s, b, err) < 0 ||
	    plugin_describe_once(s->q->cache_dir, b->digest, b->path, s->c, about, err) < 0)
		return -1;
	if (!version_parse(about->version, &told) || version_compare(&told, &b->version))
		return error_set(err, ERROR_INVALID, "it says that it is version %s",
				 about->version);
	if (!text_eq(about->api_version, k->file.api))
		return error_set(err, ERROR_INVALID, "it says that it speaks API %s",
				 about->api_version);
	return 0;
}

static bool has_name(const struct plugin_binary_list *l, const char *name)
{
	return l->len && text_eq(l->items[l->len - 1]->name, name);
}

/* Best first: one of the same name as the last one found has lost to it. */
static int choose(struct search *s, struct plugin_binary_list *ret, struct error **err)
{
	for (size_t i = s->found.len; i-- > 0;) {
		struct candidate *k = &s->found.items[i];
		AUTO(error) struct error *e = NULL;

		if (!s->q->all_versions && has_name(ret, k->file.name))
			continue;
		if (check_contents(s, k, &e) == 0)
			*vec_push(ret) = TAKE(k->binary);
		else if (cancel_check(s->c, err) < 0)
			return -1;
		else
			pass_over(s, k->binary->path, e->message);
	}
	for (size_t i = 0; i < ret->len / 2; i++) {
		struct plugin_binary *b = ret->items[i];

		ret->items[i] = ret->items[ret->len - 1 - i];
		ret->items[ret->len - 1 - i] = b;
	}
	return 0;
}

/* ---- the query ------------------------------------------------------------------------- */

/* A source comes from a template: it must not lead out of the plugin directory. */
static int check_source(const char *source, struct error **err)
{
	struct str rest = str_of(source);
	bool ok = strchr(source, '/') && !text_ends_with(source, "/");

	while (ok && rest.len) {
		struct str part = str_split(rest, '/', &rest);

		ok = part.len && !str_is(part, ".") && !str_is(part, "..");
	}
	return ok ? 0 : error_set(err, ERROR_INVALID, "'%s' is not the source of a plugin", source);
}

static int start(struct search *s, struct error **err)
{
	const char *source = s->q->source;
	struct folder top = { .path = xstrdup(s->q->dir), .source = xstrdup("") };

	if (!source) {
		s->prefix = xstrdup(PLUGIN_FILE_PREFIX);
		*vec_push(&s->todo) = top;
		return 0;
	}
	folder_release(&top);
	if (check_source(source, err) < 0)
		return -1;
	top.source = path_dirname(source);
	top.path = path_join(s->q->dir, top.source);
	top.depth = 1;
	for (const char *p = top.source; *p; p++)
		top.depth += *p == '/';
	s->prefix = xasprintf(PLUGIN_FILE_PREFIX "%s_", path_basename(source));
	*vec_push(&s->todo) = top;
	return 0;
}

static int check_constraint(const char *constraint, struct error **err)
{
	struct version any = { 0 };
	bool fits;

	if (!constraint || version_matches(constraint, &any, &fits, err) == 0)
		return 0;
	return error_prefix(err, "'%s' is no version constraint", constraint);
}

int plugin_find(const struct plugin_query *q, struct cancel *c, struct plugin_binary_list *ret,
		struct error **err)
{
	AUTO(search) struct search s = { .q = q, .c = c };
	struct plugin_binary_list list = { 0 };
	enum fs_kind kind;

	if (check_constraint(q->constraint, err) < 0 || start(&s, err) < 0 ||
	    fs_stat_kind(s.todo.items[0].path, &kind, err) < 0)
		return -1;
	if (kind != FS_ABSENT && walk(&s, err) < 0)
		return -1;
	if (s.found.len)
		qsort(s.found.items, s.found.len, sizeof(*s.found.items), by_rank);
	if (choose(&s, &list, err) < 0) {
		plugin_binary_list_release(&list);
		return -1;
	}
	*ret = list;
	return 0;
}
