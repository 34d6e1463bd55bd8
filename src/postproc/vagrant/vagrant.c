/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The post-processor `vagrant`: makes a Vagrant box of an artifact
 * (post-processors.md 10). Disks go from where they are into the box, which is
 * compressed on all processors: no copy is made, and holes cost nothing.
 */
#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "core/component.h"
#include "os/fs.h"
#include "postproc/output.h"
#include "postproc/vagrant/provider.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_OUTPUT "packer_{{ .BuildName }}_{{ .Provider }}_{{ .Architecture }}.box"

enum { LEVEL_MAX = 9, TEMPLATE_MAX = 1024 * 1024 };

struct vagrant {
	const char *output;
	int64_t compression_level;
	struct text_list include;
	const char *vagrantfile_template;
	bool vagrantfile_template_generated;
	const char *provider_override;
	const char *architecture;
	struct value *override;
};

static const struct attr vagrant_attrs[] = {
	ATTR_STRING(struct vagrant, output, ATTR_LATE,
		    "The box; fields ArtifactId, BuildName, Provider, Architecture.",
		    .def = DEFAULT_OUTPUT),
	ATTR_INT(struct vagrant, compression_level, 0,
		 "1 (fast) to 9 (small); 0: a plain tar file; -1: the default.", .def = "-1"),
	ATTR_STRINGS(struct vagrant, include, ATTR_LOCAL_FILE,
		     "Files that go into the box, by their base names."),
	ATTR_STRING(struct vagrant, vagrantfile_template, ATTR_LOCAL_FILE,
		    "A file whose text is added to the box's Vagrantfile; templates in it have the "
		    "fields of output."),
	ATTR_BOOL(struct vagrant, vagrantfile_template_generated, 0,
		  "That file is made while the build runs: do not look for it before."),
	ATTR_STRING(struct vagrant, provider_override, 0,
		    "Which of Vagrant's providers the box is for: docker, libvirt or "
		    "qemu. Unset: as the artifact is."),
	ATTR_STRING(struct vagrant, architecture, 0,
		    "What the box says of its architecture; unset: the image's, else this host's."),
	ATTR_VALUE(struct vagrant, override, ATTR_LATE,
		   "Options for one provider in place of those above: name = { options }."),
	ATTR_END,
};
static const struct schema vagrant_schema = SCHEMA(struct vagrant, vagrant_attrs);

/* ---- override -------------------------------------------------------------------------------------- */

static bool is_map(const struct value *v)
{
	const enum type_kind kind = type_kind(value_type(v));

	return (kind == TYPE_OBJECT || kind == TYPE_MAP) && value_is_known(v) && !value_is_null(v);
}

/* The options for a provider alone, or none (false). */
static bool decode_override(const struct vagrant *v, const char *provider, struct range at,
			    struct arena *arena, struct decoded *ret, struct diags *diags)
{
	struct value *options = v->override ? value_get(v->override, provider) : NULL;

	if (!options)
		return false;
	if (!is_map(options)) {
		diags_error(diags, &at, "Wrong override",
			    "What override has for '%s' is not a map of options.", provider);
		return false;
	}
	schema_decode_value(&vagrant_schema, options, at, arena, ret, diags);
	return true;
}

/* What it sets takes the place of the rest. */
static void apply_override(struct vagrant *v, const struct decoded *d, struct arena *arena,
			   struct diags *diags)
{
	struct vagrant over = { 0 };

	schema_fill(d, &over, arena, diags);
	if (decoded_is_set(d, "output") && !text_is_empty(over.output))
		v->output = over.output;
	if (decoded_is_set(d, "compression_level"))
		v->compression_level = over.compression_level;
	if (decoded_is_set(d, "include"))
		v->include = over.include;
	if (decoded_is_set(d, "vagrantfile_template"))
		v->vagrantfile_template = over.vagrantfile_template;
	if (decoded_is_set(d, "vagrantfile_template_generated"))
		v->vagrantfile_template_generated = over.vagrantfile_template_generated;
	if (decoded_is_set(d, "architecture"))
		v->architecture = over.architecture;
}

