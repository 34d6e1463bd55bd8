/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/lock_file.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/path.h"
#include "base/str.h"
#include "config/plugin_source.h"
#include "config/version.h"
#include "eval/eval.h"
#include "lang/parser.h"
#include "os/fs.h"
#include "plugin/get/listing.h"
#include "plugin/get/platform.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MODE = 0666 };
#define HASH_PREFIX "sha256:"

static const char *const plugin_labels[] = { "source", NULL };
static const struct block_schema plugin_blocks[] = { { "plugin", plugin_labels }, { 0 } };
static const struct body_schema lock_schema = { .blocks = plugin_blocks };
static const struct attr_schema plugin_attrs[] = {
	{ "version", .required = true }, { "constraint" }, { "hashes" }, { "zip_hashes" }, { 0 },
};
static const struct body_schema plugin_schema = { .attrs = plugin_attrs };

/* ---- life ---------------------------------------------------------------------------------- */

static void entry_free(struct plugin_lock_entry *e)
{
	free(e->source);
	free(e->version);
	free(e->constraint);
	map_release(&e->hashes);
	map_release(&e->zip_hashes);
	free(e);
}

void plugin_lock_release(struct plugin_lock *l)
{
	for (size_t i = 0; i < l->entries.len; i++)
		entry_free(l->entries.items[i]);
	vec_release(&l->entries);
	free(l->path);
	l->path = NULL;
}

struct plugin_lock_entry *plugin_lock_find(const struct plugin_lock *l, const char *source)
{
	for (size_t i = 0; i < l->entries.len; i++)
		if (text_eq(l->entries.items[i]->source, source))
			return l->entries.items[i];
	return NULL;
}

struct plugin_lock_entry *plugin_lock_take_up(struct plugin_lock *l, const char *source)
{
	struct plugin_lock_entry *e = plugin_lock_find(l, source);

	if (e)
		return e;
	e = NEW(struct plugin_lock_entry);
	e->source = xstrdup(source);
	e->version = xstrdup("");
	e->constraint = xstrdup("");
	map_init(&e->hashes, free);
	map_init(&e->zip_hashes, free);
	*vec_push(&l->entries) = e;
	return e;
}

void plugin_lock_remove(struct plugin_lock *l, const char *source)
{
	for (size_t i = 0; i < l->entries.len; i++) {
		if (!text_eq(l->entries.items[i]->source, source))
			continue;
		entry_free(l->entries.items[i]);
		vec_remove(&l->entries, i);
		return;
	}
}

void plugin_lock_set_version(struct plugin_lock_entry *e, const char *version,
			     const char *constraint)
{
	if (!text_eq(e->version, version)) {
		map_release(&e->hashes);
		map_release(&e->zip_hashes);
		free(e->version);
		e->version = xstrdup(version);
	}
	if (text_eq(e->constraint, constraint))
		return;
	free(e->constraint);
	e->constraint = xstrdup(constraint);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* A text without anything to compute; NULL after reporting. */
static struct value *literal(const struct attribute *a, struct diags *diags)
{
	size_t errors = diags->errors;
	struct value *v = eval_expr(a->expr, NULL, diags);

	if (diags->errors == errors && value_is_known(v) && !value_is_null(v))
		return v;
	if (diags->errors == errors)
		diags_error(diags, &a->expr->range, "Invalid value", "A value is required.");
	value_unref(v);
	return NULL;
}

static char *read_text(const struct attribute *a, struct diags *diags)
{
	AUTO(value) struct value *v = literal(a, diags);

	if (!v)
		return NULL;
	if (type_kind(value_type(v)) == TYPE_STRING &&
	    value_string_size(v) == strlen(value_as_string(v)))
		return xstrdup(value_as_string(v));
	diags_error(diags, &a->expr->range, "Invalid value", "A text is required.");
	return NULL;
}

static void read_hash(const struct attribute *a, const char *platform, const struct value *v,
		      struct map *ret, struct diags *diags)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *hex = NULL;
	const char *text = NULL;

	if (!platform_is_valid(platform)) {
		diags_error(diags, &a->expr->range, "Invalid platform",
			    "\"%s\" is no platform, as \"linux_amd64\" is.", platform);
		return;
	}
	if (value_is_known(v) && !value_is_null(v) && type_kind(value_type(v)) == TYPE_STRING)
		text = value_as_string(v);
	if (!text || strlen(text) != strlen(HASH_PREFIX) + 64 ||
	    !text_starts_with(text, HASH_PREFIX) ||
	    listing_read_digest(text + strlen(HASH_PREFIX), 64, &hex, &e) < 0) {
		diags_error(diags, &a->expr->range, "Invalid hash",
			    "The hash for %s must be \"sha256:\" and 64 hex digits.", platform);
		return;
	}
	map_set(ret, platform, TAKE(hex));
}

