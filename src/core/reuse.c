/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reuse.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/duration.h"
#include "base/str.h"
#include "os/clock.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void reuse_release(struct reuse *r)
{
	for (size_t i = 0; i < r->len; i++) {
		step_key_release(&r->states[i].key);
		free(r->states[i].ran.v);
		strv_release(&r->states[i].layers);
		free(r->states[i].why);
	}
	free(r->states);
	for (size_t i = 0; i < r->post_count; i++)
		step_key_release(&r->posts[i]);
	free(r->posts);
	step_key_release(&r->artifact);
	step_key_release(&r->final);
	outcome_free(r->outcome);
	*r = (struct reuse){ 0 };
}

bool reuse_is_keyed(const struct step_key *k)
{
	return k->hex && !k->never;
}

/* ---- steps by name --------------------------------------------------------------------------- */

char *reuse_step_name(const struct plan_build *b, size_t state)
{
	const struct plan_step *s;

	if (!state)
		return xstrdup("start");
	s = &b->steps[state - 1];
	return s->block->name ? xasprintf("%s %s", s->type->name, s->block->name)
			      : xstrdup(s->type->name);
}

static int say_steps(const struct plan_build *b, const char *text, const char *problem,
		     struct error **err)
{
	AUTO(strbuf) struct strbuf list = STRBUF_INIT;

	error_set(err, ERROR_NOT_FOUND, "%s: %s '%s'", b->name, problem, text);
	for (size_t i = 1; i <= b->step_count; i++) {
		AUTO_FREE char *name = reuse_step_name(b, i);

		strbuf_addf(&list, "%s%zu (%s)", i > 1 ? ", " : "", i, name);
	}
	return error_hint(err, "its steps are %s", list.len ? list.buf : "none");
}

int reuse_find_step(const struct plan_build *b, const char *text, size_t *ret, struct error **err)
{
	size_t found = 0;
	int64_t n;

	if (parse_int64(text, 10, &n)) {
		if (n < 1 || (size_t)n > b->step_count)
			return say_steps(b, text, "there is no step", err);
		*ret = (size_t)n - 1;
		return 0;
	}
	for (size_t i = 0; i < b->step_count; i++) {
		if (!text_eq(b->steps[i].block->name, text))
			continue;
		*ret = i;
		return 0;
	}
	for (size_t i = 0; i < b->step_count; i++) {
		if (!text_eq(b->steps[i].type->name, text))
			continue;
		*ret = i;
		found++;
	}
	if (found == 1)
		return 0;
	return say_steps(b, text, found ? "several steps are of type" : "there is no step", err);
}

/* ---- how old ------------------------------------------------------------------------------------ */

void reuse_add_age(struct strbuf *sb, int64_t ns)
{
	int64_t grain = ns < 3600 * NSEC_PER_SEC ? NSEC_PER_SEC : 60 * NSEC_PER_SEC;

	if (ns < NSEC_PER_SEC)
		strbuf_addstr(sb, "a moment");
	else
		duration_format_words(sb, ns - ns % grain);
}

static int64_t ttl_of(const struct key_maker *m, const struct reuse_policy *p, size_t state)
{
	int64_t own = state ? m->build->steps[state - 1].block->cache_ttl : 0;

	return own ? MIN(own, p->ttl) : p->ttl;
}

/* NULL: fresh. What ran in the future (the clock was set back) is as good as new. */
static char *too_old(const struct key_maker *m, const struct reuse_policy *p,
		     const struct int64_list *ran)
{
	int64_t now = clock_wall();

	for (size_t i = 0; i < ran->len && i <= m->build->step_count; i++) {
		AUTO(strbuf) struct strbuf age = STRBUF_INIT, ttl = STRBUF_INIT;
		AUTO_FREE char *name = NULL;

		if (now - ran->v[i] <= ttl_of(m, p, i))
			continue;
		name = reuse_step_name(m->build, i);
		reuse_add_age(&age, now - ran->v[i]);
		duration_format_words(&ttl, ttl_of(m, p, i));
		if (!i)
			return xasprintf("the machine started %s ago, longer than %s", age.buf,
					 ttl.buf);
		return xasprintf("step %zu (%s) ran %s ago, longer than %s", i, name, age.buf,
				 ttl.buf);
	}
	return NULL;
}

/* ---- states ------------------------------------------------------------------------------------- */

