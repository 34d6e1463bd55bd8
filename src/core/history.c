/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a history is JSON:
 *   {"format":1,"version":"0.1.0","steps":[{"kind":"step","type":"shell","name":"app","key":HEX,
 *    "inputs":[[NAME,DIGEST,MARKS]],"ran":SECONDS,"failed":true,"ms":[12,13]}]}
 * It is renamed into place and not synced: torn by a power cut it counts as none.
 */
#include "core/history.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/duration.h"
#include "base/path.h"
#include "base/str.h"
#include "core/history_steps.h"
#include "core/json_text.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY_DIR "history"

enum {
	FORMAT = 1,
	NAME_LENGTH = 64, /* of SHA-256 in hex */
	READ_MAX = 8 * 1024 * 1024,
	INPUTS_MAX = 1000,      /* of a step, each by itself; the rest as one */
	MARKS_MAX = 512 * 1024, /* bytes in a file; what comes later has none */
};

STRING_TABLE(history_kind, HISTORY_KIND_COUNT, "start", "connect", "step", "finish", "post");

/* ---- steps ---------------------------------------------------------------------------- */

static void release_inputs(struct key_inputs *v)
{
	for (size_t i = 0; i < v->len; i++) {
		free(v->items[i].name);
		free(v->items[i].digest);
		free(v->items[i].lines);
	}
	vec_release(v);
}

static void release_steps(struct history_steps *v)
{
	for (size_t i = 0; i < v->len; i++) {
		struct history_step *s = &v->items[i];

		free(s->type);
		free(s->name);
		free(s->key);
		release_inputs(&s->inputs);
	}
	vec_release(v);
}

static struct history_step *add_step(struct history *h, enum history_kind kind, size_t i,
				     const char *type, const char *name)
{
	struct history_step *s = vec_push(&h->now);

	s->kind = kind;
	s->index = i;
	s->type = xstrdup(type);
	s->name = redactor_copy(h->redactor, name);
	return s;
}

static void add_places(struct history *h, const struct plan_build *b)
{
	size_t posts = 0;

	add_step(h, HISTORY_START, 0, b->type->name, NULL);
	add_step(h, HISTORY_CONNECT, 0, "connect", NULL);
	for (size_t i = 0; i < b->step_count; i++)
		add_step(h, HISTORY_STEP, i, b->steps[i].type->name, b->steps[i].block->name);
	add_step(h, HISTORY_FINISH, 0, b->type->name, NULL);
	for (size_t i = 0; i < b->chain_count; i++)
		for (size_t k = 0; k < b->chains[i].len; k++) {
			const struct plan_post *p = &b->chains[i].items[k];

			add_step(h, HISTORY_POST, posts++, p->type->name, p->block->name)->chain =
				i;
		}
}

struct history_step *history_find(const struct history *h, enum history_kind kind, size_t i)
{
	for (size_t k = 0; k < h->now.len; k++)
		if (h->now.items[k].kind == kind && h->now.items[k].index == i)
			return &h->now.items[k];
	assert(!"a place of the build");
	return NULL;
}

/* ---- reading -------------------------------------------------------------------------- */

static char *text_in(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? xstrdup(text) : NULL;
}

static bool read_kind(json_t *o, enum history_kind *ret)
{
	const char *name = json_string_value(json_object_get(o, "kind"));

	for (int i = 0; i < HISTORY_KIND_COUNT; i++)
		if (text_eq(name, history_kind_names[i])) {
			*ret = (enum history_kind)i;
			return true;
		}
	return false;
}

static void read_input(json_t *o, struct key_inputs *ret)
{
	const char *name = json_string_value(json_array_get(o, 0));
	const char *digest = json_string_value(json_array_get(o, 1));
	const char *lines = json_string_value(json_array_get(o, 2));

	if (!name || !digest)
		return;
	*vec_push(ret) = (struct key_input){ .name = xstrdup(name),
					     .digest = xstrdup(digest),
					     .lines = lines ? xstrdup(lines) : NULL };
}