/* ---- prepare --------------------------------------------------------------------------------------- */

static void check_options(const struct vagrant *v, const struct prepare_ctx *ctx, const char *where,
			  struct diags *diags)
{
	const struct range at = decoded_range(ctx->decoded, where);

	if (v->compression_level < -1 || v->compression_level > LEVEL_MAX)
		diags_error(diags, &at, "Wrong compression level",
			    "compression_level is from -1 to %d.", (int)LEVEL_MAX);
	output_check(ctx, where, v->output, diags);
	if (text_is_empty(v->vagrantfile_template) || v->vagrantfile_template_generated ||
	    strstr(v->vagrantfile_template, "{{")) /* of override: rendered when it runs */
		return;

	AUTO_FREE char *path = path_absolute(ctx->cwd, v->vagrantfile_template);

	if (!fs_exists(path))
		diags_error(diags, &at, "No such file", "vagrantfile_template '%s' does not exist",
			    v->vagrantfile_template);
}

static void check_override(const struct vagrant *v, const struct prepare_ctx *ctx,
			   struct diags *diags)
{
	const struct range at = decoded_range(ctx->decoded, "override");

	if (!v->override || value_is_null(v->override) || !value_is_known(v->override))
		return;
	if (!is_map(v->override)) {
		diags_error(diags, &at, "Wrong override",
			    "override is a map from names of providers to options.");
		return;
	}
	for (size_t i = 0; i < value_len(v->override); i++) {
		const char *name = value_key_at(v->override, i);
		struct vagrant merged = *v;
		struct decoded d = { 0 };

		/* of others, that templates may have for another tool, nothing is said */
		if (!box_provider_named(name) ||
		    !decode_override(v, name, at, ctx->arena, &d, diags))
			continue;
		apply_override(&merged, &d, ctx->arena, diags);
		check_options(&merged, ctx, "override", diags);
	}
}

static void vagrant_prepare(void *config, const struct prepare_ctx *ctx, struct diags *diags)
{
	struct vagrant *v = config;
	const struct range at = decoded_range(ctx->decoded, "provider_override");

	if (text_is_empty(v->output))
		v->output = DEFAULT_OUTPUT;
	if (!text_is_empty(v->provider_override) && !box_provider_named(v->provider_override)) {
		AUTO_FREE char *names = box_provider_names();

		diags_error(
			diags, &at, "Unknown provider",
			"The given provider_override %s is not valid. Please choose from one of %s",
			v->provider_override, names);
	}
	check_options(v, ctx, "output", diags);
	check_override(v, ctx, diags);
}

/* ---- what is in the box ---------------------------------------------------------------------------- */

struct job {
	struct vagrant options;
	const struct box_provider *provider;
	struct build_ctx *ctx;
	struct artifact *input;
	const char *architecture;
	struct text_pair fields[2];
};

static struct text_map fields_of(const struct job *j)
{
	return (struct text_map){ j->fields, ARRAY_LEN(j->fields) };
}

static int add_includes(const struct job *j, struct box *box, struct error **err)
{
	for (size_t i = 0; i < j->options.include.len; i++) {
		const char *path = j->options.include.v[i];
		AUTO_FREE char *full = path_absolute(j->ctx->cwd, path);

		ui_say(j->ctx->ui, "Copying from include: %s", path);
		if (box_add_file(box, path_basename(path), full, err) < 0)
			return -1;
	}
	return 0;
}

static int add_metadata(const struct box_plan *p, struct error **err)
{
	if (box_has(p->box, "metadata.json"))
		return 0;

	char *text = json_dumps(p->metadata, JSON_COMPACT | JSON_SORT_KEYS);
	AUTO_FREE char *line = xasprintf("%s\n", text);

	free(text);
	return box_add_text(p->box, "metadata.json", line, "the box's own", err);
}

