/* SPDX-License-Identifier: Apache-2.0 */
#include "core/away_image.h"

#include "base/alloc.h"
#include "base/duration.h"
#include "base/str.h"
#include "core/journal_entry.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

enum {
	REMOVE_SEC = 60,
	ASK_SEC = 10,
	OUTPUT_MAX = 64 * 1024,
	/* an engine whose client was killed may be at it still */
	MAKING_MINUTES = 10,
	/* another engine is where it was: that one may come back */
	ELSEWHERE_DAYS = 30,
};

json_t *away_image_note(const struct away_image *i, char *const *env)
{
	json_t *where = json_array();

	for (; env && *env; env++)
		if (journal_is_container_variable(*env))
			(void)json_array_append_new(where, json_string(*env));
	return json_pack("{s:I, s:s, s:s, s:s?, s:s?, s:o}", "bytes", (json_int_t)i->bytes, "tool",
			 i->tool, "name", i->name, "image", i->image, "daemon", i->daemon, "env",
			 where);
}

static const char *text_of(const json_t *note, const char *key)
{
	return json_string_value(json_object_get(note, key));
}

/* Names of ours only: the user's own images are never touched. */
static bool is_ours(const char *name)
{
	static const char letters[] = "0123456789abcdef";
	static const char start[] = AWAY_IMAGE_REPOSITORY ":";

	return text_starts_with(name, start) && name[sizeof(start) - 1] &&
	       !name[sizeof(start) - 1 + strspn(name + sizeof(start) - 1, letters)];
}

bool away_image_read(const json_t *note, struct away_image *ret)
{
	*ret = (struct away_image){
		.tool = text_of(note, "tool"),
		.name = text_of(note, "name"),
		.image = text_of(note, "image"),
		.daemon = text_of(note, "daemon"),
		.bytes = json_integer_value(json_object_get(note, "bytes")),
	};
	return ret->tool && ret->name && is_ours(ret->name) &&
	       journal_may_remove_container(ret->tool, "x");
}

/* ---- removing ------------------------------------------------------------------------------- */

/* All of one call. An engine that cannot be reached is not asked again and again. */
struct removal {
	struct cancel *cancel;
	struct strv unreachable; /* tool and environment */
	size_t left;
};

static void make_env(const json_t *note, struct strv *ret)
{
	const json_t *where = json_object_get(note, "env");

	for (char *const *v = environ; v && *v; v++)
		if (!journal_is_container_variable(*v))
			strv_push(ret, *v);
	for (size_t i = 0; i < json_array_size(where); i++) {
		const char *text = json_string_value(json_array_get(where, i));

		if (text && journal_is_container_variable(text))
			strv_push(ret, text);
	}
}

static char *engine_of(const json_t *note)
{
	AUTO_FREE char *env = json_dumps(json_object_get(note, "env"), JSON_COMPACT);

	return xasprintf("%s %s", text_of(note, "tool"), env ? env : "");
}

static int ask(const struct removal *r, const json_t *note, const struct strv *argv, int seconds,
	       struct strbuf *out, struct error **err)
{
	AUTO(strv) struct strv env = STRV_INIT;
	struct proc_run run = {
		.spec = { .argv = argv, .env = &env },
		.output = out,
		.deadline = clock_deadline(seconds * NSEC_PER_SEC),
	};

	make_env(note, &env);
	return proc_run(&run, r->cancel, NULL, err);
}

static bool says_absent(const char *text)
{
	return strstr(text, "o such image") || strstr(text, "image not known");
}

/* That it is not there says nothing if another engine has taken the place of the one that had it. */
static bool is_other_engine(const struct removal *r, const json_t *note, const struct away_image *i)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(OUTPUT_MAX);
	AUTO(error) struct error *e = NULL;

	if (!i->daemon)
		return false;
	strv_pushl(&argv, i->tool, "info", "--format", "{{.ID}}", NULL);
	if (ask(r, note, &argv, ASK_SEC, &out, &e) < 0) {
		error_ignore(&e, "it has answered a moment ago");
		return true;
	}
	strbuf_rtrim(&out);
	return !text_eq(out.buf, i->daemon);
}

static enum store_gone_end not_there(const struct removal *r, const json_t *note,
				     const struct away_image *i, int64_t since)
{
	int64_t age = clock_wall() - since;
	bool old = age > ELSEWHERE_DAYS * INT64_C(86400) * NSEC_PER_SEC;

	if (!i->image && age < MAKING_MINUTES * INT64_C(60) * NSEC_PER_SEC)
		return STORE_GONE_LATER;
	return !old && is_other_engine(r, note, i) ? STORE_GONE_LATER : STORE_GONE_REMOVED;
}

static enum store_gone_end remove_now(const struct removal *r, const json_t *note,
				      const struct away_image *i, int64_t since, bool *ret_used)
{
	AUTO(strv) struct strv argv = STRV_INIT;
	AUTO(strbuf) struct strbuf out = STRBUF_INIT_MAX(OUTPUT_MAX);
	AUTO(error) struct error *e = NULL;

	strv_pushl(&argv, i->tool, "rmi", i->name, NULL);
	if (ask(r, note, &argv, REMOVE_SEC, &out, &e) == 0)
		return STORE_GONE_REMOVED;
	log_debug("keep", "image %s: %s", i->name, e->message);
	if (e->kind == ERROR_FAILED && says_absent(e->message))
		return not_there(r, note, i, since);
	*ret_used = strstr(e->message, "is using") || strstr(e->message, "in use");
	return e->kind == ERROR_TIMEOUT ? STORE_GONE_PUT_OFF : STORE_GONE_LATER;
}

static enum store_gone_end remove_one(void *data, const json_t *note, int64_t since)
{
	struct removal *r = data;
	AUTO_FREE char *engine = engine_of(note);
	struct away_image i;
	enum store_gone_end end;
	bool used = false;

	if (!away_image_read(note, &i)) {
		log_debug("keep", "a note on what is no image of ours is dropped");
		return STORE_GONE_REMOVED;
	}
	if (cancel_is_triggered(r->cancel) || strv_contains(&r->unreachable, engine)) {
		r->left++;
		return STORE_GONE_LATER;
	}
	end = remove_now(r, note, &i, since, &used);
	if (end == STORE_GONE_REMOVED)
		return end;
	r->left++;
	if (i.image && !used)
		strv_push(&r->unreachable, engine);
	return end;
}

size_t away_images_remove(struct store *s, struct cancel *c)
{
	struct removal r = { .cancel = c, .unreachable = STRV_INIT };
	const struct store_gone g = { remove_one, &r };
	AUTO(error) struct error *e = NULL;

	if (store_gone_each(s, &g, &e) < 0)
		error_ignore(&e, "the next one tries again");
	strv_release(&r.unreachable);
	return r.left;
}
