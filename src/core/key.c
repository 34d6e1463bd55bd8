/* SPDX-License-Identifier: Apache-2.0 */
#include "core/key.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/redact.h"
#include "base/str.h"
#include "core/key_making.h"
#include "tmpl/tmpl.h"

/* Raised when a key comes to mean something else, or a default to do something else. */
#define KEY_FORMAT "1"

enum { SECRET_SIZE = 32, LINES_MAX = 2000 };

static void release_input(struct key_input *in)
{
	free(in->name);
	free(in->digest);
	free(in->lines);
}

void step_key_release(struct step_key *k)
{
	for (size_t i = 0; i < k->inputs.len; i++)
		release_input(&k->inputs.items[i]);
	vec_release(&k->inputs);
	free(k->hex);
	free(k->stamp);
	free(k->never);
	*k = (struct step_key){ 0 };
}

/* ---- what takes part ------------------------------------------------------------------------ */

void key_never(struct key_making *k, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	va_list ap;
	if (k->key->never)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	k->key->never = strbuf_detach(&sb);
}

static void add_mark(const struct key_making *k, struct strbuf *marks, struct str line)
{
	AUTO(digest) struct digest *d = digest_new_hmac(DIGEST_SHA256, k->m->secret, SECRET_SIZE);
	unsigned char out[DIGEST_MAX];
	digest_add(d, line.p, line.len);
	digest_finish(d, out);
	encode_hex(marks, out, 4);
}

/* NULL when they are too many. */
static char *mark_lines(const struct key_making *k, const char *text, size_t len)
{
	AUTO(strbuf) struct strbuf marks = STRBUF_INIT;
	struct str rest = { text, len };
	for (size_t n = 0; rest.len; n++) {
		if (n == LINES_MAX)
			return NULL;
		add_mark(k, &marks, str_split(rest, '\n', &rest));
	}
	return strbuf_detach(&marks);
}

/* Two scripts of one name are "script a.sh" and "script a.sh (2)". */
static char *distinct_name(struct key_making *k, const char *name)
{
	size_t n = (size_t)map_get(&k->names, name) + 1;
	map_set(&k->names, name, (void *)n);
	return n == 1 ? xstrdup(name) : xasprintf("%s (%zu)", name, n);
}

static void push_input(struct key_making *k, const char *name, const char *hex, char *lines)
{
	if (name)
		*vec_push(&k->key->inputs) = (struct key_input){
			.name = distinct_name(k, name),
			.digest = xstrdup(hex),
			.lines = lines,
		};
	else
		free(lines);
}

static bool has_secret(struct key_making *k, const char *data, size_t len, const char *known)
{
	return k->m->redactor && redactor_has(k->m->redactor, data, len, known);
}

/* Of a text that holds a secret it can be made on this host only. */
static char *digest_of(struct key_making *k, const void *data, size_t len, bool *ret_secret)
{
	*ret_secret = has_secret(k, data, len, NULL);
	if (*ret_secret)
		k->key->has_secret |= has_secret(k, data, len, k->login);
	AUTO(digest)
	struct digest *d = *ret_secret ? digest_new_hmac(DIGEST_SHA256, k->m->secret, SECRET_SIZE)
				       : digest_new(DIGEST_SHA256);
	digest_add(d, data, len);
	return digest_finish_hex(d);
}

void key_add_hidden(struct key_making *k, const char *field, const void *data, size_t len)
{
	bool secret;
	AUTO_FREE char *hex = digest_of(k, data, len, &secret);
	digest_add_field(k->digest, field, hex, strlen(hex));
}

void key_add_digest(struct key_making *k, const char *field, const char *name, const char *hex)
{
	digest_add_field(k->digest, field, hex, strlen(hex));
	push_input(k, name, hex, NULL);
}

void key_add(struct key_making *k, const char *field, const char *name, const void *data,
	     size_t len, enum key_text kind)
{
	bool secret;
	AUTO_FREE char *hex = digest_of(k, data, len, &secret);
	bool marked = kind == KEY_TEXT && !secret && name;
	digest_add_field(k->digest, field, hex, strlen(hex));
	push_input(k, name, hex, marked ? mark_lines(k, data, len) : NULL);
}

static bool is_in(const char *const *names, const char *name)
{
	for (size_t i = 0; names && names[i]; i++)
		if (text_eq(names[i], name))
			return true;
	return false;
}

/* ---- what is known of build.* before the build runs --------------------------------------------- */

static void set_text(struct map *fields, const char *name, const char *text)
{
	if (text)
		map_set(fields, name, value_string(text));
}