/* What the user's file says, heap; "": there is none. */
static char *custom_part(const struct job *j, struct error **err)
{
	const char *path = j->options.vagrantfile_template;
	const struct text_map fields = fields_of(j);
	AUTO(strbuf) struct strbuf text = STRBUF_INIT_MAX(TEMPLATE_MAX);
	char *rendered;

	if (text_is_empty(path))
		return xstrdup("");

	AUTO_FREE char *full = path_absolute(j->ctx->cwd, path);

	if (fs_read(full, TEMPLATE_MAX, &text, err) < 0)
		return NULL;
	rendered = output_render_with(text.buf, j->ctx, j->input, &fields, err);
	if (!rendered)
		error_prefix(err, "cannot render '%s'", path);
	return rendered;
}

static int add_vagrantfile(const struct job *j, const struct box_plan *p, struct error **err)
{
	AUTO_FREE char *custom = custom_part(j, err);

	if (!custom)
		return -1;

	AUTO_FREE char *text =
		xasprintf("\n# What the provider of this box needs:\n"
			  "%s\n"
			  "# What the template that made it adds (vagrantfile_template);\n"
			  "# a Vagrantfile of your own is read after this one.\n"
			  "%s",
			  p->vagrantfile.buf, custom);

	if (box_add_text(p->box, "Vagrantfile", text, "the box's own", err) < 0)
		return error_hint(err, "an own part of it goes into vagrantfile_template");
	return 0;
}

static int fill(const struct job *j, struct box_plan *p, struct error **err)
{
	if (add_includes(j, p->box, err) < 0 || j->provider->fill(p, err) < 0)
		return error_prefix(err, "cannot make a box for '%s'", j->provider->name);
	return add_metadata(p, err) < 0 || add_vagrantfile(j, p, err) < 0 ? -1 : 0;
}

static int plan_and_write(const struct job *j, struct box_file *file, struct error **err)
{
	struct box box = { 0 };
	struct box_plan plan = {
		.ctx = j->ctx,
		.input = j->input,
		.architecture = j->architecture,
		.box = &box,
		.metadata = json_pack("{s:s,s:s}", "architecture", j->architecture, "provider",
				      j->provider->name),
	};
	int r;

	strbuf_init(&plan.vagrantfile);
	r = fill(j, &plan, err);
	if (r == 0)
		r = box_file_write(file, &box, err);
	json_decref(plan.metadata);
	strbuf_release(&plan.vagrantfile);
	box_release(&box);
	return r;
}

static int make_box(const struct job *j, const char *target, struct error **err)
{
	struct box_file file = {
		.ctx = j->ctx,
		.target = target,
		.level = (int)j->options.compression_level,
		.fd = -1,
	};
	int r;

	ui_say(j->ctx->ui, "Creating a dummy Vagrant box to ensure the host system can create one "
			   "correctly");
	r = box_file_open(&file, err);
	if (r == 0) {
		ui_say(j->ctx->ui, "Creating Vagrant box for '%s' provider", j->provider->name);
		r = plan_and_write(j, &file, err);
	}
	box_file_close(&file);
	return r;
}

/* ---- run ------------------------------------------------------------------------------------------- */

static const struct box_provider *choose(const struct vagrant *v, const struct artifact *a,
					 struct error **err)
{
	const struct box_provider *p = text_is_empty(v->provider_override)
					       ? box_provider_for(a)
					       : box_provider_named(v->provider_override);

	if (p)
		return p;
	error_set(err, ERROR_INVALID, "Unknown artifact type, can't build box: %s", a->builder_id);
	error_hint(err, "provider_override says which provider the box is for");
	return NULL;
}