static void read_step(struct history *h, json_t *o)
{
	json_t *inputs = json_object_get(o, "inputs"), *ms = json_object_get(o, "ms");
	AUTO_FREE char *type = text_in(o, "type");
	enum history_kind kind;
	struct history_step *s;

	if (!type || !read_kind(o, &kind))
		return;
	s = vec_push(&h->then);
	s->kind = kind;
	s->type = TAKE(type);
	s->name = text_in(o, "name");
	s->key = text_in(o, "key");
	s->is_noted = json_is_array(inputs);
	s->ran = json_integer_value(json_object_get(o, "ran")) * NSEC_PER_SEC;
	s->failed = json_is_true(json_object_get(o, "failed"));
	for (size_t i = 0; i < h->then.len - 1; i++)
		s->index += h->then.items[i].kind == kind;
	for (size_t i = 0; i < json_array_size(inputs); i++)
		read_input(json_array_get(inputs, i), &s->inputs);
	for (size_t i = 0; i < json_array_size(ms) && i < HISTORY_RUNS; i++)
		s->durations[s->duration_count++] =
			json_integer_value(json_array_get(ms, i)) * NSEC_PER_MSEC;
}

static void read_file(struct history *h)
{
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	AUTO(error) struct error *e = NULL;
	json_t *o, *steps;

	if (fs_read(h->path, READ_MAX, &text, &e) < 0) {
		error_ignore(&e, "then nothing is known");
		return;
	}
	o = json_loadb(text.buf, text.len, 0, NULL);
	steps = json_object_get(o, "steps");
	if (json_integer_value(json_object_get(o, "format")) == FORMAT) {
		h->version = text_in(o, "version");
		for (size_t i = 0; i < json_array_size(steps); i++)
			read_step(h, json_array_get(steps, i));
	}
	json_decref(o);
}

/* The same name may be there twice: a build without a name uses a source that another one uses. */
static char *make_name(const char *template_path, const struct plan *p, const struct plan_build *b)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	size_t nth = 0;

	for (const struct plan_build *k = p->builds; k < b; k++)
		nth += !strcmp(k->name, b->name);
	digest_add_field(d, "template", template_path, strlen(template_path));
	digest_add_field(d, "build", b->name, strlen(b->name));
	for (; nth; nth--)
		digest_add_field(d, "next", "", 0);
	return digest_finish_hex(d);
}

struct history *history_load(const char *state_dir, const char *template_path, const struct plan *p,
			     const struct plan_build *b)
{
	AUTO_FREE char *name = make_name(template_path, p, b);
	struct history *h = NEW(struct history);

	h->dir = path_join(state_dir, HISTORY_DIR);
	h->path = path_join(h->dir, name);
	h->redactor = p->options.redactor;
	add_places(h, b);
	read_file(h);
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	release_steps(&h->then);
	release_steps(&h->now);
	free(h->version);
	free(h->dir);
	free(h->path);
	free(h);
}

/* ---- noting --------------------------------------------------------------------------- */

static struct key_input input_copy(const struct history *h, const struct key_input *in)
{
	return (struct key_input){ .name = redactor_copy(h->redactor, in->name),
				   .digest = xstrdup(in->digest),
				   .lines = in->lines ? xstrdup(in->lines) : NULL };
}

/* A folder of thousands of files: that one of the many is another is all there is to say. */
static void fold_inputs(const struct key_inputs *from, struct key_inputs *to)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);

	for (size_t i = INPUTS_MAX; i < from->len; i++) {
		const struct key_input *in = &from->items[i];

		digest_add_field(d, "name", in->name, strlen(in->name));
		digest_add_field(d, "digest", in->digest, strlen(in->digest));
	}
	*vec_push(to) = (struct key_input){ .name = xstrdup("one of many files"),
					    .digest = digest_finish_hex(d) };
}

void history_note_key(struct history *h, enum history_kind kind, size_t i,
		      const struct step_key *key)
{
	struct history_step *s = history_find(h, kind, i);

	free(TAKE(s->key));
	release_inputs(&s->inputs);
	s->is_noted = true;
	s->key = key->hex ? xstrdup(key->hex) : NULL;
	for (size_t k = 0; k < MIN(key->inputs.len, (size_t)INPUTS_MAX); k++)
		*vec_push(&s->inputs) = input_copy(h, &key->inputs.items[k]);
	if (key->inputs.len > INPUTS_MAX)
		fold_inputs(&key->inputs, &s->inputs);
	h->is_matched = false;
}