static const char *source_text(const struct key_making *k, const char *attr)
{
	const struct plan_build *b = k->m->build;
	return schema_text(b->type->schema, b->config, attr);
}

/* These the template decides: they are texts like all others. */
static struct value *known_values(const struct key_making *k)
{
	const char *communicator = source_text(k, "communicator");
	bool is_winrm = text_eq(communicator, "winrm");
	const char *user = source_text(k, is_winrm ? "winrm_username" : "ssh_username");
	const char *password = source_text(k, is_winrm ? "winrm_password" : "ssh_password");
	struct map fields;
	value_map_init(&fields);
	set_text(&fields, "ConnType", communicator ? communicator : "ssh");
	set_text(&fields, "User", user ? user : "");
	set_text(&fields, "Password", password ? password : "");
	set_text(&fields, "WinRMPassword", is_winrm && password ? password : "");
	if (k->m->build->type->known)
		k->m->build->type->known(k->m->build->config, &fields);
	return value_object_take(&fields);
}

/* Functions of expressions are noted for that alone. */
static bool is_new_each_time(const char *use)
{
	static const char *const templates[] = {
		"{{ timestamp }}", "{{ isotime }}", "{{ strftime }}", "{{ uuid }}", NULL,
	};
	return text_ends_with(use, "()") || is_in(templates, use);
}

/* `known`: build.* values that the template decides; NULL: all are. */
static void look_at_uses(struct key_making *k, const struct strv *uses, const struct value *known)
{
	for (size_t i = 0; i < uses->len; i++) {
		const char *use = uses->v[i];
		bool is_build = text_eq(use, "build") || text_starts_with(use, "build.");
		if (is_build && known && !text_eq(use, "build.name") &&
		    (!use[strlen("build")] || !value_get(known, use + strlen("build."))))
			key_never(k, "it uses %s, which is known only while the build runs", use);
		else if (is_new_each_time(use))
			key_never(k, "it uses %s, which is new in each run", use);
	}
}

/* ---- members of a configuration ----------------------------------------------------------------- */

struct members {
	struct key_making *k;
	struct value *known;
	struct strv *uses;
	struct error **err;
	bool has_place; /* what acts on this host only, but says where the result is, counts */
};

struct late_text {
	struct members *of;
	struct map fields;
	struct strbuf *out;
	bool added; /* a field was not there: once more */
};

static bool is_build_name(const struct key_making *k, const char *name)
{
	return is_in(config_build_names, name) || is_in(plan_generated_names(k->m->build), name);
}

/* Fields that the step itself provides, as {{ .Path }}, stand for themselves. */
static void note_late(void *data, enum tmpl_use what, struct str name)
{
	struct late_text *l = data;
	AUTO_FREE char *key = str_dup(name);
	bool is_own = what == TMPL_USES_FIELD && name.len && !is_build_name(l->of->k, key);
	if (!is_own) {
		plan_look_note(l->of->uses, what, name);
	} else if (!map_has(&l->fields, key)) {
		map_set(&l->fields, key, value_string(key));
		l->added = true;
	}
}

static char *render_once(struct late_text *l, const char *text, struct error **err)
{
	const struct component_info *info = &l->of->k->m->build->info;
	struct map copy;
	value_map_init(&copy);
	for (size_t i = 0; i < l->fields.len; i++)
		map_set(&copy, l->fields.entries[i].key, value_ref(l->fields.entries[i].value));
	AUTO(value) struct value *data = value_object_take(&copy);
	const struct tmpl_ctx t = {
		.data = data,
		.build_name = info->source_name,
		.build_type = info->builder_type,
		.build = l->of->known,
		.build_names = config_build_names,
		.packer_version = COMPAT_VERSION,
		.user = info->user_variables,
		.world = info->world,
		.used = note_late,
		.used_data = l,
	};
	l->added = false;
	return tmpl_render(text, &t, err);
}

static void render_late(void *data, const char *text)
{
	enum { ROUNDS = 8 };
	struct late_text *l = data;
	AUTO_FREE char *done = NULL;
	for (int i = 0; i < ROUNDS && strstr(text, "{{"); i++) {
		AUTO(error) struct error *e = NULL;
		free(done);
		done = render_once(l, text, &e);
		if (!l->added) {
			if (!done)
				key_never(l->of->k,
					  "it has a template that cannot be rendered before "
					  "it runs: %s",
					  e->message);
			break;
		}
	}
	if (done)
		strbuf_add(l->out, done, strlen(done) + 1);
}

