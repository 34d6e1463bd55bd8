/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/get/get.h"

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/log.h"
#include "plugin/find.h"
#include "plugin/get/folder.h"
#include "plugin/get/platform.h"
#include "plugin/get/unzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BINARY_MODE = 0755 };

void plugin_got_release(struct plugin_got *g)
{
	free(g->path);
	free(g->version);
	free(g->digest);
	map_release(&g->zips);
	*g = (struct plugin_got){ 0 };
}

void plugin_lock_note(struct plugin_lock_entry *e, const char *platform,
		      const struct plugin_got *got)
{
	map_set(&e->hashes, platform, xstrdup(got->digest));
	for (size_t i = 0; i < got->zips.len; i++)
		map_set(&e->zip_hashes, got->zips.entries[i].key,
			xstrdup(got->zips.entries[i].value));
}

/* One way through plugin_get(). */
struct getting {
	const struct plugin_getting *g;
	const struct plugin_want *w;
	struct plugin_address address;
	struct fetcher fetcher;
	struct asking asking;
	struct cancel *cancel;
	struct strbuf why; /* a line for each place and version that had nothing */
	char *what;        /* for progress: "amazon 1.3.2" */
};

static void getting_release(struct getting *t)
{
	plugin_address_release(&t->address);
	strbuf_release(&t->why);
	free(t->what);
}

static void on_progress(void *data, int64_t done, int64_t total)
{
	struct getting *t = data;

	if (t->g->progress)
		t->g->progress(t->g->data, t->what, done, total);
}

static void note(struct getting *t, const char *why)
{
	log_debug("plugin", "%s: %s", t->w->source, why);
	strbuf_addf(&t->why, "\n* %s", why);
}

/* ---- what was fetched ---------------------------------------------------------------------- */

/* The program says what it is; *ret_why when it is another version than its release. */
static int ask(struct getting *t, const char *binary, const char *version, char **ret_why,
	       struct error **err)
{
	struct plugin_description about = { 0 };
	struct version want, says;
	int r = 0;

	if (t->g->is_foreign)
		return 0;
	if (plugin_describe(binary, t->cancel, &about, err) < 0)
		return error_prefix(err, "version %s of plugin '%s' cannot say what it is", version,
				    t->w->source);
	if (!version_parse(version, &want) || !version_parse(about.version, &says))
		r = error_set(err, ERROR_INVALID,
			      "the binary of plugin '%s' %s says that its version is '%s'",
			      t->w->source, version, about.version);
	else if (*says.pre)
		r = error_set(err, ERROR_INVALID,
			      "the binary of plugin '%s' %s says that it is the pre-release %s",
			      t->w->source, version, about.version);
	else if (version_compare(&want, &says) != 0)
		*ret_why = xasprintf("the binary of version %s says that its version is %s",
				     version, about.version);
	else if (!text_eq(about.api_version, PLUGIN_API))
		*ret_why = xasprintf("the binary of version %s speaks %s, not " PLUGIN_API, version,
				     about.api_version);
	plugin_description_release(&about);
	return r;
}

/* What the lock file says of the release itself, before anything is fetched. */
static int check_zip(struct getting *t, const char *version, const struct release *r,
		     struct error **err)
{
	const struct plugin_lock *l = t->w->lock;
	const struct plugin_lock_entry *e = l ? plugin_lock_find(l, t->w->source) : NULL;
	const char *want;

	if (!e || !r->is_zip || !text_eq(e->version, version))
		return 0;
	want = map_get(&e->zip_hashes, t->g->platform);
	if (!want || text_eq(want, r->digest))
		return 0;

	AUTO_FREE char *shown = fetch_shown(r->place);

	error_set(err, ERROR_INVALID,
		  "%s is not the file that '%s' speaks of: its release says sha256:%s, wanted is "
		  "sha256:%s",
		  shown, l->path, r->digest, want);
	return error_hint(err, "somebody replaced the release; if that is right, remove its hashes "
			       "from the lock file");
}

static int check_binary(struct getting *t, const char *version, const char *digest,
			struct error **err)
{
	const struct plugin_lock *l = t->w->lock;
	const struct plugin_lock_entry *e = l ? plugin_lock_find(l, t->w->source) : NULL;

	if (!e || !text_eq(e->version, version))
		return 0;
	return plugin_lock_check(l, t->w->source, version, digest, t->g->platform, err);
}

/* ---- one release --------------------------------------------------------------------------- */

/* The program of the release in a file of its own, in f->temp. */
static int fetch_binary(struct getting *t, const struct plugin_folder *f, const struct release *r,
			char **ret, struct error **err)
{
	AUTO_FREE char *fetched = path_join(f->temp, "fetched");
	AUTO_FREE char *binary = path_join(f->temp, "binary");
	AUTO_FREE char *shown = fetch_shown(r->place);

	if (fetch_file(&t->fetcher, r->place, r->digest, fetched, t->cancel, err) < 0)
		return -1;
	if (r->is_zip) {
		if (unzip_entry(fetched, r->binary, binary, t->cancel, err) < 0)
			return error_prefix(err, "%s", shown);
		*ret = TAKE(binary);
		return 0;
	}
	if (chmod(fetched, BINARY_MODE) < 0)
		return error_set_errno(err, errno, "cannot change the mode of '%s'", fetched);
	*ret = TAKE(fetched);
	return 0;
}

/* Fetches it unless it is there; *ret_why: it is not what it should be. */
static int install(struct getting *t, const struct plugin_folder *f, const char *version,
		   const struct release *r, struct plugin_got *got, char **ret_why,
		   struct error **err)
{
	AUTO_FREE char *binary = NULL, *digest = NULL;