static int set_options(struct job *j, struct arena *arena, struct error **err)
{
	AUTO(diags) struct diags diags = DIAGS_INIT;
	AUTO(strbuf) struct strbuf text = STRBUF_INIT;
	struct decoded d = { 0 };

	if (decode_override(&j->options, j->provider->name, (struct range){ 0 }, arena, &d, &diags))
		apply_override(&j->options, &d, arena, &diags);
	if (!diags_has_errors(&diags))
		return 0;
	diags_format_error(&text, &diags);
	return error_set(err, ERROR_INVALID, "override: %s", text.buf);
}

/* What override gives was not rendered before. */
static int render_options(struct job *j, struct arena *arena, struct error **err)
{
	const struct text_map none = { 0 };
	const char **texts[] = { &j->options.architecture, &j->options.vagrantfile_template };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (text_is_empty(*texts[i]))
			continue;

		AUTO_FREE char *text = output_render_with(*texts[i], j->ctx, j->input, &none, err);

		if (!text)
			return error_prefix(err, "cannot render '%s'", *texts[i]);
		*texts[i] = arena_strdup(arena, text);
	}
	return 0;
}

/* As Vagrant says it; of an image that tells its own, that. */
static const char *architecture_of(const struct job *j)
{
	const struct box_plan p = { .input = j->input };
	const char *host = strchr(host_platform, '_') + 1;
	const char *own = box_plan_state(&p, "architecture");

	if (!text_is_empty(j->options.architecture))
		return j->options.architecture;
	if (!text_is_empty(own))
		return own;
	return !strcmp(host, "386") ? "i386" : host;
}

/* The box would take the place of what it is made of, or be removed with it. */
static int check_target(const struct job *j, const char *target, struct error **err)
{
	struct strv files = STRV_INIT;
	bool is_input;

	for (size_t i = 0; i < j->input->files.len; i++)
		strv_push(&files, j->input->files.v[i]);
	for (size_t i = 0; i < j->options.include.len; i++)
		strv_push(&files, j->options.include.v[i]);
	if (!text_is_empty(j->options.vagrantfile_template))
		strv_push(&files, j->options.vagrantfile_template);
	is_input = output_is_input(j->ctx, target, &files);
	strv_release(&files);
	if (!is_input)
		return output_check_path(j->ctx, target, err);
	error_set(err, ERROR_INVALID, "cannot write the box to '%s', which it is made of", target);
	return error_hint(err, "give output another name");
}

static struct artifact *result_of(const struct job *j, const char *target)
{
	AUTO_FREE char *text = xasprintf("'%s' provider box: %s", j->provider->name, target);
	struct artifact *a =
		artifact_new("mitchellh.post-processor.vagrant", j->provider->name, text);

	strv_push(&a->files, target);
	a->destroy = artifact_destroy_files;
	return a;
}

static int vagrant_run(const void *config, struct build_ctx *ctx, struct artifact *input,
		       struct postproc_result *ret, struct error **err)
{
	AUTO(arena) struct arena *arena = arena_new();
	struct job j = { .options = *(const struct vagrant *)config, .ctx = ctx, .input = input };

	j.provider = choose(&j.options, input, err);
	if (!j.provider || set_options(&j, arena, err) < 0 || render_options(&j, arena, err) < 0)
		return -1;
	j.architecture = architecture_of(&j);
	j.fields[0] = (struct text_pair){ "Architecture", j.architecture };
	j.fields[1] = (struct text_pair){ "Provider", j.provider->name };

	const struct text_map fields = fields_of(&j);
	AUTO_FREE char *target = output_render_with(j.options.output, ctx, input, &fields, err);

	if (!target)
		return error_prefix(err, "cannot render output '%s'", j.options.output);
	if (check_target(&j, target, err) < 0 || make_box(&j, target, err) < 0)
		return -1;
	ret->artifact = result_of(&j, target);
	ret->keep = j.provider->keeps_input;
	ret->force_keep = true;
	return 0;
}

const struct postproc_type postproc_vagrant = {
	.name = "vagrant",
	.doc = "Make a Vagrant box.",
	.schema = &vagrant_schema,
	.prepare = vagrant_prepare,
	.run = vagrant_run,
};