/* Written as it is and with what it would become, as far as that is known. */
static void add_late(struct members *m, const struct attr *a, const void *member,
		     struct strbuf *out)
{
	struct late_text l = { .of = m, .out = out };
	value_map_init(&l.fields);
	for (size_t i = 0; i < value_len(m->known); i++)
		map_set(&l.fields, value_key_at(m->known, i), value_ref(value_at(m->known, i)));
	set_text(&l.fields, "Name", source_text(m->k, "vm_name")); /* it may be typed in */
	schema_each_text(a, member, render_late, &l);
	map_release(&l.fields);
}

static void append_line(void *data, const char *text)
{
	strbuf_addf(data, "%s\n", text);
}

static bool is_readable(const struct attr *a)
{
	return a->kind == ATTR_KIND_STRING || a->kind == ATTR_KIND_STRINGS;
}

static void add_member(struct members *m, const struct attr *a, const void *member)
{
	struct key_making *k = m->k;
	AUTO(strbuf) struct strbuf bytes = STRBUF_INIT, text = STRBUF_INIT;
	schema_encode(&bytes, a, member);
	if (is_readable(a))
		schema_each_text(a, member, append_line, &text);
	if (a->flags & ATTR_LATE)
		add_late(m, a, member, &text);
	k->key->names_build |= key_names_build(bytes.buf, bytes.len);
	/* One after the other: the count of elements is in the first. */
	key_add_hidden(k, a->name, bytes.buf, bytes.len);
	if (text.len)
		key_add(k, a->name, a->name, text.buf, text.len, KEY_TEXT);
	else
		key_add(k, a->name, a->name, bytes.buf, bytes.len, KEY_BYTES);
}

struct local_files {
	struct members *of;
	const char *what;
	bool is_script;
};

static void add_file(void *data, const char *path)
{
	struct local_files *f = data;
	struct members *m = f->of;
	if (!*m->err && *path)
		(void)!key_add_path(m->k, f->what, path, f->is_script, m->err);
}

/* "scripts" are read one by one. */
static void add_files(struct members *m, const struct attr *a, const void *member)
{
	size_t len = strlen(a->name);
	bool is_many = a->kind == ATTR_KIND_STRINGS && len > 1 && a->name[len - 1] == 's';
	AUTO_FREE char *what = xstrndup(a->name, len - is_many);
	struct local_files f = { m, what, text_eq(what, "script") };
	schema_each_text(a, member, add_file, &f);
}

static void take_nested(void *data, const struct attr *a, const void *member);

/* Their texts count as those of the block; here it is about the content of files. */
static void add_nested_files(struct members *m, const struct attr *a, const void *member)
{
	const struct block_list *list = member;

	if (a->kind == ATTR_KIND_BLOCK)
		schema_each_set(a->sub, *(const void *const *)member, take_nested, m);
	for (size_t i = 0; a->kind == ATTR_KIND_BLOCKS && i < list->len; i++)
		schema_each_set(a->sub, (const char *)list->v + i * a->sub->size, take_nested, m);
}

static void take_nested(void *data, const struct attr *a, const void *member)
{
	struct members *m = data;

	if (!*m->err && (a->flags & ATTR_LOCAL_FILE))
		add_files(m, a, member);
	else
		add_nested_files(m, a, member);
}

static void take_member(void *data, const struct attr *a, const void *member)
{
	struct members *m = data;
	if (*m->err || ((a->flags & ATTR_OUTSIDE) && !m->has_place))
		return;
	if (a->flags & ATTR_LOCAL_FILE)
		add_files(m, a, member);
	else
		add_member(m, a, member);
	add_nested_files(m, a, member);
}

/* ---- making ----------------------------------------------------------------------------------------- */

static void making_init(struct key_making *k, const struct key_maker *m, const char *kind,
			const struct step_key *before, struct step_key *key)
{
	*key = (struct step_key){ 0 };
	*k = (struct key_making){
		.m = m,
		.key = key,
		.digest = digest_new(DIGEST_SHA256),
		.stamp = digest_new(DIGEST_SHA256),
		.paths = STRV_INIT,
	};
	k->login = source_text(k, "ssh_password");
	digest_add_field(k->digest, "ingot " KEY_FORMAT, kind, strlen(kind));
	if (!before)
		return;
	key->has_secret = before->has_secret;
	key->names_build = before->names_build;
	if (before->hex)
		digest_add_field(k->digest, "before", before->hex, strlen(before->hex));
}

