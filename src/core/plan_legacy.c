/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components of legacy templates (legacy-json.md 7.6 to 9): every text of an
 * option is a template, conversions are weak, and mistakes are told per build,
 * in the reference's words.
 */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/suggest.h"
#include "base/vec.h"
#include "config/fix/fix.h"
#include "core/planner.h"
#include "eval/eval.h"
#include "tmpl/tmpl.h"

#include <strings.h>

enum { FINDINGS_SHOWN_MAX = 1000 };

VEC_DECLARE(option_list, struct raw_option);

struct preparation {
	const struct component_job *job;
	struct arena *arena;
	struct diags *diags;
	struct tmpl_ctx tmpl;
	struct func_world world;
	struct value *data; /* owned; NULL for builders */
	const char *summary;
};

/* A list of mistakes on its way to one diagnostic. */
struct findings {
	struct strv texts;
	struct range at; /* of the first */
};

PRINTF(3, 4)
static void find(struct findings *f, struct range at, const char *fmt, ...)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	if (f->texts.len == 0)
		f->at = at;
	strv_push(&f->texts, sb.buf);
}

/* ---- templates ------------------------------------------------------------------------- */

static void place(struct map *fields, const char *name)
{
	AUTO_FREE char *text = tmpl_placeholder_of(name);
	map_set(fields, name, value_string(text));
}

/* Everything that can be asked of the build; real values where they are known. */
static struct value *build_data(const struct component_job *job)
{
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; config_build_names[i]; i++)
		place(&fields, config_build_names[i]);
	const char *const *names = plan_generated_names(job->build);
	for (size_t i = 0; names && names[i]; i++)
		place(&fields, names[i]);
	const struct value *real = job->build_values;
	for (size_t i = 0; real && i < value_len(real); i++)
		map_set(&fields, value_key_at(real, i), value_ref(value_at(real, i)));
	return value_object_take(&fields);
}

static void preparation_init(struct preparation *p, const struct component_job *job,
			     struct arena *arena, struct diags *diags)
{
	const struct config *c = job->plan->config;
	*p = (struct preparation){ .job = job, .arena = arena, .diags = diags, .world = *c->world };
	p->world.base_dir = c->legacy->base_dir;
	if (job->cancel)
		p->world.cancel = job->cancel;
	p->data = job->has_build ? build_data(job) : NULL;
	p->tmpl = (struct tmpl_ctx){
		.data = p->data,
		.world = &p->world,
		.build_name = job->build->info.source_name,
		.build_type = job->build->info.builder_type,
		.user = c->legacy->user,
		.packer_version = COMPAT_VERSION,
	};
	look_at_templates(job->look, &p->tmpl);
	p->summary = arena_printf(arena, "Failed to prepare build: \"%s\"", job->build->name);
}

/* Which option is looked at, and what is wrong with it. */
struct rendering {
	struct preparation *p;
	const struct raw_option *option;
	bool is_late; /* only looked at */
	struct findings *invalid, *failed;
};

static struct value *render_text(struct rendering *r, const char *text)
{
	AUTO(error) struct error *e = NULL;
	if (!strstr(text, "{{"))
		return value_string(text);
	if (tmpl_check(text, &r->p->tmpl, &e) < 0) {
		find(r->invalid, r->option->range, "invalid '%s': %s in:\n\n%s", r->option->name,
		     e->message, text);
		return value_string(text);
	}
	if (r->is_late)
		return value_string(text);
	AUTO_FREE char *out = tmpl_render(text, &r->p->tmpl, &e);
	if (!out)
		find(r->failed, r->option->range, "render '%s': %s in:\n\n%s", r->option->name,
		     e->message, text);
	return value_string(out ? out : text);
}

static struct value *render_value(struct rendering *r, struct value *v);

static struct value *render_object(struct rendering *r, const struct value *v)
{
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < value_len(v); i++) {
		AUTO(value) struct value *key = render_text(r, value_key_at(v, i));
		map_set(&fields, value_as_string(key), render_value(r, value_at(v, i)));
	}
	return value_object_take(&fields);
}

static struct value *render_list(struct rendering *r, const struct value *v)
{
	size_t n = value_len(v);
	AUTO_FREE struct value **items = xcalloc(n + 1, sizeof(struct value *));
	for (size_t i = 0; i < n; i++)
		items[i] = render_value(r, value_at(v, i));
	return value_tuple_take(items, n);
}