static void read_hashes(const struct attribute *a, struct map *ret, struct diags *diags)
{
	AUTO(value) struct value *v = NULL;

	if (!a)
		return;
	v = literal(a, diags);
	if (v && type_kind(value_type(v)) != TYPE_OBJECT)
		diags_error(diags, &a->expr->range, "Invalid value",
			    "An object of platforms and hashes is required.");
	else if (v)
		for (size_t i = 0; i < value_len(v); i++)
			read_hash(a, value_key_at(v, i), value_at(v, i), ret, diags);
}

static void read_version(const struct attribute *a, struct plugin_lock_entry *e,
			 struct diags *diags)
{
	AUTO_FREE char *text = a ? read_text(a, diags) : NULL;
	AUTO_FREE char *canonical = NULL;
	struct version v;

	if (!text)
		return;
	canonical = release_version(text, &v);
	if (text_eq(canonical, text)) {
		free(e->version);
		e->version = TAKE(text);
		return;
	}
	diags_error(diags, &a->expr->range, "Invalid version",
		    "The exact version of a release is required, as \"1.2.3\".");
}

static void read_constraint(const struct attribute *a, struct plugin_lock_entry *e,
			    struct diags *diags)
{
	AUTO_FREE char *text = a ? read_text(a, diags) : NULL;
	AUTO(error) struct error *why = NULL;
	struct version any;
	bool fits;

	if (text_is_empty(text))
		return;
	(void)version_parse("0", &any);
	if (version_matches(text, &any, &fits, &why) < 0) {
		diags_error(diags, &a->expr->range, "Invalid version constraint", "%s",
			    why->message);
		return;
	}
	free(e->constraint);
	e->constraint = TAKE(text);
}

static void read_block(struct plugin_lock *l, const struct block *b, struct arena *arena,
		       struct diags *diags)
{
	AUTO(error) struct error *why = NULL;
	AUTO_FREE char *source = str_dup(b->labels[0]);
	struct plugin_lock_entry *e;
	struct content c = { 0 };

	body_content(b->body, &plugin_schema, arena, &c, diags);
	if (plugin_source_check(source, &why) < 0) {
		diags_error(diags, &b->range, "Invalid source", "%s", why->message);
		return;
	}
	if (plugin_lock_find(l, source)) {
		diags_error(diags, &b->range, "Duplicate plugin",
			    "\"%s\" is in the file already; keep one of the two blocks.", source);
		return;
	}
	e = plugin_lock_take_up(l, source);
	read_version(content_attr(&c, "version"), e, diags);
	read_constraint(content_attr(&c, "constraint"), e, diags);
	read_hashes(content_attr(&c, "hashes"), &e->hashes, diags);
	read_hashes(content_attr(&c, "zip_hashes"), &e->zip_hashes, diags);
}

int plugin_lock_parse(const char *text, size_t len, const char *name, struct plugin_lock *ret,
		      struct error **err)
{
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf why = STRBUF_INIT;
	const struct source *src = sources_add(sources, name, text, len);
	struct body *body = parse_file(src, arena, &diags);
	struct content top = { 0 };

	if (!diags_has_errors(&diags))
		body_content(body, &lock_schema, arena, &top, &diags);
	for (size_t i = 0; i < top.block_count && !diags_has_errors(&diags); i++)
		read_block(ret, top.blocks[i], arena, &diags);
	if (!diags_has_errors(&diags))
		return 0;
	diags_format_error(&why, &diags);
	error_set(err, ERROR_INVALID, "%s", why.buf);
	return error_hint(err, "repair the file, or take it back from version control; "
			       "'ingot init' makes a new one when it is removed");
}

int plugin_lock_read(const char *folder, struct plugin_lock *ret, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(plugin_lock) struct plugin_lock l = { .path = path_join(folder, PLUGIN_LOCK_NAME) };
	AUTO(error) struct error *e = NULL;

	if (fs_read(l.path, PLUGIN_LOCK_MAX, &text, &e) == 0)
		l.exists = true;
	else if (e->kind != ERROR_NOT_FOUND)
		return error_move(err, TAKE(e));
	if (l.exists && plugin_lock_parse(text.buf, text.len, l.path, &l, err) < 0)
		return -1;
	*ret = l;
	l = (struct plugin_lock){ 0 };
	return 0;
}

/* ---- checking ------------------------------------------------------------------------------ */