/* Releases everything but the key, and that too after an error. */
static int making_end(struct key_making *k, const struct step_key *before, int r)
{
	if (r == 0 && !k->key->never && (!before || before->hex))
		k->key->hex = digest_finish_hex(k->digest);
	k->key->stamp = digest_finish_hex(k->stamp);
	if (r < 0)
		step_key_release(k->key);
	digest_free(k->digest);
	digest_free(k->stamp);
	map_release(&k->globbed);
	strv_release(&k->paths);
	map_release(&k->names);
	return r;
}

static void add_field(struct key_making *k, const char *field, const char *text)
{
	digest_add_field(k->digest, field, text ? text : "", text ? strlen(text) : 0);
}

static void add_shown(struct key_making *k, const char *name, const char *text)
{
	if (!text_is_empty(text))
		key_add(k, name, name, text, strlen(text), KEY_TEXT);
}

static void add_program(struct key_making *k, const char *digest)
{
	if (digest)
		key_add_digest(k, "program", "its plugin", digest);
}

static int first_error(const struct diags *diags, struct error **err)
{
	for (size_t i = 0; i < diags->len; i++) {
		const struct diag *d = &diags->items[i];
		if (d->severity == DIAG_ERROR)
			return error_set(err, ERROR_INVALID, "%s%s%s", d->summary,
					 text_is_empty(d->detail) ? "" : ": ", d->detail);
	}
	return error_set(err, ERROR_FAILED, "the configuration cannot be read again");
}

/* ---- the machine --------------------------------------------------------------------------------- */

static void take_field(void *watcher, const char *name, const void *data, size_t len)
{
	struct key_making *k = watcher;
	k->key->names_build |= key_names_build(data, len);
	key_add(k, name, name, data, len, KEY_TEXT);
}

static int add_fingerprint(struct key_making *k, struct error **err)
{
	const struct plan_build *b = k->m->build;
	AUTO(digest) struct digest *d = digest_new(DIGEST_SHA256);
	AUTO(error) struct error *e = NULL;
	if (b->type->foreign) {
		key_never(k, "only its plugin knows what a %s build starts from", b->type->name);
		return 0;
	}
	if (!b->type->fingerprint) {
		if (b->type->never_reused)
			key_never(k, "%s", b->type->never_reused);
		else
			key_never(k, "a %s build has no machine of its own", b->type->name);
		return 0;
	}
	digest_watch(d, take_field, k);
	if (b->type->fingerprint(b->config, k->m->ctx, d, &e) == 0) {
		if (k->m->ctx->resolved.never)
			key_never(k, "%s", k->m->ctx->resolved.never);
		return 0;
	}
	if (!k->m->ctx->look_only || e->kind != ERROR_NOT_FOUND)
		return error_move(err, TAKE(e));
	key_never(k, "%s", e->message);
	return 0;
}

/* Who logs in, and how, decides as whom steps run. */
static void take_login(void *data, const struct attr *a, const void *member)
{
	static const char *const login[] = {
		"communicator",   "ssh_username", "ssh_pty", "ssh_file_transfer_method",
		"winrm_username", NULL,
	};
	if (is_in(login, a->name))
		add_member(data, a, member);
}

/* What is typed into the machine or said to its emulator, as far as it is known before. Ports and
 * addresses of this host and temporary keys are new each time and make no difference. */
static void take_late(void *data, const struct attr *a, const void *member)
{
	if (a->flags & ATTR_LATE)
		add_member(data, a, member);
}

int key_start(const struct key_maker *m, struct step_key *ret, struct error **err)
{
	const struct plan_build *b = m->build;
	struct key_making k;
	AUTO(strv) struct strv late = STRV_INIT;
	making_init(&k, m, "machine", NULL, ret);
	AUTO(value) struct value *known = known_values(&k);
	struct members members = { &k, known, &late, err, false };
	add_field(&k, "builder", b->type->name);
	schema_each_set(b->type->schema, b->config, take_login, &members);
	schema_each_set(b->type->schema, b->config, take_late, &members);
	look_at_uses(&k, &late, NULL);
	return making_end(&k, NULL, add_fingerprint(&k, err));
}

/* ---- steps -------------------------------------------------------------------------------------------- */

static int add_inputs(struct key_making *k, const struct text_list *patterns, struct error **err)
{
	for (size_t i = 0; patterns && i < patterns->len; i++)
		if (key_add_pattern(k, patterns->v[i], err) < 0)
			return -1;
	return 0;
}