void history_note_end(struct history *h, enum history_kind kind, size_t i,
		      enum history_outcome outcome, int64_t duration)
{
	struct history_step *s = history_find(h, kind, i);

	s->outcome = outcome;
	s->duration = duration;
}

/* ---- writing -------------------------------------------------------------------------- */

static json_t *inputs_json(const struct key_inputs *inputs, size_t *room)
{
	json_t *all = json_array();

	for (size_t i = 0; i < inputs->len; i++) {
		const struct key_input *in = &inputs->items[i];
		size_t len = in->lines ? strlen(in->lines) : 0;
		json_t *o = json_array();

		json_array_append_new(o, json_text(in->name));
		json_array_append_new(o, json_text(in->digest));
		if (len && len <= *room) {
			json_array_append_new(o, json_text(in->lines));
			*room -= len;
		}
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *durations_json(const struct history_step *s)
{
	const struct history_step *last = s->last;
	bool adds = s->outcome == HISTORY_DONE;
	json_t *all = json_array();
	size_t n = last ? last->duration_count : 0;

	for (size_t i = n == HISTORY_RUNS && adds; i < n; i++)
		json_array_append_new(all, json_integer(last->durations[i] / NSEC_PER_MSEC));
	if (adds)
		json_array_append_new(all, json_integer(s->duration / NSEC_PER_MSEC));
	return all;
}

/* What decided it is told of the run that came that far. */
static json_t *step_json(const struct history_step *s, size_t *room)
{
	bool was_reached = s->outcome != HISTORY_NOT_RUN;
	const struct history_step *facts = (was_reached && s->is_noted) || !s->last ? s : s->last;
	bool failed = s->outcome == HISTORY_FAILED || (!was_reached && facts->failed);
	int64_t ran = s->last ? s->last->ran : 0;
	json_t *o = json_object();

	if (s->outcome == HISTORY_DONE || s->outcome == HISTORY_FAILED)
		ran = clock_wall();
	json_set_text(o, "kind", history_kind_names[s->kind]);
	json_set_text(o, "type", s->type);
	json_set_text(o, "name", s->name);
	if (facts != s || was_reached)
		json_set_text(o, "key", facts->key);
	if (facts->is_noted)
		json_object_set_new(o, "inputs", inputs_json(&facts->inputs, room));
	if (ran)
		json_object_set_new(o, "ran", json_integer(ran / NSEC_PER_SEC));
	if (failed)
		json_object_set_new(o, "failed", json_true());
	json_object_set_new(o, "ms", durations_json(s));
	return o;
}

static char *make_text(const struct history *h)
{
	json_t *o = json_object(), *steps = json_array();
	size_t room = MARKS_MAX;
	char *text;

	json_object_set_new(o, "format", json_integer(FORMAT));
	json_set_text(o, "version", INGOT_VERSION);
	for (size_t i = 0; i < h->now.len; i++)
		json_array_append_new(steps, step_json(&h->now.items[i], &room));
	json_object_set_new(o, "steps", steps);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

static int write_file(const struct history *h, const char *text, struct error **err)
{
	AUTO_FREE char *temp = NULL;
	AUTO_CLOSE int fd = -1;
	int r;

	if (fs_temp_file(h->dir, ".new-", "", &temp, &fd, err) < 0)
		return -1;
	r = fs_write_all(fd, text, strlen(text), h->path, err);
	if (r == 0)
		r = fs_rename(temp, h->path, err);
	if (r < 0)
		(void)unlink(temp);
	return r;
}

/* ---- removing -------------------------------------------------------------------------- */

int history_prune(const char *state_dir, int64_t before, size_t max, int *ret_removed,
		  struct error **err)
{
	AUTO_FREE char *dir = path_join(state_dir, HISTORY_DIR);

	return fs_prune(dir, before, max, ret_removed, err);
}

/* ---- saving ---------------------------------------------------------------------------- */

int history_save(struct history *h, struct error **err)
{
	AUTO_FREE char *text = NULL;
	bool is_new = !fs_exists(h->path);
	int removed;

	if (is_new && fs_mkdir_all(h->dir, 0700, err) < 0)
		return -1;
	history_match(h);
	text = make_text(h);
	if (write_file(h, text, err) < 0)
		return -1;
	return is_new ? fs_prune(h->dir, 0, HISTORY_FILES_MAX, &removed, err) : 0;
}