int plugin_lock_allows(const struct plugin_lock *l, const struct plugin_lock_entry *e,
		       const char *constraint, struct error **err)
{
	struct version v;
	bool fits = false;

	if (version_parse(e->version, &v) && version_matches(constraint, &v, &fits, err) < 0)
		return -1;
	if (fits)
		return 0;
	error_set(err, ERROR_INVALID, "'%s' says version %s, and the template wants \"%s\"",
		  l->path, e->version, constraint);
	return error_hint(err, "'ingot init -upgrade' chooses anew, and changes the lock file");
}

int plugin_lock_check(const struct plugin_lock *l, const char *source, const char *version,
		      const char *digest, const char *platform, struct error **err)
{
	const struct plugin_lock_entry *e = plugin_lock_find(l, source);
	const char *want = e ? map_get(&e->hashes, platform) : NULL;

	if (!e)
		return 0;
	if (!text_eq(e->version, version)) {
		error_set(err, ERROR_INVALID,
			  "version %s of plugin '%s' is installed, and '%s' says %s", version,
			  source, l->path, e->version);
		return error_hint(err,
				  "'ingot init' installs %s; 'ingot init -upgrade' moves the "
				  "lock file forward",
				  e->version);
	}
	if (!want || text_eq(want, digest))
		return 0;
	error_set(err, ERROR_INVALID,
		  "plugin '%s' %s for %s is not the file that '%s' speaks of: it has sha256:%s, "
		  "wanted is sha256:%s",
		  source, version, platform, l->path, digest, want);
	return error_hint(err, "'ingot init -force' fetches it again; if you know why it differs, "
			       "remove its hash from the lock file and run 'ingot init'");
}

/* ---- writing ------------------------------------------------------------------------------- */

static void format_hashes(struct strbuf *sb, const char *name, const struct map *hashes)
{
	AUTO(strv) struct strv platforms = STRV_INIT;

	if (!hashes->len)
		return;
	for (size_t i = 0; i < hashes->len; i++)
		strv_push(&platforms, hashes->entries[i].key);
	strv_sort(&platforms);
	strbuf_addf(sb, "%s = {\n", name);
	for (size_t i = 0; i < platforms.len; i++)
		strbuf_addf(sb, "%s = \"" HASH_PREFIX "%s\"\n", platforms.v[i],
			    (const char *)map_get(hashes, platforms.v[i]));
	strbuf_addstr(sb, "}\n");
}

static int by_source(const void *a, const void *b)
{
	const struct plugin_lock_entry *const *x = a, *const *y = b;

	return strcmp((*x)->source, (*y)->source);
}

static void format_entry(struct strbuf *sb, const struct plugin_lock_entry *e)
{
	strbuf_addf(sb, "\nplugin \"%s\" {\nversion = \"%s\"\n", e->source, e->version);
	if (*e->constraint) {
		/* It came through the parser of constraints: nothing in it is a template. */
		strbuf_addstr(sb, "constraint = ");
		encode_go_quoted(sb, e->constraint, strlen(e->constraint));
		strbuf_addch(sb, '\n');
	}
	format_hashes(sb, "hashes", &e->hashes);
	format_hashes(sb, "zip_hashes", &e->zip_hashes);
	strbuf_addstr(sb, "}\n");
}

void plugin_lock_format(struct strbuf *sb, const struct plugin_lock *l)
{
	AUTO(strbuf) struct strbuf plain = STRBUF_INIT;
	AUTO(sources) struct sources *sources = sources_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	struct plugin_lock_entries sorted = { 0 };

	for (size_t i = 0; i < l->entries.len; i++)
		*vec_push(&sorted) = l->entries.items[i];
	if (sorted.len)
		qsort(sorted.items, sorted.len, sizeof(*sorted.items), by_source);
	strbuf_addstr(&plain, "# Written by 'ingot init'; keep it under version control.\n");
	for (size_t i = 0; i < sorted.len; i++)
		format_entry(&plain, sorted.items[i]);
	vec_release(&sorted);
	/* In the layout that `fmt` would give it. */
	if (!hcl_format_into(sources_add(sources, PLUGIN_LOCK_NAME, plain.buf, plain.len), sb,
			     &diags))
		strbuf_add(sb, plain.buf, plain.len);
}

int plugin_lock_write(struct plugin_lock *l, struct error **err)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT, old = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;

	plugin_lock_format(&text, l);
	if (fs_read(l->path, PLUGIN_LOCK_MAX, &old, &e) == 0 && old.len == text.len &&
	    !memcmp(old.buf, text.buf, text.len))
		return 0;
	if (fs_write_atomic(l->path, text.buf, text.len, FILE_MODE, err) < 0)
		return -1;
	l->exists = true;
	return 0;
}