	if (!t->w->force && plugin_folder_has(f, r->binary, t->cancel, &got->digest, err) < 0)
		return -1;
	if (got->digest) {
		got->was_there = true;
		got->path = path_join(f->path, r->binary);
		return check_binary(t, version, got->digest, err);
	}
	if (check_zip(t, version, r, err) < 0 || fetch_binary(t, f, r, &binary, err) < 0 ||
	    fs_digest(binary, DIGEST_SHA256, t->cancel, &digest, err) < 0 ||
	    check_binary(t, version, digest, err) < 0 || ask(t, binary, version, ret_why, err) < 0)
		return -1;
	if (*ret_why)
		return 0;
	got->digest = TAKE(digest);
	return plugin_folder_put(f, binary, r->binary, got->digest, &got->path, err);
}

static int try_version(struct getting *t, const struct place *p, const char *version,
		       struct plugin_got *got, char **ret_why, struct error **err)
{
	AUTO(release) struct release r = { 0 };
	AUTO(plugin_folder) struct plugin_folder f = PLUGIN_FOLDER_INIT;
	AUTO_FREE char *folder = path_join(t->g->dir, t->address.source);

	free(t->what);
	t->what = xasprintf("%s %s", t->address.name, version);
	if (p->ops->release(p, &t->asking, version, &r, ret_why, err) < 0)
		return -1;
	if (*ret_why)
		return 0;
	if (plugin_folder_open(&f, folder, t->cancel, err) < 0 ||
	    install(t, &f, version, &r, got, ret_why, err) < 0)
		return -1;
	if (*ret_why)
		return 0;
	got->version = xstrdup(version);
	got->zips = r.zips;
	map_init(&r.zips, free);
	return 0;
}

/* ---- places -------------------------------------------------------------------------------- */

/* The versions of a place that fit, highest first; none when another place is to be asked. */
static int choose(struct getting *t, const struct place *p, struct version_list *ret,
		  struct error **err)
{
	AUTO(error) struct error *e = NULL;
	AUTO_FREE char *shown = fetch_shown(p->base);

	if (p->ops->versions(p, &t->asking, ret, &e) < 0) {
		AUTO_FREE char *why = xstrdup(e->message);

		if (e->hint && !p->is_mirror) {
			free(why);
			why = xasprintf("%s\n  %s", e->message, e->hint);
		}
		if (cancel_check(t->cancel, err) < 0)
			return -1;
		/* What a mirror does not have is fetched elsewhere; one that fails is not passed by. */
		if (p->is_mirror && e->kind != ERROR_NOT_FOUND) {
			error_move(err, TAKE(e));
			return error_prefix(err, "cannot read the mirror");
		}
		if (!p->is_mirror || p->ops == &place_plain)
			note(t, why);
		return 0;
	}
	if (version_list_choose(ret, t->w->constraint, err) < 0)
		return -1;
	if (ret->len)
		return 0;

	AUTO_FREE char *none = xasprintf("%s: no release version found for constraints: \"%s\"",
					 shown, t->w->constraint ? t->w->constraint : "");

	note(t, none);
	return 0;
}

/* 1: got it, 0: there is nothing here. */
static int try_place(struct getting *t, const struct place *p, struct plugin_got *got,
		     struct error **err)
{
	AUTO(version_list) struct version_list versions = { 0 };

	if (choose(t, p, &versions, err) < 0)
		return -1;
	for (size_t i = 0; i < versions.len; i++) {
		AUTO_FREE char *why = NULL;

		plugin_got_release(got);
		if (try_version(t, p, versions.items[i].text, got, &why, err) < 0)
			return -1;
		if (!why)
			return 1;
		note(t, why);
	}
	return 0;
}

static int nothing_found(struct getting *t, bool served, struct error **err)
{
	const char *source = t->w->source;

	if (!served && !text_starts_with(source, "github.com/")) {
		error_set(err, ERROR_NOT_FOUND,
			  "\"%s\" doesn't appear to be a valid \"github.com\" source address; "
			  "check source and try again.",
			  source);
		return error_hint(err, "INGOT_PLUGIN_MIRROR may name a folder or a server that has "
				       "plugins of other hosts");
	}
	if (!served)
		return error_set(err, ERROR_NOT_FOUND,
				 "Invalid github.com URI \"%s\": a Github-compatible source must "
				 "be in the github.com/<namespace>/<name> format.",
				 source);
	return error_set(err, ERROR_NOT_FOUND,
			 "could not install any compatible version of plugin \"%s\"%s", source,
			 t->why.buf);
}

static int try_places(struct getting *t, struct plugin_got *got, struct error **err)
{
	bool served = false;

	for (size_t i = 0; i < t->g->places->len; i++) {
		const struct place *p = &t->g->places->items[i];
		int r;

		if (!p->ops->serves(&t->address))
			continue;
		served = true;
		r = try_place(t, p, got, err);
		if (r)
			return r < 0 ? -1 : 0;
	}
	return nothing_found(t, served, err);
}

int plugin_get(const struct plugin_getting *g, const struct plugin_want *w, struct cancel *c,
	       struct plugin_got *ret, struct error **err)
{
	struct getting t = {
		.g = g,
		.w = w,
		.cancel = c,
		.why = STRBUF_INIT,
		.fetcher = { .http = g->http,
			     .plain_proxy = g->plain_proxy,
			     .progress = on_progress,
			     .data = &t },
	};
	AUTO(plugin_got) struct plugin_got got = { 0 };
	int r;

	t.asking = (struct asking){
		.fetcher = &t.fetcher, .address = &t.address, .platform = g->platform, .cancel = c
	};
	r = plugin_address_parse(w->source, &t.address, err);

	if (r == 0)
		r = try_places(&t, &got, err);
	if (r == 0) {
		*ret = got;
		got = (struct plugin_got){ 0 };
	}
	getting_release(&t);
	return r;
}