static struct value *render_value(struct rendering *r, struct value *v)
{
	if (value_is_null(v) || !value_is_known(v))
		return value_ref(v);
	switch (type_kind(value_type(v))) {
	case TYPE_STRING:
		return render_text(r, value_as_string(v));
	case TYPE_TUPLE:
		return render_list(r, v);
	case TYPE_OBJECT:
		return render_object(r, v);
	default:
		return value_ref(v);
	}
}

static void render_options(struct preparation *p, struct option_list *options,
			   struct findings *invalid, struct findings *failed)
{
	for (size_t i = 0; i < options->len; i++) {
		struct raw_option *o = &options->items[i];
		const struct attr *a = schema_attr_any_case(p->job->schema, o->name);
		struct rendering r = { p, o, a && (a->flags & ATTR_LATE), invalid, failed };
		o->value = value_keep(p->arena, render_value(&r, o->value));
	}
}

/* ---- options ------------------------------------------------------------------------------ */

static void options_of_body(struct preparation *p, struct option_list *ret)
{
	struct content content = { 0 };
	body_attributes(p->job->body, p->arena, &content, p->diags);
	for (size_t i = 0; i < content.attr_count; i++) {
		const struct attribute *a = content.attrs[i];
		struct value *v = value_keep(p->arena, eval_expr(a->expr, NULL, p->diags));
		*vec_push(ret) =
			(struct raw_option){ arena_strndup(p->arena, a->name.p, a->name.len), v,
					     a->expr->range };
	}
}

static bool is_object(const struct value *v)
{
	return v && !value_is_null(v) && type_kind(value_type(v)) == TYPE_OBJECT;
}

static void options_of_override(struct preparation *p, struct option_list *ret)
{
	const struct value *v = p->job->override;
	for (size_t i = 0; is_object(v) && i < value_len(v); i++)
		*vec_push(ret) =
			(struct raw_option){ value_key_at(v, i), value_at(v, i), p->job->range };
}

static void check_names(const struct preparation *p, const struct option_list *options,
			struct findings *unknown)
{
	for (size_t i = 0; i < options->len; i++) {
		const struct raw_option *o = &options->items[i];
		if (schema_attr_any_case(p->job->schema, o->name) || text_eq(o->name, "type") ||
		    text_starts_with(o->name, "packer_"))
			continue;
		if (fix_is_deprecated(p->job->component_id, o->name))
			find(unknown, o->range,
			     "Deprecated configuration key: '%s'. Please call `packer fix` against "
			     "your template to update your template to be compatible with the "
			     "current version of Packer. Visit "
			     "https://www.packer.io/docs/commands/fix/ for more detail.",
			     o->name);
		else
			find(unknown, o->range, "unknown configuration key: '\"%s\"'", o->name);
	}
}

/* ---- mistakes ----------------------------------------------------------------------------------- */

/* `N errors occurred:` with the mistakes in order; false if there are any. */
static bool report_several(struct preparation *p, struct findings *f)
{
	if (!f->texts.len)
		return true;
	strv_sort(&f->texts);
	size_t count = f->texts.len;
	while (f->texts.len > FINDINGS_SHOWN_MAX)
		strv_remove(&f->texts, f->texts.len - 1);
	if (count > FINDINGS_SHOWN_MAX)
		strv_pushf(&f->texts, "and %zu more", count - FINDINGS_SHOWN_MAX);
	AUTO_FREE char *all = strv_join(&f->texts, "\n\t* ");
	if (count == 1)
		diags_error(p->diags, &f->at, p->summary, "1 error occurred:\n\t* %s\n\n", all);
	else
		diags_error(p->diags, &f->at, p->summary, "%zu errors occurred:\n\t* %s\n\n", count,
			    all);
	return false;
}

static void findings_release(struct findings *f)
{
	strv_release(&f->texts);
}