static int add_further_files(struct key_making *k, const struct plan_step *step, const void *config,
			     struct error **err)
{
	AUTO(strv) struct strv files = STRV_INIT;
	if (!step->type->local_files || k->may_lack)
		return 0;
	if (step->type->local_files(config, &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.len; i++)
		if (key_add_further(k, files.v[i], err) < 0)
			return -1;
	return 0;
}

static void add_build_name(struct key_making *k, const struct plan_step *step)
{
	const struct component_info *info = &k->m->build->info;
	if (!step->type->gets_build_name || !k->key->names_build)
		return;
	add_shown(k, "PACKER_BUILD_NAME", info->source_name);
	add_shown(k, "PACKER_BUILDER_TYPE", info->builder_type);
}

static void look_for_barrier(struct key_making *k, const struct plan_step *step, const void *config)
{
	const char *why = step->type->barrier
				  ? step->type->barrier(config, step->block->cache_inputs != NULL)
				  : NULL;
	if (step->block->cache == TRIBOOL_FALSE)
		key_never(k, "cache = false");
	if (why)
		key_never(k, "%s", why);
}

static int add_configuration(struct key_making *k, const struct schema *schema,
			     const struct plan_look *look, struct value *known, bool has_place,
			     struct error **err)
{
	AUTO(strv) struct strv late = STRV_INIT;
	struct members m = { k, known, &late, err, has_place };
	look_at_uses(k, &look->uses, known);
	k->may_lack = k->key->never != NULL;
	schema_each_set(schema, look->given, take_member, &m);
	look_at_uses(k, &late, known);
	return *err ? -1 : 0;
}

static int add_step(struct key_making *k, const struct plan_step *step, struct error **err)
{
	const struct key_maker *m = k->m;
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(value) struct value *known = known_values(k);
	struct plan_look look = { .build_values = known,
				  .cancel = m->ctx->cancel,
				  .uses = STRV_INIT };
	plan_look_at_step(m->plan, m->build, step, arena, &look, &diags);
	int r = look.config ? 0 : first_error(&diags, err);
	if (r == 0) {
		look_for_barrier(k, step, look.config);
		add_field(k, "provisioner", step->type->name);
		add_program(k, step->type->program);
		r = add_configuration(k, step->type->schema, &look, known, false, err);
	}
	if (r == 0)
		r = add_inputs(k, step->block->cache_inputs, err);
	if (r == 0)
		r = add_further_files(k, step, look.config, err);
	if (r == 0)
		add_build_name(k, step);
	plan_look_release(&look);
	return r;
}

int key_step(const struct key_maker *m, size_t i, const struct step_key *before,
	     struct step_key *ret, struct error **err)
{
	struct key_making k;
	making_init(&k, m, "step", before, ret);
	return making_end(&k, before, add_step(&k, &m->build->steps[i], err));
}

/* ---- what comes out --------------------------------------------------------------------------------------- */

int key_artifact(const struct key_maker *m, const struct step_key *before, struct step_key *ret,
		 struct error **err)
{
	const struct plan_build *b = m->build;
	struct key_making k;
	AUTO(strv) struct strv late = STRV_INIT;
	making_init(&k, m, "artifact", before, ret);
	AUTO(value) struct value *known = known_values(&k);
	struct members members = { &k, known, &late, err, false };
	add_field(&k, "builder", b->type->name);
	schema_each_set(b->type->schema, b->config, take_member, &members);
	return making_end(&k, before, *err ? -1 : 0);
}

static int add_post(struct key_making *k, const struct plan_post *post, struct error **err)
{
	const struct key_maker *m = k->m;
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(value) struct value *known = known_values(k);
	struct plan_look look = { .build_values = known,
				  .cancel = m->ctx->cancel,
				  .uses = STRV_INIT };
	plan_look_at_post(m->plan, m->build, post, arena, &look, &diags);
	int r = look.config ? 0 : first_error(&diags, err);
	if (post->type->never_reused)
		key_never(k, "%s", post->type->never_reused);
	add_field(k, "post-processor", post->type->name);
	add_program(k, post->type->program);
	/* Names of outputs may be made of them. */
	add_field(k, "build", m->build->info.build_name);
	add_field(k, "source", m->build->info.source_name);
	if (r == 0)
		r = add_configuration(k, post->type->schema, &look, known, true, err);
	plan_look_release(&look);
	return r;
}

int key_post(const struct key_maker *m, const struct plan_post *post, const struct step_key *before,
	     struct step_key *ret, struct error **err)
{
	struct key_making k;
	making_init(&k, m, "post-processor", before, ret);
	return making_end(&k, before, add_post(&k, post, err));
}
