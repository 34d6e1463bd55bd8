/* SPDX-License-Identifier: Apache-2.0 */
/* Names of component types and sources that nobody provides. */
#include "base/alloc.h"
#include "base/encode.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "core/planner.h"

struct checker {
	const struct config *config;
	const struct components *components;
	struct diags *diags;
	struct strv builders, provisioners, postprocs; /* names */
	struct strv sources;                           /* "T.N", sorted */
};

/* A kind of component, for its messages. */
struct kind {
	const char *noun;  /* in the detail */
	const char *title; /* in the summary */
	bool is_quoted;    /* the type in the summary */
};

static const struct kind source_kind = { "source", "source", false };
static const struct kind provisioner_kind = { "provisioner", "provisioner", true };
static const struct kind cleanup_kind = { "provisioner", "error-cleanup-provisioner", true };
static const struct kind postproc_kind = { "post-processor", "post-processor", true };

static void report_type(const struct checker *ck, const struct kind *kind, const char *type,
			const struct range *at, const struct strv *known)
{
	const char *quote = kind->is_quoted ? "\"" : "";
	AUTO_FREE char *summary =
		xasprintf("Unknown %s type %s%s%s", kind->title, quote, type, quote);
	const char *near = suggest(type, (const char *const *)known->v);
	if (near) {
		diags_error(ck->diags, at, summary, "Did you mean to use \"%s\"?", near);
		return;
	}
	AUTO_FREE char *names = strv_join(known, ", ");
	diags_error(ck->diags, at, summary,
		    "The %s %s is unknown by Packer, and is likely part of a plugin that is not "
		    "installed.\nYou may find the needed plugin along with installation\n"
		    "instructions documented on the Packer integrations page.\n\n"
		    "https://developer.hashicorp.com/packer/integrations?filter=%.*s\n\n"
		    "The %s types at hand are: %s.",
		    kind->noun, type, (int)strcspn(type, "-"), type, kind->noun,
		    known->len ? names : "none");
}

static void check_source(const struct checker *ck, const struct config_source *s)
{
	if (!components_builder(ck->components, s->type)) {
		report_type(ck, &source_kind, s->type, &s->use, &ck->builders);
		return;
	}
	if (s->body)
		return;
	AUTO_FREE char *name = xasprintf("%s.%s", s->type, s->name);
	AUTO_FREE char *summary = xasprintf("Unknown source %s", name);
	AUTO_FREE char *known = strv_join(&ck->sources, " ");
	const char *near = suggest(name, (const char *const *)ck->sources.v);
	if (near)
		diags_error(ck->diags, &s->use, summary, "Did you mean to use \"%s\"?", near);
	else
		diags_error(ck->diags, &s->use, summary, "Known: [%s]", known);
}

static void check_provisioner(const struct checker *ck, const struct config_provisioner *p,
			      const struct kind *kind)
{
	if (!components_provisioner(ck->components, p->type))
		report_type(ck, kind, p->type, &p->range, &ck->provisioners);
}

static void check_build(const struct checker *ck, const struct config_build *b)
{
	for (size_t i = 0; i < b->source_count; i++)
		check_source(ck, &b->sources[i]);
	for (size_t i = 0; i < b->provisioner_count; i++)
		check_provisioner(ck, &b->provisioners[i], &provisioner_kind);
	if (b->error_cleanup)
		check_provisioner(ck, b->error_cleanup, &cleanup_kind);
	for (size_t i = 0; i < b->chain_count; i++) {
		for (size_t j = 0; j < b->chains[i].len; j++) {
			const struct config_postprocessor *pp = &b->chains[i].items[j];
			if (!components_postproc(ck->components, pp->type))
				report_type(ck, &postproc_kind, pp->type, &pp->range,
					    &ck->postprocs);
		}
	}
}

static void checker_init(struct checker *ck)
{
	const struct components *all = ck->components;
	strv_init(&ck->builders);
	strv_init(&ck->provisioners);
	strv_init(&ck->postprocs);
	strv_init(&ck->sources);
	components_names(all, COMPONENT_BUILDER, &ck->builders);
	components_names(all, COMPONENT_PROVISIONER, &ck->provisioners);
	components_names(all, COMPONENT_POSTPROC, &ck->postprocs);
	for (size_t i = 0; i < ck->config->declaration_count; i++)
		strv_pushf(&ck->sources, "%s.%s", ck->config->declarations[i].type,
			   ck->config->declarations[i].name);
	strv_sort(&ck->sources);
}

void plan_check(const struct config *c, const struct components *components, struct diags *diags)
{
	struct checker ck = { .config = c, .components = components, .diags = diags };
	checker_init(&ck);
	for (size_t i = 0; i < c->build_count; i++)
		check_build(&ck, &c->builds[i]);
	strv_release(&ck.builders);
	strv_release(&ck.provisioners);
	strv_release(&ck.postprocs);
	strv_release(&ck.sources);
}