/* A finding of ours: what it says becomes the detail. */
static void move_finding(struct preparation *p, const struct diag *d)
{
	bool has_detail = !text_is_empty(d->detail), is_error = d->severity == DIAG_ERROR;
	struct range at = d->subject.source ? d->subject : p->job->range;
	AUTO_FREE char *text = xasprintf("%s%s%s", d->summary, has_detail ? "\n\n" : "",
					 has_detail ? d->detail : "");
	if (is_error) {
		diags_error(p->diags, &at, p->summary, "%s", text);
		return;
	}
	AUTO_FREE char *summary =
		xasprintf("Warning when preparing build: \"%s\"", p->job->build->name);
	diags_warning(p->diags, &at, summary, "%s", text);
}

/* Conversions that failed are one list, all else is reported one by one. */
static void report_decoding(struct preparation *p, const struct diags *found)
{
	struct findings bad = { .texts = STRV_INIT };
	for (size_t i = 0; i < found->len; i++) {
		const struct diag *d = &found->items[i];
		if (text_is_empty(d->summary))
			find(&bad, d->subject, "%s", d->detail);
		else
			move_finding(p, d);
	}
	if (bad.texts.len) {
		strv_sort(&bad.texts);
		AUTO_FREE char *all = strv_join(&bad.texts, "\n* ");
		diags_error(p->diags, &bad.at, p->summary, "%zu error(s) decoding:\n\n* %s",
			    bad.texts.len, all);
	}
	findings_release(&bad);
}

/* ---- one component ------------------------------------------------------------------------------- */

static bool render_all(struct preparation *p, struct option_list *main, struct option_list *over)
{
	struct findings invalid = { .texts = STRV_INIT }, failed = { .texts = STRV_INIT };
	render_options(p, main, &invalid, &failed);
	render_options(p, over, &invalid, &failed);
	bool ok = report_several(p, &invalid) && report_several(p, &failed);
	findings_release(&invalid);
	findings_release(&failed);
	return ok;
}

static bool names_are_known(struct preparation *p, const struct option_list *main,
			    const struct option_list *over)
{
	struct findings unknown = { .texts = STRV_INIT };
	check_names(p, main, &unknown);
	check_names(p, over, &unknown);
	bool ok = report_several(p, &unknown);
	findings_release(&unknown);
	return ok;
}

static void add_secret(void *data, const char *text)
{
	redactor_add(data, text, strlen(text));
}

static void run_prepare(struct preparation *p, const struct decoded *d, void *config)
{
	AUTO(diags) struct diags found = DIAGS_INIT;
	const struct prepare_ctx ctx = {
		.info = &p->job->build->info,
		.decoded = d,
		.block = p->job->body,
		.generated_names = p->job->has_build ? plan_generated_names(p->job->build) : NULL,
		.arena = p->arena,
		.dirs = p->job->plan->options.dirs,
		.cwd = p->job->plan->options.cwd,
		.cancel = p->job->cancel ? p->job->cancel : p->job->plan->options.cancel,
	};
	if (p->job->prepare && !(p->job->foreign && p->job->look))
		p->job->prepare(config, &ctx, &found);
	for (size_t i = 0; i < found.len; i++)
		move_finding(p, &found.items[i]);
}

static void *decode(struct preparation *p, const struct option_list *main,
		    const struct option_list *over, struct decoded *d)
{
	const struct component_job *job = p->job;
	AUTO(diags) struct diags found = DIAGS_INIT;
	struct decoded second;
	schema_decode_options(job->schema, main->items, main->len, job->range, p->arena, d, &found);
	if (over->len) {
		schema_decode_options(job->schema, over->items, over->len, job->range, p->arena,
				      &second, &found);
		schema_merge(d, &second, p->arena);
	}
	void *config = arena_alloc(p->arena, job->schema->size);
	schema_fill(d, config, p->arena, &found);
	report_decoding(p, &found);
	if (job->plan->options.redactor)
		schema_each_secret(job->schema, config, add_secret, job->plan->options.redactor);
	return config;
}

/* A foreign one gets what is written: it renders, converts and complains itself. */
static void *take_foreign(struct preparation *p, const struct option_list *options)
{
	struct map fields;
	value_map_init(&fields);
	for (size_t i = 0; i < options->len; i++)
		map_set(&fields, options->items[i].name, value_ref(options->items[i].value));
	struct foreign_config *config =
		foreign_take(p->job->foreign, value_object_take(&fields), p->arena);
	config->override = p->job->override;
	return config;
}