static void read_ran(const json_t *meta, struct int64_list *ret)
{
	const json_t *ran = json_object_get(meta, "ran");

	ret->v = xcalloc(json_array_size(ran) + 1, sizeof(*ret->v));
	for (size_t i = 0; i < json_array_size(ran); i++)
		ret->v[ret->len++] = json_integer_value(json_array_get(ran, i));
}

static void read_layers(const json_t *meta, struct strv *ret)
{
	const json_t *layers = json_object_get(meta, "layers");

	for (size_t i = 0; i < json_array_size(layers); i++) {
		const json_t *layer = json_array_get(layers, i);
		const char *name = json_string_value(json_object_get(layer, "name"));

		if (name)
			strv_push(ret, name);
	}
}

static bool is_useless(const struct reuse_policy *p, const struct step_key *key)
{
	return p->useless && strv_contains(p->useless, key->hex);
}

/* Sets all but the key, which is `key`. */
static void look_up(const struct key_maker *m, const struct reuse_policy *p, size_t state,
		    const struct step_key *key, struct reuse_state *ret)
{
	json_t *meta;

	strv_init(&ret->layers);
	if (!p->store || !reuse_is_keyed(key) || is_useless(p, key))
		return;
	meta = store_peek(p->store, key->hex);
	if (!meta)
		return;
	read_ran(meta, &ret->ran);
	read_layers(meta, &ret->layers);
	json_decref(meta);
	if (ret->ran.len != state + 1)
		return;
	ret->why = too_old(m, p, &ret->ran);
	ret->kept = !ret->why;
}

bool reuse_is_kept(const struct key_maker *m, const struct reuse_policy *p, size_t state,
		   const struct step_key *key)
{
	struct reuse_state now = { 0 };

	look_up(m, p, state, key, &now);
	free(now.ran.v);
	strv_release(&now.layers);
	free(now.why);
	return now.kept;
}

int reuse_next_key(const struct key_maker *m, size_t i, const struct step_key *before,
		   struct step_key *ret, struct error **err)
{
	if (key_step(m, i, before, ret, err) < 0)
		return -1;
	if (!reuse_is_keyed(before))
		free(TAKE(ret->hex));
	return 0;
}

static int make_states(const struct key_maker *m, const struct reuse_policy *p, struct reuse *r,
		       struct error **err)
{
	r->states = xcalloc(m->build->step_count + 1, sizeof(*r->states));
	for (; r->len <= m->build->step_count; r->len++) {
		struct reuse_state *s = &r->states[r->len];

		if ((r->len ? reuse_next_key(m, r->len - 1, &s[-1].key, &s->key, err)
			    : key_start(m, &s->key, err)) < 0)
			return -1;
		look_up(m, p, r->len, &s->key, s);
	}
	return 0;
}

/* The state that -from or -refresh wants made again; len: none. */
static int asked_state(const struct key_maker *m, const char *step, size_t len, size_t *ret,
		       struct error **err)
{
	AUTO(error) struct error *e = NULL;
	size_t i;

	*ret = len;
	if (!step)
		return 0;
	if (reuse_find_step(m->build, step, &i, &e) == 0) {
		*ret = i + 1;
		return 0;
	}
	if (e->kind != ERROR_NOT_FOUND)
		return error_move(err, TAKE(e));
	error_ignore(&e, "another build has it: the caller has looked");
	return 0;
}

/* Asked only of the state that is to be started from: each question may start a program. */
static bool is_lost(const struct key_maker *m, struct store *store, struct reuse_state *s)
{
	const struct builder_type *type = m->build->type;
	const char *top = s->layers.len ? s->layers.v[s->layers.len - 1] : "";
	json_t *note = type->why_lost && store_is_away(top) ? store_away_read(store, top) : NULL;
	char *why = note ? type->why_lost(m->build->config, m->ctx, note) : NULL;

	json_decref(note);
	if (!why)
		return false;
	free(s->why);
	s->why = why;
	s->kept = false;
	s->lost = true;
	return true;
}

static int choose_begin(const struct key_maker *m, const struct reuse_policy *p, struct reuse *r,
			struct error **err)
{
	size_t from, refresh, i;