static void *make_native(struct preparation *p, struct option_list *main, struct decoded *d,
			 bool *ret_known)
{
	struct option_list over = { 0 };
	void *config = NULL;
	options_of_override(p, &over);
	if (render_all(p, main, &over))
		config = decode(p, main, &over, d);
	*ret_known = config && names_are_known(p, main, &over);
	vec_release(&over);
	return config;
}

const void *legacy_component_prepare(const struct component_job *job, struct arena *arena,
				     struct diags *diags)
{
	struct preparation p;
	struct option_list main = { 0 };
	size_t errors = diags->errors;
	struct decoded *d = job->foreign ? NULL : ARENA_NEW(arena, struct decoded);
	void *config = NULL;
	bool is_known = true;
	preparation_init(&p, job, arena, diags);
	options_of_body(&p, &main);
	if (diags->errors == errors)
		config = d ? make_native(&p, &main, d, &is_known) : take_foreign(&p, &main);
	if (config)
		look_at_given(job->look, job->schema, config, arena);
	if (config && is_known && diags->errors == errors)
		run_prepare(&p, d, config);
	vec_release(&main);
	value_unref(p.data);
	return diags->errors > errors ? NULL : config;
}

/* ---- types that nobody provides ------------------------------------------------------------------ */

struct type_check {
	const struct plan_build *build;
	struct arena *arena;
	struct diags *diags;
	bool ok;
};

static void report_unknown(struct type_check *t, const char *noun, const char *type,
			   struct range at, const struct strv *known)
{
	const char *near = suggest(type, (const char *const *)known->v);
	const char *summary =
		arena_printf(t->arena, "Failed to initialize build \"%s\"", t->build->name);
	t->ok = false;
	if (near) {
		diags_error(t->diags, &at, summary, "Did you mean to use \"%s\"?", near);
		return;
	}
	diags_error(t->diags, &at, summary,
		    "The %s %s is unknown by Packer, and is likely part of a plugin that is not "
		    "installed.\nYou may find the needed plugin along with installation "
		    "instructions documented on the Packer integrations page.\n\n"
		    "https://developer.hashicorp.com/packer/integrations?filter=%.*s",
		    noun, type, (int)strcspn(type, "-"), type);
}

static void check_builder(struct type_check *t, const struct components *c)
{
	const struct config_source *s = t->build->source;
	AUTO(strv) struct strv known = STRV_INIT;
	components_names(c, COMPONENT_BUILDER, &known);
	if (!components_builder(c, s->type))
		report_unknown(t, "builder", s->type, s->range, &known);
}

static void check_steps(struct type_check *t, const struct components *c)
{
	const struct config_build *b = t->build->block;
	AUTO(strv) struct strv known = STRV_INIT;
	components_names(c, COMPONENT_PROVISIONER, &known);
	for (size_t i = 0; i < b->provisioner_count; i++) {
		const struct config_provisioner *p = &b->provisioners[i];
		if (!plan_is_skipped(&p->only, &p->except, t->build->source) &&
		    !components_provisioner(c, p->type))
			report_unknown(t, "provisioner", p->type, p->range, &known);
	}
	if (b->error_cleanup && !components_provisioner(c, b->error_cleanup->type))
		report_unknown(t, "provisioner", b->error_cleanup->type, b->error_cleanup->range,
			       &known);
}

static void check_posts(struct type_check *t, const struct components *c)
{
	const struct config_build *b = t->build->block;
	AUTO(strv) struct strv known = STRV_INIT;
	components_names(c, COMPONENT_POSTPROC, &known);
	for (size_t i = 0; i < b->chain_count; i++) {
		for (size_t j = 0; j < b->chains[i].len; j++) {
			const struct config_postprocessor *pp = &b->chains[i].items[j];
			if (!plan_is_skipped(&pp->only, &pp->except, t->build->source) &&
			    !components_postproc(c, pp->type))
				report_unknown(t, "post-processor", pp->type, pp->range, &known);
		}
	}
}

bool legacy_check_build(const struct plan_build *b, const struct components *components,
			struct arena *arena, struct diags *diags)
{
	struct type_check t = { b, arena, diags, true };
	check_builder(&t, components);
	if (t.ok)
		check_steps(&t, components);
	if (t.ok)
		check_posts(&t, components);
	return t.ok;
}