	if (asked_state(m, p->from, r->len, &from, err) < 0 ||
	    asked_state(m, p->refresh, r->len, &refresh, err) < 0)
		return -1;
	if (from < r->len && refresh < from)
		return error_set(
			err, ERROR_INVALID,
			"%s: -refresh means step %zu, which -from leaves out: it begins at "
			"step %zu",
			m->build->name, refresh, from);
	for (i = MIN(from, refresh); i > 0; i--)
		if (r->states[i - 1].kept && !is_lost(m, p->store, &r->states[i - 1]))
			break;
	r->begin = i;
	r->is_asked = from < r->len || refresh < r->len;
	if (from < r->len && i < from) {
		AUTO_FREE char *name = reuse_step_name(m->build, from);

		error_set(err, ERROR_INVALID,
			  "%s: cannot begin at step %zu (%s): the state before it is not kept",
			  m->build->name, from, name);
		return error_hint(err, "'ingot plan' shows what is kept and why the rest runs; "
				       "without -from the steps before it run again");
	}
	return 0;
}

/* ---- the finished build ------------------------------------------------------------------------- */

static void mix(struct digest *d, const struct step_key *k)
{
	digest_add_field(d, "post", k->hex ? k->hex : "", k->hex ? strlen(k->hex) : 0);
}

static int make_chain(const struct key_maker *m, const struct plan_chain *chain, struct reuse *r,
		      struct error **err)
{
	const struct step_key *before = &r->artifact;

	for (size_t i = 0; i < chain->len; i++) {
		struct step_key *key = &r->posts[r->post_count];

		if (key_post(m, &chain->items[i], before, key, err) < 0)
			return -1;
		r->post_count++;
		if (!reuse_is_keyed(before))
			free(TAKE(key->hex));
		before = key;
	}
	return 0;
}

/* Each chain starts from the artifact; the whole is known if all of them are. */
static int make_final(const struct key_maker *m, struct reuse *r, struct error **err)
{
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	bool keyed = reuse_is_keyed(&r->artifact);
	size_t count = 0;

	for (size_t i = 0; i < m->build->chain_count; i++)
		count += m->build->chains[i].len;
	r->posts = xcalloc(count + 1, sizeof(*r->posts));
	for (size_t i = 0; i < m->build->chain_count; i++) {
		size_t first = r->post_count;

		if (make_chain(m, &m->build->chains[i], r, err) < 0)
			return -1;
		digest_add_field(d, "chain", "", 0);
		for (size_t k = first; k < r->post_count; k++) {
			keyed &= reuse_is_keyed(&r->posts[k]);
			mix(d, &r->posts[k]);
		}
	}
	mix(d, &r->artifact);
	if (keyed)
		r->final.hex = digest_finish_hex(d);
	return 0;
}

static bool is_there(void *data, struct artifact *a)
{
	const struct key_maker *m = data;
	const struct builder_type *type = m->build->type;

	return type->is_there && type->is_there(m->build->config, m->ctx, a);
}

static int look_at_outcome(const struct key_maker *m, const struct reuse_policy *p, struct reuse *r,
			   struct error **err)
{
	AUTO(error) struct error *e = NULL;

	if (key_artifact(m, &r->states[r->len - 1].key, &r->artifact, err) < 0 ||
	    make_final(m, r, err) < 0)
		return -1;
	if (!reuse_is_keyed(&r->artifact) || p->needs_artifact || r->is_asked)
		return 0;
	const struct outcome_place place = { m->ctx->dirs->state, m->ctx->cwd };
	const struct outcome_judge judge = { is_there, (void *)m };

	if (outcome_load(&place, r->artifact.hex, &judge, &r->outcome, &e) < 0) {
		if (e->kind != ERROR_NOT_FOUND)
			return error_move(err, TAKE(e));
		error_ignore(&e, "it is made, then");
		return 0;
	}

	AUTO_FREE char *why = too_old(m, p, &r->outcome->ran);

	r->built = !why && r->outcome->built;
	r->done = !why && r->outcome->intact && r->final.hex &&
		  text_eq(r->outcome->final, r->final.hex);
	return 0;
}

int reuse_look(const struct key_maker *maker, const struct reuse_policy *policy, struct reuse *ret,
	       struct error **err)
{
	*ret = (struct reuse){ 0 };
	if (make_states(maker, policy, ret, err) == 0 &&
	    choose_begin(maker, policy, ret, err) == 0 &&
	    look_at_outcome(maker, policy, ret, err) == 0)
		return 0;
	reuse_release(ret);
	return -1;
}
